import type { NodeFacts, RoomFacts } from '../../facts.ts';
import { formatBytes, formatElapsed, joinWords } from '../../text.ts';
import { remedyOf } from '../kubelet-refusals.ts';
import { cores } from './amounts.ts';
import { type Finding, of } from './finding.ts';

/** Whether the agent will start on the node, and find there what it needs. Pure. */

const critical = 'let the kubelet admit it all the same: --priority-class system-node-critical';

/** Of https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/eviction/eviction_manager.go, `Admit`: under memory pressure pods with requests are admitted, under any other none but critical ones. */
const stopsPods = ['DiskPressure', 'PIDPressure'];

export function judgeNode({ name, troubles, isUnschedulable }: NodeFacts): Finding[] {
  const { ok, warning, problem } = of('node');
  const { Ready: notReady, ...others } = troubles;
  if (notReady !== undefined) {
    return [problem(`${name} ${notReady}: the agent would not start there`, `kubectl describe node ${name}`)];
  }
  const found = Object.entries(others).map(([type, trouble]) =>
    stopsPods.includes(type)
      ? problem(`${name} ${trouble}: its kubelet admits no pods`, critical)
      : warning(`${name} ${trouble}: what a fault adds may have its pods evicted`),
  );
  if (found.length > 0) return found;
  return [ok(`${name} is ready${isUnschedulable ? '; it is cordoned, which does not matter to the agent' : ''}`)];
}

interface Kind {
  name: string;
  is(node: NodeFacts): boolean;
  /** Why no agent runs there; absent: one does. */
  why?: string;
  remedy?: (namespace: string) => string;
}

const label =
  (key: string, value?: string) =>
  ({ labels }: NodeFacts) =>
    Object.hasOwn(labels, key) && (value === undefined || labels[key] === value);

/** In this order: the first that fits. */
const kinds: readonly Kind[] = [
  {
    name: 'AWS Fargate',
    is: (node) => label('eks.amazonaws.com/compute-type', 'fargate')(node) || node.name.startsWith('fargate-'),
    why: 'it runs each pod in a machine of its own, and no privileged ones',
    remedy: () => 'run the target on a node group of EC2 instances',
  },
  {
    name: 'a virtual kubelet',
    is: (node) => label('type', 'virtual-kubelet')(node) || /-vk-|virtual-kubelet/i.test(node.kubelet),
    why: 'there is no machine behind it that an agent could run on',
    remedy: () => 'run the target on a node of the cluster',
  },
  {
    name: 'GKE Autopilot',
    is: (node) => node.name.startsWith('gk3-') || label('cloud.google.com/gke-autopilot')(node),
    why: 'it admits no privileged pods that Google has not allowed',
    remedy: () => 'use a Standard cluster, or a node pool in Standard mode',
  },
  {
    name: 'OpenShift',
    is: (node) => Object.keys(node.labels).some((key) => key.startsWith('node.openshift.io/')),
    remedy: (namespace) => `oc adm policy add-scc-to-user privileged -z default -n ${namespace}`,
  },
  { name: 'Amazon EKS', is: ({ labels }) => Object.keys(labels).some((key) => key.startsWith('eks.amazonaws.com/')) },
  { name: 'Google GKE', is: label('cloud.google.com/gke-nodepool') },
  { name: 'Azure AKS', is: label('kubernetes.azure.com/cluster') },
  { name: 'kind', is: ({ provider }) => provider.startsWith('kind://') },
  { name: 'k3s', is: ({ kubelet }) => kubelet.includes('+k3s') },
];

const architectures: readonly string[] = ['amd64', 'arm64'];
const runtimes = /^(?:containerd|cri-o|docker):\/\//;

/** `isAdmitted`: a dry run of the agent's creation there has succeeded; undefined: none was made. */
export function judgePlatform(node: NodeFacts, namespace: string, isAdmitted: boolean | undefined): Finding[] {
  const { ok, warning, problem } = of('platform');
  const { os, architecture, runtime, osImage } = node;
  const kind = kinds.find(({ is }) => is(node));
  if (os !== '' && os !== 'linux')
    return [problem(`${node.name} runs ${os}; the agent needs a Linux node`, 'choose a pod on a Linux node')];
  if (kind?.why !== undefined)
    return [problem(`${node.name} is of ${kind.name}: ${kind.why}`, kind.remedy?.(namespace))];
  if (!architectures.includes(architecture)) {
    return [
      problem(
        `${node.name} is of the architecture "${architecture}"; the shim is built for ${joinWords(architectures)}`,
        'choose a pod on a node of one of these',
      ),
    ];
  }
  const what = [`linux/${architecture}`, osImage, runtime.replace('://', ' '), kind?.name].filter(Boolean).join(', ');
  return [
    kind?.remedy && isAdmitted !== true
      ? warning(`${what}: privileged pods need a permission of their own there`, kind.remedy(namespace))
      : runtimes.test(runtime)
        ? ok(what)
        : warning(`${what}: this container runtime was not tried; containerd, CRI-O and Docker were`),
  ];
}

