import { ChaosError, ExitCode, messageOf, unchanged } from '../errors.ts';
import type {
  Agent,
  AgentSpec,
  Clock,
  Cluster,
  ContainerStatus,
  Experiment,
  Experiments,
  InterruptSignal,
  Signals,
  SweptNode,
} from '../ports.ts';
import type { SweepRequest } from '../requests.ts';
import { parseResidue, parseSwept, type Residue, type Swept } from '../shim/swept.ts';
import { joinWords } from '../text.ts';
import { agentEnd } from './agent-end.ts';
import { leftTargets, list, type Stopped, stopOne } from './experiments.ts';
import { Interrupts, signalExitCodes, unconfirmedRevert } from './interrupt.ts';
import { sweepAgent, undoCommand } from './plan.ts';
import type { Tidying } from './tidying.ts';

export interface SweepPorts {
  cluster: Cluster;
  clock: Clock;
  signals: Signals;
  who: string;
  randomSuffix: () => string;
  tidying: Pick<Tidying, 'remove'>;
  /** Asks whether to remove all that was found; undefined: nobody can be asked. */
  confirm: ((report: SweepReport, count: number) => Promise<boolean>) | undefined;
}

/** A finding, and the pod that it is in where that can be told. */
export interface Found extends Residue {
  /** `NAMESPACE/NAME`. */
  pod?: string;
}

/** What became of one node. */
export interface NodeReport {
  node: string;
  swept?: Swept;
  residue: readonly Found[];
  /** Why it could not be swept, or not wholly. */
  problem?: string;
  /** What of its agent could not be removed, why, and the command that does. */
  kept?: string;
}

export interface SweepReport {
  nodes: readonly NodeReport[];
  /** Objects of experiments that have ended. */
  objects: readonly Experiment[];
  /** Of these, those whose removal was tried. */
  removed: readonly Stopped[];
  /** Why leftovers without a pod could not be looked for. */
  unseen: readonly string[];
  /** Why leftovers in other namespaces could not be. */
  elsewhere?: string;
  exitCode: number;
}

/** An agent in each needs its pod created, its image pulled, and so on: more at once would only make a burst. */
const atOnce = 4;
const removeMs = 20_000;
const container = 'sweep';

/**
 * Looks for what faults have left on nodes, and in the cluster; removes it if asked to, and says what is left then. A
 * node that fails does not stop the others.
 * @throws ChaosError not-found for a node that does not exist, before anything is created; interrupted when a signal
 * came: every agent is removed then; not-reverted where one could not be, or a second signal has
 * left no time for that.
 */
export async function sweep(request: SweepRequest, ports: SweepPorts): Promise<SweepReport> {
  const interrupts = new Interrupts(ports.signals);
  try {
    const end = await Promise.race([sweepAll(request, ports, interrupts), interrupts.again]);
    if (end === 'again') {
      throw unconfirmedRevert(interrupts, {
        hint: 'See what is left of its agents, and remove it: kubectl chaos ls -A, kubectl chaos stop ID',
        state: 'agents of the sweep may be left on the nodes; each ends on its own',
      });
    }
    return end;
  } finally {
    interrupts.close();
  }
}

async function sweepAll(request: SweepRequest, ports: SweepPorts, interrupts: Interrupts): Promise<SweepReport> {
  const { cluster } = ports;
  const nodes = await cluster.findNodes(request.nodes);
  const { found, ...blind } = await list(request, cluster);
  const objects = found.filter(({ state }) => state === 'ended' || state === 'leftover');
  const abort = new AbortController();
  const interruption = new Promise<'interrupted'>((resolve) => {
    interrupts.onFirst(() => {
      abort.abort();
      resolve('interrupted');
    });
  });
  const all = async (chosen: readonly SweptNode[], remove: boolean): Promise<NodeReport[]> => {
    const reports = await inTurns(chosen, (node) => sweepNode(node, remove, request, ports, abort.signal));
    if (interrupts.first) throw interrupted(interrupts.first, remove, reports);
    return reports;
  };
  const [seen, gone] = await Promise.all([all(nodes, false), ports.tidying.remove(objects)]);
  const tidied = gone.map((experiment): Stopped => {
    const undo = undoCommand(request.connection, experiment.namespace, experiment.id);
    return { experiment, targets: leftTargets(experiment, []), gone: true, left: [], why: '', undo };
  });
  const looked = reportOf(seen, objects, tidied, blind, request.yes);
  const count = removable(looked);
  if (count === 0) return looked;
  const isWanted = request.yes || (await Promise.race([ports.confirm?.(looked, count), interruption]));
  if (interrupts.first) throw interrupted(interrupts.first, false, looked.nodes);
  if (!isWanted) return looked;
  const again = nodes.filter(({ name }) => looked.nodes.some((one) => one.node === name && leftOn(one) > 0));
  const [removed, swept] = await Promise.all([
    Promise.all(
      objects
        .filter((one) => !gone.includes(one))
        .map((experiment) => stopOne(experiment, request, cluster, ports.clock)),
    ),
    all(again, true),
  ]);
  const now = looked.nodes.map((before) => swept.find(({ node }) => node === before.node) ?? before);
  return reportOf(now, objects, [...tidied, ...removed], blind, true);
}

function interrupted(signal: InterruptSignal, removing: boolean, reports: readonly NodeReport[]): ChaosError {
  const message = `${signal} received before the sweep was over`;
  const state = removing ? 'some of the leftovers may have been removed' : unchanged;
  const kept = reports.flatMap((report) => report.kept ?? []);
  if (kept.length > 0) return new ChaosError('not-reverted', `${message}, and ${kept.join('; ')}`, { state });
  return new ChaosError('interrupted', message, { exitCode: signalExitCodes[signal], state });
}

