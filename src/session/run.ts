import { ChaosError, ExitCode } from '../errors.ts';
import { hostNames } from '../faults/net/questions.ts';
import { type Plan, planExperiment } from '../faults/plan.ts';
import type { Request } from '../faults/request.ts';
import type { Clock, Cluster, Reporter, Signals } from '../ports.ts';
import { joinWords } from '../text.ts';
import { Audit } from './audit.ts';
import type { Detached, Outcome } from './facts.ts';
import { finish, leftInHaste, part } from './finish.ts';
import { followRun } from './follow.ts';
import { Interrupts, signalExitCodes } from './interrupt.ts';
import { surveyIo } from './io-surroundings.ts';
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

/** Finds the target and decides everything; only reads from the cluster. */
export async function prepare(request: Request, ports: Omit<SessionPorts, 'signals'>): Promise<Plan> {
  const { cluster, reporter } = ports;
  reporter.report({ kind: 'selecting', query: request.run.target });
  const target = await cluster.findTarget(request.run.target, request.run.agentNamespace);
  reporter.report({ kind: 'selected', target });
  const { fault, run } = request;
  const surroundings =
    fault.fault === 'net'
      ? await surveyNet(fault, target, run, ports)
      : fault.fault === 'io'
        ? await surveyIo(fault, target, cluster)
        : undefined;
  const plan = planExperiment(request, target, {
    id: `chaos-${ports.randomSuffix()}`,
    who: ports.who,
    now: ports.clock.date(),
    defaultImage: ports.defaultImage,
    ...(surroundings ? { surroundings } : {}),
  });
  reporter.report({ kind: 'planned', plan });
  const names = run.leaseMs === 0 && plan.fault.fault === 'net' ? hostNames(plan.fault) : [];
  if (names.length > 0) {
    const message = `${joinWords(names)}: resolved once, when the fault begins; addresses that a name gets while the fault is detached are not followed`;
    reporter.report({ kind: 'warning', message });
  }
  return plan;
}

/**
 * One experiment from argv's request to the confirmed revert: select → plan → launch → follow → stop → confirm → report. Of a detached one, to `active`.
 * @throws ChaosError when it never became active; by then everything created is gone again, or the error says what is left.
 */
export async function runExperiment(request: Request, ports: SessionPorts): Promise<Outcome | Detached> {
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

async function execute(plan: Plan, ports: SessionPorts, interrupts: Interrupts): Promise<Outcome | Detached> {
  const { cluster, clock, reporter, startedAt } = ports;
  const audit = new Audit(plan, ports);
  reporter.report({ kind: 'launching', plan });
  let result: RunResult | undefined;
  let failure: unknown;
  try {
    // launch takes back what it has created when it fails; from its success on, the removal below does.
    const agent = await cluster.launch(plan.agent);
    result = await followRun(plan, agent, { cluster, clock, reporter: audit, interrupts, startedAt });
    failure = result.failure;
  } catch (error) {
    failure = error;
  }
  const end = { cluster, clock, reporter, interrupts, audit, startedAt };
  return result?.goesOn ? part(plan, result, result.goesOn.leftMs, end) : finish(plan, result, failure, end);
}

function interrupted(interrupts: Interrupts): ChaosError {
  return new ChaosError('interrupted', `${interrupts.first} before anything was created`, {
    exitCode: interrupts.first ? signalExitCodes[interrupts.first] : ExitCode.notInjected,
  });
}
