import { ChaosError } from '../../errors.ts';
import type { RunContext } from '../../experiment/run-context.ts';
import { type TimerName, timeouts } from '../../experiment/timeouts.ts';
import type { Resolved, Sample } from '../../shim/protocol.ts';
import { lookAgain, warnOfUnmounted } from '../common/baseline.ts';
import type { Driver, Setup } from '../fault.ts';
import { memoryRisk } from './memory-risk.ts';
import type { StressFault } from './plan.ts';

/** Before a stress: refuses what would kill more than was asked for, and measures the target by itself. */
export class StressSetup implements Setup {
  readonly #context: RunContext;
  readonly #fault: StressFault;
  readonly #go: (driver: Driver) => void;
  #reviewed = false;

  constructor(context: RunContext, fault: StressFault, go: (driver: Driver) => void) {
    this.#context = context;
    this.#fault = fault;
    this.#go = go;
  }

  onResolved(resolved: Resolved): void {
    // Asked again and again until it may start: each answer has its own time.
    this.#context.timers.set('answer', timeouts.answer);
    if (!this.#reviewed) {
      this.#review(resolved);
    } else if (this.#context.observations.baselineMs >= timeouts.baseline) {
      this.#context.timers.stop('baseline');
      this.#go(new StressDriver(this.#context));
    }
  }

  onAnswer(): void {}

  onTimer(name: TimerName): void {
    if (name === 'baseline') lookAgain(this.#context);
  }

  /** The last look before anything changes: on the target's real cgroup. */
  #review(resolved: Resolved): void {
    const context = this.#context;
    this.#reviewed = true;
    warnOfUnmounted(context, resolved);
    const risk = memoryRisk(this.#fault, resolved.sample);
    if (risk.kind === 'refusal') {
      context.refuse(new ChaosError('target-unsuitable', risk.message, { hint: risk.hint }));
      return;
    }
    if (risk.kind === 'warning') context.report({ kind: 'warning', message: risk.message });
    context.timers.set('baseline', timeouts.baseline);
  }
}

/** A stress needs nothing but the beats while it runs. */
export class StressDriver implements Driver {
  readonly #context: RunContext;

  constructor(context: RunContext) {
    this.#context = context;
  }

  begin(): void {
    this.#context.sendStart();
  }

  onAnswer(): void {}

  onSample(sample: Sample, previous: Sample | undefined): void {
    const { plan, observations } = this.#context;
    if (!previous) return;
    const { target } = plan;
    this.#context.report({
      kind: 'sample',
      target,
      before: observations.result.before,
      previous,
      sample,
      leftMs: observations.leftMs,
    });
  }
}
