/**
 * What the life cycle of an experiment needs of the world. `experiment/` sees these interfaces only; `bin.ts` and `kubernetes/` give the real ones, `test/fakes/` those of the tests.
 */
import type { Cidr } from './ip.ts';

/** Kinds of TARGET that lead to a pod. */
const workloadKinds = [
  'pod',
  'deployment',
  'replicaset',
  'statefulset',
  'daemonset',
  'job',
  'cronjob',
  'replicationcontroller',
] as const;
export type WorkloadKind = (typeof workloadKinds)[number];

/** What the user named. A service stands for the pods that its selector finds. */
export interface TargetQuery {
  kind: WorkloadKind | 'service';
  name: string;
  /** Undefined: the namespace of the kubeconfig's context. */
  namespace: string | undefined;
  /** Undefined: the pod's `kubectl.kubernetes.io/default-container`, else its first container. */
  container: string | undefined;
}

/** How many pods: `one` of each that is named, or of what the labels select; else of all of them together, a percentage rounded up and of at least one. */
export type Take = 'one' | 'all' | { count: number } | { percent: number };

/** An object that leads to pods, as the user named it. */
export type TargetName = Pick<TargetQuery, 'kind' | 'name'>;

/** Which containers of which pods. */
export interface Selection {
  /** Each once, at least one; or a label selector, as the API server reads it. */
  from: readonly TargetName[] | { labels: string };
  /** Undefined: the namespace of the kubeconfig's context. */
  namespace: string | undefined;
  /** Of each pod. Undefined: as of a `TargetQuery`. */
  container: string | undefined;
  /** All of a pod's ordinary containers in place of one. */
  allContainers: boolean;
  take: Take;
  /** By which pods are chosen: the same one chooses the same pods. */
  seed: string;
  /** Pods that cannot be hit are left out; else nothing is selected. */
  skipUnsuitable: boolean;
  /** Pods that are part of the cluster itself may be taken. */
  allowSystem: boolean;
}

/** A pod that is left out, and why, for a sentence. */
export interface Skipped {
  pod: string;
  why: string;
}

/** CPU architectures that the shim is built for, in Kubernetes' names (`kubernetes.io/arch`). */
export type Architecture = 'amd64' | 'arm64';

/** What a pod was chosen out of. */
export interface ChosenFrom {
  /** `deployment/web`, or `-l app=web`. */
  workload: string;
  runningPods: number;
  /** By which it was chosen; absent: there was no other. */
  seed?: string;
}

/** One container of one running pod, as the API server knows it. */
export interface Target {
  namespace: string;
  pod: string;
  podUid: string;
  container: string;
  /** The runtime's id, without `containerd://`. */
  containerId: string;
  /** `containerd`, `cri-o`, `docker`. */
  runtime: string;
  node: string;
  /** Of the node's object. Absent: the user may not read nodes. */
  nodeUid?: string;
  architecture: Architecture;
  /** Absent: the user named this pod. */
  chosenFrom?: ChosenFrom;
  restartCount: number;
  /** How many containers the pod has (init containers not counted). */
  containers: number;
  /** The container's own limits in force, which a resize may not have reached yet; undefined: none. */
  cpuLimitCores?: number;
  memoryLimitBytes?: number;
  /** The limit of the pod as a whole; undefined: none is set. */
  podMemoryLimitBytes?: number;
  /** What the node has (its capacity), of which pods may request what is allocatable. Undefined: the user may not read nodes. */
  nodeCores?: number;
  nodeMemoryBytes?: number;
  /** Undefined: the user may not read nodes. */
  nodeAllocatableCores?: number;
  /** Undefined: the user may not read nodes. */
  nodeAllocatableMemoryBytes?: number;
  /** What could not be looked up and is assumed instead, in words for the user; absent: nothing. */
  assumed?: readonly string[];
  /** Why its agent may not be attached to, by a user who may read the agent's log. Absent: it may be. */
  attachBarred?: string;
}

/** What names a target. */
export type ContainerName = Pick<Target, 'namespace' | 'pod' | 'container'>;

/** A target as it is found, with what an agent beside it could run on. */
export interface SelectedTarget extends Target {
  /** By its name in the container's spec. */
  image: string;
  /** Names of the pod's own image pull secrets, those that its service account gave it among them; absent: none. */
  imagePullSecrets?: readonly string[];
}

