import type { StandingUpdate } from '../../ports.ts';
import type { Driver, FaultRun } from '../fault.ts';
import { tell } from './news.ts';
import type { KillRun } from './observations.ts';
import type { KillFault } from './types.ts';

/** After the deletion of a pod: until another has taken its place, or, of one that nothing makes again, until it is gone. */
export class DeletionDriver implements Driver {
  readonly #run: FaultRun<KillFault, KillRun>;

  constructor(run: FaultRun<KillFault, KillRun>) {
    this.#run = run;
  }

  begin(): void {
    const { aftermath } = this.#run.own;
    aftermath.strike(this.#run.clock.now());
    // What came of it may have been told before the answer to it.
    const { last, unseen } = aftermath;
    if (last) this.onStanding({ standing: last, ...(unseen === undefined ? {} : { unseen }) });
  }

  onStanding(update: StandingUpdate): void {
    const { own, clock, plan } = this.#run;
    const news = own.aftermath.take(update, clock.now());
    for (const one of news) this.#run.report(tell(one, plan.target.container));
    const isGoneForGood = plan.fault.prospects.keeper === undefined && !update.standing.pod;
    if (isGoneForGood || news.some(({ kind }) => kind === 'ready')) this.#run.finish();
  }

  onSample(): void {}
}
