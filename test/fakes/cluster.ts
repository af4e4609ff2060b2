import { ChaosError } from '../../src/errors.ts';
import type {
  Agent,
  AgentSpec,
  AgentUpdate,
  Attachment,
  AuditEvent,
  Cluster,
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
  SelectedTarget,
  Selection,
  Skipped,
  StandingUpdate,
  Surroundings,
  SweptNode,
  Target,
  TargetUpdate,
  Volume,
} from '../../src/ports.ts';
import { Queue } from '../../src/queue.ts';
import { FakeAttachment } from './attachment.ts';
import { Channel } from './channel.ts';
import { podNetwork, target, volumes } from './samples.ts';

type Method =
  | 'findNodes'
  | 'readLog'
  | 'findTargets'
  | 'podNetwork'
  | 'addressesOf'
  | 'volumes'
  | 'surroundings'
  | 'memberships'
  | 'launch'
  | 'replace'
  | 'end'
  | 'followLog'
  | 'rehearse'
  | 'attach'
  | 'remove'
  | 'discard'
  | 'listExperiments'
  | 'listAgents'
  | 'prospects'
  | 'deleteTarget'
  | 'recordEvent';

/** A cluster that does what the test scripts: every method can fail or hang, both watches and every stream are the test's to feed. */
export class FakeCluster implements Cluster {
  readonly namespace = 'shop';
  context: string | undefined = 'staging';
  contexts: string[] = ['staging'];
  readonly server = 'https://cluster.test:6443';
  /** Each call by name, in order. */
  readonly calls: string[] = [];
  /** Of the agent that is there now. */
  agentUpdates = new Channel<AgentUpdate>();
  readonly experimentUpdates = new Channel<ExperimentUpdate>();
  targetUpdates = new Channel<TargetUpdate>();
  nodeUpdates = new Channel<NodeUpdate>();
  standings = new Channel<StandingUpdate>();
  /** What becomes of the target when it ends. */
  future: Prospects = { keeper: 'replicaset/web', isStatic: false, restartPolicy: 'Always', graceSeconds: 30 };
  /** The pods that were deleted, by name, with what was asked for. */
  readonly deletions: { pod: string; graceSeconds: number | undefined; isRehearsal: boolean }[] = [];
  around: Surroundings = { protectedBy: [], experiments: [], nodeTroubles: [], unchecked: [] };
  readonly attachments: FakeAttachment[] = [];
  /** Called with each new stream before the session has it. */
  onAttach: ((attachment: FakeAttachment) => void) | undefined;
  target: SelectedTarget = target();
  /** Those that are selected beside it. */
  otherTargets: SelectedTarget[] = [];
  skipped: Skipped[] = [];
  /** Without an own list of pods, those are of no workload. */
  belongings: Omit<Memberships, 'pods'> & Partial<Memberships> = { workloads: [], budgets: [], unknown: [] };
  /** What was asked for last. */
  selection: Selection | undefined;
  network: PodNetwork = podNetwork();
  /** By the name of the object. */
  readonly addresses = new Map<string, ObjectAddresses[]>();
  mounted: Volume[] = volumes();
  launched: AgentSpec | undefined;
  /** What took the place of what was launched. */
  replacement: AgentSpec | undefined;
  /** The agent pods that were to be deleted, by name. */
  readonly ended: string[] = [];
  /** Those of a log: nothing can be said to them. */
  readonly logStreams: (FakeAttachment & { pod?: string; fromNow?: boolean })[] = [];
  /** Called with each new log before the session has it. */
  onLog: ((log: FakeAttachment, pod: string) => void) | undefined;
  /** What else the launch finds out about the agent. */
  agentFacts: Pick<Agent, 'changes' | 'warnings'> = {};
  removed: { id: string; namespace: string; timeoutMs: number; reverted: boolean } | undefined;
  removal: RemovalResult = { left: [], why: '' };
  /** By id, where it is another than `removal`. */
  readonly removals = new Map<string, RemovalResult>();
  experiments: Experiments = { found: [], unseen: [] };
  /** What was written about the target. */
  readonly events: AuditEvent[] = [];
  nodes: SweptNode[] = [];
  pods = new Map<string, string>();
  /** By the agent's id. */
  readonly logs = new Map<string, string>();
  /** The namespace of the last listing. */
  listed: string | undefined;
  isClosed = false;
  /** Watches that nobody has ended yet. */
  watches = 0;
  readonly #failures = new Map<Method, unknown[]>();
  readonly #gates = new Map<Method, Promise<void>>();

  /** The next call of `method` rejects with `error`; said several times: the next ones. */
  failNext(method: Method, ...errors: unknown[]): void {
    this.#failures.set(method, [...(this.#failures.get(method) ?? []), ...errors]);
  }

