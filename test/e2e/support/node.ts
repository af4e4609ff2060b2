import { readFileSync } from 'node:fs';
import { apply, kubectl, kubectlJson, makeNamespace, patience, repository, until } from './cluster.ts';

/**
 * The node seen from outside the plugin: a privileged pod of the test's own, with the host's processes and cgroups in view. What it says is what the guarantees are measured by.
 */
const namespace = 'chaos-e2e-observer';
const { version } = JSON.parse(readFileSync(`${repository}/package.json`, 'utf8')) as { version: string };

const observer = `
apiVersion: v1
kind: Pod
metadata: {name: observer}
spec:
  hostPID: true
  terminationGracePeriodSeconds: 0
  containers:
    - name: observer
      image: localhost/kubectl-chaos/tools:${version}
      imagePullPolicy: IfNotPresent
      command: [sleep, "1000000"]
      securityContext: {privileged: true}
      volumeMounts: [{name: cgroup, mountPath: /host/cgroup}]
  volumes: [{name: cgroup, hostPath: {path: /sys/fs/cgroup}}]
`;

/** One for all the test files of a run: a pod more for each is what takes long on an emulated node. */
export async function startObserver(): Promise<void> {
  const ready = 'jsonpath={.items[*].status.containerStatuses[*].ready}';
  if ((await kubectl('-n', namespace, 'get', 'pods', '-o', ready)) === 'true') return;
  await makeNamespace(namespace);
  await apply(observer, namespace);
  await kubectl('-n', namespace, 'wait', '--for=condition=Ready', 'pod/observer', '--timeout=120s');
}

/** A shell script on the node, by the observer. */
export async function onNode(script: string): Promise<string> {
  return kubectl('-n', namespace, 'exec', 'observer', '--', 'sh', '-c', script);
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

/** Our processes anywhere on the node: the shim and stress-ng. */
export async function ourProcesses(): Promise<HostProcess[]> {
  const text = await onNode(
    `for d in /proc/[0-9]*; do read -r n 2>/dev/null <$d/comm || continue; case "$n" in nsexec*|stress-ng*) echo "\${d#/proc/} $n";; esac; done; true`,
  );
  return parseProcesses(text);
}

/** What of ours is in the node's own network or in that of any pod: our qdiscs (handle c4a0:), links and tables. */
export async function ourNetworkStates(): Promise<string[]> {
  // As few processes as can be: on an emulated node each takes a tenth of a second.
  const text = await onNode(`
    stat -L -c '%i %n' /proc/1/ns/net $(grep -l kubepods /proc/[0-9]*/cgroup | sed 's#cgroup$#ns/net#') 2>/dev/null | sort -u -k 1,1 | while read -r inode file; do
      echo "in $file"
      nsenter --net=$file sh -c 'tc qdisc show; ip -o link show; nft list tables' </dev/null
    done 2>/dev/null; true`);
  let where = '';
  return text.split('\n').flatMap((line) => {
    if (line.startsWith('in ')) where = line;
    return /^qdisc \S+ c4a[\da-f]:|^\d+: chaos|kubectl_chaos_/.test(line) ? [`${line} ${where}`] : [];
  });
}

/** What of ours is in the cluster or on the node; empty when nothing is left. */
export async function residue(): Promise<string[]> {
  const objects = await kubectlJson<{ items: { kind: string; metadata: { namespace: string; name: string } }[] }>(
    'get',
    'pods,configmaps',
    '--all-namespaces',
    '-l',
    'app.kubernetes.io/managed-by=kubectl-chaos',
  );
  const [processes, states] = await Promise.all([ourProcesses(), ourNetworkStates()]);
  return [
    ...objects.items.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`),
    ...processes.map(({ pid, name }) => `process ${pid} ${name}`),
    ...states,
  ];
}

export const isGuardian = ({ name }: HostProcess) => name === 'nsexec:guardian';

/** Every shim, not the guardians, who are there for when it is killed. */
export async function ourShims(): Promise<HostProcess[]> {
  return (await ourProcesses()).filter((process) => process.name.startsWith('nsexec') && !isGuardian(process));
}

/** By -9; fails where there is none. */
export async function killShims(): Promise<void> {
  await onNode(`kill -9 ${(await ourShims()).map(({ pid }) => pid).join(' ')}`);
}

/** No network of the node has a state of ours any more, within `seconds`. */
export async function untilFaultGone(seconds: number): Promise<void> {
  await until('the fault gone', seconds, async () => (await ourNetworkStates()).length === 0);
}

/** Nothing of ours is left, within `seconds`. */
export async function untilNothingLeft(seconds: number): Promise<void> {
  let left: string[] = [];
  const check = async () => {
    left = await residue();
    return left.length === 0;
  };
  try {
    await until('nothing left', seconds / patience, check);
  } catch (error) {
    throw new Error(`left: ${left.join(', ') || 'unknown'}`, { cause: error });
  }
}
