import type { PathEvent, Sample } from '../../shim/protocol.ts';
import type { Driver, FaultRun } from '../fault.ts';
import type { IoRun } from './observations.ts';
import type { IoFault } from './types.ts';
import { liveRow } from './view.ts';

/** While an io fault is active: the shim measures the path with every sample and needs nothing but beats. */
export class IoDriver implements Driver {
  readonly #run: FaultRun<IoFault, IoRun>;
  readonly #orders: readonly string[];

  /** `orders`: lines that the shim needs before `start`. */
  constructor(run: FaultRun<IoFault, IoRun>, orders: readonly string[] = []) {
    this.#run = run;
    this.#orders = orders;
  }

  begin(): void {
    for (const line of this.#orders) this.#run.send(line);
    this.#run.sendStart();
  }

  onPath(path: PathEvent): void {
    const { own, seen } = this.#run;
    own.warnOf(path, this.#run);
    if (seen.ended) own.pathAfter = path;
    else own.pathsDuring.push(path);
  }

  onSample(sample: Sample, previous: Sample | undefined): void {
    if (!previous) return;
    const { plan, own, leftMs } = this.#run;
    const { target } = plan;
    const { facts } = own;
    const pathBefore = own.pathsBefore.at(-1);
    const path = own.pathsDuring.at(-1);
    const live = liveRow({
      ...{ target, previous, sample },
      ...(facts ? { facts } : {}),
      ...(pathBefore ? { pathBefore } : {}),
      ...(path ? { path } : {}),
    });
    this.#run.report({ kind: 'sample', live, leftMs, document: { kind: 'io-sample', sample, path } });
  }
}