/** `needed`: without it nothing can be done; `wanted`: else the agent's log will do; `unused`: the log is read in any case; `none`: there is no agent. */
export type AttachUse = 'needed' | 'wanted' | 'unused' | 'none';

/** What of its pod's spec a directory of a container is in. */
export interface Volume {
  /** The volume's kind in the API's words (`persistentVolumeClaim`, `emptyDir`, `hostPath`, `configMap`, …); `root`: the container's own root. */
  kind: string;
  /** Of the volume in the pod; of `root` empty. */
  name: string;
  /** The claim's name, the host's path, or the medium: what tells more than the volume's own name. */
  detail?: string;
  /** Where the container has it; `/` for `root`. */
  mountPath: string;
  readOnly: boolean;
  /** Of an `emptyDir`: beyond so much in it the kubelet evicts the pod. Absent: there is no such limit. */
  sizeLimitBytes?: number;
}

/** A probe that the kubelet sends over the network; times in whole seconds, ≥ 1. */
export interface NetworkProbe {
  container: string;
  kind: 'liveness' | 'readiness' | 'startup';
  by: 'http' | 'https' | 'tcp' | 'grpc';
  /** 1 … 65535. */
  port: number;
  path?: string;
  /** Where it goes; absent: to the pod's own address. */
  host?: string;
  /** The pod gives its requests a `User-Agent` of their own: they do not say that they are the kubelet's. */
  hasOwnAgent?: true;
  periodSeconds: number;
  timeoutSeconds: number;
  /** The container is not restarted when it has ended: its restart policy is Never. */
  isFinal?: true;
  /** So many failures in a row have the container restarted, or the pod taken out of its services. ≥ 1. */
  failureThreshold: number;
}

/** A probe for which the kubelet has a command run in its container. */
export type ExecProbe = Omit<NetworkProbe, 'by' | 'port' | 'path' | 'host' | 'hasOwnAgent'> & { by: 'exec' };

/** An address of a node's, and whose it is, in a few words: `Cilium's address of the node`. */
export interface NodeSource {
  address: string;
  what: string;
}

/** A pod's place in the network, as the API server knows it. */
export interface PodNetwork {
  hostNetwork: boolean;
  podIps: readonly string[];
  /** The node's InternalIPs, which the kubelet's probes may come from. Empty: not known. */
  nodeIps: readonly string[];
  /** Names of all containers of the pod: they share its network. */
  podContainers: readonly string[];
  /** Of all containers of the pod. */
  probes: readonly NetworkProbe[];
  /** As `probes`. Absent: there are none. */
  execProbes?: readonly ExecProbe[];
  /** Further addresses of the node's in the pod network that the kubelet's probes may come from. Empty: none is known. */
  nodeSources: readonly NodeSource[];
  /** What could not be looked up and is assumed instead, in words for the user; absent: nothing. */
  assumed?: readonly string[];
}

/** An object of the API that has addresses: a service, a pod, or what makes pods. */
export interface ObjectQuery {
  kind: WorkloadKind | 'service';
  name: string;
  /** Undefined: the target's. */
  namespace: string | undefined;
}

/** Where such an object is reached. */
export interface ObjectAddresses {
  cidrs: readonly Cidr[];
  /** Of a service's endpoints: where a port of the service ends up at them. Absent: the port is the same. */
  portMap?: readonly { port: number; targetPort: number }[];
  /** The service is only another name for this host, which the target resolves: there are no addresses. */
  host?: string;
}

/** One container of the agent pod: the shim at work on one target. */
export interface AgentContainer {
  name: string;
  /** Absent: it works on the node. */
  target?: Target;
  /** argv of the shim, its own name not included; not yet escaped for Kubernetes' `$(NAME)` expansion. */
  args: readonly string[];
}

/** A part of the toolbox: programs with all that they need, as they are sent to an agent. */
export interface Toolbox {
  /** 1 … 32 of `[a-z0-9-]`. */
  name: string;
  /** A tar archive, compressed by gzip. */
  archive: Uint8Array;
  /** Of `archive`, in hexadecimal digits. */
  sha256: string;
  /** How large the tar archive in it is. */
  unpackedBytes: number;
}

/**
 * Where every agent has the shim: a folder of its own, and the file in it. Runtimes mount in the order of depth and leave out an image's VOLUME whose
 * place the pod takes: neither `VOLUME /opt` nor one of this very path covers it.
 */
