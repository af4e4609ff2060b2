/** Where the targets of one experiment wait for each other, each armed: they begin in one tick, or not at all. */
export class Barrier {
  #missing: number;
  #isBroken = false;
  readonly #begins: (() => void)[] = [];

  /** `targets`: how many have to come, ≥ 1. */
  constructor(targets: number) {
    this.#missing = targets;
  }

  /** One is armed; `begin` is called when all are, at once if it is the last. */
  arrive(begin: () => void): void {
    if (this.#isBroken) return;
    this.#begins.push(begin);
    this.#missing--;
    if (this.#missing > 0) return;
    for (const each of this.#begins) each();
  }

  /** One will never be armed: nobody begins. Does nothing once all have begun. */
  break(): void {
    this.#isBroken = true;
  }

  get hasOpened(): boolean {
    return this.#missing === 0 && !this.#isBroken;
  }
}
