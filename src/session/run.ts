import { ChaosError, ExitCode } from '../errors.ts';
import { measureNet } from '../faults/net/measure.ts';
import { judgeNet } from '../faults/net/verdict.ts';
import { type Plan, planExperiment } from '../faults/plan.ts';
import type { Request } from '../faults/request.ts';
import { judgeStress, type Verdict } from '../faults/verdict.ts';
import type { Clock, Cluster, RemovalResult, Reporter, Signals } from '../ports.ts';
import { Audit } from './audit.ts';
import { decideExitCode } from './endings.ts';
import type { Outcome } from './facts.ts';
import { followRun } from './follow.ts';
import { Interrupts, signalExitCodes } from './interrupt.ts';
import { surveyNet } from './net-surroundings.ts';
import type { RunResult } from './record.ts';

export interface SessionPorts {
  cluster: Cluster;
  clock: Clock;
  signals: Signals;
  reporter: Reporter;
  /** Five characters of `[a-z0-9]` that make the experiment's id its own. */
  randomSuffix: () => string;
  who: string;
  defaultImage: string;
  /** When the command began, on `clock`. */
  startedAt: number;
}

/** How long to wait for the confirmation that everything created is gone: a kubelet's usual round is two seconds. */
const removalTimeoutMs = 20_000;

/** Finds the target and decides everything; only reads from the cluster. */
export async function prepare(request: Request, ports: Omit<SessionPorts, 'signals'>): Promise<Plan> {
  const { cluster, reporter } = ports;
  reporter.report({ kind: 'selecting', query: request.run.target });
  const target = await cluster.findTarget(request.run.target, request.run.agentNamespace);
  reporter.report({ kind: 'selected', target });
  const { fault, run } = request;
  const surroundings = fault.fault === 'net' ? await surveyNet(fault, target, run, ports) : undefined;
  const plan = planExperiment(request, target, {
    id: `chaos-${ports.randomSuffix()}`,
    who: ports.who,
    now: ports.clock.date(),
    defaultImage: ports.defaultImage,
    ...(surroundings ? { surroundings } : {}),
  });
  reporter.report({ kind: 'planned', plan });
  return plan;
}

/**
 * One experiment from argv's request to the confirmed revert: select → plan → launch → follow → stop → confirm → report.
 * @throws ChaosError when it never became active; by then everything created is gone again, or the error says what is left.
 */
export async function runExperiment(request: Request, ports: SessionPorts): Promise<Outcome> {
  const interrupts = new Interrupts(ports.signals);
  try {
    const first = new Promise<'first'>((resolve) => interrupts.onFirst(() => resolve('first')));
    const prepared = await Promise.race([prepare(request, ports), first]);
    if (prepared === 'first') throw interrupted(interrupts);
    const leaving = interrupts.again.then(() => {
      throw leftInHaste(prepared, interrupts);
    });
    return await Promise.race([execute(prepared, ports, interrupts), leaving]);
  } finally {
    interrupts.close();
  }
}

async function execute(plan: Plan, ports: SessionPorts, interrupts: Interrupts): Promise<Outcome> {
  const { cluster, clock, reporter } = ports;
  const audit = new Audit(plan, ports);
  reporter.report({ kind: 'launching', plan });
  let result: RunResult | undefined;
  let failure: unknown;
  try {
    // launch takes back what it has created when it fails; from its success on, the removal below does.
    const agent = await cluster.launch(plan.agent);
    result = await followRun(plan, agent, { cluster, clock, reporter: audit, interrupts, startedAt: ports.startedAt });
    failure = result.failure;
  } catch (error) {
    failure = error;
  }
  // On a second signal the user has been told what is left, and main is ending the process: nothing more is said or done.
  if (interrupts.leaving) return new Promise(() => undefined);
  const endedAt = clock.now();
  const removal = await remove(plan, ports, result?.reverted === true);
  const reverted = isReverted(result, removal);
  if (failure !== undefined && reverted && removal.left.length === 0) throw failure;
  if (result === undefined || failure !== undefined) throw notRemoved(plan, removal, failure);

  const outcome = summarize(plan, result, removal, { reverted, endedAt, ports, interrupts });
  await audit.ended(outcome);
  const counted = { ...outcome, requests: cluster.requests() };
  reporter.report({ kind: 'outcome', outcome: counted });
  return counted;
}

