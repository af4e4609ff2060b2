import type { V1Container, V1ContainerStatus, V1Node, V1Pod, V1RuntimeClass } from '@kubernetes/client-node';
import type { ChosenFrom, SelectedTarget, Selection, Target, TargetName } from '../ports.ts';
import { parseQuantity } from '../units.ts';
import { isStatus } from './api-error.ts';
import { chooseContainer } from './container-choice.ts';
import { architectureOfPod, checkNode, checkRuntimeClass, splitContainerId } from './node-check.ts';
import { secretNames } from './node-images.ts';
import { noSuchObject } from './not-found.ts';
import { resources } from './request.ts';
import type { Rest } from './rest.ts';
import { checkOwner } from './system-pods.ts';
import { choosePod, type PodList, podsOfWorkload } from './workload.ts';

/** A target and the version of the pod list in which it was seen. */
export interface FoundTarget {
  target: SelectedTarget;
  resourceVersion: string | undefined;
  pod: V1Pod;
  /** Undefined: the user may not read nodes. */
  node: V1Node | undefined;
}

/** A pod that was chosen, as it was listed. */
export interface ChosenPod {
  pod: V1Pod;
  resourceVersion: string | undefined;
  /** Absent: it was named. */
  chosenFrom?: ChosenFrom;
}

/** `hasAgent`: an agent is to work beside it, and has to be able to. */
type Inspected = Pick<Selection, 'container' | 'allContainers' | 'allowSystem'> & { hasAgent?: boolean };

/** Looks closer at pods that were chosen, with reading requests only: each node and each runtime class once. */
export class Inspector {
  readonly #rest: Rest;
  readonly #selection: Inspected;
  readonly #attachBarred: Promise<string | undefined>;
  readonly #nodes = new Map<string, Promise<V1Node | undefined>>();
  readonly #runtimeClasses = new Map<string, Promise<void>>();

  /** `attachBarred`: as of a target, once it is known; rejects when something is not allowed. */
  constructor(rest: Rest, selection: Inspected, attachBarred: Promise<string | undefined>) {
    this.#rest = rest;
    this.#selection = selection;
    this.#attachBarred = attachBarred;
  }

  /** The containers that are meant, in their order in the pod. Refuses what cannot be a target: the pod with all of them. */
  async targetsOf(chosen: ChosenPod): Promise<FoundTarget[]> {
    const { pod, chosenFrom, resourceVersion } = chosen;
    checkOwner(pod, this.#selection.allowSystem);
    const containers = this.#containersOf(pod);
    const { hasAgent = true } = this.#selection;
    const [node, , attachBarred] = await Promise.all([
      hasAgent ? this.#node(pod.spec?.nodeName ?? '') : undefined,
      hasAgent ? this.#checkRuntime(pod) : undefined,
      this.#attachBarred,
    ]);
    const facts = node ? nodeFacts(node) : hasAgent ? assumedFacts(pod) : unasked;
    return containers.map(({ spec, status }) => {
      const { runtime, id } = splitContainerId(status.containerID ?? '');
      const target: SelectedTarget = {
        namespace: pod.metadata?.namespace ?? '',
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
        ...(chosenFrom === undefined ? {} : { chosenFrom }),
      };
      return { target, pod, node, resourceVersion };
    });
  }

  #containersOf(pod: V1Pod): ReturnType<typeof chooseContainer>[] {
    const { container, allContainers } = this.#selection;
    if (!allContainers) return [chooseContainer(pod, container)];
    return (pod.spec?.containers ?? []).map(({ name }) => chooseContainer(pod, name));
  }

  #node(name: string): Promise<V1Node | undefined> {
    return once(this.#nodes, name, () => readNode(this.#rest, name));
  }

  async #checkRuntime(pod: V1Pod): Promise<void> {
    const name = pod.spec?.runtimeClassName;
    if (name) await once(this.#runtimeClasses, name, () => checkRuntime(this.#rest, pod));
  }
}

function once<Value>(known: Map<string, Promise<Value>>, name: string, read: () => Promise<Value>): Promise<Value> {
  const value = known.get(name) ?? read();
  known.set(name, value);
  return value;
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
export async function findPod(rest: Rest, query: TargetName, namespace: string): Promise<FoundPod> {
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

/** Of a node on which nothing is to be started: its architecture matters to nobody. */
const unasked: NodeFacts = { architecture: 'amd64' };

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