const oldest = { all: [5, 3], disk: [5, 6] } as const;

/** What only the node can tell is said to be unknown. */
export function judgeKernel({ kernel, kubelet }: NodeFacts): Finding[] {
  const { ok, warning, problem, unknown } = of('kernel');
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(kernel) ?? [];
  const version = [Number(major), Number(minor)] as const;
  const isOlder = ([x, y]: readonly [number, number]) => version[0] < x || (version[0] === x && version[1] < y);
  const rest = unknown(
    'cgroup mode, sch_netem, ifb, nf_tables, seccomp and memory.oom.group are not known from here: a run looks at them on the node before it changes anything',
  );
  if (major === undefined) return [unknown(`the node does not say which kernel it has`), rest];
  if (isOlder(oldest.all))
    return [problem(`Linux ${kernel} is older than 5.3, which every fault needs`, 'choose a pod on another node')];
  if (isOlder(oldest.disk)) return [warning(`Linux ${kernel}: io needs 5.6 or newer; stress and net work`), rest];
  return [ok(`Linux ${kernel}, kubelet ${kubelet}`), rest];
}

/**
 * How long a sign of life may be ago. Of a lease: the controller manager takes a node for lost after 40 s (50 s from Kubernetes 1.32 on) without a new one.
 * Of the node's status: the kubelet writes it every five minutes where nothing has changed.
 */
const signs = {
  lease: { words: 'renewed its lease', lateMs: 40_000 },
  status: { words: 'reported its status', lateMs: 360_000 },
} as const;
const aheadMs = 30_000;

/** `last`: of the kubelet's clock; undefined: there never was one. `now`: by the API server's. */
export function judgeHeartbeat(
  last: Date | undefined,
  node: string,
  now: Date,
  sign: keyof typeof signs = 'lease',
): Finding {
  const { ok, warning, unknown } = of('heartbeat');
  const { words, lateMs } = signs[sign];
  if (!last) return unknown(`the kubelet of ${node} has never ${words}`);
  const ageMs = now.getTime() - last.getTime();
  if (ageMs < -aheadMs) {
    return warning(
      `the clock of ${node} is at least ${formatElapsed(-ageMs)} ahead of the API server's: times of the agent's events and Events are wrong; a fault's duration is not`,
      'set the clock of the node',
    );
  }
  if (ageMs > lateMs) {
    return warning(
      `the kubelet of ${node} ${words} ${formatElapsed(ageMs)} ago, by the API server's clock: it is late, or its clock is behind`,
      `kubectl describe node ${node}`,
    );
  }
  return ok(`the kubelet of ${node} ${words} ${formatElapsed(Math.max(0, ageMs))} ago`);
}

/** The kubelet refuses what does not fit, although no scheduler is asked. */
export function judgeRoom(
  { allocatable }: NodeFacts,
  used: RoomFacts,
  where: { namespace: string; node: string },
): Finding[] {
  const { ok, problem, unknown } = of('room');
  const free = {
    pods: left(allocatable.pods, used.pods),
    cpu: left(allocatable.cpu, used.cpu),
    memory: left(allocatable.memory, used.memory),
  };
  const { agent } = used;
  const found = [
    ...(free.pods !== undefined && free.pods < 1
      ? [problem(`${where.node} runs ${used.pods} pods of ${allocatable.pods}`, remedyOf('OutOfpods', where))]
      : []),
    ...(free.cpu !== undefined && free.cpu < agent.cpu
      ? [
          problem(
            `${where.node} has ${cores(free.cpu)} of CPU left to request, and the agent asks for ${cores(agent.cpu)}`,
            remedyOf('OutOfcpu', where),
          ),
        ]
      : []),
    ...(free.memory !== undefined && free.memory < agent.memory
      ? [
          problem(
            `${where.node} has ${formatBytes(free.memory)} of memory left to request, and the agent asks for ${formatBytes(agent.memory)}`,
            remedyOf('OutOfmemory', where),
          ),
        ]
      : []),
  ];
  if (found.length > 0) return found;
  const known = [
    ...(free.pods === undefined ? [] : [`${free.pods} more pods`]),
    ...(free.cpu === undefined ? [] : [`${cores(free.cpu)} of CPU`]),
    ...(free.memory === undefined ? [] : [`${formatBytes(free.memory)} of memory`]),
  ];
  if (known.length === 0) return [unknown(`${where.node} does not say what its pods may request`)];
  return [
    ok(
      `${where.node} has room for ${joinWords(known)}; the agent asks for ${cores(agent.cpu)} and ${formatBytes(agent.memory)}`,
    ),
  ];
}

function left(all: number | undefined, used: number): number | undefined {
  return all === undefined ? undefined : Math.max(0, all - used);
}
