import { isatty } from 'node:tty';
import type { V1Pod } from '@kubernetes/client-node';
import type {
  Agent,
  AgentSpec,
  AgentUpdate,
  Architecture,
  Attachment,
  AttachUse,
  AuditEvent,
  BuildName,
  Cluster,
  ConnectionOptions,
  Experiments,
  ExperimentUpdate,
  Memberships,
  NodeUpdate,
  ObjectAddresses,
  ObjectQuery,
  PodNetwork,
  Prospects,
  Remains,
  RemovalResult,
  RunningImage,
  Selection,
  StandingUpdate,
  Surroundings,
  SweptNode,
  Target,
  TargetUpdate,
  Volume,
} from '../ports.ts';
import { type Access, type Environment, resolveAccess } from './access.ts';
import { addressesOf } from './addresses.ts';
import { agentPod, configMap } from './agent-pod.ts';
import { eventsVersion, followAgent, followAgents, type WatchedAgent } from './agent-watch.ts';
import { recordEvent } from './audit.ts';
import { Offers } from './channel.ts';
import { discard } from './discard.ts';
import { Existing } from './existing.ts';
import { listAgents, listExperiments } from './experiments.ts';
import { followExperiments } from './experiments-watch.ts';
import { type Launched, launch, rehearse, replace, shimUsers } from './launch.ts';
import { followLog, LogPosition } from './log.ts';
import { memberships } from './memberships.ts';
import { imagesOn } from './node-images.ts';
import { followNode } from './node-watch.ts';
import { findNodes, podsOn, readLog, runtimeVersion } from './nodes.ts';
import { podNetwork } from './pod-network.ts';
import { prospectsOf } from './prospects.ts';
import { deletePod, deleteTarget, remove } from './remove.ts';
import { Rest } from './rest.ts';
import { findTargets } from './selection.ts';
import { followStandings } from './standing-watch.ts';
import { SharedReads, surroundings } from './surroundings.ts';
import type { FoundTarget } from './target.ts';
import { followTarget, followTargets, type Watched } from './target-watch.ts';
import { volumesOf } from './volumes.ts';

/** What the adapter needs of the machine it runs on. */
export interface ConnectPorts {
  env: Environment;
  homeDirectory: string;
  /** The shim's bytes. Rejects with ChaosError shim-missing. */
  shim(architecture: Architecture): Promise<Uint8Array>;
  /** Whether a credential plugin may use stdin; by default whether it is a terminal. */
  interactive?: boolean;
  /** Of this command, for the User-Agent; by default unknown. */
  build?: BuildName;
}

/** Reads the kubeconfig; sends nothing yet. Throws ChaosError kubeconfig. */
export function connect(options: ConnectionOptions, ports: ConnectPorts): KubernetesCluster {
  return connectWithRest(options, ports).cluster;
}

/** The same, and what it sends its requests by. */
export function connectWithRest(
  options: ConnectionOptions,
  ports: ConnectPorts,
): { cluster: KubernetesCluster; rest: Rest } {
  const access = resolveAccess(options, ports.env, ports.homeDirectory);
  const terminal = { interactive: ports.interactive ?? isatty(0) };
  const rest = new Rest(access, ports.env, terminal, options.requestTimeoutMs, ports.build);
  return { rest, cluster: new KubernetesCluster(rest, access.namespace, ports.shim, access) };
}

/** The real cluster. */
export class KubernetesCluster implements Cluster {
  readonly namespace: string;
  readonly context: string | undefined;
  readonly contexts: readonly string[];
  readonly server: string;
  readonly #rest: Rest;
  readonly #shim: ConnectPorts['shim'];
  /** Targets as they were found, by the pod's uid: a watch goes on from the list in which it was seen, and nothing between is missed. */
  readonly #found = new Map<string, FoundTarget>();
  /** Aborted when watch events of the agent pod turn out not to arrive: what keeps those back keeps back all. */
  readonly #distrust = new AbortController();
  /** For the targets that were found last. */
  #reads: SharedReads;
  readonly #created = new Map<string, V1Pod>();
  readonly #offers = new Offers();
  readonly #positions = new Map<string, LogPosition>();
  readonly #existing = new Map<string, Existing>();
  /** Of each experiment with several agents, the version that the events had before the first was created; undefined: not known. */
  readonly #eventsSince = new Map<string, Promise<string | undefined>>();

  constructor(
    rest: Rest,
    namespace: string,
    shim: ConnectPorts['shim'],
    access: Pick<Access, 'context' | 'contexts'> = { contexts: [] },
  ) {
    this.#rest = rest;
    this.#reads = new SharedReads(rest);
    this.namespace = namespace;
    this.context = access.context;
    this.contexts = access.contexts;
    this.server = rest.server;
    this.#shim = shim;
  }

