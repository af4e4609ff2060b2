import { ChaosError } from '../errors.ts';
import { memoryRisk } from '../faults/memory-risk.ts';
import type { StressFault } from '../faults/stress.ts';
import type { Resolved, Sample } from '../shim/protocol.ts';
import { lookAgain, warnOfUnmounted } from './baseline.ts';
import type { Conduct, Preparation } from './driver.ts';
import type { Stage } from './run-context.ts';
import { type TimerName, waits } from './timeouts.ts';

/** Before a stress: refuses what would kill more than was asked for, and measures the target by itself. */
export class StressPreparation implements Preparation {
  readonly #stage: Stage;
  readonly #fault: StressFault;
  readonly #go: (conduct: Conduct) => void;
  #reviewed = false;

  constructor(stage: Stage, fault: StressFault, go: (conduct: Conduct) => void) {
    this.#stage = stage;
    this.#fault = fault;
    this.#go = go;
  }

  onResolved(resolved: Resolved): void {
    // Asked again and again until it may start: each answer has its own time.
    this.#stage.timers.set('answer', waits.answer);
    if (!this.#reviewed) {
      this.#review(resolved);
    } else if (this.#stage.record.baselineMs >= waits.baseline) {
      this.#stage.timers.stop('baseline');
      this.#go(new StressConduct(this.#stage));
    }
  }

  onAnswer(): void {}

  onTimer(name: TimerName): void {
    if (name === 'baseline') lookAgain(this.#stage);
  }

  /** The last look before anything changes: on the target's real cgroup. */
  #review(resolved: Resolved): void {
    const stage = this.#stage;
    this.#reviewed = true;
    warnOfUnmounted(stage, resolved);
    const risk = memoryRisk(this.#fault, resolved.sample);
    if (risk.kind === 'refusal') {
      stage.refuse(new ChaosError('target-unsuitable', risk.message, { hint: risk.hint }));
      return;
    }
    if (risk.kind === 'warning') stage.report({ kind: 'warning', message: risk.message });
    stage.timers.set('baseline', waits.baseline);
  }
}

/** A stress needs nothing but the beats while it runs. */
export class StressConduct implements Conduct {
  readonly #stage: Stage;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  begin(): void {
    this.#stage.sendStart();
  }

  onAnswer(): void {}

  onSample(sample: Sample, previous: Sample | undefined): void {
    const { plan, record } = this.#stage;
    if (!previous) return;
    const { target } = plan;
    this.#stage.report({
      kind: 'sample',
      target,
      before: record.result.before,
      previous,
      sample,
      leftMs: record.leftMs,
    });
  }
}
