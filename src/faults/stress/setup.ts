import { ChaosError } from '../../errors.ts';
import type { Resolved } from '../../shim/protocol.ts';
import { BaselineSetup } from '../common/baseline.ts';
import { memoryRisk } from '../common/memory-risk.ts';
import { baselineMs } from '../common/timeouts.ts';
import type { Driver } from '../fault.ts';
import { StressDriver } from './driver.ts';
import { memoryNeed, type StressFault } from './plan.ts';

/** Before a stress: refuses what would kill more than was asked for, and measures the target by itself. */
export class StressSetup extends BaselineSetup<StressFault, undefined> {
  /** On the target's real cgroup. */
  protected review({ sample }: Resolved): boolean {
    const risk = memoryRisk(memoryNeed(this.run.plan.fault), sample);
    if (risk.kind === 'refusal') {
      this.run.refuse(new ChaosError('target-unsuitable', risk.message, { hint: risk.hint }));
      return false;
    }
    if (risk.kind === 'warning') this.run.report({ kind: 'warning', message: risk.message });
    return true;
  }

  protected get isMeasured(): boolean {
    return this.run.baselineMs >= baselineMs;
  }

  protected driver(): Driver {
    return new StressDriver(this.run);
  }
}
