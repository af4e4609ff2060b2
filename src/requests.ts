import type { AgentShape, ConnectionOptions, NameQuery, Selection, TargetQuery } from './ports.ts';

/** What the commands are asked to do. */

/** Of every document that is read or written: what is added to it changes nothing that is there. */
export const apiVersion = 'kubectl-chaos.io/v1';

/** What a fault is asked to do: data, of which only the fault itself knows more than its name. */
export interface FaultRequest {
  fault: string;
}

/** The agent pod as it is asked for. */
export interface AgentOptions {
  /** One that brings the tools of the fault. Undefined: the target's own, of a sweep one that a container of the node runs on; tools are sent. */
  image: string | undefined;
  imagePullSecret: string | undefined;
  /** Undefined: the target's namespace, of a sweep the namespace that it looks at. */
  agentNamespace: string | undefined;
  shape: AgentShape;
}

/** Without a seed: another one each time. */
export type SelectionRequest = Omit<Selection, 'seed'> & { seed: string | undefined };

/** How many targets may fail: a number, or of all of them a whole percentage, rounded down. */
export type MaxFailed = { count: number } | { percent: number };

/** What several targets of one experiment are to each other. */
export interface PolicyRequest {
  /** Undefined: any number of them. */
  maxFailed: MaxFailed | undefined;
  /** How long all of them may take until they are ready to start, from the launch, whole milliseconds. */
  armMs: number;
}

/** How to run it, whatever the fault is. Times are whole milliseconds. */
export interface RunOptions extends AgentOptions {
  selection: SelectionRequest;
  policy: PolicyRequest;
  connection: ConnectionOptions;
  /** ≥ 1 s, always finite (G2). */
  durationMs: number;
  graceMs: number;
  /** `--detach`: the command returns when the fault is active, and its own time ends it. */
  detached: boolean;
  /** `--no-attach`: the agent is heard by its log, and told what to do when it is launched. */
  noAttach: boolean;
  /** How long the shim goes on without hearing from the command; without meaning when detached. */
  leaseMs: number;
  runAs: 'target' | 'root';
  /** Refuse a workload that would lack something of what confines the target. */
  strict: boolean;
  reason: string | undefined;
  /** Run although the target is protected. */
  yes: boolean;
  /** Nothing is created. `server`: the API server is asked whether it would take every object. Absent: no dry run. */
  dryRun?: 'client' | 'server';
  output: OutputFormat;
  verbose: boolean;
  /** Objects that killed commands have left are removed by the way. */
  cleanup: boolean;
}

/** `json` and `yaml`: one document at the end; `ndjson`: the events, a line each. */
export type OutputFormat = 'human' | 'json' | 'yaml' | 'ndjson';

/** `ls` and `stop`: which experiments, of those that the cluster shows. */
export interface ManageRequest {
  verb: 'ls' | 'stop';
  connection: ConnectionOptions;
  /** Undefined: the namespace of the kubeconfig's context. */
  namespace: string | undefined;
  allNamespaces: boolean;
  /** Empty: all of them. */
  ids: readonly string[];
  output: 'human' | 'wide' | 'json' | 'yaml' | 'ndjson' | 'name';
  /** Of `ls`: go on, and show what changes. */
  watch: boolean;
  verbose: boolean;
  /** Objects that killed commands have left are removed by the way. */
  cleanup: boolean;
}

/** `attach`: which experiment to follow. */
export interface AttachRequest {
  id: string;
  connection: ConnectionOptions;
  /** Undefined: the namespace of the kubeconfig's context. */
  namespace: string | undefined;
  allNamespaces: boolean;
  output: OutputFormat;
  verbose: boolean;
  /** Objects that killed commands have left are removed by the way. */
  cleanup: boolean;
}

/** `sweep`: which nodes, and whether what is found goes without a question. */
export interface SweepRequest extends AgentOptions {
  /** Empty: every node. */
  nodes: readonly string[];
  connection: ConnectionOptions;
  /** Where leftovers are looked for, and where the agents run unless they are given another; undefined: the namespace of the kubeconfig's context. */
  namespace: string | undefined;
  /** Leftovers are looked for in every namespace. */
  allNamespaces: boolean;
  yes: boolean;
  output: 'human' | 'json' | 'yaml';
  verbose: boolean;
  /** Objects that killed commands have left are removed by the way. */
  cleanup: boolean;
}

/** `version`: how it is shown. */
export interface VersionRequest {
  output: 'human' | 'json' | 'yaml';
}

/** `doctor`: what is looked at. */
export interface DoctorRequest extends AgentOptions {
  /** Undefined: no target. Never together with a node. */
  target: TargetQuery | undefined;
  node: string | undefined;
  /** An agent looks at the target from its node as well; without a question where `yes`. */
  onNode: boolean;
  yes: boolean;
  connection: ConnectionOptions;
  /** Of the target, and of the agents unless they have another; undefined: that of the kubeconfig's context. */
  namespace: string | undefined;
  output: 'human' | 'json' | 'yaml';
  verbose: boolean;
}

/** Who is bound to roles, in RBAC's words. */
export interface RbacSubject {
  kind: 'User' | 'Group' | 'ServiceAccount';
  name: string;
  /** Of a service account. */
  namespace?: string;
}

/** `rbac`: whose rights, and where. */
export interface RbacRequest {
  /** Undefined: the roles alone. */
  subject: RbacSubject | undefined;
  /** Of the targets; undefined: every one. */
  namespace: string | undefined;
  /** Undefined: those of the targets. */
  agentNamespace: string | undefined;
  output: 'yaml' | 'json';
}

/** Something that can be typed at the cursor, whole. */
export interface Candidate {
  value: string;
  about?: string;
  /** More of the word follows: no space comes after it. */
  isOpen?: true;
}

/** `__complete`: what the shell offers at the cursor. */
export interface CompletionRequest {
  /** What has been typed of the word; every candidate begins with it. */
  word: string;
  candidates: readonly Candidate[];
  /** Names to look up and to offer as well, each with `prefix` before it; `except`: those that stand on the line already. */
  names?: { query: NameQuery; connection: ConnectionOptions; prefix: string; except: readonly string[] };
  /** The shell offers the names of files. */
  isFile?: true;
}

export interface Request {
  fault: FaultRequest;
  run: RunOptions;
}
