import type { V1ConfigMap, V1Container, V1ObjectMeta, V1OwnerReference, V1Pod } from '@kubernetes/client-node';
import { type AgentSpec, shimFile, shimFolder } from '../ports.ts';
import { resourcesOf } from './agent-resources.ts';
import { optOutAnnotations, optOutLabels } from './opt-outs.ts';

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
 * else's for example, is none of them. `owners`: the uids of the experiment's pods, if there are any.
 */
export function isAsLaunched(
  kind: 'pod' | 'configmap',
  id: string,
  metadata: V1ObjectMeta,
  owners?: readonly string[],
): boolean {
  const { name = '', labels = {}, uid, ownerReferences = [] } = metadata;
  const isPod = (text: string) => text.startsWith(`${id}-`) && /^\d+$/.test(text.slice(id.length + 1));
  const isOwned = ownerReferences.every((one) =>
    kind === 'pod'
      ? one.kind === 'Node' && one.apiVersion === 'v1'
      : one.kind === 'Pod' && isPod(one.name) && (owners === undefined || owners.includes(one.uid)),
  );
  const isNamed = kind === 'pod' ? isPod(name) : [id, `${id}-amd64`, `${id}-arm64`].includes(name);
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
    metadata: metadata(spec, spec.configMap),
    immutable: true,
    binaryData: { [shimFile]: Buffer.from(shim.buffer, shim.byteOffset, shim.byteLength).toString('base64') },
  };
}

/** The agent pod: one container per target, each the shim itself, on the targets' node. */
export function agentPod(spec: AgentSpec): V1Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: podMetadata(spec),
    spec: {
      nodeName: spec.node,
      ...(spec.shape.priorityClass === undefined ? {} : { priorityClassName: spec.shape.priorityClass }),
      tolerations: [{ operator: 'Exists' }],
      hostPID: true,
      hostNetwork: false,
      dnsPolicy: 'Default',
      restartPolicy: 'Never',
      activeDeadlineSeconds: spec.activeDeadlineSeconds,
      terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds ?? 30,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      ...(spec.imagePullSecrets.length === 0
        ? {}
        : { imagePullSecrets: spec.imagePullSecrets.map((name) => ({ name })) }),
      containers: spec.containers.map((container) => agentContainer(spec, container)),
      volumes: [
        {
          name: 'shim',
          configMap: { name: spec.configMap, defaultMode: 0o755, items: [{ key: shimFile, path: shimFile }] },
        },
      ],
    },
  };
}

/** Of both objects: a policy may ask for labels and annotations of every object, and one that is left over is known by them. */
function metadata(
  spec: AgentSpec,
  name: string,
  optOuts: Pick<V1ObjectMeta, 'labels' | 'annotations'> = {},
): V1ObjectMeta {
  const { id, namespace, shape, annotations } = spec;
  return {
    name,
    namespace,
    labels: { ...optOuts.labels, ...shape.labels, ...managedBy, [experimentLabel]: id },
    annotations: { ...optOuts.annotations, ...shape.annotations, ...annotations },
  };
}

function podMetadata(spec: AgentSpec): V1ObjectMeta {
  const owner = ownerOf(spec);
  // Else a pod that no controller has keeps the cluster's autoscaler from taking its node away.
  const evictable = { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true' };
  const optOuts = { labels: optOutLabels, annotations: { ...optOutAnnotations, ...evictable } };
  return { ...metadata(spec, spec.pod, optOuts), ...(owner === undefined ? {} : { ownerReferences: [owner] }) };
}

/**
 * `kubectl drain` evicts only pods that have a controller, and asks nothing more of it: a Node serves, as of static pods. An owner of the cluster's scope
 * may own what is in a namespace. Without `blockOwnerDeletion`, for which the plugin OwnerReferencesPermissionEnforcement asks for rights on the owner.
 */
function ownerOf({ node, nodeUid }: AgentSpec): V1OwnerReference | undefined {
  return nodeUid === undefined
    ? undefined
    : { apiVersion: 'v1', kind: 'Node', name: node, uid: nodeUid, controller: true };
}

/**
 * Of the image's own environment, what hooks of the runtime act on, on the node: a library for the dynamic linker in a hook that runs with the
 * container's environment (CVE-2025-23266), and devices by NVIDIA's.
 */
const environment = [
  ...['LD_PRELOAD', 'LD_AUDIT', 'LD_LIBRARY_PATH'].map((name) => ({ name, value: '' })),
  { name: 'NVIDIA_VISIBLE_DEVICES', value: 'void' },
];

function agentContainer(spec: AgentSpec, { name, args }: AgentSpec['containers'][number]): V1Container {
  return {
    name,
    image: spec.image,
    imagePullPolicy: 'IfNotPresent',
    command: [`${shimFolder}/${shimFile}`],
    args: args.map(escapeExpansion),
    env: environment,
    // The image's own may not be there.
    workingDir: '/',
    stdin: true,
    // A client that goes away and comes back finds stdin as it left it; the shim's lease decides how long it waits.
    stdinOnce: false,
    tty: false,
    terminationMessagePolicy: 'File',
    resources: resourcesOf(spec.shape, spec.targets),
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
