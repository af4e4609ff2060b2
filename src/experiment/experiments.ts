import { ChaosError } from '../errors.ts';
import type { Agent, Clock, Cluster, Experiment, Experiments, ExperimentUpdate } from '../ports.ts';
import type { ManageRequest } from '../requests.ts';
import { experimentCommands, undoCommand } from './plan.ts';
import { endReportMs, lastReport, type RevertReport, stopAgent } from './stop-agent.ts';

/** How one experiment was stopped. */
export interface Stopped {
  experiment: Experiment;
  /** Everything of it is confirmed gone, and with its agent the fault. */
  gone: boolean;
  left: readonly string[];
  why: string;
  /** What ends it by hand; where only the revert is in doubt, what makes certain of it. */
  undo: string;
}

/** After the grace period the kubelet kills, and reports at its next round. */
const reportMs = 20_000;

/** The agent of an experiment; undefined: there is no pod of it, or none that has a node. */
export function agentOf({ id, namespace, pod, podUid, node }: Experiment): Agent | undefined {
  if (pod === undefined || podUid === undefined || node === undefined) return undefined;
  return { id, namespace, pod, podUid, node };
}

/** Where experiments are looked for. */
type Place = Pick<ManageRequest, 'namespace' | 'allNamespaces'>;

/** Where the request looks; undefined: in all namespaces. */
function namespaceOf(request: Place, cluster: Cluster): string | undefined {
  return request.allNamespaces ? undefined : (request.namespace ?? cluster.namespace);
}

/** That place in words, for a sentence. */
export function placeOf(request: Place, cluster: Cluster, { elsewhere }: Pick<Experiments, 'elsewhere'>): string {
  const namespace = namespaceOf(request, cluster);
  if (namespace === undefined) return 'in any namespace';
  const looked = elsewhere === undefined ? 'every namespace' : `namespace ${namespace} alone`;
  return `on pods in namespace ${namespace} (agents looked for in ${looked})`;
}

/** What `list` finds, and what becomes of it until aborted. */
export function follow(request: Place, cluster: Cluster, signal: AbortSignal): AsyncIterable<ExperimentUpdate> {
  return cluster.followExperiments(namespaceOf(request, cluster), signal);
}

export function list(request: Place, cluster: Cluster): Promise<Experiments> {
  return cluster.listExperiments(namespaceOf(request, cluster));
}

/**
 * Ends the experiments that are named, or all: each shim is told to stop, and says when it has reverted. Where it
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

/** Whether its shim may be there to be told: that it runs its status says up to a second after it does. */
const mayListen = ({ state }: Experiment) => state === 'running' || state === 'starting';

/** Ends one, or removes what is left of it. */
export async function stopOne(
  experiment: Experiment,
  request: Pick<ManageRequest, 'connection'>,
  cluster: Cluster,
  clock: Clock,
): Promise<Stopped> {
  const { id, namespace, graceMs } = experiment;
  const agent = agentOf(experiment);
  // One that has not begun has nothing to report.
  const silentMs = experiment.state === 'starting' ? 0 : endReportMs;
  const word: RevertReport =
    agent && mayListen(experiment)
      ? await stopAgent(agent, { limitMs: graceMs, silentMs }, cluster, clock)
      : lastReport(experiment.lastWords ?? '');
  const { left, why } = await cluster.remove(id, namespace, graceMs + reportMs, word.reverted);
  const undo = undoCommand(request.connection, namespace, id);
  if (left.length > 0 || word.reverted || word.why === undefined || !agent) {
    return { experiment, gone: left.length === 0, left, why, undo };
  }
  const { sweep } = experimentCommands(request.connection, agent, id).commands;
  return { experiment, gone: false, left, why: word.why, undo: sweep };
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
