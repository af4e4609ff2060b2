import { apply, kubectl, kubectlJson, makeNamespace, patience, removeNamespace, until } from './cluster.ts';

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
      image: localhost/kubectl-chaos/test/busybox:1
      imagePullPolicy: IfNotPresent
      command: [sleep, "1000000"]
      securityContext: {privileged: true}
      volumeMounts: [{name: cgroup, mountPath: /host/cgroup}]
  volumes: [{name: cgroup, hostPath: {path: /sys/fs/cgroup}}]
`;

export async function startObserver(): Promise<void> {
  await makeNamespace(namespace);
  await apply(observer, namespace);
  await kubectl('-n', namespace, 'wait', '--for=condition=Ready', 'pod/observer', '--timeout=120s');
}

export async function stopObserver(): Promise<void> {
  await removeNamespace(namespace);
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
    `for p in $(grep -l ${id} /proc/[0-9]*/cgroup 2>/dev/null); do d=\${p%/cgroup}; echo "\${d#/proc/} $(cat $d/comm 2>/dev/null)"; done; true`,
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
    'for d in /proc/[0-9]*; do n=$(cat $d/comm 2>/dev/null); case "$n" in nsexec*|stress-ng*) echo "$(basename $d) $n";; esac; done; true',
  );
  return parseProcesses(text);
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
  const processes = await ourProcesses();
  return [
    ...objects.items.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`),
    ...processes.map(({ pid, name }) => `process ${pid} ${name}`),
  ];
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
