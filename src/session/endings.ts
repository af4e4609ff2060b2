import { ExitCode } from '../errors.ts';
import type { CoursePlan, Fault } from '../faults/plan.ts';
import type { Verdict } from '../faults/verdict.ts';
import type { InterruptSignal, TargetUpdate } from '../ports.ts';
import type { Ended } from '../shim/protocol.ts';
import { formatDuration } from '../units.ts';
import { signalExitCodes } from './interrupt.ts';
import { complaint, doer, program } from './workload.ts';

/** What happened to the target, in one sentence. */
export function describeTargetUpdate(update: TargetUpdate, target: string, fault: Fault['fault']): string {
  const detail = (reason: string, exitCode: number | undefined) =>
    [reason, exitCode === undefined ? '' : `exit code ${exitCode}`].filter(Boolean).join(', ') || 'no reason known';
  switch (update.kind) {
    case 'restarted':
      // The new container is in the pod's network as the former was, and the fault ends with the shim's target.
      return `the target ${target} was restarted meanwhile (${detail(update.reason, update.exitCode)})${fault === 'net' ? '' : '; the new container has no fault'}`;
    case 'terminated':
      return `the target ${target} ended meanwhile (${detail(update.reason, update.exitCode)})`;
    case 'deleted':
      return `the target pod of ${target} was deleted meanwhile`;
    case 'evicted':
      return `the target pod of ${target} was evicted meanwhile: ${update.message}${fault === 'io' && isAboutDisk(update.message) ? '; what the fault did to the disk may be why' : ''}`;
    case 'node-lost':
      return `the target's node was lost meanwhile: ${update.message}`;
  }
}

/** The kubelet's words: "The node was low on resource: ephemeral-storage", "Usage of EmptyDir volume "x" exceeds the limit", "… low on resource: inodes". */
function isAboutDisk(message: string): boolean {
  return /storage|emptydir|inodes|disk/i.test(message);
}

/**
 * Why the fault ended otherwise than by its time or by the user, one sentence; undefined when it ended as it should. `explained`: the target's own end has been reported already; `output`: the
 * workload's last lines.
 */
export function earlyEnd(
  plan: CoursePlan,
  ended: Ended,
  explained: boolean,
  output: readonly string[] = [],
): string | undefined {
  const after = `after ${formatDuration(ended.run_ms)}`;
  switch (ended.reason) {
    case 'deadline':
    case 'stopped':
      return undefined;
    case 'exited': {
      const why = ended.exit_code === 0 ? undefined : complaint(plan.fault, output);
      if (why !== undefined) return `${program(plan.fault)} ended ${after} with exit code ${ended.exit_code}: ${why}`;
      // stress-ng's own limits (`--cpu-ops`, …) may end it early: asked for, not a failure.
      const asked = plan.fault.fault === 'stress' && plan.fault.stressNgArgs.length > 0;
      return asked ? undefined : `${program(plan.fault)} ended by itself ${after}`;
    }
    case 'killed':
      return explained
        ? undefined
        : `${doer(plan.fault)} was killed by signal ${ended.signal} ${after}${ended.oom_kills ? ', by the OOM killer' : ''}`;
    case 'lease':
      return `the shim had not heard from this command for ${formatDuration(plan.leaseMs)} and ended the fault ${after}`;
    case 'signal':
      return `the agent was told to end from outside ${after}: somebody deleted its pod, or the node is shutting down`;
    case 'target-gone':
      return explained ? undefined : `the target's process ended ${after}`;
    case 'overwritten':
      return `somebody else has overwritten the limit on the target's cgroup ${after}, and it was not in force any more; systemd writes its own back at every \`systemctl daemon-reload\``;
  }
}

/** The one place where the exit code of a run that got as far as the cluster is decided. The worst that happened wins. */
export function decideExitCode(end: {
  reverted: boolean;
  left: number;
  interrupted: InterruptSignal | undefined;
  began: boolean;
  problems: number;
  verdict: Verdict | 'unmeasured' | undefined;
}): number {
  if (!end.reverted || end.left > 0) return ExitCode.notReverted;
  if (end.began && end.problems > 0) return ExitCode.notEffective;
  if (end.interrupted) return signalExitCodes[end.interrupted];
  if (!end.began) return ExitCode.notInjected;
  // Of a detached fault that nobody watched it is known how it ended, and nothing that speaks against it.
  if (end.verdict === 'unmeasured') return ExitCode.effective;
  return end.verdict?.effective ? ExitCode.effective : ExitCode.notEffective;
}

/** When a fault that nobody is at ends, for a sentence. */
export function ownEnd({ leaseMs, durationMs }: CoursePlan): string {
  return leaseMs > 0
    ? `within ${leaseMs / 1_000}s, when the shim's lease runs out`
    : `when its time of ${formatDuration(durationMs)} is over`;
}
