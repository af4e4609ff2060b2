import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { toolsImage } from '../../support/tools-image.ts';
import { apply, cleanEnv, clusterKind, kubectl, kubectlJson, makeNamespace, patience, until } from './cluster.ts';
import { idsTold } from './plugin.ts';

/**
 * The node seen from outside the plugin: a privileged pod of the test's own, with the host's processes and cgroups in view. What it says is what the guarantees are measured by.
 */
const namespace = 'chaos-e2e-observer';

const observer = `
apiVersion: v1
kind: Pod
metadata: {name: observer}
spec:
  hostPID: true
  terminationGracePeriodSeconds: 0
  containers:
    - name: observer
      image: ${toolsImage}
      imagePullPolicy: IfNotPresent
      command: [sleep, "1000000"]
      securityContext: {privileged: true}
      volumeMounts: [{name: cgroup, mountPath: /host/cgroup}]
  volumes: [{name: cgroup, hostPath: {path: /sys/fs/cgroup}}]
`;

/** One for all the test files of a run: a pod more for each is what takes long on an emulated node. Not by several at once. */
export async function startObserver(): Promise<void> {
  const ready = 'jsonpath={.items[*].status.containerStatuses[*].ready}';
  if ((await kubectl('-n', namespace, 'get', 'pods', '-o', ready)) === 'true') return;
  await makeNamespace(namespace);
  await apply(observer, namespace);
  await kubectl('-n', namespace, 'wait', '--for=condition=Ready', 'pod/observer', '--timeout=120s');
}

/** A shell script on the node, in the observer's place. */
export async function onNode(script: string): Promise<string> {
  if (clusterKind !== 'host') return kubectl('-n', namespace, 'exec', 'observer', '--', 'sh', '-c', script);
  // This very machine is the node: ten times as fast, and it needs no API server.
  observerPid ??= findObserver().catch((error: unknown) => {
    observerPid = undefined;
    throw error;
  });
  const words = ['--all', '--target', await observerPid, 'sh', '-c', script];
  return (await promisify(execFile)('nsenter', words, { env: cleanEnv, maxBuffer: 64 * 2 ** 20 })).stdout;
}

let observerPid: Promise<string> | undefined;

async function findObserver(): Promise<string> {
  const id = await containerId(namespace, 'observer', 'observer');
  const { stdout } = await promisify(execFile)('sh', ['-c', `grep -l ${id} /proc/[0-9]*/cgroup 2>/dev/null; true`]);
  const pid = /^\/proc\/(\d+)/.exec(stdout)?.[1];
  if (!pid) throw new Error('the observer is not on this machine');
  return pid;
}