export const shimFolder = '/opt/kubectl-chaos';
export const shimFile = 'nsexec';

/** A resource and how much of it, a Kubernetes quantity: `cpu`, `memory`, `ephemeral-storage`. */
export type Quantities = Readonly<Record<string, string>>;

/** What the agent pod has beside what it needs, as whoever runs the cluster may ask of every pod. */
export interface AgentShape {
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
  /** In place of the usual ones, each by itself. */
  requests: Quantities;
  limits: Quantities;
  priorityClass?: string;
}

/** Everything that is created in the cluster for one experiment, as data. */
export interface AgentSpec {
  /** `chaos-7f3k2`: the experiment's id, by which all of it is labelled. */
  id: string;
  namespace: string;
  /** The name of the ConfigMap with the shim, which agents of one architecture share: the id, of a second architecture with that behind it (`chaos-7f3k2-arm64`). */
  configMap: string;
  /** The pod's name, `chaos-7f3k2-0`: the id, and which of the experiment's agents it is. */
  pod: string;
  node: string;
  /** Of the node's object, which then owns the pod. Absent: not known. */
  nodeUid?: string;
  architecture: Architecture;
  image: string;
  /** Whose image that is if it was not named, in words: `the target's own image`; absent: it was named. */
  imageOf?: string;
  /** Names, in the agent's namespace. */
  imagePullSecrets: readonly string[];
  shape: AgentShape;
  containers: readonly AgentContainer[];
  /** How many targets it works on; absent: one. */
  targets?: number;
  /** The kubelet's clock (G2): `activeDeadlineSeconds`, whole seconds, ≥ 1. */
  activeDeadlineSeconds: number;
  /** How long the kubelet waits from TERM to KILL, whole seconds, ≥ 1; more than the shim's grace. Undefined: 30. */
  terminationGracePeriodSeconds?: number;
  /** What, who, until when, why, and the undo by hand; written as annotations, so never a secret. */
  annotations: Readonly<Record<string, string>>;
}

/** Names the created objects; enough to find and delete them. */
export interface Agent {
  id: string;
  namespace: string;
  pod: string;
  podUid: string;
  node: string;
  /** What a webhook or policy of the cluster changed in the pod, in words (`added init container wait`); absent: nothing that matters to it. */
  changes?: readonly string[];
  /** What the API server warned of when it created the pod, in its words; absent: nothing. */
  warnings?: readonly string[];
}

export type ContainerStatus =
  /** `blockedBy`: the pod's init container that this one waits for, and that the reason and the message are about. */
  | { state: 'waiting'; reason: string; message: string; blockedBy?: string }
  | { state: 'running' }
  /** `whose`, for one of several targets: the end of its shim alone, and the reason says how, or of the agent with the shims of all. `byLease`: an agent of several that has heard nobody for too long. */
  | {
      state: 'terminated';
      exitCode: number;
      reason: string;
      message: string;
      whose?: 'shim' | 'agent';
      byLease?: true;
    };

/** The reason of a `warning` that is not the kubelet's: watches do not tell what happens, so that it is asked for. */
export const noWatchEvents = 'NoWatchEvents';

/** One thing learnt about the agent pod. */
export type AgentUpdate =
  /** `containers` by name. `phase` and `reason` as in the pod's status (`Failed`, `DeadlineExceeded`, `Evicted`, …). */
  | {
      kind: 'status';
      phase: string;
      reason: string;
      message: string;
      containers: Readonly<Record<string, ContainerStatus>>;
    }
  /** The kubelet said `Started` for this container: it can be attached to, up to a second before the status says so. */
  | { kind: 'started'; container: string }
  /** A Warning event about the pod: pulling, mounting, admission by the kubelet, … `count`: how often it has happened; absent: once. */
  | { kind: 'warning'; reason: string; message: string; count?: number }
  /** Something that goes on and may take long: pulling. */
  | { kind: 'progress'; reason: string; message: string }
  /** Somebody has asked for its deletion, once: its containers go on until its kubelet acts on that, which may take it a minute. */
  | { kind: 'deleting' }
  | { kind: 'deleted' }
  /** Whether the watch reaches the API server: each failed attempt to make it anew, with the reason, and the first that succeeds. */
  | { kind: 'contact'; problem: string | undefined };

