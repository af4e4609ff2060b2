import type { V1OwnerReference, V1Pod } from '@kubernetes/client-node';
import type { Prospects } from '../ports.ts';
import { containerNamed } from './containers.ts';

/** https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/: the API server fills it in. */
const usualGraceSeconds = 30;

/** What becomes of the pod or its container when it ends. Pure. */
export function prospectsOf(pod: V1Pod, container: string): Prospects {
  const owner = controllerOf(pod);
  // A node owns the mirror of a static pod.
  const isStatic = owner?.kind === 'Node';
  // A sidecar has a policy of its own, and since Kubernetes 1.34 any container may.
  const policy = containerNamed(pod, container)?.spec.restartPolicy ?? pod.spec?.restartPolicy;
  return {
    ...(owner && !isStatic ? { keeper: `${owner.kind.toLowerCase()}/${owner.name}` } : {}),
    isStatic,
    restartPolicy: policy === 'OnFailure' || policy === 'Never' ? policy : 'Always',
    graceSeconds: pod.spec?.terminationGracePeriodSeconds ?? usualGraceSeconds,
  };
}

/** What makes pods such as this one, and others in its place. */
export function controllerOf({ metadata }: V1Pod): V1OwnerReference | undefined {
  return metadata?.ownerReferences?.find(({ controller }) => controller);
}