/** The container's id, without `containerd://`. */
export async function containerId(ns: string, pod: string, container = 'app'): Promise<string> {
  const { status } = await kubectlJson<{ status: { containerStatuses: { name: string; containerID: string }[] } }>(
    '-n',
    ns,
    'get',
    'pod',
    pod,
  );
  const id = status.containerStatuses.find(({ name }) => name === container)?.containerID;
  if (!id) throw new Error(`pod ${pod} has no container ${container} with an id`);
  return id.replace(/^.*:\/\//, '');
}

export interface HostProcess {
  pid: number;
  name: string;
}

/** `PID NAME`, one a line. */
function parseProcesses(text: string): HostProcess[] {
  return text.split('\n').flatMap((line) => {
    const match = /^(\d+) (.+)$/.exec(line);
    return match ? [{ pid: Number(match[1]), name: match[2] ?? '' }] : [];
  });
}

/** Every process that is in the container's cgroup, by any hierarchy. */
async function processesIn(id: string): Promise<HostProcess[]> {
  const text = await onNode(
    `for p in $(grep -l ${id} /proc/[0-9]*/cgroup 2>/dev/null); do d=\${p%/cgroup}; read -r n 2>/dev/null <$d/comm && echo "\${d#/proc/} $n"; done; true`,
  );
  return parseProcesses(text);
}

const isOurs = ({ name }: HostProcess) => /^(nsexec|stress-ng)/.test(name);

/** Of the container's processes those that are ours, and the target's own. */
export async function splitProcesses(id: string): Promise<{ stressors: HostProcess[]; own: HostProcess[] }> {
  const all = await processesIn(id);
  return { stressors: all.filter(isOurs), own: all.filter((process) => !isOurs(process)) };
}

/** Experiments among others: what they have made can be told by these. */
export interface Scope {
  /** Their ids. */
  experiments: readonly string[];
  /** The target pods' uids. */
  pods: readonly string[];
  /** The target containers' ids. */
  containers: readonly string[];
  /** The uids of agent pods whose shims do not tell by their command lines which container they are for: of several targets. */
  agents?: readonly string[];
  /** All that is in it, or done to what is in it, is theirs. */
  namespace?: string;
}

/** What this file's own experiments are, when others run beside it. */
let own: { namespace: string; pods: Set<string>; containers: Set<string> } | undefined;

/** From now on what is asked of the node and the cluster without a scope is answered for the experiments of this process and the pods of this namespace. */
export function lookOnlyAt(namespace: string): void {
  own = { namespace, pods: new Set(), containers: new Set() };
}

/** Notes the namespace's pods: what is done to them may outlive them. */
export async function notePods(): Promise<void> {
  if (!own) return;
  const { items } = await kubectlJson<{
    items: { metadata: { uid: string }; status: { containerStatuses?: { containerID?: string }[] } }[];
  }>('-n', own.namespace, 'get', 'pods');
  for (const { metadata, status } of items) {
    own.pods.add(metadata.uid);
    for (const { containerID } of status.containerStatuses ?? [])
      if (containerID) own.containers.add(containerID.replace(/^.*:\/\//, ''));
  }
}

/** Undefined: the whole node and cluster. */
function ownScope(): Scope | undefined {
  return own && { ...own, experiments: idsTold(), pods: [...own.pods], containers: [...own.containers] };
}

/** grep's words for any of these; none is none. */
const anyOf = (marks: readonly string[]) => ['nothing-is-named-so', ...marks].map((mark) => `-e ${mark}`).join(' ');

/**
 * Our processes anywhere in the cluster, or those of some experiments: stress-ng in a pod, the shim in its own, the guardian who has left it but for its mounts. Others may test a shim on the same machine.
 */
export async function ourProcesses(scope = ownScope()): Promise<HostProcess[]> {
  const mark = scope
    ? `${anyOf([...scope.containers, ...(scope.agents ?? [])])} $d/cgroup $d/cmdline ${scope.agents ? '$d/mountinfo' : ''}`
    : '-e /kubepods -e /opt/kubectl-chaos $d/cgroup $d/mountinfo';
  const text = await onNode(`
    for d in /proc/[0-9]*; do
      read -r n 2>/dev/null <$d/comm || continue
      case "$n" in nsexec*|stress-ng*) grep -qs ${mark} && echo "\${d#/proc/} $n";; esac
    done; true`);
  return parseProcesses(text);
}

/** What of ours is in the node's own network or in that of any pod: our qdiscs (handle c4a0:), links and tables. */
export async function ourNetworkStates(scope = ownScope()): Promise<string[]> {
  // As few processes as can be: on an emulated node each takes a tenth of a second.
  const text = await onNode(`
    stat -L -c '%i %n' ${scope ? '' : '/proc/1/ns/net'} $(grep -l ${scope ? anyOf(scope.pods.map((uid) => `pod${uid}`)) : 'kubepods'} /proc/[0-9]*/cgroup | sed 's#cgroup$#ns/net#') 2>/dev/null | sort -u -k 1,1 | while read -r inode file; do
      echo "in $file"
      nsenter --net=$file sh -c 'tc qdisc show; ip -o link show; nft list tables' </dev/null
    done 2>/dev/null; true`);
  let where = '';
  return text.split('\n').flatMap((line) => {
    if (line.startsWith('in ')) where = line;
    return /^qdisc \S+ c4a[\da-f]:|^\d+: chaos|kubectl_chaos_/.test(line) ? [`${line} ${where}`] : [];
  });
}

/**
 * What of ours is in any volume or container's root of the node, and in any pod's cgroup: directories, limits and freezes (the kubelet sets none), and the records of them. As few processes as can be, as above.
 */
export async function ourDiskStates(scope = ownScope()): Promise<string[]> {
  const text = await onNode(`
    k=$(grep -lx kubelet /proc/[0-9]*/comm | head -n 1); root=\${k%comm}root
    find $root/var/lib/kubelet/pods/*/volumes $root/var/lib/kubectl-chaos-test/*/disks -maxdepth 5 -name '.kubectl-chaos-*' 2>/dev/null
    find $root/run/containerd/io.containerd.runtime.v2.task/k8s.io/*/rootfs -maxdepth 3 -name '.kubectl-chaos-*' 2>/dev/null
    grep -r --include=io.max --include='blkio.throttle.*_device' . /host/cgroup 2>/dev/null | grep kubepods
    grep -rx --include=freezer.self_freezing --include=cgroup.freeze 1 /host/cgroup 2>/dev/null | grep kubepods
    find /host/cgroup -type d -path '*kubepods*' 2>/dev/null | perl -ne '${listRecords}'; true`);
  const disks = scope?.namespace === undefined ? [] : [`/disks/${scope.namespace}/`];
  const marks = scope ? [...scope.experiments, ...scope.pods, ...scope.containers, ...disks] : [''];
  // Pods may share a volume: what another experiment has made in one that is mounted here as well is not this one's.
  const isAnothers = (line: string) => {
    const suffix = /\/\.kubectl-chaos-(\w{5})-\w+$/.exec(line)?.[1];
    return scope?.namespace === undefined && suffix !== undefined && !scope?.experiments.includes(`chaos-${suffix}`);
  };
  const isOurs = (line: string) => marks.some((mark) => line.includes(mark)) && !(scope && isAnothers(line));
  return text.split('\n').filter((line) => line && isOurs(line));
}

/** The kernel's listxattr, by its number: of x86-64, or of arm64. */
const listRecords = `
  BEGIN { $listxattr = -e "/lib64/ld-linux-x86-64.so.2" ? 194 : 11 }
  chomp; $names = "\\0" x 4096; $length = syscall($listxattr, $_, $names, 4096);
  if ($length > 0) { for $name (split /\\0/, substr $names, 0, $length) { print "record $name of $_\\n" if $name =~ /kubectl-chaos/ } }`;

interface Managed {
  kind: string;
  metadata: { namespace: string; name: string; labels: Record<string, string>; annotations?: Record<string, string> };
}

const isOf = (scope: Scope, { namespace, labels, annotations = {} }: Managed['metadata']) =>
  scope.experiments.includes(labels['kubectl-chaos.io/experiment'] ?? '') ||
  (scope.namespace !== undefined &&
    [namespace, annotations['kubectl-chaos.io/target']?.split('/')[0]].includes(scope.namespace));

/** What of ours, or of some experiments, is in the cluster or on the node; empty when nothing is left. */
export async function residue(scope = ownScope()): Promise<string[]> {
  const managed = ['-l', 'app.kubernetes.io/managed-by=kubectl-chaos'];
  const { items } = await kubectlJson<{ items: Managed[] }>('get', 'pods,configmaps', '--all-namespaces', ...managed);
  const [processes, states, disks] = await Promise.all([
    ourProcesses(scope),
    ourNetworkStates(scope),
    ourDiskStates(scope),
  ]);
  return [
    ...items
      .filter(({ metadata }) => !scope || isOf(scope, metadata))
      .map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`),
    ...processes.map(({ pid, name }) => `process ${pid} ${name}`),
    ...states,
    ...disks,
  ];
}

export const isGuardian = ({ name }: HostProcess) => name === 'nsexec:guardian';

/** Every shim, not the guardians, who are there for when it is killed. */
export async function ourShims(scope = ownScope()): Promise<HostProcess[]> {
  return (await ourProcesses(scope)).filter((process) => process.name.startsWith('nsexec') && !isGuardian(process));
}

/** A child of a shim's that has ended during the experiment needs no signal. */
export async function killShims(): Promise<void> {
  await killProcesses(await ourShims());
}

/** Of several targets: their agent's own process, and the shims that it has begun. */
export async function agentAndShims(scope: Scope): Promise<{ agent: HostProcess[]; shims: HostProcess[] }> {
  const seen = (await ourProcesses(scope)).filter(({ name }) => name === 'nsexec');
  const files = seen.map(({ pid }) => `/proc/${pid}/stat`).join(' ');
  const script = `for f in ${files}; do read -r pid comm state parent rest 2>/dev/null <$f && echo "$pid $parent"; done; true`;
  const lines = (await onNode(script)).split('\n');
  const parents = new Map(lines.map((line) => line.split(' ').map(Number) as [number, number]));
  // A child of a shim's may have been seen that has ended since.
  const ours = seen.filter(({ pid }) => parents.has(pid));
  const isChildOf = (all: readonly HostProcess[], { pid }: HostProcess) =>
    all.some((other) => other.pid === parents.get(pid));
  const agent = ours.filter((one) => !isChildOf(ours, one));
  return { agent, shims: ours.filter((one) => isChildOf(agent, one)) };
}

/** By -9; fails where there is none. */
export async function killProcesses(processes: readonly HostProcess[]): Promise<void> {
  if (processes.length === 0) throw new Error('there is nobody to kill');
  await onNode(`kill -9 ${processes.map(({ pid }) => pid).join(' ')} 2>/dev/null; true`);
}

/** Resolves when their shims are gone: when that is may be the kubelet's to say, and is no part of what the shim's end sets going. */
export async function deleteAgentsByForce(ns: string): Promise<void> {
  const agents = ['pod', '-l', 'app.kubernetes.io/managed-by=kubectl-chaos'];
  await kubectl('-n', ns, 'delete', ...agents, '--grace-period=0', '--force', '--wait=false');
  await until('the shims are gone', 30, async () => (await ourShims()).length === 0);
}

/** No network of the node, or of this file's pods, has a state of ours any more, within `seconds`. */
export async function untilFaultGone(seconds: number): Promise<void> {
  await until('the fault gone', seconds, async () => (await ourNetworkStates()).length === 0);
}

/** Nothing of ours, or of some experiments, is left within `seconds`. */
export async function untilNothingLeft(seconds: number, scope = ownScope()): Promise<void> {
  let left: string[] = [];
  const check = async () => {
    left = await residue(scope);
    return left.length === 0;
  };
  try {
    await until('nothing left', seconds / patience, check);
  } catch (error) {
    throw new Error(`left: ${left.join(', ') || 'unknown'}`, { cause: error });
  }
}
