import { ChaosError, untouched } from '../errors.ts';
import type { Clock, Cluster, Experiment, ExperimentAgent, Signals } from '../ports.ts';
import type { AttachRequest } from '../requests.ts';
import { formatCount } from '../text.ts';
import { agentContainer } from './assembly.ts';
import { Audit } from './audit.ts';
import type { Reporter } from './events.ts';
import { failureOf, followFound } from './experiment-run.ts';
import { agentOf, list, notFound } from './experiments.ts';
import { finish, leftWithoutWaiting, reportDetached } from './finish.ts';
import { Interrupts } from './interrupt.ts';
import { isOnTarget } from './neighbours.ts';
import type { Detached, Outcome } from './outcome.ts';
import type { Found } from './phases/attached.ts';
import { experimentCommands, firstContainer, type RunPlan, stopCommand } from './plan.ts';
import { readPlans } from './plan-record.ts';
import type { Tidying } from './tidying.ts';

export interface AttachPorts {
  cluster: Cluster;
  clock: Clock;
  signals: Signals;
  reporter: Reporter;
  tidying: Pick<Tidying, 'remove'>;
  /** When the command began, on `clock`. */
  startedAt: number;
}

/**
 * Follows a detached experiment until its end, which is judged and taken back as that of any run, or until a signal,
 * after which it goes on.
 * @throws ChaosError not-found; target-unsuitable for one that is not detached; connection-lost when it cannot be
 * attached to, and goes on.
 */
export async function attachExperiment(request: AttachRequest, ports: AttachPorts): Promise<Outcome | Detached> {
  const { experiment, found } = await find(request, ports.cluster);
  void ports.tidying.remove(found.filter((one) => one !== experiment));
  const plans = detachedPlans(experiment, found, request);
  const interrupts = new Interrupts(ports.signals);
  try {
    const leaving = interrupts.again.then(() => {
      throw leftWithoutWaiting(plans, interrupts);
    });
    return await Promise.race([watch(experiment, plans, ports, interrupts), leaving]);
  } finally {
    interrupts.close();
  }
}

async function find(
  request: AttachRequest,
  cluster: Cluster,
): Promise<{ experiment: Experiment; found: readonly Experiment[] }> {
  const shown = await list(request, cluster);
  const { found } = shown;
  const experiment = found.find(({ id }) => id === request.id);
  if (!experiment) throw notFound([request.id], shown, request, cluster);
  return { experiment, found };
}

/**
 * What its agent pods say of it. Only of a detached one: beats would keep the lease of another from running out, and
 * its own command is at it.
 */
function detachedPlans(
  experiment: Experiment,
  found: readonly Experiment[],
  request: AttachRequest,
): readonly [RunPlan, ...RunPlan[]] {
  const { id, namespace, agents = [] } = experiment;
  const refuse = (why: string, hint: string) =>
    new ChaosError('target-unsuitable', `experiment ${id} cannot be attached to: ${why}`, {
      hint: `${hint}: ${stopCommand(request.connection, namespace, id)}`,
      state: untouched,
    });
  if (agents.length === 0) {
    throw refuse('its agent pod is gone, and only leftovers remain', 'To remove them');
  }
  if (agents.every(({ plan }) => plan === undefined)) {
    throw refuse(
      'it was not started with --detach; the command that started it follows it, and its lease ends it without that command',
      'To end it now',
    );
  }
  const others = found.filter((other) => other.id !== id);
  const read = agents.map((agent) => plansOf(agent, experiment, others, request));
  const plans = read.flatMap((one) => one?.plans ?? []);
  const [first, ...more] = plans.toSorted((one, other) => placeOf(one) - placeOf(other));
  const counts = new Set(read.map((one) => one?.of));
  const names = new Set(plans.map(({ container }) => container));
  if (!first || counts.size > 1 || counts.has(undefined) || names.size < plans.length) {
    throw refuse('the record on its agent pod was written by another version, or was modified', 'To end it');
  }
  const [of = 1] = counts;
  const missing = of - plans.length;
  if (missing > 0) {
    const whose = `of ${missing} of its ${formatCount(of, 'target')} the agent pod is gone`;
    throw refuse(`${whose}, and how they ended is not known`, 'To end the others');
  }
  return [first, ...more];
}

/** Of all targets of its experiment: the number that its shim's name ends with. */
function placeOf({ container }: RunPlan): number {
  return Number(/\d+$/.exec(container)?.[0]);
}

/** Undefined: its record is none of ours, or of another agent. */
function plansOf(
  agent: ExperimentAgent,
  experiment: Experiment,
  others: readonly Experiment[],
  { connection }: AttachRequest,
): { plans: RunPlan[]; of: number } | undefined {
  const record = readPlans(agent.plan ?? '');
  if (!record || record.of > 1 !== (agent.container === agentContainer)) return undefined;
  const { id, namespace } = experiment;
  const { pod, node } = agent;
  const plans = record.targets.map(({ name: container = firstContainer, ...recorded }) => ({
    ...{ id, ...recorded, container, agent: { namespace, pod, node } },
    others: others.filter((other) => isOnTarget(other, recorded.target)),
    ...experimentCommands(connection, { namespace, node }, id),
  }));
  return { plans, of: record.of };
}

async function watch(
  experiment: Experiment,
  plans: readonly [RunPlan, ...RunPlan[]],
  ports: AttachPorts,
  interrupts: Interrupts,
): Promise<Outcome | Detached> {
  const audit = new Audit(plans, ports);
  const end = { ...ports, interrupts, audit };
  const { agents = [] } = experiment;
  const byPod = new Map(agents.map((agent) => [agent.pod, agentOf(experiment, agent)]));
  const running = new Set(agents.filter(({ state }) => state === 'running').map(({ pod }) => pod));
  const foundOf = (plan: RunPlan) => found(experiment, plan, running.has(plan.agent.pod), ports.clock);
  const runs = await followFound(plans, byPod, foundOf, { ...ports, reporter: audit, interrupts });
  const left = runs.filter(({ result }) => result.leftRunning);
  const lost = left.find(({ result }) => result.failure);
  if (lost) throw lost.result.failure;
  return left.length > 0 ? reportDetached(runs, end) : finish(plans, runs, failureOf({ runs }, byPod), end);
}

function found(experiment: Experiment, { durationMs }: RunPlan, runs: boolean, clock: Clock): Found {
  const { endsAt } = experiment;
  // How long the agent's container has run.
  const agoMs = endsAt ? Math.max(0, durationMs - (endsAt.getTime() - clock.date().getTime())) : 0;
  return {
    runs,
    activeAt: clock.now() - agoMs,
    ...(endsAt ? { startedAt: endsAt.getTime() - durationMs } : {}),
  };
}
