import { ChaosError } from '../../errors.ts';
import { clearLine, settingLine } from '../../shim/commands.ts';
import type { PathEvent, PathFacts, Resolved } from '../../shim/protocol.ts';
import { BaselineSetup } from '../common/baseline.ts';
import { answerMs, baselineMs } from '../common/timeouts.ts';
import type { Driver } from '../fault.ts';
import { describeMount } from './describe.ts';
import { IoDriver } from './driver.ts';
import type { IoRun } from './observations.ts';
import { reviewPath } from './review.ts';
import { throttleSettings } from './throttle.ts';
import type { IoFault } from './types.ts';

/** Probes before `start`. A single small one may meet a momentarily busy disk; one of a throttle is large enough not to be misled by that. */
const probesWanted = { load: 2, fill: 2, throttle: 1 };
/** How long to wait for those probes from the first `resolved` on: a slow disk may answer only one of them, or none. */
const probesMs = 1_500;

/** Before an io fault: says which disk it is, refuses what cannot work there or would affect others, and measures the target and the path. */
export class IoSetup extends BaselineSetup<IoFault, IoRun> {
  override onResolved(resolved: Resolved): void {
    const { own } = this.run;
    if (resolved.path) {
      own.found(resolved.path);
      super.onResolved(resolved);
    } else {
      this.run.timers.set('answer', answerMs);
      this.run.fail(new ChaosError('shim', `the shim did not report what ${this.run.plan.fault.path} is`));
    }
  }

  onPath(path: PathEvent): void {
    const { own } = this.run;
    own.warnOf(path, this.run);
    own.pathsBefore.push(path);
  }

  protected review(resolved: Resolved): boolean {
    const { fault } = this.run.own;
    const facts = resolved.path;
    if (!facts) return false;
    const { volume } = fault.surroundings;
    const line = describeMount(facts, volume);
    const document = { kind: 'io-found', line, path: facts, volume };
    this.run.report({ kind: 'announced', lines: [`mount    ${line}`], notes: [], document });
    const { refusal, warnings } = reviewPath(fault, resolved);
    for (const message of warnings) this.run.report({ kind: 'warning', message });
    if (refusal) this.run.refuse(new ChaosError('target-unsuitable', refusal.message, { hint: refusal.hint }));
    return refusal === undefined;
  }

  protected get isMeasured(): boolean {
    const { baselineMs: measuredMs, own, plan } = this.run;
    const wanted = probesWanted[plan.fault.action.kind];
    return measuredMs >= baselineMs && (own.pathsBefore.length >= wanted || measuredMs >= probesMs);
  }

  protected driver(resolved: Resolved): Driver {
    return new IoDriver(this.run, orders(this.run.plan.fault, resolved.path, resolved));
  }
}

/** The lines that the shim needs before `start`. They begin with `clear`, since they are sent again after a lost stream. */
function orders({ action }: IoFault, facts: PathFacts | undefined, { cgroups }: Resolved): string[] {
  if (action.kind !== 'throttle' || !facts) return [];
  return [clearLine, ...throttleSettings(action.limits, facts.disk, cgroups).map(settingLine)];
}
