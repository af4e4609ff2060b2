import type { InterruptSignal, Signals } from '../../src/ports.ts';

export class FakeSignals implements Signals {
  readonly #listeners = new Set<(signal: InterruptSignal) => void>();

  listen(callback: (signal: InterruptSignal) => void): () => void {
    this.#listeners.add(callback);
    return () => this.#listeners.delete(callback);
  }

  /** As the kernel would: an unheard signal is an error here, since it would have ended the process. */
  send(signal: InterruptSignal): void {
    if (this.#listeners.size === 0) throw new Error(`${signal} would have killed the process`);
    for (const listener of [...this.#listeners]) listener(signal);
  }

  get listeners(): number {
    return this.#listeners.size;
  }
}
