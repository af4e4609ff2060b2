import { ChaosError } from '../../errors.ts';
import { workloadLine } from '../../shim/commands.ts';
import type { Resolved } from '../../shim/protocol.ts';
import { formatBytes } from '../../text.ts';
import { BaselineSetup } from '../common/baseline.ts';
import { memoryRisk } from '../common/memory-risk.ts';
import { baselineMs } from '../common/timeouts.ts';
import type { Driver } from '../fault.ts';
import { StressDriver } from './driver.ts';
import { nodeMemoryRisk } from './node-memory-risk.ts';
import type { StressRun } from './observations.ts';
import { type DecidedStress, decideStress, memoryNeed, type StressFault, stressNgCommand } from './plan.ts';

/** Before a stress: works a percentage out, refuses what would kill more than was asked for, and measures the target by itself. */
export class StressSetup extends BaselineSetup<StressFault, StressRun> {
  #orders: readonly string[] = [];

  /** On the target's real cgroup. */
  protected review(resolved: Resolved): boolean {
    const { plan, own } = this.run;
    const fault = decideStress(plan.fault, resolved.sample, resolved);
    if (!fault) {
      return this.#refuse(
        'the percentage of --memory cannot be computed: the kernel reports no memory limit of the target',
        'Use a size such as --memory 512Mi.',
      );
    }
    own.decided = fault;
    if (!this.#order(fault)) return false;
    const risks = [
      nodeMemoryRisk(fault, resolved, plan.target),
      memoryRisk(memoryNeed(fault), resolved.sample, resolved),
    ];
    for (const risk of risks) if (risk.kind === 'refusal') return this.#refuse(risk.message, risk.hint);
    for (const risk of risks) if (risk.kind === 'warning') this.run.report(risk);
    return true;
  }

  /** A percentage is told before the start, and to the shim, whose workload has been planned without it. False: it has been refused. */
  #order(fault: DecidedStress): boolean {
    const { plan } = this.run;
    const { memory } = fault;
    if (!memory || !plan.fault.memory || 'bytes' in plan.fault.memory) return true;
    const order = workloadLine(stressNgCommand(fault, plan.durationMs));
    if (order === undefined) {
      return this.#refuse(
        'the arguments for stress-ng are too long to go with a percentage of memory',
        `Use fewer arguments, or a size: --memory ${Math.floor(memory.bytes / 2 ** 20)}Mi.`,
      );
    }
    this.#orders = [order];
    const line = `${formatBytes(memory.bytes)}, ${memory.basis}`;
    const document = { kind: 'stress-memory', line, ...memory };
    this.run.report({ kind: 'announced', lines: [`memory   ${line}`], notes: [], document });
    return true;
  }

  #refuse(message: string, hint: string): false {
    this.run.refuse(new ChaosError('target-unsuitable', message, { hint }));
    return false;
  }

  protected get isMeasured(): boolean {
    return this.run.baselineMs >= baselineMs;
  }

  protected driver(): Driver {
    return new StressDriver(this.run, this.#orders);
  }
}