  async findTargets(
    selection: Selection,
    agentNamespace: string | undefined,
    attach: AttachUse = 'needed',
  ): ReturnType<Cluster['findTargets']> {
    const namespace = selection.namespace ?? this.namespace;
    const { targets, skipped } = await findTargets(
      this.#rest,
      selection,
      namespace,
      agentNamespace ?? namespace,
      attach,
    );
    this.#reads = new SharedReads(this.#rest);
    for (const found of targets) this.#found.set(found.target.podUid, found);
    const [first, ...others] = targets.map(({ target }) => target);
    if (!first) throw new Error('a selection that selects nothing is refused');
    return { targets: [first, ...others], skipped };
  }

  async podNetwork(target: Target): Promise<PodNetwork> {
    return podNetwork(this.#seen(target));
  }

  addressesOf(queries: readonly ObjectQuery[], namespace: string): Promise<ObjectAddresses[][]> {
    return addressesOf(this.#rest, queries, namespace);
  }

  async volumes(target: Target): Promise<Volume[]> {
    return volumesOf(this.#seen(target).pod, target.container);
  }

  surroundings(target: Target, agentNamespace: string): Promise<Surroundings> {
    return surroundings(this.#reads, this.#seen(target), agentNamespace, new Date());
  }

  async memberships(targets: readonly Target[]): Promise<Memberships> {
    return memberships(
      this.#rest,
      targets.map((target) => this.#seen(target).pod),
    );
  }

  #seen(target: Target): FoundTarget {
    const seen = this.#found.get(target.podUid);
    if (!seen) throw new Error(`pod/${target.pod} was not found by this cluster`);
    return seen;
  }

  async launch(spec: AgentSpec): Promise<Agent> {
    const [agent] = await this.launchAll([spec]);
    return agent as Agent;
  }

  async launchAll(specs: readonly AgentSpec[]): Promise<Agent[]> {
    const architectures = [...new Set(specs.map(({ architecture }) => architecture))];
    const shims = await Promise.all(architectures.map(async (one) => [one, await this.#shim(one)] as const));
    const existing = new Existing();
    for (const { id, namespace } of specs) this.#existing.set(key(id, namespace), existing);
    const [first, ...others] = specs;
    if (first && others.length > 0) {
      const version = eventsVersion(this.#rest, first.namespace).catch(() => undefined);
      this.#eventsSince.set(key(first.id, first.namespace), version);
    }
    void importAttach();
    const launched = await launch(this.#rest, specs, new Map(shims), existing);
    return specs.map((spec, index) => this.#agentOf(spec, launched[index] as Launched));
  }

  async replace(former: Agent, spec: AgentSpec): Promise<Agent> {
    const [agent] = await this.replaceAll([former], [spec]);
    return agent as Agent;
  }

  async replaceAll(formers: readonly Agent[], specs: readonly AgentSpec[]): Promise<Agent[]> {
    const [first] = formers;
    const existing = first && this.#existing.get(key(first.id, first.namespace));
    if (!existing) throw new Error(`${first?.pod} was not launched by this cluster`);
    const launched = await replace(this.#rest, formers, specs, existing);
    return specs.map((spec, index) => this.#agentOf(spec, launched[index] as Launched));
  }

  end(agent: Agent): Promise<void> {
    return deletePod(this.#rest, agent);
  }

  #agentOf(spec: AgentSpec, { pod, changes, warnings }: Launched): Agent {
    const podUid = pod.metadata?.uid ?? '';
    this.#created.set(podUid, pod);
    return {
      id: spec.id,
      namespace: spec.namespace,
      pod: spec.pod,
      podUid,
      node: spec.node,
      ...(changes.length > 0 ? { changes } : {}),
      ...(warnings.length > 0 ? { warnings } : {}),
    };
  }

  followAgent(agent: Agent, signal: AbortSignal): AsyncIterable<AgentUpdate> {
    return followAgent(this.#rest, this.#watchedAgent(agent), signal, () => this.#distrust.abort());
  }

  followAgents(agents: readonly Agent[], signal: AbortSignal): AsyncIterable<{ agent: Agent; update: AgentUpdate }> {
    const [first] = agents;
    const since = first && this.#eventsSince.get(key(first.id, first.namespace));
    const watched = agents.map((agent) => this.#watchedAgent(agent));
    return followAgents(this.#rest, watched, since ?? Promise.resolve(undefined), signal, () => this.#distrust.abort());
  }

  #watchedAgent(agent: Agent): WatchedAgent {
    return { agent, created: this.#created.get(agent.podUid) };
  }

  followTarget(target: Target, signal: AbortSignal): AsyncIterable<TargetUpdate> {
    return followTarget(this.#rest, this.#watched(target), signal, this.#distrust.signal);
  }

  followTargets(
    targets: readonly Target[],
    signal: AbortSignal,
  ): AsyncIterable<{ target: Target; update: TargetUpdate }> {
    const watched = targets.map((target) => this.#watched(target));
    return followTargets(this.#rest, watched, signal, this.#distrust.signal);
  }

  #watched(target: Target): Watched {
    return { target, resourceVersion: this.#found.get(target.podUid)?.resourceVersion };
  }

  async prospects(target: Target): Promise<Prospects> {
    return prospectsOf(this.#seen(target).pod, target.container);
  }

  followStandings(
    targets: readonly Target[],
    signal: AbortSignal,
  ): AsyncIterable<{ target: Target; update: StandingUpdate }> {
    const seen = targets.map((target) => ({ target, pod: this.#seen(target).pod }));
    return followStandings(this.#rest, seen, signal, this.#distrust.signal);
  }

  deleteTarget(target: Target, graceSeconds: number | undefined, isRehearsal = false): Promise<void> {
    return deleteTarget(this.#rest, target, graceSeconds, isRehearsal);
  }

  followNode(target: Target, signal: AbortSignal): AsyncIterable<NodeUpdate> {
    return followNode(this.#rest, target, this.#found.get(target.podUid), signal, this.#distrust.signal);
  }

  async attach(agent: Agent, container: string, signal: AbortSignal): Promise<Attachment> {
    const existing = this.#existing.get(key(agent.id, agent.namespace));
    if (existing) existing.mayHaveBegun = true;
    const { attach } = await importAttach();
    const { namespace, pod, node } = agent;
    const runtime = () => this.#runtimeOf(node);
    return attach(this.#rest, { namespace, pod, container, node, runtime }, signal, this.#offers);
  }

  followLog(agent: Agent, container: string, signal: AbortSignal, fromNow = false): Promise<Attachment> {
    const name = `${agent.podUid}/${container}`;
    const position = this.#positions.get(name) ?? new LogPosition();
    this.#positions.set(name, position);
    return followLog(this.#rest, agent, container, position, fromNow, signal);
  }

  /** With its version where the user may read nodes. */
  async #runtimeOf(node: string): Promise<string | undefined> {
    const found = [...this.#found.values()].find(({ target }) => target.node === node);
    return (await runtimeVersion(this.#rest, node)) ?? found?.target.runtime;
  }

  async remove(id: string, namespace: string, timeoutMs: number, reverted: boolean): Promise<RemovalResult> {
    const existing = this.#existing.get(key(id, namespace));
    // The shim's word that it has reverted is as good as the kubelet's that its containers have ended, and seconds earlier.
    const result = await remove(this.#rest, id, namespace, timeoutMs, { existing, hasReverted: reverted });
    // Nothing is there any more.
    if (result.left.length === 0) this.#existing.set(key(id, namespace), new Existing());
    return result;
  }

  discard(namespace: string, remains: readonly Remains[], signal: AbortSignal): Promise<void> {
    return discard(this.#rest, namespace, remains, signal);
  }

  recordEvent(target: Target, event: AuditEvent): Promise<void> {
    return recordEvent(this.#rest, target, event, new Date());
  }

  listExperiments(namespace: string | undefined): Promise<Experiments> {
    return listExperiments(this.#rest, namespace, new Date());
  }

  followExperiments(namespace: string | undefined, signal: AbortSignal): AsyncIterable<ExperimentUpdate> {
    return followExperiments(this.#rest, namespace, () => new Date(), signal);
  }

  listAgents(namespace: string): Promise<Experiments> {
    return listAgents(this.#rest, namespace, new Date());
  }

  findNodes(names: readonly string[]): Promise<SweptNode[]> {
    return findNodes(this.#rest, names);
  }

  imagesOn(node: string, agentNamespace: string): Promise<readonly RunningImage[]> {
    return imagesOn(this.#rest, node, agentNamespace);
  }

  podsOn(node: string): Promise<ReadonlyMap<string, string>> {
    return podsOn(this.#rest, node);
  }

  readLog(agent: Agent, container: string): Promise<string> {
    return readLog(this.#rest, agent, container);
  }

  requests(): Readonly<Record<string, number>> {
    return this.#rest.counts();
  }

  async rehearse(spec: AgentSpec): Promise<{ changes: readonly string[]; warnings: readonly string[] }> {
    return rehearse(this.#rest, spec, await this.#shim(spec.architecture));
  }

  render(specs: readonly AgentSpec[]): unknown[] {
    // Some 300 KB of base64 are more than the annotation can hold in which `kubectl apply` keeps what was applied.
    const shims = new Map(specs.map(({ architecture }) => [architecture, Buffer.from(`nsexec for ${architecture}`)]));
    return [...shimUsers(specs, shims).map(({ users: [user], shim }) => configMap(user, shim)), ...specs.map(agentPod)];
  }

  close(): void {
    this.#rest.close();
  }
}

/** Later than the rest, while the agent pod starts: the first request need not wait for ws to be loaded. */
function importAttach(): Promise<typeof import('./attach.ts')> {
  return import('./attach.ts');
}

function key(id: string, namespace: string): string {
  return `${namespace}/${id}`;
}
