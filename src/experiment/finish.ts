import { ChaosError, ExitCode, messageOf } from '../errors.ts';
import type { Seen } from '../faults/fault.ts';
import { kindOf } from '../faults/registry.ts';
import type { Clock, Cluster, RemovalResult } from '../ports.ts';
import { joinWords } from '../text.ts';
import type { Audit } from './audit.ts';
import { ownEnd } from './early-end.ts';
import type { Reporter } from './events.ts';
import { decideExitCode } from './exit-code.ts';
import { type Interrupts, unconfirmedRevert } from './interrupt.ts';
import { sharedSentence } from './neighbours.ts';
import type { RunResult } from './observations.ts';
import { clusterName, type Detached, type Outcome, type TargetOutcome } from './outcome.ts';
import type { RunPlan } from './plan.ts';

export interface FinishPorts {
  cluster: Cluster;
  clock: Clock;
  reporter: Reporter;
  interrupts: Interrupts;
  audit: Audit;
  /** When the command began, on `clock`. */
  startedAt: number;
}

/** How long to wait for the confirmation that everything created is gone: a kubelet's usual round is two seconds. */
const removalTimeoutMs = 20_000;

/**
 * Removes what was created, confirms it, and tells how the fault ended. `failure`: why it never became active.
 * @throws ChaosError that failure, once everything is gone; or what is left.
 */
export async function finish(
  plan: RunPlan,
  result: RunResult | undefined,
  failure: unknown,
  ports: FinishPorts,
): Promise<Outcome> {
  const { cluster, clock, reporter, interrupts, audit } = ports;
  // On a second signal the user has been told what is left, and main is ending the process: nothing more is said or done.
  if (interrupts.leaving) return new Promise(() => undefined);
  const endedAt = clock.now();
  const removal = await remove(plan, ports, result?.reverted === true);
  const reverted = isReverted(result, removal);
  if (failure !== undefined && reverted && removal.left.length === 0) throw failure;
  if (result === undefined || failure !== undefined) throw notRemoved(plan, removal, failure);

  const outcome = summarize(plan, result, removal, { reverted, endedAt, ports });
  await audit.ended(outcome);
  const counted = { ...outcome, requests: cluster.requests() };
  reporter.report({ kind: 'outcome', outcome: counted });
  return counted;
}

/** Tells that the fault continues, and removes nothing. */
export async function reportDetached(
  plan: RunPlan,
  result: RunResult,
  leftMs: number,
  ports: FinishPorts,
): Promise<Detached> {
  const { cluster, clock, reporter, audit, startedAt } = ports;
  await audit.written();
  const detached: Detached = {
    id: plan.id,
    cluster: clusterName(cluster),
    exitCode: ExitCode.effective,
    ...(plan.scope ? { scope: plan.scope } : {}),
    targets: [{ target: plan.target, summary: plan.summary }],
    until: new Date(clock.date().getTime() + leftMs),
    leftMs,
    commands: plan.commands,
    undo: plan.undo,
    times: {
      ...(result.activeMs === undefined ? {} : { activeMs: result.activeMs }),
      totalMs: clock.now() - startedAt,
    },
    requests: cluster.requests(),
  };
  reporter.report({ kind: 'detached', detached });
  return detached;
}

async function remove(plan: RunPlan, ports: FinishPorts, reverted: boolean): Promise<RemovalResult> {
  ports.reporter.report({ kind: 'removing' });
  let removal: RemovalResult;
  try {
    removal = await ports.cluster.remove(plan.id, plan.agent.namespace, removalTimeoutMs, reverted);
  } catch (error) {
    const why = messageOf(error);
    removal = { left: [`pod/${plan.agent.pod}`, `configmap/${plan.id}`], why };
  }
  ports.reporter.report({ kind: 'removed', left: removal.left, why: removal.why });
  return removal;
}

/**
 * A pod leaves the API server only after the kubelet has seen its containers end, no stressor outlives its shim, and a
 * shim that is told to end reverts before it does: a confirmed removal
 * confirms the revert, unless the agent is known to have gone otherwise.
 */
