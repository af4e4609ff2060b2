import type { V1Container, V1ContainerStatus, V1Pod } from '@kubernetes/client-node';
import { ChaosError } from '../errors.ts';
import { containerNamed, targetContainers } from './containers.ts';

/** kubectl's own way to say which container is meant when none is named. */
const defaultContainerAnnotation = 'kubectl.kubernetes.io/default-container';

/**
 * The container that is meant, and its status: a sidecar or an ephemeral container only when it is named. Refuses (target-unsuitable, not-found) what
 * cannot be a target, in one line why and one what would work. Pure.
 */
export function chooseContainer(
  pod: V1Pod,
  wanted: string | undefined,
): { spec: V1Container; status: V1ContainerStatus } {
  checkPod(pod);
  const name = wanted ?? pod.metadata?.annotations?.[defaultContainerAnnotation] ?? pod.spec?.containers[0]?.name ?? '';
  const found = containerNamed(pod, name);
  if (!found || found.kind === 'init') throw noContainer(pod, name, found !== undefined);
  if (wanted === undefined && found.kind !== 'container') {
    throw unsuitable(
      `container "${name}", the default of ${nameOf(pod)}, is ${found.kind === 'sidecar' ? 'a sidecar' : 'an ephemeral container'}, which is a target only by its name`,
      `-c ${name}, or one of its other containers: ${targetContainers(pod)
        .filter((other) => other !== name)
        .join(', ')}`,
    );
  }
  return { spec: found.spec, status: checkStatus(nameOf(pod), name, found.status) };
}

function nameOf(pod: V1Pod): string {
  return `pod/${pod.metadata?.name}`;
}

function unsuitable(message: string, hint?: string): ChaosError {
  return new ChaosError('target-unsuitable', message, hint === undefined ? {} : { hint });
}

function checkPod(pod: V1Pod): void {
  const name = nameOf(pod);
  const namespace = pod.metadata?.namespace ?? 'default';
  const { phase = 'Unknown', reason, message } = pod.status ?? {};
  if (pod.metadata?.deletionTimestamp) {
    throw unsuitable(`${name} is being deleted`, 'choose another pod, or name its workload: deploy/NAME');
  }
  if (phase === 'Succeeded' || phase === 'Failed') {
    const how = reason ? ` (${reason}${message ? `: ${message}` : ''})` : '';
    throw unsuitable(`${name} is completed: its phase is ${phase}${how}`, 'choose a pod that is running');
  }
  if (phase !== 'Running') {
    const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
    const waiting = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])].find(
      (status) => status.state?.waiting?.reason && status.state.waiting.reason !== 'PodInitializing',
    );
    const initializing = pod.status?.initContainerStatuses?.find(({ state }) => state?.running);
    const why =
      scheduled?.status === 'False'
        ? `: it is not scheduled (${scheduled.message ?? scheduled.reason})`
        : waiting
          ? `: container "${waiting.name}" is waiting (${waiting.state?.waiting?.reason})`
          : initializing
            ? `: its init container "${initializing.name}" has not ended yet`
            : '';
    throw unsuitable(`${name} is not running: its phase is ${phase}${why}`, `kubectl describe ${name} -n ${namespace}`);
  }
}

function noContainer(pod: V1Pod, wanted: string, isInit: boolean): ChaosError {
  const hint = `the containers of ${nameOf(pod)}: ${targetContainers(pod).join(', ')}`;
  if (isInit) {
    return unsuitable(`container "${wanted}" of ${nameOf(pod)} is an init container, which cannot be a target`, hint);
  }
  return new ChaosError('not-found', `${nameOf(pod)} has no container "${wanted}"`, { hint });
}

function checkStatus(pod: string, container: string, status: V1ContainerStatus | undefined): V1ContainerStatus {
  if (status?.state?.running && status.containerID) return status;
  const { waiting, terminated } = status?.state ?? {};
  if (waiting) {
    const detail = waiting.message ? `: ${waiting.message}` : '';
    throw unsuitable(
      `container "${container}" of ${pod} is waiting (${waiting.reason ?? 'no reason given'}${detail})`,
      'wait until it runs',
    );
  }
  if (terminated) {
    throw unsuitable(
      `container "${container}" of ${pod} has terminated (${terminated.reason ?? 'no reason given'}, exit code ${terminated.exitCode})`,
      'choose a container that is running',
    );
  }
  throw unsuitable(
    `container "${container}" of ${pod} is not running: the kubelet has not reported it`,
    'wait until it runs',
  );
}
