import { ChaosError, ExitCode } from '../errors.ts';
import { kindOf } from '../faults/registry.ts';
import type { Clock, Cluster, ReadToolbox, Signals } from '../ports.ts';
import type { Request } from '../requests.ts';
import { changeSentence, withChanges } from './agent-errors.ts';
import { Audit } from './audit.ts';
import { type Reporter, reporterOf } from './events.ts';
import { finish, leftWithoutWaiting, reportDetached } from './finish.ts';
import { Interrupts, signalExitCodes } from './interrupt.ts';
import { isOnTarget, warningsOf } from './neighbours.ts';
import type { RunResult } from './observations.ts';
import { clusterName, type Detached, type Outcome } from './outcome.ts';
import { type Plan, planExperiment, type SentTools, sendsTools, stopCommand, withoutAttach } from './plan.ts';
import { contextProtection, protectedError } from './protection.ts';
import { followRun } from './target-run.ts';
import type { Tidying } from './tidying.ts';

export interface ExperimentPorts {
  cluster: Cluster;
  clock: Clock;
  signals: Signals;
  reporter: Reporter;
  /** Five characters of `[a-z0-9]` that make the experiment's id its own. */
  randomSuffix: () => string;
  who: string;
  /** KUBECTL_CHAOS_PROTECTED: contexts whose targets are protected. */
  protectedContexts: string | undefined;
  /** Asks whether to run although the target is protected, which has been reported; absent: nobody can be asked. */
  confirm?: () => Promise<boolean>;
  toolbox: ReadToolbox;
  tidying: Pick<Tidying, 'remove'>;
  /** When the command began, on `clock`. */
  startedAt: number;
}

/**
 * Finds the target and decides everything; only reads from the cluster.
 * @throws ChaosError protected, unless the user consents or it is a dry run; and what the cluster and the fault reject with.
 */
export async function prepare(request: Request, ports: Omit<ExperimentPorts, 'signals'>): Promise<Plan> {
  const { cluster, reporter } = ports;
  const query = request.run.target;
  const name = clusterName(cluster);
  reporter.report({ kind: 'selecting', query, cluster: name, namespace: query.namespace ?? cluster.namespace });
  const { asksShim } = kindOf(request.fault);
  const attach = asksShim ? 'needed' : request.run.noAttach ? 'unused' : 'wanted';
  const target = await cluster.findTarget(query, request.run.agentNamespace, attach);
  reporter.report({ kind: 'selected', target });
  const ofTarget = reporterOf(target, reporter);
  const { fault, run } = request;
  const kind = kindOf(fault);
  const survey = kind.survey(fault, target, {
    cluster,
    run,
    report: (event) => ofTarget.report(event),
    stopCommand: (namespace, id) => stopCommand(run.connection, namespace, id),
  });
  const around = cluster.surroundings(target, run.agentNamespace ?? target.namespace);
  const [surveyed, surroundings] = await Promise.all([survey, around]);
  const planned = planExperiment(request, target, {
    id: `chaos-${ports.randomSuffix()}`,
    who: ports.who,
    now: ports.clock.date(),
    surveyed,
    noAttach: attach === 'unused' || target.attachBarred !== undefined,
  });
  const sends = sendsTools(planned.fault, run);
  if (sends && target.attachBarred !== undefined) throw nothingCanBeSent(planned, target.attachBarred);
  const tools = sends ? await toolsFor(planned, ports.toolbox) : undefined;
  const others = surroundings.experiments.filter((experiment) => isOnTarget(experiment, target));
  const plan = { ...planned, cluster: name, others, ...(tools ? { tools } : {}) };
  reporter.report({ kind: 'planned', plan });
  const cautions = kind.cautions?.(plan.fault, run.detached) ?? [];
  if (target.attachBarred !== undefined) ofTarget.report(withoutAttachSaid(cluster, target.attachBarred));
  for (const message of [...cautions, ...warningsOf(surroundings, target)]) {
    ofTarget.report({ kind: 'warning', message });
  }
  const listed = cluster.contexts.flatMap((context) => contextProtection(context, ports.protectedContexts) ?? []);
  const reasons = [...listed, ...surroundings.protectedBy];
  if (reasons.length > 0) ofTarget.report({ kind: 'protected', reasons });
  const isAllowed = reasons.length === 0 || run.yes || run.dryRun !== undefined || (await ports.confirm?.()) === true;
  if (!isAllowed) throw protectedError(target, reasons);
  const own = [target.namespace, planned.agent.namespace];
  void ports.tidying.remove(surroundings.experiments.filter(({ namespace }) => own.includes(namespace)));
  return plan;
}

