import type { Fault } from '../faults/fault.ts';
import { kindOf } from '../faults/registry.ts';
import type { TargetUpdate } from '../ports.ts';
import type { Ended } from '../shim/protocol.ts';
import { formatDuration } from '../units.ts';
import type { RunPlan } from './plan.ts';
import { hasLease } from './plan-record.ts';

/** What happened to the target, in one sentence. */
export function describeTargetUpdate(update: TargetUpdate, target: string, fault: Fault): string {
  const kind = kindOf(fault);
  const detail = (reason: string, exitCode: number | undefined) =>
    [reason, exitCode === undefined ? '' : `exit code ${exitCode}`].filter(Boolean).join(', ') || 'no reason known';
  switch (update.kind) {
    case 'restarted':
      return `the target ${target} was restarted during the experiment (${detail(update.reason, update.exitCode)})${kind.staysAfterRestart ? '' : '; the new container has no fault'}`;
    case 'terminated':
      return `the target ${target} ended during the experiment (${detail(update.reason, update.exitCode)})`;
    case 'deleted':
      return `the target pod of ${target} was deleted during the experiment`;
    case 'evicted': {
      const why = kind.evictedWhy?.(update.message);
      return `the target pod of ${target} was evicted during the experiment: ${update.message}${why === undefined ? '' : `; ${why}`}`;
    }
    case 'node-lost':
      return `the target's node was lost during the experiment: ${update.message}`;
  }
}

/**
 * Why the fault ended otherwise than by its time or by the user, one sentence; undefined when it ended as it should.
 * `endReported`: the target's own end has been reported already; `output`: the
 * workload's last lines.
 */
export function earlyEnd(
  plan: RunPlan,
  ended: Ended,
  endReported: boolean,
  output: readonly string[] = [],
): string | undefined {
  const actor = kindOf(plan.fault).actor(plan.fault);
  const after = `after ${formatDuration(ended.runMs)}`;
  switch (ended.reason) {
    case 'deadline':
    case 'stopped':
      return undefined;
    case 'exited': {
      const why = ended.exitCode === 0 ? undefined : actor.complaint(output);
      if (why !== undefined) return `${actor.program} ended ${after} with exit code ${ended.exitCode}: ${why}`;
      return actor.mayEnd ? undefined : `${actor.program} ended on its own ${after}`;
    }
    case 'killed':
      return endReported
        ? undefined
        : `${actor.name} was killed by signal ${ended.signal} ${after}${ended.oomKills ? ', by the OOM killer' : ''}`;
    case 'lease':
      return `${leaseLost(plan)} ${after}`;
    case 'signal':
      return `the agent was terminated externally ${after}: its pod was deleted, or the node is shutting down`;
    case 'target-gone':
      return endReported ? undefined : `the target's process ended ${after}`;
    case 'overwritten':
      return (
        actor.overwritten?.(after) ??
        `somebody else overwrote what the fault had set ${after}, so that it was no longer in force`
      );
  }
}

export function leaseLost({ leaseMs }: RunPlan): string {
  return `the shim did not hear from this command for ${formatDuration(leaseMs)} and reverted the fault`;
}

/** When a fault that nobody is at ends, for a sentence. */
export function ownEnd(plan: RunPlan): string {
  return hasLease(plan)
    ? `within ${plan.leaseMs / 1_000}s, when the shim's lease runs out`
    : `when its duration of ${formatDuration(plan.durationMs)} is over`;
}