  /** Calls of `method` wait until the returned function is called. */
  hold(method: Method): () => void {
    let release: () => void = () => undefined;
    this.#gates.set(
      method,
      new Promise((resolve) => {
        release = resolve;
      }),
    );
    return release;
  }

  count(method: Method): number {
    return this.calls.filter((call) => call === method).length;
  }

  get attachment(): FakeAttachment {
    const last = this.attachments.at(-1);
    if (!last) throw new Error('nothing was attached');
    return last;
  }

  async findTargets(selection: Selection, _agentNamespace: string | undefined): ReturnType<Cluster['findTargets']> {
    this.selection = selection;
    await this.#enter('findTargets');
    return { targets: [this.target, ...this.otherTargets], skipped: this.skipped };
  }

  async podNetwork(_target: Target): Promise<PodNetwork> {
    await this.#enter('podNetwork');
    return this.network;
  }

  async addressesOf(queries: readonly ObjectQuery[], _namespace: string): Promise<ObjectAddresses[][]> {
    await this.#enter('addressesOf');
    return queries.map(({ name }) => this.addresses.get(name) ?? []);
  }

  async volumes(_target: Target): Promise<Volume[]> {
    await this.#enter('volumes');
    return this.mounted;
  }

  async surroundings(_target: Target, _agentNamespace: string): Promise<Surroundings> {
    await this.#enter('surroundings');
    return this.around;
  }

  async memberships(targets: readonly Target[]): Promise<Memberships> {
    await this.#enter('memberships');
    return { pods: targets.map(({ podUid }) => ({ uid: podUid, isReady: true })), ...this.belongings };
  }

  async launch(spec: AgentSpec): Promise<Agent> {
    this.launched = spec;
    await this.#enter('launch');
    const { id, namespace, pod, node } = spec;
    return { id, namespace, pod, podUid: 'agent-uid', node, ...this.agentFacts };
  }

  async launchAll(specs: readonly AgentSpec[]): Promise<Agent[]> {
    return Promise.all(specs.map((spec) => this.launch(spec)));
  }

  followAgent(_agent: Agent, signal: AbortSignal): AsyncIterable<AgentUpdate> {
    this.calls.push('followAgent');
    if (this.agentUpdates.isEnded) this.agentUpdates = new Channel<AgentUpdate>();
    this.watching(signal, this.agentUpdates);
    return this.agentUpdates;
  }

  async *followAgents(
    agents: readonly Agent[],
    signal: AbortSignal,
  ): AsyncGenerator<{ agent: Agent; update: AgentUpdate }> {
    this.calls.push('followAgents');
    const queue = new Queue<{ agent: Agent; update: AgentUpdate }>();
    const all = agents.map(async (agent) => {
      for await (const update of this.followAgent(agent, signal)) queue.push({ agent, update });
    });
    void Promise.all(all).then(() => queue.end());
    yield* queue;
  }

  followTarget(_target: Target, signal: AbortSignal): AsyncIterable<TargetUpdate> {
    this.calls.push('followTarget');
    if (this.targetUpdates.isEnded) this.targetUpdates = new Channel<TargetUpdate>();
    this.watching(signal, this.targetUpdates);
    return this.targetUpdates;
  }

  async *followTargets(
    targets: readonly Target[],
    signal: AbortSignal,
  ): AsyncGenerator<{ target: Target; update: TargetUpdate }> {
    const [target] = targets;
    if (target) for await (const update of this.followTarget(target, signal)) yield { target, update };
  }

  followNode(_target: Target, signal: AbortSignal): AsyncIterable<NodeUpdate> {
    this.calls.push('followNode');
    if (this.nodeUpdates.isEnded) this.nodeUpdates = new Channel<NodeUpdate>();
    this.watching(signal, this.nodeUpdates);
    return this.nodeUpdates;
  }

  async prospects(_target: Target): Promise<Prospects> {
    await this.#enter('prospects');
    return this.future;
  }

  /** Those of the first target alone. */
  async *followStandings(
    [target]: readonly Target[],
    signal: AbortSignal,
  ): AsyncGenerator<{ target: Target; update: StandingUpdate }> {
    this.calls.push('followStandings');
    if (this.standings.isEnded) this.standings = new Channel<StandingUpdate>();
    this.watching(signal, this.standings);
    if (target) for await (const update of this.standings) yield { target, update };
  }

  async deleteTarget({ pod }: Target, graceSeconds: number | undefined, isRehearsal = false): Promise<void> {
    this.deletions.push({ pod, graceSeconds, isRehearsal });
    await this.#enter('deleteTarget');
  }

  async attach(_agent: Agent, _container: string, signal: AbortSignal): Promise<Attachment> {
    await this.#enter('attach');
    const attachment = new FakeAttachment();
    signal.addEventListener('abort', () => attachment.close());
    this.attachments.push(attachment);
    this.onAttach?.(attachment);
    return attachment;
  }

  async replace(former: Agent, spec: AgentSpec): Promise<Agent> {
    this.replacement = spec;
    await this.#enter('replace');
    this.agentUpdates = new Channel<AgentUpdate>();
    return { ...former, pod: spec.pod, podUid: 'next-uid' };
  }

  async replaceAll(formers: readonly Agent[], specs: readonly AgentSpec[]): Promise<Agent[]> {
    return Promise.all(specs.map((spec, index) => this.replace(formers[index] ?? (formers[0] as Agent), spec)));
  }

  async end({ pod }: Agent): Promise<void> {
    this.ended.push(pod);
    await this.#enter('end');
  }

  async followLog(agent: Agent, _container: string, signal: AbortSignal, fromNow = false): Promise<Attachment> {
    await this.#enter('followLog');
    const log = Object.assign(new FakeAttachment(), { pod: agent.pod, fromNow });
    signal.addEventListener('abort', () => log.close());
    this.logStreams.push(log);
    this.onLog?.(log, agent.pod);
    return log;
  }

  async recordEvent(_target: Target, event: AuditEvent): Promise<void> {
    await this.#enter('recordEvent');
    this.events.push(event);
  }

  async listExperiments(namespace: string | undefined): Promise<Experiments> {
    this.listed = namespace;
    await this.#enter('listExperiments');
    return this.experiments;
  }

  followExperiments(namespace: string | undefined, signal: AbortSignal): AsyncIterable<ExperimentUpdate> {
    this.listed = namespace;
    this.calls.push('followExperiments');
    this.watching(signal, this.experimentUpdates);
    return this.experimentUpdates;
  }

  async listAgents(namespace: string): Promise<Experiments> {
    this.listed = namespace;
    await this.#enter('listAgents');
    return this.experiments;
  }

  async remove(id: string, namespace: string, timeoutMs: number, reverted: boolean): Promise<RemovalResult> {
    this.removed = { id, namespace, timeoutMs, reverted };
    await this.#enter('remove');
    return this.removals.get(id) ?? this.removal;
  }

  /** What was removed by the way, by namespace. */
  readonly discarded: { namespace: string; remains: readonly Remains[] }[] = [];

  async discard(namespace: string, remains: readonly Remains[], signal: AbortSignal): Promise<void> {
    this.discarded.push({ namespace, remains });
    const aborted = new Promise<never>((_, reject) =>
      signal.addEventListener('abort', () => reject(new ChaosError('connection-lost', 'no answer in time'))),
    );
    await Promise.race([this.#enter('discard'), aborted]);
  }

  async findNodes(names: readonly string[]): Promise<SweptNode[]> {
    await this.#enter('findNodes');
    const missing = names.find((name) => !this.nodes.some((node) => node.name === name));
    if (missing !== undefined) throw new ChaosError('not-found', `there is no node ${missing}`);
    return this.nodes.filter(({ name }) => names.length === 0 || names.includes(name));
  }

  /** What containers of every node run on. */
  images: RunningImage[] = [{ image: 'nginx:1.29', namespace: 'web', pod: 'web-0', imagePullSecrets: [] }];

  async imagesOn(): Promise<readonly RunningImage[]> {
    return this.images;
  }

  async podsOn(): Promise<ReadonlyMap<string, string>> {
    return this.pods;
  }

  async readLog(agent: Agent, _container: string): Promise<string> {
    await this.#enter('readLog');
    return this.logs.get(agent.id) ?? '';
  }

  requests(): Readonly<Record<string, number>> {
    return { 'create pods': 1, 'delete pods': 1 };
  }

  async rehearse(_spec: AgentSpec): Promise<{ changes: readonly string[]; warnings: readonly string[] }> {
    await this.#enter('rehearse');
    return { changes: this.agentFacts.changes ?? [], warnings: this.agentFacts.warnings ?? [] };
  }

  render(specs: readonly AgentSpec[]): unknown[] {
    return specs.map(({ pod }) => ({ kind: 'Pod', metadata: { name: pod } }));
  }

  close(): void {
    this.isClosed = true;
  }

  protected watching(signal: AbortSignal, updates: { end(): void }): void {
    this.watches++;
    signal.addEventListener('abort', () => {
      this.watches--;
      updates.end();
    });
  }

  async #enter(method: Method): Promise<void> {
    this.calls.push(method);
    await this.#gates.get(method);
    const failures = this.#failures.get(method) ?? [];
    if (failures.length > 0) throw failures.shift();
  }
}