function isReverted(result: RunResult | undefined, removal: RemovalResult): boolean {
  return result === undefined || result.reverted || (!result.isUnconfirmed && removal.left.length === 0);
}

function summarize(
  plan: RunPlan,
  result: RunResult,
  removal: RemovalResult,
  end: { reverted: boolean; endedAt: number; ports: FinishPorts },
): Outcome {
  const { clock, cluster, interrupts, startedAt } = end.ports;
  const now = clock.now();
  const unmeasured = plan.detached && result.began && !kindOf(plan.fault).isMeasured(seenOf(result), result.own);
  const verdict =
    result.began && !unmeasured
      ? kindOf(plan.fault).judge(plan.fault, plan.target, seenOf(result), result.own)
      : undefined;
  const target: TargetOutcome = {
    target: plan.target,
    summary: plan.summary,
    ...(verdict ? { verdict } : {}),
    ...watched(result, unmeasured),
    problems: result.problems,
    ...sharing(result),
    ...(result.ended ? { ended: result.ended } : {}),
    reverted: end.reverted,
    ...(result.revertedBy === undefined ? {} : { revertedBy: result.revertedBy }),
  };
  return {
    id: plan.id,
    cluster: clusterName(cluster),
    exitCode: decideExitCode({
      reverted: end.reverted,
      left: removal.left.length,
      interrupted: interrupts.first,
      began: result.began,
      problems: result.problems.length,
      verdict: unmeasured ? 'unmeasured' : verdict,
    }),
    ...(plan.scope ? { scope: plan.scope } : {}),
    targets: [target],
    left: [...removal.left],
    undo: plan.undo,
    sweep: plan.commands.sweep,
    times: {
      ...(result.activeMs === undefined ? {} : { activeMs: result.activeMs }),
      ...(result.revertMs === undefined ? {} : { revertMs: result.revertMs }),
      removeMs: now - end.endedAt,
      totalMs: now - startedAt,
    },
    requests: cluster.requests(),
  };
}

/** How much of a fault that was found in force was seen of it. */
function watched({ watchedMs }: RunResult, unmeasured: boolean): Pick<TargetOutcome, 'watchedMs'> {
  if (unmeasured) return { watchedMs: 0 };
  return watchedMs === undefined ? {} : { watchedMs };
}

/** Of a fault that began: whose effects were measured with its own. */
function sharing({ began, others }: RunResult): Pick<TargetOutcome, 'sharedWith' | 'shared'> {
  const shared = began ? sharedSentence(others) : undefined;
  return shared === undefined ? {} : { shared, sharedWith: others.map(({ id }) => id) };
}

function seenOf(result: RunResult): Seen {
  return { ...result, isFound: result.watchedMs !== undefined };
}

/** The error after a second signal, when the revert is not waited for. */
export function leftWithoutWaiting(plan: RunPlan, interrupts: Interrupts): ChaosError {
  return unconfirmedRevert(interrupts, {
    hint: `Remove what is left: ${plan.undo}`,
    state: `the fault is reverted automatically ${ownEnd(plan)}; ${plan.noAttach ? 'its agent pod' : `pod/${plan.agent.pod}`} and configmap/${plan.id} in namespace ${plan.agent.namespace} may be left`,
  });
}

function notRemoved(plan: RunPlan, removal: RemovalResult, cause: unknown): ChaosError {
  const first = cause instanceof Error ? `${cause.message}; then ` : '';
  const what = removal.left.length > 0 ? joinWords(removal.left) : 'the fault';
  return new ChaosError(
    'not-reverted',
    `${first}${what} could not be confirmed to be gone: ${removal.why || 'the shim did not answer'}`,
    {
      hint: removal.left.length > 0 ? `Remove it by hand: ${plan.undo}` : `To be certain: ${plan.commands.sweep}`,
      state: `the fault, if it started, is reverted automatically ${ownEnd(plan)}`,
      cause,
    },
  );
}
