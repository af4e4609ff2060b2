/** A queue that several sources write to and one reader reads from, in order of arrival: by `for await`, which `end` or `fail` ends after all items before it. */
export class Queue<T> implements AsyncIterableIterator<T, void, undefined> {
  readonly #items: T[] = [];
  readonly #taken: ((item: T) => void) | undefined;
  #ended = false;
  #failure: { error: unknown } | undefined;
  #wake: (() => void) | undefined;

  /** `taken` is called for each item that the reader takes. */
  constructor(taken?: (item: T) => void) {
    this.#taken = taken;
  }

  /** What is pushed after the end is dropped. */
  push(item: T): void {
    if (this.#ended) return;
    this.#items.push(item);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** Ends with an error, which the reader gets after the items before it. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#failure = { error };
    this.end();
  }

  /** Drops the oldest item that is not read yet. */
  shift(): T | undefined {
    return this.#items.shift();
  }

  /** Pushes each value of a source as it comes, and what `onError` makes of its failure. Returns when the source has ended. */
  async pipe<S>(source: AsyncIterable<S>, wrap: (value: S) => T, onError: (error: unknown) => T): Promise<void> {
    try {
      for await (const value of source) this.push(wrap(value));
    } catch (error) {
      this.push(onError(error));
    }
  }

  async next(): Promise<IteratorResult<T, void>> {
    while (this.#items.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    if (this.#items.length > 0) {
      const value = this.#items.shift() as T;
      this.#taken?.(value);
      return { done: false, value };
    }
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw failure.error;
    return { done: true, value: undefined };
  }

  /** The reader stops early. */
  async return(): Promise<IteratorResult<T, void>> {
    this.#ended = true;
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