/** Of these, what its pod itself says. */
export type AgentPodUpdate = Extract<AgentUpdate, { kind: 'status' | 'deleting' | 'deleted' }>;

/** What happened to the target while the experiment ran. */
export type TargetUpdate =
  | { kind: 'restarted'; reason: string; exitCode: number | undefined; message: string }
  | { kind: 'terminated'; reason: string; exitCode: number | undefined; message: string }
  | { kind: 'deleted'; message: string }
  | { kind: 'evicted'; message: string }
  | { kind: 'node-lost'; message: string };

/** What becomes of a pod, or of its container, that ends. */
export interface Prospects {
  /** What makes such pods, as `replicaset/web-5d4`; absent: nothing does, and one that is deleted does not come back. */
  keeper?: string;
  /** Its kubelet runs it from a file of its own, and what the API server shows is but its mirror. */
  isStatic: boolean;
  /** Of the container. */
  restartPolicy: 'Always' | 'OnFailure' | 'Never';
  /** From TERM to KILL when the pod is deleted, whole seconds. */
  graceSeconds: number;
}

/** A container as its pod's status has it. */
export interface ContainerStanding {
  /** The runtime's, without `containerd://`; empty: there is none. */
  id: string;
  restartCount: number;
  state: 'running' | 'waiting' | 'terminated';
  isReady: boolean;
  /** Why it waits, as `CrashLoopBackOff`, and what the kubelet says of that; absent: it does not wait. */
  waiting?: { reason: string; message: string };
  /** How it has ended, if it has not been started again, or how the one before it did. `signal` 0: the runtime names none. */
  end?: { exitCode: number; signal: number; reason: string };
}

/** How things stand with a target, its pod, and what counts on it. */
export interface Standing {
  /** Absent: it is gone. */
  pod?: { isReady: boolean; isBeingDeleted: boolean; phase: string };
  /** Absent with its pod, and as long as that has no status of it. */
  container?: ContainerStanding;
  /** Of what makes such pods all that are ready, the target's among them; of one that nothing makes, itself. */
  readyPods: number;
  /** The other pods of what makes them. */
  others: readonly { name: string; uid: string; isReady: boolean }[];
  /** Services that had the pod among their endpoints when it was looked first, with how many ready ones each has; absent: not known. */
  services?: readonly { name: string; ready: number }[];
}

/** What becomes of it, and what of that cannot be seen, with the reason; absent: nothing. */
export interface StandingUpdate {
  standing: Standing;
  unseen?: string;
}

/** A stream to one container of the agent. All members are used by one caller at a time. */
export interface Attachment {
  /** Whole lines of the container's stdout, in order, without the newline; ends when the stream ends, never throws. */
  readonly stdout: AsyncIterable<string>;
  /** Whole or partial pieces of the container's stderr (the workload's output), decoded as UTF-8. */
  readonly stderr: AsyncIterable<string>;
  /**
   * Why and when the stream ended; resolves exactly once, never rejects. `clean`: the container ended or we closed it. `error`: a ChaosError,
   * why no other stream to this container will do better.
   */
  readonly closed: Promise<{ clean: boolean; reason: string; error?: Error }>;
  /** Sends one line to the container's stdin, in the order of the calls; resolves when it has been handed to the socket; rejects with ChaosError connection-lost. */
  send(line: string): Promise<void>;
  /** Closes the stream; the container goes on. Idempotent. */
  close(): void;
}

/** starting: its pod does not run yet; ended: its containers have ended, and objects are left; leftover: only a ConfigMap is there. */
export type ExperimentState = 'starting' | 'running' | 'stopping' | 'ended' | 'leftover';

/** An experiment as the cluster shows it, running or left over; texts are from annotations, which anybody may have written. */
export interface Experiment {
  id: string;
  /** The agent's, which is not always the target's. */
  namespace: string;
  state: ExperimentState;
  /** What is there, as `pod/chaos-7f3k2-0`. */
  objects: readonly string[];
  createdAt: Date;
  /** When the fault ends by itself; undefined: it does not run. */
  endsAt?: Date;
  /** How long its end may take, from the pod's grace period; 0 without a pod. */
  graceMs: number;
  node?: string;
  /** The verb of its fault. */
  verb?: string;
  fault?: string;
  /** `NAMESPACE/POD/CONTAINER`, of several with commas between. */
  target?: string;
  who?: string;
  reason?: string;
  /** The agent pod of each node, in the order of their names; absent: there is none. */
  agents?: readonly ExperimentAgent[];
  /** When the last of its clocks has run out, the kubelet's as a rule; absent: not known. */
  deadline?: Date;
  /** All that is there, if each is named, labelled and owned as `launch` does it; absent: one is not, and is for a person to judge. */
  remains?: readonly Remains[];
}

