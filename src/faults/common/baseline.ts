import type { Resolved } from '../../shim/protocol.ts';
import type { Driver, Fault, FaultRun, Setup } from '../fault.ts';
import { answerMs, baselineMs } from './timeouts.ts';

/** The setup of a fault in a container's cgroup: one last look at the target, which may refuse it, and a measurement of the target by itself. */
export abstract class BaselineSetup<Planned extends Fault, Own> implements Setup {
  protected readonly run: FaultRun<Planned, Own>;
  readonly #go: (driver: Driver) => void;
  #isReviewed = false;

  constructor(run: FaultRun<Planned, Own>, go: (driver: Driver) => void) {
    this.run = run;
    this.#go = go;
  }

  /** The last look before anything changes. True: it may go on; otherwise it has refused. */
  protected abstract review(resolved: Resolved): boolean;

  /** Enough is known of the target by itself. */
  protected abstract get isMeasured(): boolean;

  protected abstract driver(resolved: Resolved): Driver;

  onResolved(resolved: Resolved): void {
    const { timers } = this.run;
    // Asked again and again until it may start: each answer has its own time.
    timers.set('answer', answerMs);
    if (!this.#isReviewed) {
      this.#isReviewed = true;
      this.#warnOfUnmounted(resolved);
      if (this.review(resolved)) timers.set('baseline', baselineMs);
    } else if (this.isMeasured) {
      timers.stop('baseline');
      this.#go(this.driver(resolved));
    }
  }

  onTimer(name: string): void {
    if (name !== 'baseline') return;
    // Answered with `resolved`, and so with another sample; asked again should it have come a moment too early.
    this.run.timers.set('baseline', baselineMs);
    this.run.send('beat');
  }

  #warnOfUnmounted({ unmounted }: Resolved): void {
    if (unmounted.length === 0) return;
    const message = `skipped cgroup hierarchies that are no longer mounted: ${unmounted.join(', ')}`;
    this.run.report({ kind: 'warning', message });
  }
}