async function remove(plan: Plan, ports: SessionPorts, reverted: boolean): Promise<RemovalResult> {
  ports.reporter.report({ kind: 'removing' });
  let removal: RemovalResult;
  try {
    removal = await ports.cluster.remove(plan.id, plan.agent.namespace, removalTimeoutMs, reverted);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    removal = { left: [`pod/${plan.id}`, `configmap/${plan.id}`], why };
  }
  ports.reporter.report({ kind: 'removed', left: removal.left, why: removal.why });
  return removal;
}

/**
 * A pod leaves the API server only after the kubelet has seen its containers end, no stressor outlives its shim, and a shim that is told to end reverts before it does: a confirmed removal
 * confirms the revert, unless the agent is known to have gone otherwise.
 */
function isReverted(result: RunResult | undefined, removal: RemovalResult): boolean {
  return result === undefined || result.reverted || (!result.isUnconfirmed && removal.left.length === 0);
}

function summarize(
  plan: Plan,
  result: RunResult,
  removal: RemovalResult,
  end: { reverted: boolean; endedAt: number; ports: SessionPorts; interrupts: Interrupts },
): Outcome {
  const { clock, cluster, startedAt } = end.ports;
  const now = clock.now();
  const verdict = result.began ? judge(plan, result) : undefined;
  return {
    id: plan.id,
    summary: plan.summary,
    target: plan.target,
    exitCode: decideExitCode({
      reverted: end.reverted,
      left: removal.left.length,
      interrupted: end.interrupts.first,
      began: result.began,
      problems: result.problems.length,
      verdict,
    }),
    ...(verdict ? { verdict } : {}),
    problems: result.problems,
    ...(result.ended ? { ended: result.ended } : {}),
    reverted: end.reverted,
    ...(result.revertedBy === undefined ? {} : { revertedBy: result.revertedBy }),
    left: [...removal.left],
    undo: plan.undo,
    times: {
      ...(result.activeMs === undefined ? {} : { activeMs: result.activeMs }),
      ...(result.revertMs === undefined ? {} : { revertMs: result.revertMs }),
      removeMs: now - end.endedAt,
      totalMs: now - startedAt,
    },
    requests: cluster.requests(),
  };
}

function judge(plan: Plan, result: RunResult): Verdict {
  const { ended, net, differs } = result;
  if (plan.fault.fault === 'net') {
    const { counters = [], roundTripsBefore = [], roundTripsDuring = [] } = net ?? {};
    const seen = { counters, roundTripsBefore, roundTripsDuring, differs };
    return { ...judgeNet(plan.fault, seen), net: measureNet(seen) };
  }
  return judgeStress(plan.fault, {
    before: result.before,
    during: result.during,
    ...(result.after ? { after: result.after } : {}),
    nodeCores: plan.target.nodeAllocatableCores,
    ...(ended ? { ended: { reason: ended.reason, exitCode: ended.exit_code, oomKills: ended.oom_kills ?? 0 } } : {}),
  });
}

function interrupted(interrupts: Interrupts): ChaosError {
  return new ChaosError('interrupted', `${interrupts.first} before anything was created`, {
    exitCode: interrupts.first ? signalExitCodes[interrupts.first] : ExitCode.notInjected,
  });
}

function leftInHaste(plan: Plan, interrupts: Interrupts): ChaosError {
  return new ChaosError(
    'not-reverted',
    `left at once on a second signal after ${interrupts.first}: the end was not waited for`,
    {
      hint: `Remove what is left: ${plan.undo}`,
      state: `the fault ends by itself within ${plan.leaseMs / 1_000} s, when the shim's lease runs out; pod/${plan.id} and configmap/${plan.id} in namespace ${plan.agent.namespace} may be left`,
    },
  );
}

function notRemoved(plan: Plan, removal: RemovalResult, cause: unknown): ChaosError {
  const first = cause instanceof Error ? `${cause.message}; then ` : '';
  const what = removal.left.length > 0 ? removal.left.join(' and ') : 'the fault';
  return new ChaosError(
    'not-reverted',
    `${first}${what} could not be confirmed to be gone: ${removal.why || 'the shim did not answer'}`,
    {
      hint: `Remove it by hand: ${plan.undo}`,
      state: `the fault, if it ever began, ends by itself within ${plan.leaseMs / 1_000} s`,
      cause,
    },
  );
}
