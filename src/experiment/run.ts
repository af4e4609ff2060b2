import { ChaosError, ExitCode } from '../errors.ts';
import { kindOf } from '../faults/registry.ts';
import type { Agent, Signals } from '../ports.ts';
import type { PolicyRequest, Request } from '../requests.ts';
import { addChanges, withChanges } from './agent-errors.ts';
import { agentsOf } from './assembly.ts';
import { Audit } from './audit.ts';
import { type Reporter, reporterOf } from './events.ts';
import { failureOf, followRuns } from './experiment-run.ts';
import { type EndedRun, finish, leftWithoutWaiting, reportDetached } from './finish.ts';
import { Interrupts, signalExitCodes } from './interrupt.ts';
import type { RunResult } from './observations.ts';
import type { Detached, Outcome } from './outcome.ts';
import { type Plan, withoutAttach } from './plan.ts';
import { type Plans, type PreparePorts, prepare, withoutAttachSaid } from './prepare.ts';
import { followRun } from './target-run.ts';

export interface ExperimentPorts extends PreparePorts {
  signals: Signals;
  /** When the command began, on `clock`. */
  startedAt: number;
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
    let plans = prepared;
    const leaving = interrupts.again.then(() => {
      throw leftWithoutWaiting(plans, interrupts);
    });
    const replan = (changed: Plan) => {
      plans = [changed];
    };
    const [plan, ...others] = plans;
    const executed =
      others.length > 0
        ? executeAll(plans, request.run.policy, ports, interrupts)
        : execute(plan, ports, interrupts, replan);
    return await Promise.race([executed, leaving]);
  } finally {
    interrupts.close();
  }
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
  const audit = new Audit([plan], ports);
  reporter.report({ kind: 'launching', plans: [plan] });
  let result: RunResult | undefined;
  let failure: unknown;
  try {
    // launch takes back what it has created when it fails; from its success on, the removal below does.
    const agent = await cluster.launch(plan.agent);
    tellWarnings(agent, [plan], reporter);
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
    addChanges(result, agent);
  } catch (error) {
    failure = error;
  }
  const end = { cluster, clock, reporter, interrupts, audit, startedAt };
  return result?.leftRunning
    ? reportDetached([{ plan, result }], end)
    : finish([plan], result ? [{ plan, result }] : [], failure, end);
}

/** The same on several targets, whose agents are all attached to. */
async function executeAll(
  plans: Plans,
  policy: PolicyRequest,
  ports: ExperimentPorts,
  interrupts: Interrupts,
): Promise<Outcome | Detached> {
  const { cluster, clock, reporter, startedAt } = ports;
  const audit = new Audit(plans, ports);
  reporter.report({ kind: 'launching', plans });
  let runs: readonly EndedRun[] = [];
  let failure: unknown;
  try {
    const agents = await cluster.launchAll(agentsOf(plans));
    for (const agent of agents) tellWarnings(agent, plans, reporter);
    const byPod = new Map(agents.map((agent) => [agent.pod, agent]));
    const following = { cluster, clock, reporter: audit, interrupts, startedAt };
    const followed = await followRuns(plans, byPod, policy, following);
    runs = followed.runs;
    failure = failureOf(followed, byPod);
  } catch (error) {
    failure = error;
  }
  const end = { cluster, clock, reporter, interrupts, audit, startedAt };
  // All are left in force, or none is.
  const areLeft = runs.some(({ result }) => result.leftRunning);
  return areLeft ? reportDetached(runs, end) : finish(plans, runs, failure, end);
}

/** What the API server has warned of when it created the agent is told of the first of its targets. */
function tellWarnings({ pod, warnings = [] }: Agent, plans: readonly Plan[], reporter: Reporter): void {
  const ofAgent = plans.find(({ agent }) => agent.pod === pod);
  for (const message of warnings)
    if (ofAgent) reporterOf(ofAgent.target, reporter).report({ kind: 'warning', message });
}

function interrupted(interrupts: Interrupts): ChaosError {
  return new ChaosError('interrupted', `${interrupts.first} before anything was created`, {
    exitCode: interrupts.first ? signalExitCodes[interrupts.first] : ExitCode.notInjected,
  });
}
