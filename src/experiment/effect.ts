import type { Effect, Verdict } from '../faults/fault.ts';

/** The longest pause between two looks, in samples. */
const longestPause = 10;

/** What the verdict on a fault would be if it ended now. Looked at with every sample at first, and more rarely in a long run, since a look is at all that was measured. */
export class EffectWatch {
  readonly #judge: () => Pick<Verdict, 'effective' | 'unmeasured'>;
  #effect: Effect = 'unseen';
  #next = 0;

  constructor(judge: () => Pick<Verdict, 'effective' | 'unmeasured'>) {
    this.#judge = judge;
  }

  /** `samples`: how many there are, never fewer than before. */
  after(samples: number): Effect {
    if (samples < this.#next) return this.#effect;
    this.#next = samples + Math.min(longestPause, Math.max(1, Math.floor(samples / longestPause)));
    const { effective, unmeasured } = this.#judge();
    this.#effect = effective ? 'seen' : unmeasured ? 'unmeasured' : 'unseen';
    return this.#effect;
  }
}
