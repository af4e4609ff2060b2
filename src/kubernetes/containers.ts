import type { V1Container, V1ContainerStatus, V1Pod } from '@kubernetes/client-node';

/**
 * Containers of a pod, of each of its three lists. A native sidecar is an init container that goes on
 * (https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/), an ephemeral container one that was added to a running pod. Pure.
 */

/** What a list of containers makes of one; absent in the pod: none of its containers has the name. */
export type ContainerKind = 'container' | 'sidecar' | 'ephemeral' | 'init';

/** A container by its name, which is its own among all three lists. */
export function containerNamed(
  pod: V1Pod,
  name: string,
): { spec: V1Container; kind: ContainerKind; status: V1ContainerStatus | undefined } | undefined {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = pod.spec ?? {};
  const isNamed = (one: { name: string }) => one.name === name;
  const status = statusNamed(pod, name);
  const ordinary = containers.find(isNamed);
  if (ordinary) return { spec: ordinary, kind: 'container', status };
  const init = initContainers.find(isNamed);
  if (init) return { spec: init, kind: init.restartPolicy === 'Always' ? 'sidecar' : 'init', status };
  const ephemeral = ephemeralContainers.find(isNamed);
  return ephemeral && { spec: ephemeral, kind: 'ephemeral', status };
}

export function statusNamed({ status }: V1Pod, name: string): V1ContainerStatus | undefined {
  const { containerStatuses = [], initContainerStatuses = [], ephemeralContainerStatuses = [] } = status ?? {};
  return [...containerStatuses, ...initContainerStatuses, ...ephemeralContainerStatuses].find(
    (candidate) => candidate.name === name,
  );
}

/** Names of those that can be a target by their name: all that go on while the pod runs; of ephemeral ones those that run now. */
export function targetContainers(pod: V1Pod): string[] {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = pod.spec ?? {};
  const sidecars = initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always');
  const ephemeral = ephemeralContainers.filter(({ name }) => statusNamed(pod, name)?.state?.running);
  return [...containers, ...sidecars, ...ephemeral].map(({ name }) => name);
}

/**
 * Of a pod that is being deleted: its kubelet has not found the container in the runtime any more, and so reports no end of it, but that it waits to be created, and in its last state that
 * nobody knows (convertToAPIContainerStatuses in Kubernetes' pkg/kubelet). None is created any more.
 */
export function hasVanished({ metadata }: V1Pod, { state, lastState }: V1ContainerStatus): boolean {
  return (
    metadata?.deletionTimestamp !== undefined &&
    state?.waiting !== undefined &&
    lastState?.terminated?.reason === 'ContainerStatusUnknown'
  );
}
