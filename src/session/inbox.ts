/** An unbounded queue that several sources write to and one loop reads from, in order of arrival. */
export class Inbox<T> {
  #waiting: ((value: T) => void) | undefined;
  readonly #queue: T[] = [];

  post(value: T): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) waiting(value);
    else this.#queue.push(value);
  }

  /** The next value. One reader at a time. */
  next(): Promise<T> {
    if (this.#queue.length > 0) return Promise.resolve(this.#queue.shift() as T);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  /** Posts each value of a source as it comes, then what `atEnd` makes, or what `onError` makes of a failure. */
  async pour<S>(source: AsyncIterable<S>, wrap: (value: S) => T, atEnd?: () => T, onError?: (error: unknown) => T) {
    try {
      for await (const value of source) this.post(wrap(value));
      if (atEnd) this.post(atEnd());
    } catch (error) {
      if (!onError) throw error;
      this.post(onError(error));
    }
  }
}
