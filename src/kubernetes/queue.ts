/** A queue with one reader: what is pushed is read in order by `for await`, and `end` or `fail` comes after all of it. */
export class Queue<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  #ended = false;
  #failure: unknown;
  #wake: (() => void) | undefined;
  readonly #taken: ((item: T) => void) | undefined;
  readonly #left: (() => void) | undefined;

  /** `taken` is called for each item that the reader takes, `left` when the reader stops early. */
  constructor(taken?: (item: T) => void, left?: () => void) {
    this.#taken = taken;
    this.#left = left;
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

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    try {
      for (;;) {
        while (this.#items.length > 0) {
          const item = this.#items.shift() as T;
          this.#taken?.(item);
          yield item;
        }
        if (this.#ended) break;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
      if (this.#failure) throw (this.#failure as { error: unknown }).error;
    } finally {
      this.#ended = true;
      this.#left?.();
    }
  }
}
