import { ChaosError } from '../errors.ts';
import type {
  Agent,
  Clock,
  Cluster,
  ContainerName,
  Experiment,
  ExperimentAgent,
  Experiments,
  ExperimentUpdate,
} from '../ports.ts';
import type { ManageRequest } from '../requests.ts';
import { targetsNamed } from '../target-names.ts';
import { experimentCommands, undoCommand } from './plan.ts';
import { endReportMs, lastReports, type RevertReport, type RevertReports, stopAgent } from './stop-agent.ts';

/** How one experiment was stopped. */
export interface Stopped {
  experiment: Experiment;
  /** Everything of it is confirmed gone, and with its agents the fault. */
  gone: boolean;
  /** Each of its targets. */
  targets: readonly StoppedTarget[];
  left: readonly string[];
  why: string;
  /** What ends it by hand; where only the revert is in doubt, what makes certain of it. */
  undo: string;
}

export interface StoppedTarget extends ContainerName {
  reverted: boolean;
  /** Why it is not known to be; absent: nobody has said it. */
  why?: string;
}

/** After the grace period the kubelet kills, and reports at its next round. */
const reportMs = 20_000;

/** One of an experiment's agents, as it is attached to. */
export function agentOf({ id, namespace }: Experiment, { pod, podUid, node }: ExperimentAgent): Agent {
  return { id, namespace, pod, podUid, node };
}

/** Where experiments are looked for. */
type Place = Pick<ManageRequest, 'namespace' | 'allNamespaces'>;

/** Where the request looks; undefined: in all namespaces. */
function namespaceOf(request: Place, cluster: Cluster): string | undefined {
  return request.allNamespaces ? undefined : (request.namespace ?? cluster.namespace);
}

/** That place in words, for a sentence. */
function placeOf(request: Place, cluster: Cluster, { elsewhere }: Pick<Experiments, 'elsewhere'>): string {
  const namespace = namespaceOf(request, cluster);
  if (namespace === undefined) return 'in any namespace';
  const looked = elsewhere === undefined ? 'every namespace' : `namespace ${namespace} alone`;
  return `on pods in namespace ${namespace} (agents looked for in ${looked})`;
}

/** As `placeOf`, where nothing was found there, with where else there may be some: nobody is to take it for none at all. */
export function emptyPlaceOf(request: Place, cluster: Cluster, shown: Pick<Experiments, 'elsewhere'>): string {
  const isAll = request.allNamespaces || shown.elsewhere !== undefined;
  return `${placeOf(request, cluster, shown)}${isAll ? '' : '; -A looks in all namespaces'}`;
}

/** What `list` finds, and what becomes of it until aborted. */
export function follow(request: Place, cluster: Cluster, signal: AbortSignal): AsyncIterable<ExperimentUpdate> {
  return cluster.followExperiments(namespaceOf(request, cluster), signal);
}

export function list(request: Place, cluster: Cluster): Promise<Experiments> {
  return cluster.listExperiments(namespaceOf(request, cluster));
}

/**
 * Ends the experiments that are named, or all: each shim is told to stop, by all agents at the same time, and says when it has reverted. Where it
 * cannot be told, the kubelet tells it, and its pod is gone only after that.
 * `onStopping` is called for each when it is asked to end, `onStopped` as soon as it is known how that went. Rejects
 * with ChaosError not-found, before anything is touched, when one that is named is not there.
 */
export async function stop(
  request: ManageRequest,
  cluster: Cluster,
  clock: Clock,
  onStopping: (experiment: Experiment) => void,
  onStopped: (stopped: Stopped) => void,
): Promise<{ stopped: Stopped[]; shown: Experiments }> {
  const shown = await list(request, cluster);
  const { found } = shown;
  const chosen = request.ids.length === 0 ? found : found.filter(({ id }) => request.ids.includes(id));
  const missing = request.ids.filter((id) => !chosen.some((experiment) => experiment.id === id));
  if (missing.length > 0) throw notFound(missing, shown, request, cluster);
  const stopped = await Promise.all(
    chosen.map(async (experiment) => {
      onStopping(experiment);
      const one = await stopOne(experiment, request, cluster, clock);
      onStopped(one);
      return one;
    }),
  );
  return { stopped, shown };
}

