import { ChaosError } from '../errors.ts';
import { type AgentSpec, type AgentUpdate, noWatchEvents, shimFile, shimFolder } from '../ports.ts';

/** What stands in the agent pod's way on its node, by the kubelet's words, and what to do. Pure. */

type Where = Pick<AgentSpec, 'namespace' | 'node'>;

const evict = 'let the kubelet evict another pod for the agent: --priority-class system-node-critical';
const selector = ({ namespace }: Where): string =>
  `The agent pod asks for no labels of a node: namespace ${namespace} has a default node selector, as a rule. Use --agent-namespace with a namespace that has none, or take it off: kubectl annotate namespace ${namespace} --overwrite scheduler.alpha.kubernetes.io/node-selector= (OpenShift: openshift.io/node-selector=)`;

/** By the reason of a pod that its kubelet has refused: https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/lifecycle/predicate.go. */
const remedies: Readonly<Record<string, (where: Where) => string>> = {
  OutOfpods: () => `The node runs as many pods as it may. Delete one, or ${evict}`,
  OutOfcpu: () => `Ask for less CPU: --agent-requests cpu=10m. Or ${evict}`,
  OutOfmemory: () => `Ask for less memory: --agent-requests memory=32Mi. Or ${evict}`,
  'OutOfephemeral-storage': () =>
    `Ask for less of the node's disk: --agent-requests ephemeral-storage=1Mi. Or ${evict}`,
  // Under disk or PID pressure: pkg/kubelet/eviction/eviction_manager.go, Admit.
  Evicted: () =>
    'While a node is under pressure, its kubelet admits critical pods alone: wait until that is over, or use --priority-class system-node-critical',
  // pkg/kubelet/nodeshutdown.
  NodeShutdown: () => 'The node is shutting down: choose a target on another one.',
  NodeAffinity: selector,
  // Of kubelets before 1.20.
  MatchNodeSelector: selector,
};

/** What helps where the kubelet has refused the pod for this reason. */
export function remedyOf(reason: string, where: Where): string {
  return Object.hasOwn(remedies, reason) && remedies[reason]
    ? remedies[reason](where)
    : 'See the reason above: the kubelet refuses pods for lack of resources, after evictions, or when the node has too many.';
}

/**
 * Whether the runtime was not allowed to execute the shim, in runc's words (`exec: "/opt/…": permission denied`) or crun's. The file itself may be executed
 * by all: the file system that the kubelet keeps volumes on may not be.
 */
export function isNoexec(said: string): boolean {
  return (
    (said.includes(`${shimFolder}/${shimFile}`) && /permission denied/i.test(said)) ||
    /crun: open executable: Permission denied/.test(said)
  );
}

export function noexecFailure(node: string, said: string): ChaosError {
  return new ChaosError('agent-failed', `node ${node} does not let the agent's program be executed: ${said}`, {
    hint: 'It lies in a volume: /var/lib/kubelet, or what that is on, is mounted noexec. On the node: mount -o remount,exec MOUNTPOINT',
  });
}

const mostSandboxFailures = 3;
/** In the words of host-local, Amazon's, Azure's and Alibaba's plugins, Calico, Cilium, Kube-OVN and Whereabouts. */
const noAddress = [
  /\brange is full\b/,
  /could not allocate ip in range/i,
  /\b(?:NoAvailableAddress|IpNotEnough)\b/,
  /no (?:more )?(?:available |free )?(?:ip(?: address)?(?:es|s)?|addresses)\b/i,
  /failed to (?:allocate|assign) an ip/i,
  /assigned 0 out of \d+ requested ipv/i,
  /(?:insufficient|exhausted).*address|address.*(?:insufficient|exhausted)/i,
];

/** What the kubelet says of an agent pod that it cannot start: it tries for ever, and says why each time. Counts how often its sandbox could not be made. */
export class StartTroubles {
  readonly #where: Where;
  #count = 0;
  #last: string | undefined;

  constructor(where: Where) {
    this.#where = where;
  }

  /** What it said last, as the end of a sentence; empty: nothing. */
  get why(): string {
    return this.#last === undefined ? '' : `: ${this.#last}`;
  }

  /** The failure, from the third time on that there was no sandbox. */
  after(update: AgentUpdate): ChaosError | undefined {
    if (update.kind === 'started') this.#last = undefined;
    if (update.kind !== 'warning' || update.reason === noWatchEvents) return undefined;
    this.#last = `${update.reason}: ${update.message}`;
    if (update.reason !== 'FailedCreatePodSandBox') return undefined;
    this.#count = Math.max(this.#count + 1, update.count ?? 1);
    if (this.#count < mostSandboxFailures) return undefined;
    const { node } = this.#where;
    const message = `node ${node} has failed ${this.#count} times to create the agent pod's sandbox: ${update.message}`;
    const hint = noAddress.some((words) => words.test(update.message))
      ? `The network has no address left for another pod on node ${node}: delete a pod of that node, or wait until one has ended.`
      : `No other pod can start on node ${node} either: see its network plugin and its container runtime.`;
    return new ChaosError('agent-failed', message, { hint });
  }
}
