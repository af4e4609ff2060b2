import type { Sample } from '../../shim/protocol.ts';
import type { Driver, FaultRun } from '../fault.ts';
import type { PauseFault } from './types.ts';
import { liveRow } from './view.ts';

/** While a pause is active the shim looks after it by itself, and needs nothing but beats. */
export class PauseDriver implements Driver {
  readonly #run: FaultRun<PauseFault, object>;

  constructor(run: FaultRun<PauseFault, object>) {
    this.#run = run;
  }

  begin(): void {
    this.#run.sendStart();
  }

  onSample(sample: Sample, previous: Sample | undefined): void {
    if (!previous) return;
    const { plan, leftMs } = this.#run;
    const live = liveRow(plan.target, previous, sample);
    this.#run.report({ kind: 'sample', live, leftMs, document: { kind: 'pause-sample', sample } });
  }
}