/** Tools go through the attach. */
function nothingCanBeSent({ fault }: Plan, why: string): ChaosError {
  const names = kindOf(fault).tools.names(fault);
  return new ChaosError('forbidden', why, {
    hint: `Without an attach ${names} cannot be sent to the agent: name an image with ${names} in it: --image.`,
  });
}

async function toolsFor({ fault, target }: Plan, read: ReadToolbox): Promise<SentTools> {
  const { names, toolbox } = kindOf(fault).tools;
  return { names: names(fault), ...(await read(toolbox, target.architecture)) };
}

/**
 * One experiment from argv's request to the confirmed revert: select → plan → launch → follow → stop → confirm →
 * report. Of a detached one, to `active`.
 * @throws ChaosError when it never became active; by then everything created is gone again, or the error says what is left.
 */
export async function runExperiment(request: Request, ports: ExperimentPorts): Promise<Outcome | Detached> {
  const interrupts = new Interrupts(ports.signals);
  try {
    const first = new Promise<'first'>((resolve) => interrupts.onFirst(() => resolve('first')));
    const prepared = await Promise.race([prepare(request, ports), first]);
    if (prepared === 'first') throw interrupted(interrupts);
    let plan = prepared;
    const leaving = interrupts.again.then(() => {
      throw leftWithoutWaiting(plan, interrupts);
    });
    const replan = (changed: Plan) => {
      plan = changed;
    };
    return await Promise.race([execute(prepared, ports, interrupts, replan), leaving]);
  } finally {
    interrupts.close();
  }
}

/** What is said of a run that goes on by the agent's log. */
function withoutAttachSaid({ server }: Cluster, why: string): { kind: 'warning'; message: string } {
  return { kind: 'warning', message: `no attach through ${server}: going on without it (${why})` };
}

/** `replan` is told when the run goes on otherwise than planned. */
async function execute(
  planned: Plan,
  ports: ExperimentPorts,
  interrupts: Interrupts,
  replan: (plan: Plan) => void,
): Promise<Outcome | Detached> {
  let plan = planned;
  const { cluster, clock, reporter, startedAt } = ports;
  const audit = new Audit(plan, ports);
  reporter.report({ kind: 'launching', plan });
  let result: RunResult | undefined;
  let failure: unknown;
  try {
    // launch takes back what it has created when it fails; from its success on, the removal below does.
    const agent = await cluster.launch(plan.agent);
    for (const message of agent.warnings ?? []) reporterOf(plan.target, reporter).report({ kind: 'warning', message });
    const following = { cluster, clock, reporter: audit, interrupts, startedAt };
    result = await followRun(plan, agent, following);
    const barred = result.failure?.barsAttach ? result.failure : undefined;
    if (barred && !kindOf(plan.fault).asksShim && !plan.tools) {
      plan = withoutAttach(plan);
      replan(plan);
      reporterOf(plan.target, reporter).report(withoutAttachSaid(cluster, barred.message));
      const other = await followRun(plan, agent, following);
      // Where its log cannot be read either, what bars the attach is the reason.
      if (other.resolved || !other.failure) result = other;
    }
    failure = withChanges(result.failure, agent);
    const changed = changeSentence(agent);
    // Problems of a shim that has not said how it ended: its pod was ended for it.
    if (changed && result.problems.length > 0 && !result.ended && !result.leftRunning) result.problems.push(changed);
  } catch (error) {
    failure = error;
  }
  const end = { cluster, clock, reporter, interrupts, audit, startedAt };
  return result?.leftRunning
    ? reportDetached(plan, result, result.leftRunning.leftMs, end)
    : finish(plan, result, failure, end);
}

function interrupted(interrupts: Interrupts): ChaosError {
  return new ChaosError('interrupted', `${interrupts.first} before anything was created`, {
    exitCode: interrupts.first ? signalExitCodes[interrupts.first] : ExitCode.notInjected,
  });
}
