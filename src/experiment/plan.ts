import type { Fault } from '../faults/fault.ts';
import { kindOf } from '../faults/registry.ts';
import type {
  AgentSpec,
  ClusterName,
  ConnectionOptions,
  Experiment,
  RunningImage,
  SelectedTarget,
  Skipped,
  Target,
  TargetQuery,
  Toolbox,
} from '../ports.ts';
import type { Request, RunOptions, SweepRequest } from '../requests.ts';
import { shellWord } from '../text.ts';
import { formatDuration } from '../units.ts';
import { faultImage, sweepImage } from './agent-image.ts';
import type { Impact } from './impact.ts';
import { type RecordedPlan, writePlans } from './plan-record.ts';
import { timeouts } from './timeouts.ts';

/** What was decided of all targets together. */
export interface Scope {
  /** By which pods were chosen. */
  seed: string;
  /** Pods that are left out. */
  skipped: readonly Skipped[];
  impact: Impact;
}

/** What of a plan matters from `start` on: enough to follow the fault, to judge it and to take it back. */
export interface RunPlan extends RecordedPlan {
  id: string;
  agent: Pick<AgentSpec, 'namespace' | 'node' | 'pod'>;
  /** The agent's container that works on the target. */
  container: string;
  /** The command that ends the experiment and removes what it left, wherever this plugin is. */
  undo: string;
  /** This plugin's commands that lead to the experiment, with the flags that lead to its cluster. */
  commands: { attach: string; list: string; stop: string; sweep: string };
  /** It is done through the API server alone: there is no agent, and nothing to undo. */
  withoutAgent?: true;
  /** Which pods were selected, and what that means beyond them; absent: another command has selected them. */
  scope?: Scope;
  /** Experiments on the same container that were there before; what is measured is of them as well. */
  others?: readonly Experiment[];
}

/** Everything that will happen, decided before anything does: what `--dry-run=client` prints. */
export interface Plan extends RunPlan {
  agent: AgentSpec;
  /** For how long, in words, behind the summary. */
  span: string;
  /** What is done, for how long at most, by whom and why: for those who look at the target meanwhile. */
  announcement: string;
  /** The command line of its shim, without the program. */
  shim: readonly string[];
  /** The command that ends every experiment of the cluster, for anybody with kubectl and no plugin. */
  endAll: string;
  /** Where all this happens. */
  cluster?: ClusterName;
  /** What is sent to the agent; absent: the fault needs no tools, or the image has them. */
  tools?: SentTools;
}

/** A plan for each target of an experiment, in the order of the selection. */
export type Plans = readonly [Plan, ...Plan[]];

/** Tools that are sent to an agent. */
export interface SentTools extends Toolbox {
  /** For a sentence: `stress-ng`. */
  names: string;
}

/** What a plan depends on besides the request and the target. */
export interface PlanContext {
  id: string;
  /** Who runs it, for those who find the pod: the local user's name, never a credential. */
  who: string;
  now: Date;
  /** What the fault's own look at the cluster has found. */
  surveyed: unknown;
  /** The agent is not attached to. */
  noAttach?: boolean;
  /** There is none. */
  withoutAgent?: boolean;
}

/** One container per target: its name is the target's place in the experiment, from 0. */
export function placeName(place: number): string {
  return `target-${place}`;
}

/** Of an experiment on one target, the only one. */
export const firstContainer = placeName(0);

/** One agent a node, and those that may follow them: its name is its place in the experiment. */
function agentPodName(id: string, place = 0): string {
  return `${id}-${place}`;
}

/** Whether the tools of a fault are sent to its agent: an image that is named brings them. */
export function sendsTools(fault: Fault, { image }: Pick<RunOptions, 'image'>): boolean {
  return image === undefined && kindOf(fault).tools.needed(fault);
}