/** Ends one, or removes what is left of it. */
export async function stopOne(
  experiment: Experiment,
  request: Pick<ManageRequest, 'connection'>,
  cluster: Cluster,
  clock: Clock,
): Promise<Stopped> {
  const { id, namespace, graceMs, agents = [] } = experiment;
  const heard = await Promise.all(agents.map((agent) => hear(experiment, agent, cluster, clock)));
  const words = heard.flatMap(({ reports }) => [...reports.values()]);
  const isReverted = words.length > 0 && words.every(({ reverted }) => reverted);
  const { left, why } = await cluster.remove(id, namespace, graceMs + reportMs, isReverted);
  const undo = undoCommand(request.connection, namespace, id);
  const targets = agents.length > 0 ? heard.flatMap((one) => targetsOf(one, left)) : leftTargets(experiment, left);
  const doubtful = heard.find(({ reports }) => [...reports.values()].some(isDoubtful));
  if (left.length > 0 || !doubtful) return { experiment, targets, gone: left.length === 0, left, why, undo };
  const { sweep } = experimentCommands(request.connection, agentOf(experiment, doubtful.agent), id).commands;
  const reasons = words.flatMap((word) => (isDoubtful(word) ? word.why : []));
  return { experiment, targets, gone: false, left, why: [...new Set(reasons)].join('; '), undo: sweep };
}

/** What was heard of one agent's targets. */
interface Heard {
  agent: ExperimentAgent;
  reports: RevertReports;
}

/** One that is there is told to stop: that it runs its status says up to a second after it does. */
async function hear(experiment: Experiment, agent: ExperimentAgent, cluster: Cluster, clock: Clock): Promise<Heard> {
  const { container, state, targets, lastWords = '' } = agent;
  const shims = { container, names: targets.map(({ shim }) => shim ?? container) };
  if (state !== 'running' && state !== 'starting') return { agent, reports: lastReports(lastWords, shims) };
  // One that has not begun has nothing to report.
  const limits = { limitMs: experiment.graceMs, silentMs: state === 'starting' ? 0 : endReportMs };
  return { agent, reports: await stopAgent(agentOf(experiment, agent), shims, limits, cluster, clock) };
}

/** The shim itself does not know whether it has reverted, and says why. */
function isDoubtful(word: RevertReport | undefined): word is { reverted: false; why: string } {
  return word?.reverted === false && word.why !== undefined;
}

/** Where nobody has said anything, a pod that is gone has reverted before it went. */
function targetsOf({ agent, reports }: Heard, left: readonly string[]): StoppedTarget[] {
  return agent.targets.map(({ shim = agent.container, ...target }) => {
    const { namespace, pod, container } = target;
    const word = reports.get(shim);
    const reverted = word?.reverted === true || (!isDoubtful(word) && left.length === 0);
    return { ...{ namespace, pod, container, reverted }, ...(isDoubtful(word) ? { why: word.why } : {}) };
  });
}

/** Those of an experiment without agents. */
export function leftTargets({ target }: Experiment, left: readonly string[]): StoppedTarget[] {
  return targetsNamed(target).map((one) => ({ ...one, reverted: left.length === 0 }));
}

/** Says which there are. */
export function notFound(missing: readonly string[], shown: Experiments, request: Place, cluster: Cluster): ChaosError {
  const there = shown.found.map(({ id }) => id).join(', ') || 'none';
  const elsewhere =
    shown.elsewhere === undefined ? '-A searches all namespaces' : '-n takes the namespace of the agent';
  return new ChaosError(
    'not-found',
    `there is no experiment ${missing.join(' or ')} ${placeOf(request, cluster, shown)}`,
    { hint: `available: ${there}${request.allNamespaces ? '' : `; ${elsewhere}`}` },
  );
}
