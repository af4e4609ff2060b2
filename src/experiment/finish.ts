import { ChaosError, ExitCode, messageOf } from '../errors.ts';
import type { Seen } from '../faults/fault.ts';
import { kindOf } from '../faults/registry.ts';
import type { Clock, Cluster, RemovalResult } from '../ports.ts';
import { joinWords } from '../text.ts';
import type { Audit } from './audit.ts';
import { ownEnd } from './early-end.ts';
import type { Reporter } from './events.ts';
import { decideExitCode, worstExitCode } from './exit-code.ts';
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

/** One target's plan, and what became known of its run. */
export interface EndedRun<P extends RunPlan = RunPlan> {
  plan: P;
  result: RunResult;
}

/**
 * Removes what was created, confirms it, and tells how the fault ended. `plans`: of every target, at least one; `runs`: of those that were followed, all or none. `failure`: why it never became
 * active.
 * @throws ChaosError that failure, once everything is gone; or what is left.
 */
export async function finish(
  plans: readonly [RunPlan, ...RunPlan[]],
  runs: readonly EndedRun[],
  failure: unknown,
  ports: FinishPorts,
): Promise<Outcome> {
  const { cluster, clock, reporter, interrupts, audit } = ports;
  // On a second signal the user has been told what is left, and main is ending the process: nothing more is said or done.
  if (interrupts.leaving) return new Promise(() => undefined);
  const endedAt = clock.now();
  const removal = await remove(plans, ports, runs.length > 0 && runs.every(({ result }) => result.reverted));
  const reverted = runs.every(({ result }) => isReverted(result, removal));
  if (failure !== undefined && reverted && removal.left.length === 0) throw failure;
  if (runs.length === 0 || failure !== undefined) throw notRemoved(plans, removal, failure);

  const outcome = summarize(plans[0], runs, removal, { endedAt, ports });
  await audit.ended(outcome);
  const counted = { ...outcome, requests: cluster.requests() };
  reporter.report({ kind: 'outcome', outcome: counted });
  return counted;
}

/** Tells that the faults of those runs that have left them in force continue, and removes nothing. `runs`: of them at least one. */
export async function reportDetached(runs: readonly EndedRun[], ports: FinishPorts): Promise<Detached> {
  const { cluster, clock, reporter, audit, startedAt } = ports;
  await audit.written();
  const left = runs.filter(({ result }) => result.leftRunning);
  const [first] = left;
  if (!first) throw new Error('nothing is left in force');
  const { plan } = first;
  const leftMs = Math.max(...left.map(({ result }) => result.leftRunning?.leftMs ?? 0));
  const activeTimes = left.flatMap(({ result }) => result.activeMs ?? []);
  const detached: Detached = {
    id: plan.id,
    cluster: clusterName(cluster),
    exitCode: ExitCode.effective,
    targets: left.map(({ plan: { target, summary } }) => ({ target, summary })),
    ...(plan.scope ? { scope: plan.scope } : {}),
    until: new Date(clock.date().getTime() + leftMs),
    leftMs,
    commands: plan.commands,
    undo: plan.undo,
    times: {
      ...(activeTimes.length === 0 ? {} : { activeMs: Math.max(...activeTimes) }),
      totalMs: clock.now() - startedAt,
    },
    requests: cluster.requests(),
  };
  reporter.report({ kind: 'detached', detached });
  return detached;
}

async function remove(
  plans: readonly [RunPlan, ...RunPlan[]],
  ports: FinishPorts,
  reverted: boolean,
): Promise<RemovalResult> {
  const [{ id, agent, withoutAgent }] = plans;
  if (withoutAgent) return { left: [], why: '' };
  ports.reporter.report({ kind: 'removing' });
  let removal: RemovalResult;
  try {
    removal = await ports.cluster.remove(id, agent.namespace, removalTimeoutMs, reverted);
  } catch (error) {
    removal = { left: [...podsOf(plans), `configmap/${id}`], why: messageOf(error) };
  }
  ports.reporter.report({ kind: 'removed', left: removal.left, why: removal.why });
  return removal;
}

function podsOf(plans: readonly RunPlan[]): string[] {
  return [...new Set(plans.map(({ agent }) => `pod/${agent.pod}`))];
}

/**
 * A pod leaves the API server only after the kubelet has seen its containers end, no stressor outlives its shim, and a
 * shim that is told to end reverts before it does: a confirmed removal
 * confirms the revert, unless the agent is known to have gone otherwise.
 */
function isReverted(result: RunResult, removal: RemovalResult): boolean {
  return result.reverted || (!result.isUnconfirmed && removal.left.length === 0);
}

function summarize(
  { id, undo, commands, scope, withoutAgent, fault }: RunPlan,
  runs: readonly EndedRun[],
  removal: RemovalResult,
  end: { endedAt: number; ports: FinishPorts },
): Outcome {
  const { clock, cluster, startedAt } = end.ports;
  const now = clock.now();
  const ended = runs.map((run) => summarizeTarget(run, removal, end.ports));
  const longest = (times: readonly (number | undefined)[]) => {
    const known = times.filter((ms) => ms !== undefined);
    return known.length === 0 ? undefined : Math.max(...known);
  };
  const activeTimes = runs.flatMap(({ result }) => result.activeMs ?? []);
  const revertMs = longest(runs.map(({ result }) => result.revertMs));
  return {
    id,
    cluster: clusterName(cluster),
    exitCode: worstExitCode(ended.map(({ exitCode }) => exitCode)),
    targets: ended.map(({ target }) => target),
    ...(scope ? { scope } : {}),
    ...(kindOf(fault).endsTarget ? { isFinal: true as const } : {}),
    ...(withoutAgent ? { withoutAgent } : {}),
    left: [...removal.left],
    undo,
    sweep: commands.sweep,
    times: {
      ...(activeTimes.length === 0 ? {} : { activeMs: Math.max(...activeTimes) }),
      ...(activeTimes.length < 2 ? {} : { activeSpreadMs: Math.max(...activeTimes) - Math.min(...activeTimes) }),
      ...(revertMs === undefined ? {} : { revertMs }),
      removeMs: now - end.endedAt,
      totalMs: now - startedAt,
    },
    requests: cluster.requests(),
  };
}

function summarizeTarget(
  { plan, result }: EndedRun,
  removal: RemovalResult,
  { interrupts }: FinishPorts,
): { target: TargetOutcome; exitCode: number } {
  const reverted = isReverted(result, removal);
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
    reverted,
    ...(result.revertedBy === undefined ? {} : { revertedBy: result.revertedBy }),
  };
  const exitCode = decideExitCode({
    reverted,
    left: removal.left.length,
    interrupted: interrupts.first,
    began: result.began,
    problems: result.problems.length,
    verdict: unmeasured ? 'unmeasured' : verdict,
  });
  return { target, exitCode };
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
export function leftWithoutWaiting(plans: readonly [RunPlan, ...RunPlan[]], interrupts: Interrupts): ChaosError {
  const [plan] = plans;
  const pods = podsOf(plans);
  return unconfirmedRevert(interrupts, {
    hint: `Remove what is left: ${plan.undo}`,
    state: `the fault is reverted automatically ${ownEnd(plan)}; ${plan.noAttach ? 'its agent pod' : joinWords(pods.length > 3 ? [`${pods.length} agent pods`] : pods)} and configmap/${plan.id} in namespace ${plan.agent.namespace} may be left`,
  });
}

function notRemoved([plan]: readonly [RunPlan, ...RunPlan[]], removal: RemovalResult, cause: unknown): ChaosError {
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
