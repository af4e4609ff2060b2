import type { V1Container, V1ContainerStatus, V1Node, V1Pod, V1RuntimeClass } from '@kubernetes/client-node';
import type { AttachUse, SelectedTarget, Target, TargetQuery } from '../ports.ts';
import { parseQuantity } from '../units.ts';
import { isStatus } from './api-error.ts';
import { chooseContainer } from './container-choice.ts';
import { architectureOfPod, checkNode, checkRuntimeClass, splitContainerId } from './node-check.ts';
import { secretNames } from './node-images.ts';
import { noSuchObject } from './not-found.ts';
import { checkAgentPermissions, checkPermissions, targetPermissions } from './permissions.ts';
import { resources } from './request.ts';
import type { Rest } from './rest.ts';
import { choosePod, type PodList, podsOfWorkload } from './workload.ts';

/** A target and the version of the pod list in which it was seen. */
export interface FoundTarget {
  target: SelectedTarget;
  resourceVersion: string | undefined;
  pod: V1Pod;
  /** Undefined: the user may not read nodes. */
  node: V1Node | undefined;
}

/**
 * Finds the target and refuses what cannot work, with reading requests only: the pod and the permissions at once, then
 * the node (and the runtime class, if there is one).
 */
export async function findTarget(
  rest: Rest,
  query: TargetQuery,
  namespace: string,
  agentNamespace: string,
  attach: AttachUse,
): Promise<FoundTarget> {
  const allowed = Promise.all(
    agentNamespace === namespace
      ? [checkAgentPermissions(rest, namespace, attach)]
      : [checkAgentPermissions(rest, agentNamespace, attach), checkPermissions(rest, namespace, targetPermissions)],
  );
  // Awaited below; a pod that is not there is the better message, and comes first.
  allowed.catch(() => {});
  const found = await findPod(rest, query, namespace);
  const { pod } = found;
  const { spec, status } = chooseContainer(pod, query.container);
  const { runtime, id } = splitContainerId(status.containerID ?? '');
  const [node, , [attachBarred]] = await Promise.all([
    readNode(rest, pod.spec?.nodeName ?? ''),
    checkRuntime(rest, pod),
    allowed,
  ]);
  const facts = node ? nodeFacts(node) : assumedFacts(pod);
  const target: SelectedTarget = {
    namespace,
    pod: pod.metadata?.name ?? '',
    podUid: pod.metadata?.uid ?? '',
    container: spec.name,
    containerId: id,
    runtime,
    node: pod.spec?.nodeName ?? '',
    restartCount: status.restartCount,
    containers: pod.spec?.containers.length ?? 1,
    // The API server takes no pod without it: the type has it optional for the templates of workloads.
    image: spec.image ?? '',
    ...pullSecrets(pod),
    ...limits(pod, spec, status),
    ...facts,
    ...(attachBarred === undefined ? {} : { attachBarred }),
    ...(query.kind === 'pod'
      ? {}
      : { chosenFrom: { workload: `${query.kind}/${query.name}`, runningPods: found.runningPods } }),
  };
  return { target, pod, node, resourceVersion: found.resourceVersion };
}

/** https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/: admission copies those of the service account into the pod. */
function pullSecrets({ spec }: V1Pod): Pick<SelectedTarget, 'imagePullSecrets'> {
  const imagePullSecrets = secretNames(spec?.imagePullSecrets);
  return imagePullSecrets.length === 0 ? {} : { imagePullSecrets };
}

export interface FoundPod {
  pod: V1Pod;
  runningPods: number;
  resourceVersion: string | undefined;
}

/** A pod by name is listed, not got: a list has the version from which a watch of it can go on. */
export async function findPod(rest: Rest, query: TargetQuery, namespace: string): Promise<FoundPod> {
  if (query.kind !== 'pod') {
    const list = await podsOfWorkload(rest, query.kind, query.name, namespace);
    return { ...choosePod(list.items, `${query.kind}/${query.name}`), resourceVersion: list.metadata?.resourceVersion };
  }
  const list = await rest.json<PodList>({
    verb: 'list',
    resource: resources.pods,
    namespace,
    query: { fieldSelector: `metadata.name=${query.name}` },
  });
  const [pod] = list.items;
  if (!pod) throw await noSuchObject(rest, 'pod', resources.pods, query.name, namespace);
  return { pod, runningPods: 1, resourceVersion: list.metadata?.resourceVersion };
}

/** Undefined: the user may not read nodes. */
async function readNode(rest: Rest, name: string): Promise<V1Node | undefined> {
  try {
    return await rest.json<V1Node>({ verb: 'get', resource: resources.nodes, name });
  } catch (error) {
    if (isStatus(error, 403)) return undefined;
    throw error;
  }
}

export async function checkRuntime(rest: Rest, pod: V1Pod): Promise<void> {
  const name = pod.spec?.runtimeClassName;
  if (!name) return;
  const runtimeClass = await rest
    .json<V1RuntimeClass>({ verb: 'get', resource: resources.runtimeclasses, name })
    .catch((error: unknown) => {
      if (isStatus(error, 403, 404)) return undefined;
      throw error;
    });
  checkRuntimeClass(name, runtimeClass);
}

/**
 * What is in force, as far as the API server knows: a resize (spec) that the node has not granted yet is not in the
 * status, and the kubelet of an older Kubernetes reports none. A pod's own limits (`spec.resources`) hold for its
 * containers together.
 */
export function limits(
  { spec, status }: V1Pod,
  container: V1Container,
  { resources: inForce }: V1ContainerStatus,
): Pick<Target, 'cpuLimitCores' | 'memoryLimitBytes' | 'podMemoryLimitBytes'> {
  const own = inForce ? inForce.limits : container.resources?.limits;
  const ofPod = spec?.resources?.limits && (status?.resources?.limits ?? spec.resources.limits);
  return {
    ...optionalQuantity('cpuLimitCores', own?.cpu),
    ...optionalQuantity('memoryLimitBytes', own?.memory),
    ...optionalQuantity('podMemoryLimitBytes', ofPod?.memory),
  };
}

type NodeFacts = Pick<
  Target,
  | 'nodeUid'
  | 'architecture'
  | 'nodeCores'
  | 'nodeMemoryBytes'
  | 'nodeAllocatableCores'
  | 'nodeAllocatableMemoryBytes'
  | 'assumed'
>;

function nodeFacts(node: V1Node): NodeFacts {
  const { cpu, memory } = node.status?.allocatable ?? {};
  return {
    ...(node.metadata?.uid === undefined ? {} : { nodeUid: node.metadata.uid }),
    architecture: checkNode(node),
    ...optionalQuantity('nodeCores', node.status?.capacity?.cpu),
    ...optionalQuantity('nodeMemoryBytes', node.status?.capacity?.memory),
    ...optionalQuantity('nodeAllocatableCores', cpu),
    ...optionalQuantity('nodeAllocatableMemoryBytes', memory),
  };
}

function assumedFacts(pod: V1Pod): NodeFacts {
  const architecture = architectureOfPod(pod);
  return {
    architecture: architecture ?? 'amd64',
    assumed: [
      `node ${pod.spec?.nodeName} is a ready Linux node${architecture ? '' : ' of amd64'}: you are not allowed to get nodes`,
    ],
  };
}

function optionalQuantity<Name extends string>(name: Name, quantity: string | undefined): { [key in Name]?: number } {
  const value = quantity === undefined ? undefined : parseQuantity(quantity);
  return value === undefined ? {} : ({ [name]: value } as { [key in Name]?: number });
}