/** An agent pod of an experiment, as the cluster shows it. */
export interface ExperimentAgent {
  pod: string;
  podUid: string;
  node: string;
  state: Exclude<ExperimentState, 'leftover'>;
  /** The one in which the shim is, or several are. */
  container: string;
  /** What it works on, each with the name by which the agent calls its shim; of several in one container alone. */
  targets: readonly (ContainerName & { shim?: string })[];
  /** Of a detached experiment: what experiment/plan-record.ts reads. */
  plan?: string;
  /** Once its container has ended: the termination message. */
  lastWords?: string;
}

/** An object of an experiment. */
export interface Remains {
  kind: 'pod' | 'configmap';
  name: string;
  uid: string;
}

/** Which cluster an experiment runs in. */
export interface ClusterName {
  /** The kubeconfig's context in use; absent: there is none, as in a pod or with connection flags alone. */
  context?: string;
  /** The API server's URL, without credentials. */
  server: string;
}

/** What the cluster says around a target before anything is created. */
export interface Surroundings {
  /** What protects the target, for a sentence: `annotation kubectl-chaos.io/protected on namespace shop`; empty: nothing in the cluster. */
  protectedBy: readonly string[];
  /** Experiments on the target's node, in the order of creation. */
  experiments: readonly Experiment[];
  /** What is wrong with the node already, after its name in a sentence: `is under memory pressure (kubelet has insufficient memory available)`. */
  nodeTroubles: readonly string[];
  /** What could not be looked at, with the reason; empty: everything was. */
  unchecked: readonly string[];
}

/** What the targets' pods are a part of. */
export interface Memberships {
  /** Each pod once, in the order of the targets. `workload`: as in `workloads`; absent: nothing keeps up a number of such pods, or it is not known. */
  pods: readonly { uid: string; isReady: boolean; workload?: string }[];
  /** As `deployment/web`, with how many of its pods are ready now, those of the targets among them. */
  workloads: readonly { name: string; readyPods: number }[];
  /** PodDisruptionBudgets that select some of the pods: by uid those, how many pods are healthy now, and how many have to be. */
  budgets: readonly { name: string; pods: readonly string[]; healthy: number; needed: number }[];
  /** What could not be looked up, with the reason; empty: nothing. */
  unknown: readonly string[];
}

/** What happened on the target's node, besides to the target. */
export type NodeUpdate =
  /** The node came under pressure, or stopped being ready; `trouble` as in `nodeTroubles`. */
  | { kind: 'trouble'; trouble: string }
  /** The kubelet evicted another pod, `NAMESPACE/NAME`, for want of a resource. */
  | { kind: 'evicted'; pod: string; message: string }
  /** An agent pod of another experiment, or of one's own, was seen. */
  | { kind: 'experiment'; experiment: Experiment }
  /** A part of this cannot be watched, for want of a right as a rule. */
  | { kind: 'unwatched'; what: string; why: string };

export interface Experiments {
  found: readonly Experiment[];
  /** Why leftovers without a pod could not be looked for, or not everywhere; empty: they were. */
  unseen: readonly string[];
  /** Why agents were looked for in the namespace alone that was asked for; absent: they were looked for in every one. */
  elsewhere?: string;
}

/** What becomes of the experiments that the cluster shows. */
export type ExperimentUpdate =
  /** Those there are; once, and first. */
  | { kind: 'listed'; experiments: Experiments }
  /** One has begun, or is another than it was. `isGone`: nothing is there of it any more, and `experiment` is what it was last. */
  | { kind: 'experiment'; experiment: Experiment; isGone: boolean }
  /** Whether the API server is reached: each failed attempt, with the reason, and the first that succeeds. */
  | { kind: 'contact'; problem: string | undefined };

/** What is written beside the target for those who look at it. */
export interface AuditEvent {
  type: 'Normal' | 'Warning';
  /** In one word, as `ChaosStarted`. */
  reason: string;
  message: string;
}

