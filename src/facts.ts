/**
 * What `doctor` learns, as data, and who learns it. `experiment/doctor/` judges; `kubernetes/doctor/` asks.
 */
import type { AgentShape, Cluster, NetworkProbe, TargetQuery } from './ports.ts';
import type { Asked } from './rights.ts';

/** What proves to the API server who asks; never the secret itself. */
export interface CredentialFacts {
  /** `plugin`: an exec credential plugin. */
  kind: 'certificate' | 'token' | 'token file' | 'plugin' | 'oidc' | 'password' | 'none';
  /** Absent: never, or it does not say. */
  expires?: Date;
  /** Whom the user impersonates. */
  impersonated?: string;
  /** How the connection is protected: by TLS, by TLS without a check of the server's certificate, or not at all. */
  protection: 'tls' | 'unchecked' | 'none';
  /** Host and port of the proxy on the way. */
  proxy?: string;
}

/** What the API server says of itself. */
export interface ServerFacts {
  /** `v1.33.1`. */
  version: string;
  /** Of Kubernetes 1: 33. Undefined: it is no number. */
  minor: number | undefined;
  /** Its clock, in whole seconds; absent: it does not say. */
  date?: Date;
  /** This machine's clock, before the request and when the answer had come. */
  asked: Date;
  answered: Date;
}

/** A right, and where it is asked for: undefined: in every namespace, or of what is in none. */
export interface RightAt extends Asked {
  namespace: string | undefined;
}

export interface NamespaceFacts {
  name: string;
  isTerminating: boolean;
  /** The level that it enforces by its label; absent: it has none, and the cluster's default holds. */
  enforced?: string;
  /** What of it protects a target; as in `Surroundings`. */
  protectedBy: readonly string[];
}

/** What became of a request to open a WebSocket. */
export type Upgrade =
  /** `carries`: whether something came through it; absent: nothing was to come. */
  | { state: 'open'; carries?: boolean }
  /** The API server itself has answered, with something else: it is no matter of the way to it. */
  | { state: 'answered'; status: number; message: string }
  | { state: 'refused'; message: string; remedy?: string };

/** What is known of a node by its object. */
export interface NodeFacts {
  name: string;
  uid?: string;
  /** Empty: it does not say. */
  os: string;
  architecture: string;
  osImage: string;
  /** `6.12.48+deb13-amd64`. */
  kernel: string;
  /** `v1.33.1`. */
  kubelet: string;
  /** `containerd://2.1.4`. */
  runtime: string;
  isUnschedulable: boolean;
  /** When its kubelet last wrote its status, by the node's clock; absent: never. */
  reported?: Date;
  /** Conditions that say that something is wrong, by their type, each as what follows the node's name in a sentence. */
  troubles: Readonly<Record<string, string>>;
  labels: Readonly<Record<string, string>>;
  /** Names alone. */
  annotations: readonly string[];
  /** `aws:///eu-1a/i-0abc`; empty: none. */
  provider: string;
  /** What pods may request; undefined: it does not say. */
  allocatable: { cpu?: number; memory?: number; pods?: number };
  /** Undefined: not reported, as by kubelets before 1.34. */
  swapBytes?: number;
}

/** What the pods of a node, those that have not ended, request together, and what an agent would ask for: cores and bytes. */
export interface RoomFacts {
  pods: number;
  cpu: number;
  memory: number;
  agent: { cpu: number; memory: number };
}

/** A pod as a target. */
export interface PodFacts {
  namespace: string;
  name: string;
  /** The container that is meant; of a pod that has none of that name, the first. */
  container: string;
  /** Why it cannot be a target; absent: it can. */
  problem?: { message: string; remedy?: string };
  /** The runtime's id; absent: it does not run. */
  containerId?: string;
  /** Absent: it is not scheduled. */
  node?: string;
  image: string;
  imagePullSecrets: readonly string[];
  isReady: boolean;
  isHostNetwork: boolean;
  restartCount: number;
  /** What of it protects it; as in `Surroundings`. */
  protectedBy: readonly string[];
  requests: Compute;
  /** In force, as far as the API server knows. */
  limits: Compute;
  podMemoryLimitBytes?: number;
  /** Of all of its containers, that come over the network. */
  probes: readonly NetworkProbe[];
  /** Long-lived containers, sidecars among them. */
  containers: readonly { name: string; image: string }[];
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
  /** Its controller: `ReplicaSet`. */
  owner?: { kind: string; name: string };
  /** As in `Target`. */
  chosenFrom?: { workload: string; runningPods: number };
}

/** Cores and bytes; undefined: not set. */
export interface Compute {
  cpu?: number;
  memory?: number;
}

/** What makes a pod, and how many of its pods are ready. */
export interface WorkloadFacts {
  /** `deployment/web`. */
  name: string;
  /** Undefined: it does not say. */
  wanted?: number;
  ready?: number;
}

/** A PodDisruptionBudget that covers the pod. */
export interface BudgetFacts {
  name: string;
  /** How many more of its pods may be taken away now. */
  allowed: number;
}

/**
 * Asks a cluster what a run there would meet. All of it only reads; what is rehearsed is kept by nobody. Each rejects with ChaosError, `forbidden` for
 * want of a right.
 */
export interface Examiner {
  readonly cluster: Cluster;
  /** Reads files and runs a credential plugin; sends nothing. */
  credentials(): Promise<CredentialFacts>;
  server(): Promise<ServerFacts>;
  /** Those that are not allowed. Undefined: the API server answers no such questions. */
  missing(asked: readonly RightAt[]): Promise<RightAt[] | undefined>;
  /** Whom the API server takes the user for. Undefined: it does not say, as before Kubernetes 1.28. */
  user(): Promise<string | undefined>;
  namespace(name: string): Promise<NamespaceFacts>;
  /** Opens a watch over a WebSocket, of this pod or, undefined, of none. */
  watchUpgrade(namespace: string, pod: string | undefined): Promise<Upgrade>;
  /** Asks for an attach to a pod that does not exist: what the API server refuses itself has reached it. */
  attachUpgrade(namespace: string): Promise<Upgrade>;
  pod(query: TargetQuery): Promise<PodFacts>;
  node(name: string): Promise<NodeFacts>;
  room(node: string, shape: AgentShape): Promise<RoomFacts>;
  /** When the node's kubelet last said that it lives, by the node's clock; undefined: it never has. */
  heartbeat(node: string): Promise<Date | undefined>;
  /** What made the pod; undefined: nothing did, or nothing that has replicas. */
  workload(pod: PodFacts): Promise<WorkloadFacts | undefined>;
  budgets(pod: PodFacts): Promise<readonly BudgetFacts[]>;
}
