import type { Effect, Verdict } from '../faults/fault.ts';

/** The pause between two looks is this part of the run so far, and at most so many samples. */
const pausePart = 10;
const longestPause = 60;

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
    this.#next = samples + Math.min(longestPause, Math.max(1, Math.floor(samples / pausePart)));
    const { effective, unmeasured } = this.#judge();
    this.#effect = effective ? 'seen' : unmeasured ? 'unmeasured' : 'unseen';
    return this.#effect;
  }
}
