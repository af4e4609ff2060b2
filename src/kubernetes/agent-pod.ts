import type { V1ConfigMap, V1Container, V1ObjectMeta, V1Pod } from '@kubernetes/client-node';
import { type AgentSpec, shimFile, shimFolder } from '../ports.ts';

const managedBy = { 'app.kubernetes.io/managed-by': 'kubectl-chaos' } as const;
const experimentLabel = 'kubectl-chaos.io/experiment';

/** Which objects are ours. */
export const anyExperiment = selector(managedBy);

/** Whether an object is one of ours. */
export function isOurs({ labels = {} }: V1ObjectMeta): boolean {
  return Object.entries(managedBy).every(([key, value]) => labels[key] === value);
}

/** Which objects are those of one experiment. */
export function ofExperiment(id: string): string {
  return selector({ [experimentLabel]: id });
}

function selector(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join();
}

/** Which experiment an object of ours belongs to. The label can be missing only from what somebody else has changed; the name tells too. */
export function experimentIdOf({ labels, name = '' }: V1ObjectMeta): string {
  return labels?.[experimentLabel] ?? /^(chaos-[a-z0-9]{5})-\d+$/.exec(name)?.[1] ?? name;
}

/**
 * Whether an object is named, labelled and owned as those are that `launch` makes, and has a uid. What else bears the labels, from a template of somebody
 * else's for example, is none of them. `owner`: the uid of the experiment's pod, if it is there.
 */
export function isAsLaunched(kind: 'pod' | 'configmap', id: string, metadata: V1ObjectMeta, owner?: string): boolean {
  const { name = '', labels = {}, uid, ownerReferences = [] } = metadata;
  const isPod = (text: string) => text.startsWith(`${id}-`) && /^\d+$/.test(text.slice(id.length + 1));
  const isOwned = ownerReferences.every(
    (one) =>
      kind === 'configmap' && one.kind === 'Pod' && isPod(one.name) && (owner === undefined || one.uid === owner),
  );
  const isNamed = kind === 'pod' ? isPod(name) : name === id;
  return (
    uid !== undefined &&
    /^chaos-[a-z0-9]{5}$/.test(id) &&
    isOurs(metadata) &&
    labels[experimentLabel] === id &&
    isNamed &&
    isOwned
  );
}

/**
 * The ConfigMap that brings the shim to the node. Immutable: what runs as root on a node is not changed under way, and the kubelet need not watch it.
 */
export function configMap(spec: AgentSpec, shim: Uint8Array): V1ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata(spec, spec.id),
    immutable: true,
    binaryData: { [shimFile]: Buffer.from(shim.buffer, shim.byteOffset, shim.byteLength).toString('base64') },
  };
}

/** The agent pod: one container per target, each the shim itself, on the targets' node. */
export function agentPod(spec: AgentSpec): V1Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: metadata(spec, spec.pod),
    spec: {
      nodeName: spec.node,
      tolerations: [{ operator: 'Exists' }],
      hostPID: true,
      hostNetwork: false,
      dnsPolicy: 'Default',
      restartPolicy: 'Never',
      activeDeadlineSeconds: spec.activeDeadlineSeconds,
      terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds ?? 30,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      ...(spec.imagePullSecret ? { imagePullSecrets: [{ name: spec.imagePullSecret }] } : {}),
      containers: spec.containers.map((container) => agentContainer(spec, container)),
      volumes: [
        { name: 'shim', configMap: { name: spec.id, defaultMode: 0o755, items: [{ key: shimFile, path: shimFile }] } },
      ],
    },
  };
}

function metadata(spec: AgentSpec, name: string): V1ObjectMeta {
  return {
    name,
    namespace: spec.namespace,
    labels: {
      ...managedBy,
      [experimentLabel]: spec.id,
      // A mesh's sidecar would keep the pod from ending, and has no use in it.
      'sidecar.istio.io/inject': 'false',
    },
    annotations: { 'linkerd.io/inject': 'disabled', ...spec.annotations },
  };
}

function agentContainer(spec: AgentSpec, { name, args }: AgentSpec['containers'][number]): V1Container {
  return {
    name,
    image: spec.image,
    imagePullPolicy: 'IfNotPresent',
    command: [`${shimFolder}/${shimFile}`],
    args: args.map(escapeExpansion),
    stdin: true,
    // A client that goes away and comes back finds stdin as it left it; the shim's lease decides how long it waits.
    stdinOnce: false,
    tty: false,
    terminationMessagePolicy: 'File',
    // The workload is not charged here but to the target's cgroup; what is here is the shim (under 1 MiB) and its sealed copies of programs
    // (stress-ng: 9 MiB), and more than the
    // request would make the kubelet evict the agent early when the node runs short. Requests are small, as the kubelet refuses a pod that does not
    // fit although nodeName skips the
    // scheduler. A limit for CPU is there because quotas may demand one; half a core never slows the revert by more than a factor of two.
    resources: { requests: { cpu: '10m', memory: '32Mi' }, limits: { cpu: '500m', memory: '128Mi' } },
    securityContext: {
      privileged: true,
      runAsUser: 0,
      runAsGroup: 0,
      runAsNonRoot: false,
      readOnlyRootFilesystem: true,
      seccompProfile: { type: 'Unconfined' },
    },
    volumeMounts: [{ name: 'shim', mountPath: shimFolder, readOnly: true }],
  };
}

/** The kubelet replaces `$(NAME)` and `$$` in command and args; with every `$` doubled it gives back what was meant. */
export function escapeExpansion(argument: string): string {
  return argument.replaceAll('$', '$$$$');
}
