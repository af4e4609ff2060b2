import type { V1ContainerStateTerminated, V1Pod } from '@kubernetes/client-node';
import type { Target, TargetUpdate } from '../ports.ts';
import { hasVanished, statusNamed } from './containers.ts';
import { splitContainerId } from './node-check.ts';

/** Compares each new state of the pod with the target as it was chosen; tells each thing once. */
export class TargetComparison {
  readonly #target: Target;
  readonly #reported = new Set<string>();

  constructor(target: Target) {
    this.#target = target;
  }

  /** News in this state of the pod. */
  changed(pod: V1Pod): TargetUpdate[] {
    if (pod.metadata?.uid !== this.#target.podUid) return this.gone();
    return [...this.#evicted(pod), ...this.#container(pod), ...this.#deleted(pod)];
  }

  /** The pod is not there any more. */
  gone(): TargetUpdate[] {
    return this.#once('deleted', { kind: 'deleted', message: `pod/${this.#target.pod} was deleted` });
  }

  #once(key: string, update: TargetUpdate): TargetUpdate[] {
    if (this.#reported.has(key)) return [];
    this.#reported.add(key);
    return [update];
  }

  #evicted(pod: V1Pod): TargetUpdate[] {
    const { reason, message = '' } = pod.status ?? {};
    if (reason === 'NodeLost') return this.#once('node-lost', { kind: 'node-lost', message });
    if (reason === 'Evicted') return this.#once('evicted', { kind: 'evicted', message });
    // https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions
    const disruption = pod.status?.conditions?.find(
      ({ type, status }) => type === 'DisruptionTarget' && status === 'True',
    );
    if (!disruption) return [];
    return this.#once('evicted', {
      kind: 'evicted',
      message: [disruption.reason, disruption.message].filter(Boolean).join(': '),
    });
  }

  #deleted(pod: V1Pod): TargetUpdate[] {
    if (!pod.metadata?.deletionTimestamp) return [];
    const grace = pod.metadata.deletionGracePeriodSeconds;
    return this.#once('deleted', {
      kind: 'deleted',
      message: `pod/${this.#target.pod} is being deleted${grace === undefined ? '' : ` (grace period ${grace}s)`}`,
    });
  }

  #container(pod: V1Pod): TargetUpdate[] {
    const status = statusNamed(pod, this.#target.container);
    if (!status) return [];
    const id = status.containerID ? splitContainerId(status.containerID).id : '';
    const same = id === this.#target.containerId && status.restartCount === this.#target.restartCount;
    if (same) {
      const end = status.state?.terminated;
      return end ? this.#once(`terminated ${id}`, { kind: 'terminated', ...endOf(end) }) : [];
    }
    // That the pod is deleted is told by itself.
    if (hasVanished(pod, status)) return [];
    // While the next one waits to be started, the count is the old one and only the last state tells.
    if (id === '' && status.restartCount === this.#target.restartCount && !status.lastState?.terminated) return [];
    return this.#once(`restarted ${status.restartCount}`, {
      kind: 'restarted',
      ...endOf(status.lastState?.terminated),
    });
  }
}

function endOf(end: V1ContainerStateTerminated | undefined): {
  reason: string;
  exitCode: number | undefined;
  message: string;
} {
  return { reason: end?.reason ?? '', exitCode: end?.exitCode, message: end?.message ?? '' };
}
