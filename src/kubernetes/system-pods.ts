import type { V1Pod } from '@kubernetes/client-node';
import { ChaosError } from '../errors.ts';
import { isOurs } from './agent-pod.ts';

/** https://kubernetes.io/docs/tasks/administer-cluster/guaranteed-scheduling-critical-addon-pods/ */
const critical: readonly string[] = ['system-node-critical', 'system-cluster-critical'];

/** The kubelet marks what it runs from a file of its own. */
const mirror = 'kubernetes.io/config.mirror';

/** Why a pod counts as a part of the cluster itself: without it a node, or all of the cluster, may fail. Undefined: it does not. Pure. */
export function systemReason({ metadata, spec }: V1Pod): string | undefined {
  const { priorityClassName = '' } = spec ?? {};
  if (critical.includes(priorityClassName)) return `its priority class is ${priorityClassName}`;
  if (metadata?.namespace !== 'kube-system') return undefined;
  if (metadata.labels?.tier === 'control-plane' || metadata.annotations?.[mirror] !== undefined) {
    return 'it is a static pod in kube-system';
  }
  const daemonSet = metadata.ownerReferences?.find(({ kind }) => kind === 'DaemonSet');
  return daemonSet && `it is one of daemonset/${daemonSet.name} in kube-system`;
}

/** Refuses an agent of ours (target-unsuitable), always, and a part of the cluster itself (protected), unless that is allowed. */
export function checkOwner(pod: V1Pod, allowSystem: boolean): void {
  const name = `pod/${pod.metadata?.name}`;
  if (pod.metadata && isOurs(pod.metadata)) {
    throw new ChaosError('target-unsuitable', `${name} is an agent of kubectl chaos, which cannot be a target`, {
      hint: 'name the pod that its experiment is on',
    });
  }
  const reason = allowSystem ? undefined : systemReason(pod);
  if (reason === undefined) return;
  throw new ChaosError('protected', `${name} is a part of the cluster itself: ${reason}`, {
    hint: 'To run the experiment all the same, add --allow-system.',
  });
}
