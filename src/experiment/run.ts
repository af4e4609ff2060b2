import { ChaosError, ExitCode } from '../errors.ts';
import { kindOf } from '../faults/registry.ts';
import type { Agent, Signals } from '../ports.ts';
import type { PolicyRequest, Request } from '../requests.ts';
import { agentsOf } from './assembly.ts';
import { Audit } from './audit.ts';
import { type Reporter, reporterOf } from './events.ts';
import { type FollowedRuns, failureOf, followRuns } from './experiment-run.ts';
import { type EndedRun, finish, leftWithoutWaiting, reportDetached } from './finish.ts';
import { Interrupts, signalExitCodes } from './interrupt.ts';
import type { Detached, Outcome } from './outcome.ts';
import type { Plan, Plans } from './plan.ts';
import { type PreparePorts, prepare, withoutAttachSaid } from './prepare.ts';
import { withoutAttach } from './succession.ts';

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
    const replan = (changed: Plans) => {
      plans = changed;
    };
    const executed = execute(plans, request.run.policy, ports, interrupts, replan);
    return await Promise.race([executed, leaving]);
  } finally {
    interrupts.close();
  }
}

/** `replan` is told when the run goes on otherwise than planned. */
async function execute(
  planned: Plans,
  policy: PolicyRequest,
  ports: ExperimentPorts,
  interrupts: Interrupts,
  replan: (plans: Plans) => void,
): Promise<Outcome | Detached> {
  let plans = planned;
  const { cluster, clock, reporter, startedAt } = ports;
  const audit = new Audit(plans, ports);
  if (!plans[0].withoutAgent) reporter.report({ kind: 'launching', plans });
  let runs: readonly EndedRun[] = [];
  let failure: unknown;
  try {
    // launchAll takes back what it has created when it fails; from its success on, the removal below does.
    const specs = agentsOf(plans);
    let agents = specs.length > 0 ? await cluster.launchAll(specs) : [];
    for (const agent of agents) tellWarnings(agent, plans, reporter);
    let byPod = new Map(agents.map((agent) => [agent.pod, agent]));
    const following = { cluster, clock, reporter: audit, interrupts, startedAt };
    let followed = await followRuns(plans, byPod, policy, following);
    const barred = barredAttach(followed);
    if (barred) {
      plans = withoutAttach(plans);
      replan(plans);
      reporterOf(plans[0].target, reporter).report(withoutAttachSaid(cluster, barred.message));
      if (plans.length > 1) {
        agents = await cluster.replaceAll(agents, agentsOf(plans));
        byPod = new Map(agents.map((agent) => [agent.pod, agent]));
      }
      const others = await followRuns(plans, byPod, policy, following);
      // Where its log cannot be read either, what bars the attach is the reason.
      if (others.runs.some(({ result }) => result.resolved || !result.failure)) followed = others;
    }
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

/** What bars the attach, where the same can be done without it. */
function barredAttach({ runs }: FollowedRuns): ChaosError | undefined {
  const barred = runs.find(({ result }) => result.failure?.barsAttach)?.result.failure;
  const isPossible = runs.every(({ plan, result }) => !kindOf(plan.fault).asksShim && !plan.tools && !result.began);
  return isPossible ? barred : undefined;
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