/** Pulling an image, starting a container and sending it tools count against `activeDeadlineSeconds`, which begins with the pod. */
const startupAllowanceMs = 300_000;
/** After the shim's deadline and grace: reporting, and a slow node. */
const endAllowanceMs = 30_000;
export function planExperiment(request: Request, target: SelectedTarget, context: PlanContext): Plan {
  const { run } = request;
  const kind = kindOf(request.fault);
  const {
    fault,
    summary,
    span = ` for ${formatDuration(run.durationMs)}`,
  } = kind.plan(request.fault, target, context.surveyed, { id: context.id, run });
  const endMs = endAllowanceMs + (kind.allowances?.endMs(fault) ?? 0);
  const namespace = run.agentNamespace ?? target.namespace;
  const commands = experimentCommands(run.connection, { namespace, node: target.node }, context.id);
  const { undo } = commands;
  const { durationMs, graceMs, detached, leaseMs } = run;
  const sends = sendsTools(fault, run);
  const course = {
    ...{ target, fault, summary, durationMs, graceMs, detached, leaseMs },
    ...(context.noAttach ? { noAttach: true as const } : {}),
    ...(sends ? { sentTools: true as const } : {}),
  };
  const shim = shimArguments(run, target, fault, sends);
  const deadlineMs = startupAllowanceMs + (sends ? timeouts.sending : 0) + run.durationMs + run.graceMs + endMs;
  return {
    id: context.id,
    ...course,
    ...commands,
    endAll: endAllCommand(run.connection),
    ...(context.withoutAgent ? { withoutAgent: true as const } : {}),
    container: firstContainer,
    shim,
    span,
    announcement: `${summary} ${kind.place(fault, target)}${span}, by ${context.who}, as ${context.id}${run.reason === undefined ? '' : `: ${run.reason}`}`,
    agent: {
      id: context.id,
      namespace,
      configMap: context.id,
      pod: agentPodName(context.id),
      node: target.node,
      ...(target.nodeUid === undefined ? {} : { nodeUid: target.nodeUid }),
      architecture: target.architecture,
      ...faultImage(run, target, namespace),
      shape: run.shape,
      containers: [{ name: firstContainer, target, args: shim }],
      activeDeadlineSeconds: Math.ceil(deadlineMs / 1_000),
      terminationGracePeriodSeconds: Math.ceil((run.graceMs + endMs) / 1_000),
      annotations: {
        'kubectl-chaos.io/verb': fault.fault,
        'kubectl-chaos.io/fault': summary,
        'kubectl-chaos.io/target': `${target.namespace}/${target.pod}/${target.container}`,
        'kubectl-chaos.io/who': context.who,
        'kubectl-chaos.io/duration': formatDuration(run.durationMs),
        'kubectl-chaos.io/until': new Date(context.now.getTime() + deadlineMs).toISOString(),
        'kubectl-chaos.io/undo': undo,
        ...(detached ? { 'kubectl-chaos.io/plan': writePlans({ targets: [course], of: 1 }) } : {}),
        ...(run.reason === undefined ? {} : { 'kubectl-chaos.io/reason': run.reason }),
      },
    },
  };
}

/** The command line of a shim that begins by itself: it finds there what it would be told otherwise, and has no lease. */
export function unattended(words: readonly string[], orders: readonly string[]): string[] {
  const [command = '', ...options] = words;
  const lease = options.indexOf('--lease-ms');
  const told = orders.flatMap((line) => ['--order', line]);
  return [command, ...options.with(lease + 1, '0').toSpliced(lease + 2, 0, ...told)];
}

/** Where and what an agent that sweeps a node does. */
interface Sweeper extends Pick<AgentSpec, 'id' | 'namespace' | 'node' | 'nodeUid' | 'architecture'> {
  container: string;
  args: readonly string[];
  /** Images that containers of the node run on. */
  running: readonly RunningImage[];
}

/** The agent of one node's sweep: it begins at once and ends by itself. */
export function sweepAgent(
  request: Pick<SweepRequest, 'connection' | 'image' | 'imagePullSecret' | 'shape'>,
  { container, args, running, ...where }: Sweeper,
  { who }: Pick<PlanContext, 'who'>,
): AgentSpec {
  return {
    ...where,
    configMap: where.id,
    pod: agentPodName(where.id),
    ...sweepImage(request, { running, ...where }),
    shape: request.shape,
    containers: [{ name: container, args }],
    activeDeadlineSeconds: Math.ceil((startupAllowanceMs + endAllowanceMs) / 1_000),
    terminationGracePeriodSeconds: Math.ceil(endAllowanceMs / 1_000),
    annotations: {
      'kubectl-chaos.io/verb': 'sweep',
      'kubectl-chaos.io/fault': args.join(' '),
      'kubectl-chaos.io/target': `node/${where.node}`,
      'kubectl-chaos.io/who': who,
      'kubectl-chaos.io/undo': undoCommand(request.connection, where.namespace, where.id),
    },
  };
}

