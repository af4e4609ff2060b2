import type { Clock } from '../ports.ts';

/** Named timers of one run: setting one again replaces it, and none outlives `clear`. */
export class Timers<Name extends string> {
  readonly #cancel = new Map<Name, () => void>();
  readonly #clock: Clock;
  readonly #fire: (name: Name) => void;

  constructor(clock: Clock, fire: (name: Name) => void) {
    this.#clock = clock;
    this.#fire = fire;
  }

  set(name: Name, ms: number): void {
    this.stop(name);
    this.#cancel.set(
      name,
      this.#clock.after(ms, () => {
        this.#cancel.delete(name);
        this.#fire(name);
      }),
    );
  }

  isSet(name: Name): boolean {
    return this.#cancel.has(name);
  }

  stop(name: Name): void {
    this.#cancel.get(name)?.();
    this.#cancel.delete(name);
  }

  clear(): void {
    for (const cancel of this.#cancel.values()) cancel();
    this.#cancel.clear();
  }
}
