/** An async stream that a test writes to. Values wait for their reader; `end` and `fail` come after what was pushed before. */
export class Channel<T> implements AsyncIterable<T> {
  readonly #queue: T[] = [];
  readonly #waiting: Array<() => void> = [];
  #ended = false;
  #error: unknown;

  push(value: T): void {
    if (this.#ended) return;
    this.#queue.push(value);
    this.#wake();
  }

  get isEnded(): boolean {
    return this.#ended;
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  fail(error: unknown): void {
    this.#error = error;
    this.end();
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      while (this.#queue.length > 0) yield this.#queue.shift() as T;
      if (this.#error !== undefined) throw this.#error;
      if (this.#ended) return;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}
