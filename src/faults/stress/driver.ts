import type { Sample } from '../../shim/protocol.ts';
import type { Driver, FaultRun } from '../fault.ts';
import type { StressRun } from './observations.ts';
import type { StressFault } from './plan.ts';
import { liveRow } from './view.ts';

/** A stress needs nothing but the beats while it runs. */
export class StressDriver implements Driver {
  readonly #run: FaultRun<StressFault, StressRun>;

  readonly #orders: readonly string[];

  /** `orders`: what the shim has to be told before `start`. */
  constructor(run: FaultRun<StressFault, StressRun>, orders: readonly string[] = []) {
    this.#run = run;
    this.#orders = orders;
  }

  begin(): void {
    for (const order of this.#orders) this.#run.send(order);
    this.#run.sendStart();
  }

  onSample(sample: Sample, previous: Sample | undefined): void {
    if (!previous) return;
    const { plan, seen, leftMs } = this.#run;
    const { target } = plan;
    const live = liveRow({ target, before: seen.before, previous, sample });
    this.#run.report({ kind: 'sample', live, leftMs, document: { kind: 'sample', sample } });
  }
}