/** A node to be swept. */
export interface SweptNode {
  name: string;
  uid?: string;
  /** Absent: no agent can run there, for the `problem`. */
  architecture?: Architecture;
  problem?: string;
}

/** An image that a container of a node runs on. */
export interface RunningImage {
  /** By its name in the container's spec. */
  image: string;
  namespace: string;
  pod: string;
  /** Names, in that namespace. */
  imagePullSecrets: readonly string[];
}

export interface RemovalResult {
  /** Objects that could not be confirmed to be gone, as `pod/chaos-7f3k2-0`; empty: everything is gone. */
  left: readonly string[];
  /** Why, for each that is left. */
  why: string;
}

/** The cluster, as an experiment sees it. All methods reject with ChaosError only. */
export interface Cluster {
  /** The namespace of the kubeconfig's context, or `-n`. */
  readonly namespace: string;
  /** The kubeconfig's context in use; undefined: there is none, or a flag has put another cluster in its place. */
  readonly context: string | undefined;
  /** Names of contexts by which the API server is known: the one in use, or, where a flag has put another cluster in its place, all that lead to that one. */
  readonly contexts: readonly string[];
  /** The API server's URL, without credentials. */
  readonly server: string;
  /**
   * Finds the targets and refuses what cannot work (DESIGN G6); only reads. They are in the order of their pods' names, then of the pod's containers.
   * `agentNamespace` as in `--agent-namespace`: permissions are checked there as well, by what is to be attached (default: needed).
   */
  findTargets(
    selection: Selection,
    agentNamespace: string | undefined,
    attach?: AttachUse,
  ): Promise<{ targets: readonly [SelectedTarget, ...SelectedTarget[]]; skipped: readonly Skipped[] }>;
  /** The target's place in the network; of a target that was found. Sends nothing. */
  podNetwork(target: Target): Promise<PodNetwork>;
  /**
   * The addresses of each object, in the order of the queries, what is named twice looked up once; only reads. None: it has no address. `namespace`: of those that name none.
   * Rejects with not-found, and with forbidden for all the rights that are missing together.
   */
  addressesOf(queries: readonly ObjectQuery[], namespace: string): Promise<ObjectAddresses[][]>;
  /** What there is around a target that was found, by two requests; only reads. `agentNamespace`: where, beside the target's, experiments are looked for by a user who may not look everywhere. */
  surroundings(target: Target, agentNamespace: string): Promise<Surroundings>;
  /** What makes the pods of targets that were found, and what is promised of them; only reads. What cannot be looked up is no error. */
  memberships(targets: readonly Target[]): Promise<Memberships>;
  /** Where the target's container has which of its pod's volumes, its own root first; of a target that was found. Sends nothing. */
  volumes(target: Target): Promise<Volume[]>;
  /** Creates the ConfigMap with the shim, then the pod, and gives the ConfigMap the pod as owner. On failure everything created is removed again before it rejects. */
  launch(spec: AgentSpec): Promise<Agent>;
  /** The same for all agents of one experiment, which is at least one: a ConfigMap for each architecture, and ten pods at once. In their order. */
  launchAll(specs: readonly AgentSpec[]): Promise<Agent[]>;
  /** Creates another agent pod of the same experiment, with the shim that is there, and deletes `former`, in which no fault can have begun. What is there when it rejects, `remove` removes. */
  replace(former: Agent, spec: AgentSpec): Promise<Agent>;
  /** The same for several agents of one experiment: creates ten pods at once, and deletes the former ones when all are there. In the order of the specs. */
  replaceAll(formers: readonly Agent[], specs: readonly AgentSpec[]): Promise<Agent[]>;
  /** Has the agent pod deleted, and does not wait for it: its kubelet sends the shim TERM, which reverts. One that is gone is none to delete. */
  end(agent: Agent): Promise<void>;
  /** The agent pod's life, from now on; goes on across expired and broken watches; ends after `deleted` or when aborted. */
  followAgent(agent: Agent, signal: AbortSignal): AsyncIterable<AgentUpdate>;
  /** The same of the agents of one experiment, at least one, by one watch for all of them; each is told as it was given. Ends when all are `deleted`. */
  followAgents(agents: readonly Agent[], signal: AbortSignal): AsyncIterable<{ agent: Agent; update: AgentUpdate }>;
  /** What happens to the target from now on (as against `target`, so nothing between is missed); ends when aborted. */
  followTarget(target: Target, signal: AbortSignal): AsyncIterable<TargetUpdate>;
  /** The same for targets of one namespace, by one watch for all of them; each is told as it was given. */
  followTargets(
    targets: readonly Target[],
    signal: AbortSignal,
  ): AsyncIterable<{ target: Target; update: TargetUpdate }>;
  /** What becomes of the target when it ends; of a target that was found. Sends nothing. */
  prospects(target: Target): Promise<Prospects>;
  /** How things stand with each target, at once, and again whenever that is otherwise; of targets of one namespace that were found. Ends when aborted. */
  followStandings(
    targets: readonly Target[],
    signal: AbortSignal,
  ): AsyncIterable<{ target: Target; update: StandingUpdate }>;
  /**
   * Has the target's pod deleted, if it is still the one that was found, and does not wait for it. `graceSeconds`: from TERM to KILL; undefined: as the pod says; 0: it is forgotten at once, whatever runs.
   * `isRehearsal`: the API server says whether it would. Rejects with target-unsuitable when the pod is gone.
   */
  deleteTarget(target: Target, graceSeconds: number | undefined, isRehearsal?: boolean): Promise<void>;
  /** What happens on the target's node from now on, as long as somebody may watch it; ends when aborted. Never fails: what cannot be watched is said. */
  followNode(target: Target, signal: AbortSignal): AsyncIterable<NodeUpdate>;
  attach(agent: Agent, container: string, signal: AbortSignal): Promise<Attachment>;
  /** What the container has written and writes, both outputs as one in `stdout`; made again, it goes on where it broke. Nothing can be said by it. `fromNow`: not what it has written before. */
  followLog(agent: Agent, container: string, signal: AbortSignal, fromNow?: boolean): Promise<Attachment>;
  /**
   * Deletes all that is labelled with the experiment's id, whatever its name, and waits until it is confirmed gone, at most `timeoutMs`. Works as well when only some of it, or nothing, was created.
   * `reverted`: the shim has reverted and ended, so that nothing is lost by not waiting for the kubelet, whose own round takes seconds; otherwise the pod is gone only after the kubelet has seen its containers end.
   */
  remove(id: string, namespace: string, timeoutMs: number, reverted: boolean): Promise<RemovalResult>;
  /** Deletes these objects of an experiment that is over, those with these uids alone, and does not wait for them to be gone. One that is gone already is no error. */
  discard(namespace: string, remains: readonly Remains[], signal: AbortSignal): Promise<void>;
  /** Writes an Event about the target's pod. */
  recordEvent(target: Target, event: AuditEvent): Promise<void>;
  /** Every experiment whose target or agent is in the namespace, or all for `undefined`, in the order of creation; only reads. */
  listExperiments(namespace: string | undefined): Promise<Experiments>;
  /** The same, and then what becomes of them, until aborted; goes on across broken watches. */
  followExperiments(namespace: string | undefined, signal: AbortSignal): AsyncIterable<ExperimentUpdate>;
  /** Every experiment whose agent is in the namespace, whatever the rights for others, in the order of creation; only reads. */
  listAgents(namespace: string): Promise<Experiments>;
  /** The nodes of these names, or all for none; only reads. Rejects with not-found for a name that is no node's. */
  findNodes(names: readonly string[]): Promise<SweptNode[]>;
  /** Images that containers of the node run on; those of the agent's namespace where no more may be listed, none where nothing may be. Only reads. */
  imagesOn(node: string, agentNamespace: string): Promise<readonly RunningImage[]>;
  /** `NAMESPACE/NAME` of the node's pods by their uid; empty where they may not be listed. */
  podsOn(node: string): Promise<ReadonlyMap<string, string>>;
  /** All that a container of the agent has written so far. */
  readLog(agent: Agent, container: string): Promise<string>;
  /** Requests sent so far, by `VERB resource` (`create pods`, `watch events`, …). */
  requests(): Readonly<Record<string, number>>;
  /**
   * Has the API server take every object that launch would create and keep none (`dryRun=All`): Pod Security, quotas and webhooks answer. Rejects as launch does.
   * `changes` and `warnings` as of an `Agent`.
   */
  rehearse(spec: AgentSpec): Promise<{ changes: readonly string[]; warnings: readonly string[] }>;
  /** The objects that launchAll would create, with a placeholder for the shim's bytes, for a dry run. */
  render(specs: readonly AgentSpec[]): unknown[];
  /** Closes idle connections, so that the process can end. */
  close(): void;
}

