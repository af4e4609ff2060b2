import { ChaosError } from '../errors.ts';
import { describeMount } from '../faults/io/describe.ts';
import { reviewPath } from '../faults/io/review.ts';
import { throttleSettings } from '../faults/io/throttle.ts';
import type { IoFault } from '../faults/io/types.ts';
import { placedIn, volumeBehind } from '../faults/io/volume.ts';
import { clearLine, settingLine } from '../shim/commands.ts';
import type { PathFacts, Resolved } from '../shim/protocol.ts';
import { lookAgain, warnOfUnmounted } from './baseline.ts';
import type { Conduct, Preparation } from './driver.ts';
import { IoConduct } from './io-driver.ts';
import type { Stage } from './run-context.ts';
import { type TimerName, waits } from './timeouts.ts';

/** One alone may have met with a moment's work of the disk; those of a limit take long enough not to mind, and are seldom. */
const probesWanted = { load: 2, fill: 2, throttle: 1 };

/** Before an io fault: tells which disk it is, refuses what cannot work there or would hit others, and measures the target and the path by themselves. */
export class IoPreparation implements Preparation {
  readonly #stage: Stage;
  readonly #fault: IoFault;
  readonly #go: (conduct: Conduct) => void;
  #isReviewed = false;

  constructor(stage: Stage, fault: IoFault, go: (conduct: Conduct) => void) {
    this.#stage = stage;
    this.#fault = fault;
    this.#go = go;
  }

  onResolved(resolved: Resolved): void {
    const { timers } = this.#stage;
    // Asked again and again until it may start: each answer has its own time.
    timers.set('answer', waits.answer);
    const { path } = resolved;
    if (!path) {
      this.#stage.fail(new ChaosError('shim', `the shim has not said what ${this.#fault.path} is`));
    } else if (!this.#isReviewed) {
      this.#review(resolved, path);
    } else if (this.#isMeasured) {
      timers.stop('baseline');
      this.#go(new IoConduct(this.#stage, orders(this.#fault, path, resolved)));
    }
  }

  onAnswer(): void {}

  onTimer(name: TimerName): void {
    if (name === 'baseline') lookAgain(this.#stage);
  }

  /** The last look before anything changes. */
  #review(resolved: Resolved, facts: PathFacts): void {
    const stage = this.#stage;
    this.#isReviewed = true;
    warnOfUnmounted(stage, resolved);
    const { volumes, volume: asked } = this.#fault.surroundings;
    const volume = volumes ? volumeBehind(volumes, facts) : asked;
    stage.record.foundIn(volume);
    const { target } = stage.plan;
    stage.report({ kind: 'io-found', target, facts, volume, line: describeMount(facts, volume) });
    const { refusal, warnings } = reviewPath(placedIn(this.#fault, volume), resolved);
    for (const message of warnings) stage.report({ kind: 'warning', message });
    if (refusal) stage.refuse(new ChaosError('target-unsuitable', refusal.message, { hint: refusal.hint }));
    else stage.timers.set('baseline', waits.baseline);
  }

  get #isMeasured(): boolean {
    const { baselineMs, result } = this.#stage.record;
    const probes = result.io?.pathsBefore.length ?? 0;
    return (
      baselineMs >= waits.baseline && (probes >= probesWanted[this.#fault.action.kind] || baselineMs >= waits.probes)
    );
  }
}

/** What the shim has to be told before `start`: said once more after a lost stream, and then instead of what it has heard. */
function orders({ action }: IoFault, { disk }: PathFacts, { cgroups }: Resolved): string[] {
  if (action.kind !== 'throttle') return [];
  return [clearLine, ...throttleSettings(action.limits, disk, cgroups).map(settingLine)];
}
