import type { V1Lease, V1Node, V1Pod, V1ResourceRequirements } from '@kubernetes/client-node';
import type { NodeFacts, RoomFacts } from '../../facts.ts';
import type { AgentShape } from '../../ports.ts';
import { parseQuantity } from '../../units.ts';
import { resourcesOf } from '../agent-resources.ts';
import { nodeTroubles } from '../node-health.ts';
import { findNode } from '../nodes.ts';
import { podsOfNode, resources } from '../request.ts';
import type { Rest } from '../rest.ts';

/** Rejects with not-found for a name that is no node's. */
export async function nodeFacts(rest: Rest, name: string): Promise<NodeFacts> {
  return factsOf(await findNode(rest, name));
}

/** Pure. */
function factsOf({ metadata, spec, status }: V1Node): NodeFacts {
  const labels = metadata?.labels ?? {};
  const info = status?.nodeInfo;
  // Newer than the types: KEP-2400, Kubernetes 1.34.
  const swap = (info as { swap?: { capacity?: number } } | undefined)?.swap?.capacity;
  const troubles = new Map(nodeTroubles({ status } as V1Node));
  if (!status?.conditions?.some(({ type }) => type === 'Ready')) troubles.set('Ready', 'has never reported');
  const reported = status?.conditions?.find(({ type }) => type === 'Ready')?.lastHeartbeatTime;
  const { cpu, memory, pods } = status?.allocatable ?? {};
  return {
    name: metadata?.name ?? '',
    ...(metadata?.uid === undefined ? {} : { uid: metadata.uid }),
    os: info?.operatingSystem || labels['kubernetes.io/os'] || '',
    architecture: info?.architecture || labels['kubernetes.io/arch'] || '',
    ...{ osImage: info?.osImage ?? '', kernel: info?.kernelVersion ?? '', kubelet: info?.kubeletVersion ?? '' },
    runtime: info?.containerRuntimeVersion ?? '',
    isUnschedulable: spec?.unschedulable === true,
    ...(reported ? { reported: new Date(String(reported)) } : {}),
    troubles: Object.fromEntries(troubles),
    labels,
    annotations: Object.keys(metadata?.annotations ?? {}),
    provider: spec?.providerID ?? '',
    allocatable: { ...amount('cpu', cpu), ...amount('memory', memory), ...amount('pods', pods) },
    ...(swap === undefined ? {} : { swapBytes: swap }),
  };
}

export function amount<Name extends string>(name: Name, quantity: string | undefined): { [key in Name]?: number } {
  const value = quantity === undefined ? undefined : parseQuantity(quantity);
  return value === undefined ? {} : ({ [name]: value } as { [key in Name]?: number });
}

/** By one list of the pods of this node. */
export async function roomFacts(rest: Rest, node: string, shape: AgentShape): Promise<RoomFacts> {
  const { items } = await rest.json<{ items: V1Pod[] }>({
    ...{ verb: 'list', resource: resources.pods, query: podsOfNode(node) },
  });
  const alive = items.filter(({ status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed');
  const asked = resourcesOf(shape).requests;
  return {
    pods: alive.length,
    cpu: sum(alive.map((pod) => requested(pod, 'cpu'))),
    memory: sum(alive.map((pod) => requested(pod, 'memory'))),
    agent: { cpu: parseQuantity(asked.cpu ?? '') ?? 0, memory: parseQuantity(asked.memory ?? '') ?? 0 },
  };
}

/**
 * What the kubelet counts for a pod: of its own if it has that, else of its containers together with the sidecars, or of an init container that asks for
 * more, and its overhead. https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers
 */
function requested({ spec }: V1Pod, name: 'cpu' | 'memory'): number {
  const of = (one: { resources?: V1ResourceRequirements }) => parseQuantity(one.resources?.requests?.[name] ?? '') ?? 0;
  const own = spec?.resources?.requests?.[name];
  const overhead = parseQuantity(spec?.overhead?.[name] ?? '') ?? 0;
  if (own !== undefined) return (parseQuantity(own) ?? 0) + overhead;
  const init = spec?.initContainers ?? [];
  const sidecars = sum(init.filter(({ restartPolicy }) => restartPolicy === 'Always').map(of));
  const most = Math.max(0, ...init.filter(({ restartPolicy }) => restartPolicy !== 'Always').map(of));
  return Math.max(sum((spec?.containers ?? []).map(of)) + sidecars, most) + overhead;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** The kubelet renews it every ten seconds: https://kubernetes.io/docs/concepts/architecture/leases/#node-heart-beats. */
export async function heartbeat(rest: Rest, name: string): Promise<Date | undefined> {
  const where = { resource: resources.leases, namespace: 'kube-node-lease', name };
  const { spec } = await rest.json<V1Lease>({ verb: 'get', ...where });
  return spec?.renewTime ? new Date(String(spec.renewTime)) : undefined;
}
