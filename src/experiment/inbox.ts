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

  /** Posts each value of a source as it comes, and what `onError` makes of its failure. */
  async pour<S>(source: AsyncIterable<S>, wrap: (value: S) => T, onError: (error: unknown) => T): Promise<void> {
    try {
      for await (const value of source) this.post(wrap(value));
    } catch (error) {
      this.post(onError(error));
    }
  }
}
