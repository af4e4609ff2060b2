import type { V1OwnerReference, V1Pod } from '@kubernetes/client-node';
import type { Prospects } from '../ports.ts';
import { containerNamed } from './containers.ts';

/** https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/: the API server fills it in. */
const usualGraceSeconds = 30;

/** What becomes of the pod or its container when it ends. Pure. */
export function prospectsOf(pod: V1Pod, container: string): Prospects {
  const keeper = keeperOf(pod);
  // A sidecar has a policy of its own, and since Kubernetes 1.34 any container may.
  const policy = containerNamed(pod, container)?.spec.restartPolicy ?? pod.spec?.restartPolicy;
  return {
    ...(keeper ? { keeper: keeperName(keeper) } : {}),
    isStatic: !keeper && controllerOf(pod) !== undefined,
    restartPolicy: policy === 'OnFailure' || policy === 'Never' ? policy : 'Always',
    graceSeconds: pod.spec?.terminationGracePeriodSeconds ?? usualGraceSeconds,
  };
}

/** As of `controllerOf`, but for the mirror of a static pod, which its node owns and no workload makes. */
export function keeperOf(pod: V1Pod): V1OwnerReference | undefined {
  const owner = controllerOf(pod);
  return owner?.kind === 'Node' ? undefined : owner;
}

/** As the words of targets: `replicaset/web-5d8f`. */
export function keeperName({ kind, name }: V1OwnerReference): string {
  return `${kind.toLowerCase()}/${name}`;
}

/** What the pod is owned by that has made it, and makes others in its place. */
export function controllerOf({ metadata }: V1Pod): V1OwnerReference | undefined {
  return metadata?.ownerReferences?.find(({ controller }) => controller);
}