/** What is on the node, is not in use, and can be removed: a process is nobody's to kill. */
function leftOn({ residue }: NodeReport): number {
  return residue.filter(({ inUse, removed, what }) => !inUse && !removed && what !== 'process').length;
}

/** How much a yes would remove. */
function removable({ nodes, objects, removed }: SweepReport): number {
  return objects.length - removed.length + nodes.reduce((sum, node) => sum + leftOn(node), 0);
}

/** Pure: clean is only what was looked at wholly. `tried`: to remove it. */
function reportOf(
  nodes: readonly NodeReport[],
  objects: readonly Experiment[],
  removed: readonly Stopped[],
  blind: Omit<Experiments, 'found'>,
  tried = false,
): SweepReport {
  const isUnsure = nodes.some(
    ({ swept, problem, kept }) => problem !== undefined || kept !== undefined || !swept || swept.unseen > 0,
  );
  const isLeft = nodes.some(({ swept }) => (swept?.left ?? 0) > 0) || removed.length < objects.length;
  const isUnconfirmed = removed.some(({ gone }) => !gone);
  const exitCode =
    isUnsure || isUnconfirmed || (tried && isLeft)
      ? ExitCode.notReverted
      : isLeft
        ? ExitCode.notEffective
        : ExitCode.effective;
  return { nodes, objects, removed, ...blind, exitCode };
}

/** In the order of the items, a few at once. */
async function inTurns<Item, Result>(items: readonly Item[], act: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  const entries = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of entries) results[index] = await act(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}

async function sweepNode(
  { name, uid, architecture, problem }: SweptNode,
  remove: boolean,
  request: SweepRequest,
  ports: SweepPorts,
  signal: AbortSignal,
): Promise<NodeReport> {
  const { cluster } = ports;
  if (!architecture) return { node: name, residue: [], problem: problem ?? 'its architecture is not known' };
  if (signal.aborted) return { node: name, residue: [], problem: 'interrupted' };
  const namespace = request.agentNamespace ?? request.namespace ?? cluster.namespace;
  const id = `chaos-${ports.randomSuffix()}`;
  const args = ['sweep', ...(remove ? ['--remove'] : [])];
  const nodeUid = uid === undefined ? {} : { nodeUid: uid };
  const undo = undoCommand(request.connection, namespace, id);
  let spec: AgentSpec;
  let agent: Agent;
  try {
    const running = request.image === undefined ? await cluster.imagesOn(name, namespace) : [];
    const where = { id, namespace, node: name, ...nodeUid, architecture };
    spec = sweepAgent(request, { ...where, container, args, running }, ports);
    agent = await cluster.launch(spec);
  } catch (error) {
    return { node: name, residue: [], ...failed(error) };
  }
  let report: NodeReport;
  try {
    const status = await agentEnd(spec, agent, ports, signal, ({ message }) => parseSwept(message) !== undefined);
    report = { node: name, ...(await reading(status, agent, name, cluster)) };
  } catch (error) {
    report = { node: name, residue: [], problem: signal.aborted ? 'interrupted' : withHint(error) };
  }
  const { left, why } = await cluster.remove(id, namespace, removeMs, report.swept !== undefined);
  const kept = left.length === 0 ? undefined : `${joinWords(left)} could not be removed (${why}): ${undo}`;
  return kept === undefined ? report : { ...report, kept };
}

/** An agent that could not be launched, and what is left of it if it could not be taken back either. */
function failed(error: unknown): Pick<NodeReport, 'problem' | 'kept'> {
  const { state, hint } = error instanceof ChaosError ? error : { state: undefined, hint: undefined };
  const isLeft = state !== undefined && state !== unchanged;
  return isLeft ? { problem: messageOf(error), kept: `${state}: ${hint}` } : { problem: withHint(error) };
}

/** What happened, and what helps. */
function withHint(error: unknown): string {
  const hint = error instanceof ChaosError ? error.hint : undefined;
  return hint === undefined ? messageOf(error) : `${messageOf(error)}. ${hint}`;
}

/** The sums are the container's last word; what exactly was found is in its log. */
async function reading(
  { message }: Extract<ContainerStatus, { state: 'terminated' }>,
  agent: Agent,
  node: string,
  cluster: Cluster,
): Promise<Omit<NodeReport, 'node'>> {
  const swept = parseSwept(message);
  if (!swept || swept.found === 0) return { ...(swept ? { swept } : {}), residue: [] };
  let log = '';
  try {
    log = await cluster.readLog(agent, container);
  } catch (error) {
    return {
      swept,
      residue: [],
      problem: `${swept.found} found, but the log that lists them cannot be read: ${messageOf(error)}`,
    };
  }
  const residue = parseResidue(log);
  const pods = await cluster.podsOn(node);
  const named = residue.map((one) => {
    const pod = pods.get(podUidOf(one.cgroup) ?? '');
    return { ...one, ...(pod === undefined ? {} : { pod }) };
  });
  const missing = swept.found - residue.length;
  return { swept, residue: named, ...(missing === 0 ? {} : { problem: `the log lacks ${missing} of ${swept.found}` }) };
}

/** The kubelet's cgroups name the pod: `pod<uid>`, by the systemd driver with underscores. */
export function podUidOf(cgroup: string): string | undefined {
  return /pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12})/.exec(cgroup)?.[1]?.replaceAll('_', '-');
}
