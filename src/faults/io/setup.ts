import { ChaosError } from '../../errors.ts';
import type { RunContext } from '../../experiment/run-context.ts';
import { type TimerName, timeouts } from '../../experiment/timeouts.ts';
import { clearLine, settingLine } from '../../shim/commands.ts';
import type { PathFacts, Resolved } from '../../shim/protocol.ts';
import { lookAgain, warnOfUnmounted } from '../common/baseline.ts';
import type { Driver, Setup } from '../fault.ts';
import { describeMount } from './describe.ts';
import { IoDriver } from './driver.ts';
import { reviewPath } from './review.ts';
import { throttleSettings } from './throttle.ts';
import type { IoFault } from './types.ts';
import { placedIn, volumeBehind } from './volume.ts';

/** One alone may have met with a moment's work of the disk; those of a limit take long enough not to mind, and are seldom. */
const probesWanted = { load: 2, fill: 2, throttle: 1 };

/** Before an io fault: tells which disk it is, refuses what cannot work there or would hit others, and measures the target and the path by themselves. */
export class IoSetup implements Setup {
  readonly #context: RunContext;
  readonly #fault: IoFault;
  readonly #go: (driver: Driver) => void;
  #isReviewed = false;

  constructor(context: RunContext, fault: IoFault, go: (driver: Driver) => void) {
    this.#context = context;
    this.#fault = fault;
    this.#go = go;
  }

  onResolved(resolved: Resolved): void {
    const { timers } = this.#context;
    // Asked again and again until it may start: each answer has its own time.
    timers.set('answer', timeouts.answer);
    const { path } = resolved;
    if (!path) {
      this.#context.fail(new ChaosError('shim', `the shim has not said what ${this.#fault.path} is`));
    } else if (!this.#isReviewed) {
      this.#review(resolved, path);
    } else if (this.#isMeasured) {
      timers.stop('baseline');
      this.#go(new IoDriver(this.#context, orders(this.#fault, path, resolved)));
    }
  }

  onAnswer(): void {}

  onTimer(name: TimerName): void {
    if (name === 'baseline') lookAgain(this.#context);
  }

  /** The last look before anything changes. */
  #review(resolved: Resolved, facts: PathFacts): void {
    const context = this.#context;
    this.#isReviewed = true;
    warnOfUnmounted(context, resolved);
    const { volumes, volume: asked } = this.#fault.surroundings;
    const volume = volumes ? volumeBehind(volumes, facts) : asked;
    context.observations.foundIn(volume);
    const { target } = context.plan;
    context.report({ kind: 'io-found', target, facts, volume, line: describeMount(facts, volume) });
    const { refusal, warnings } = reviewPath(placedIn(this.#fault, volume), resolved);
    for (const message of warnings) context.report({ kind: 'warning', message });
    if (refusal) context.refuse(new ChaosError('target-unsuitable', refusal.message, { hint: refusal.hint }));
    else context.timers.set('baseline', timeouts.baseline);
  }

  get #isMeasured(): boolean {
    const { baselineMs, result } = this.#context.observations;
    const probes = result.io?.pathsBefore.length ?? 0;
    return (
      baselineMs >= timeouts.baseline &&
      (probes >= probesWanted[this.#fault.action.kind] || baselineMs >= timeouts.probes)
    );
  }
}

/** What the shim has to be told before `start`: said once more after a lost stream, and then instead of what it has heard. */
function orders({ action }: IoFault, { disk }: PathFacts, { cgroups }: Resolved): string[] {
  if (action.kind !== 'throttle') return [];
  return [clearLine, ...throttleSettings(action.limits, disk, cgroups).map(settingLine)];
}