/** How to reach the cluster: kubectl's connection flags, all optional, with kubectl's meaning. */
export interface ConnectionOptions {
  kubeconfig?: string;
  context?: string;
  cluster?: string;
  user?: string;
  namespace?: string;
  server?: string;
  token?: string;
  as?: string;
  asGroup?: readonly string[];
  asUid?: string;
  certificateAuthority?: string;
  clientCertificate?: string;
  clientKey?: string;
  tlsServerName?: string;
  insecureSkipTlsVerify?: boolean;
  /** 0: no limit. */
  requestTimeoutMs?: number;
}

/** Names that the shell's completion can offer: those of a kubeconfig, or of what is in the cluster. Objects and experiments are those of the connection's namespace. */
export type NameQuery =
  | { of: 'context' | 'cluster' | 'user' }
  | { of: 'namespace' | 'node' }
  | { of: 'object'; kind: TargetQuery['kind'] }
  | { of: 'experiment'; allNamespaces: boolean }
  /** Those of a pod, or of one of a workload's, or of those with labels, that can be a target. */
  | { of: 'container'; target: TargetName | { labels: string } };

/** A name, as it was found: whoever prints it makes sure that it is harmless. */
export interface FoundName {
  name: string;
  /** A few words about what bears it. */
  about?: string;
}

