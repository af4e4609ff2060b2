import { ChaosError } from '../errors.ts';
import type { Agent, Clock, Cluster, Experiment, Signals } from '../ports.ts';
import type { AttachRequest } from '../requests.ts';
import { Audit } from './audit.ts';
import type { Reporter } from './events.ts';
import { agentOf, list, notFound } from './experiments.ts';
import { finish, leftWithoutWaiting, reportDetached } from './finish.ts';
import { Interrupts } from './interrupt.ts';
import { isOnTarget } from './neighbours.ts';
import type { Detached, Outcome } from './outcome.ts';
import { experimentCommands, firstContainer, type RunPlan, stopCommand } from './plan.ts';
import { readPlan } from './plan-record.ts';
import { followDetached } from './target-run.ts';
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
  const { plan, agent } = detachedPlan(experiment, found, request);
  const interrupts = new Interrupts(ports.signals);
  try {
    const leaving = interrupts.again.then(() => {
      throw leftWithoutWaiting([plan], interrupts);
    });
    return await Promise.race([watch(experiment, plan, agent, ports, interrupts), leaving]);
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
 * What its agent pod says of it. Only of a detached one: beats would keep the lease of another from running out, and
 * its own command is at it.
 */
function detachedPlan(
  experiment: Experiment,
  found: readonly Experiment[],
  request: AttachRequest,
): { plan: RunPlan; agent: Agent } {
  const { id, namespace } = experiment;
  const [one] = experiment.agents ?? [];
  const agent = one && agentOf(experiment, one);
  const refuse = (why: string, hint: string) =>
    new ChaosError('target-unsuitable', `experiment ${id} cannot be attached to: ${why}`, {
      hint: `${hint}: ${stopCommand(request.connection, namespace, id)}`,
      state: 'nothing was changed by this command',
    });
  if (!agent) {
    throw refuse('its agent pod is gone, and only leftovers remain', 'To remove them');
  }
  if (one.plan === undefined) {
    throw refuse(
      'it was not started with --detach; the command that started it follows it, and its lease ends it without that command',
      'To end it now',
    );
  }
  const recorded = readPlan(one.plan);
  if (!recorded) {
    throw refuse('the record on its agent pod was written by another version, or was modified', 'To end it');
  }
  const others = found.filter((other) => other.id !== id && isOnTarget(other, recorded.target));
  return {
    plan: {
      id,
      ...recorded,
      container: firstContainer,
      others,
      agent,
      ...experimentCommands(request.connection, agent, id),
    },
    agent,
  };
}

async function watch(
  experiment: Experiment,
  plan: RunPlan,
  agent: Agent,
  ports: AttachPorts,
  interrupts: Interrupts,
): Promise<Outcome | Detached> {
  const { clock } = ports;
  const audit = new Audit([plan], ports);
  const end = { ...ports, interrupts, audit };
  const found = {
    runs: experiment.state === 'running',
    activeAt: clock.now() - agoOf(experiment, plan, clock.date()),
    ...(experiment.endsAt ? { startedAt: experiment.endsAt.getTime() - plan.durationMs } : {}),
  };
  const result = await followDetached(plan, agent, found, { ...ports, reporter: audit, interrupts });
  if (!result.leftRunning) return finish([plan], [{ plan, result }], result.failure, end);
  if (result.failure) throw result.failure;
  return reportDetached(plan, result, result.leftRunning.leftMs, end);
}

/** How long the agent's container has run, milliseconds. */
function agoOf({ endsAt }: Experiment, { durationMs }: RunPlan, now: Date): number {
  return endsAt ? Math.max(0, durationMs - (endsAt.getTime() - now.getTime())) : 0;
}