/** What ends an experiment and removes all of it without this plugin. */
export function undoCommand(connection: ConnectionOptions, namespace: string, id: string): string {
  const words = ['-n', namespace, 'delete pod,configmap -l', `kubectl-chaos.io/experiment=${id}`];
  return ['kubectl', ...connectionWords(connection), ...words].join(' ');
}

/**
 * What ends every experiment without this plugin: the kubelet sends each shim TERM, which reverts before its pod is gone, a detached fault as well; the ConfigMaps go with the pods that own them.
 */
function endAllCommand(connection: ConnectionOptions): string {
  const words = ['delete pods -A -l', 'app.kubernetes.io/managed-by=kubectl-chaos'];
  return ['kubectl', ...connectionWords(connection), ...words].join(' ');
}

export function stopCommand(connection: ConnectionOptions, namespace: string, id: string): string {
  return chaosCommand(connection, namespace, 'stop', id);
}

/** kubectl looks for a plugin by its first words: flags come behind them. */
function chaosCommand(connection: ConnectionOptions, namespace: string, ...words: readonly string[]): string {
  return ['kubectl chaos', ...words, '-n', namespace, ...connectionWords(connection)].join(' ');
}

/** What looks at what a run on this target would meet. */
export function doctorCommand(
  connection: ConnectionOptions,
  { kind, name, namespace, container }: TargetQuery,
  agentNamespace: string | undefined,
): string {
  const words = [
    ...['kubectl chaos doctor', `${kind}/${name}`],
    ...(namespace === undefined ? [] : ['-n', namespace]),
    ...(container === undefined ? [] : ['-c', container]),
    ...(agentNamespace === undefined ? [] : ['--agent-namespace', agentNamespace]),
  ];
  return [...words, ...connectionWords(connection)].join(' ');
}

/** What leads to an experiment, and what ends it and finds what it left, with this plugin and without. */
export function experimentCommands(
  connection: ConnectionOptions,
  { namespace, node }: Pick<AgentSpec, 'namespace' | 'node'>,
  id: string,
): Pick<RunPlan, 'undo' | 'commands'> {
  const chaos = (...words: string[]) => chaosCommand(connection, namespace, ...words);
  return {
    undo: undoCommand(connection, namespace, id),
    commands: {
      attach: chaos('attach', id),
      list: chaos('ls'),
      stop: stopCommand(connection, namespace, id),
      sweep: chaos('sweep', node),
    },
  };
}

/** The flags that lead to the same cluster as the same user; never a token. */
function connectionWords(connection: ConnectionOptions): string[] {
  const flags: Array<[string, string | undefined]> = [
    ['--kubeconfig', connection.kubeconfig],
    ['--context', connection.context],
    ['--cluster', connection.cluster],
    ['--user', connection.user],
    ['--server', connection.server],
    ['--certificate-authority', connection.certificateAuthority],
    ['--client-certificate', connection.clientCertificate],
    ['--client-key', connection.clientKey],
    ['--tls-server-name', connection.tlsServerName],
    ['--as', connection.as],
    ...(connection.asGroup ?? []).map((group): [string, string] => ['--as-group', group]),
    ['--as-uid', connection.asUid],
  ];
  return [
    ...flags.flatMap(([flag, value]) => (value === undefined ? [] : [flag, shellWord(value)])),
    ...(connection.insecureSkipTlsVerify ? ['--insecure-skip-tls-verify'] : []),
  ];
}

/** Once a second, oftener for a run so short that it would yield too few to judge by. */
function sampleMs(durationMs: number): number {
  return Math.max(100, Math.min(1_000, Math.floor(durationMs / 8)));
}

/** The bounds of the run, which every fault has; then what is the fault's own. */
function shimArguments(run: RunOptions, target: Target, fault: Fault, sendsTools: boolean): string[] {
  const { command, options, workload } = kindOf(fault).shimCommand(fault, run);
  return [
    command,
    ...['--container', target.containerId, '--duration-ms', String(run.durationMs)],
    ...['--lease-ms', String(run.detached ? 0 : run.leaseMs), '--sample-ms', String(sampleMs(run.durationMs))],
    // The runtime ends the agent by the signal that its image names: of an image that was made for something else, any.
    '--any-signal',
    ...(sendsTools ? ['--toolbox'] : []),
    ...options,
    ...(workload.length > 0 ? ['--', ...workload] : []),
  ];
}