export interface Clock {
  /** Milliseconds, monotonic. */
  now(): number;
  /** The wall clock, for what a user reads. */
  date(): Date;
  /** Calls back once after `ms`, unless cancelled by the returned function. */
  after(ms: number, callback: () => void): () => void;
}

export type InterruptSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

export interface Signals {
  /** Calls back for each INT, TERM and HUP until the returned function is called. */
  listen(callback: (signal: InterruptSignal) => void): () => void;
}

/** Where what happens in an experiment is shown, or kept. */
export interface Reporter<Event> {
  report(event: Event): void;
}

/** Where text goes. `isTTY` decides about spinners, colours and cursor movement, for each stream by itself. */
export interface Output {
  write(text: string): void;
  readonly isTTY: boolean;
  /** Width in columns; undefined off a terminal. */
  readonly columns: number | undefined;
  /** Nobody reads what is written any more. Absent: that is not known. */
  readonly isGone?: boolean;
}

/** Which sources the plugin was built from. */
export interface BuildName {
  version: string;
  /** Of the sources; `unknown` where there is none. */
  commit: string;
}

/** What says which build of the plugin this is. */
export interface BuildPorts extends BuildName {
  /** As `v22.19.0`. */
  nodeVersion: string;
  /** Rejects with ChaosError `shim-missing`. */
  shim: (architecture: Architecture) => Promise<Uint8Array>;
}

/** Reads a part of the toolbox, which lies beside the plugin. Rejects with ChaosError `toolbox-missing`. */
export type ReadToolbox = (name: string, architecture: Architecture) => Promise<Toolbox>;

/** The world, as `bin.ts` hands it down; a test hands down another. */
export interface MainPorts<Event> extends BuildPorts {
  stdout: Output;
  stderr: Output;
  env: Readonly<Record<string, string | undefined>>;
  homeDirectory: string;
  /** The local user's name, for the annotations of the agent pod. */
  who: string;
  clock: Clock;
  signals: Signals;
  randomSuffix: () => string;
  toolbox: ReadToolbox;
  /** The text of the file that a flag names; `-`: of standard input. Rejects with ChaosError `usage`. */
  readText: (flag: string, path: string) => Promise<string>;
  connect: (options: ConnectionOptions) => Promise<Cluster>;
  /** Looks names up, without a word to the user or a question, and gives up when `signal` aborts; only reads. Rejects when it cannot. */
  findNames: (query: NameQuery, options: ConnectionOptions, signal: AbortSignal) => Promise<readonly FoundName[]>;
  /** Asks on the terminal, and resolves to the line that is typed; absent: nobody is there to answer. */
  ask?: (question: string) => Promise<string>;
  /** Made only when a person watches: a spinner on this terminal. */
  liveReporter: (verbose: boolean, colour: boolean) => Promise<Reporter<Event> & { close(): void }>;
}
