import type { V1Container, V1ContainerStatus, V1Pod } from '@kubernetes/client-node';
import { ChaosError } from '../errors.ts';

/** kubectl's own way to say which container is meant when none is named. */
const defaultContainerAnnotation = 'kubectl.kubernetes.io/default-container';

/**
 * The container that is meant, and its status. Refuses (target-unsuitable, not-found) what cannot be a target, in one line why and one what would
 * work. Pure.
 */
export function chooseContainer(
  pod: V1Pod,
  wanted: string | undefined,
): { spec: V1Container; status: V1ContainerStatus } {
  checkPod(pod);
  const name = nameOf(pod);
  const containers = pod.spec?.containers ?? [];
  const names = containers.map((container) => container.name);
  const preferred = wanted ?? pod.metadata?.annotations?.[defaultContainerAnnotation];
  const spec = preferred === undefined ? containers[0] : containers.find((container) => container.name === preferred);
  if (!spec) throw noContainer(pod, preferred ?? '', names);
  const status = pod.status?.containerStatuses?.find((candidate) => candidate.name === spec.name);
  return { spec, status: checkStatus(name, spec.name, status) };
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

function noContainer(pod: V1Pod, wanted: string, names: readonly string[]): ChaosError {
  const theOthers = `the containers of ${nameOf(pod)}: ${names.join(', ')}`;
  const init = pod.spec?.initContainers?.find((container) => container.name === wanted);
  if (init) {
    // A sidecar is an init container that goes on; the agent could reach it, but its place in the pod's life is another (restarts, order), which
    // nothing here is tested for.
    const kind = init.restartPolicy === 'Always' ? 'a sidecar among the init containers' : 'an init container';
    return unsuitable(`container "${wanted}" of ${nameOf(pod)} is ${kind}, which cannot be a target`, theOthers);
  }
  if (pod.spec?.ephemeralContainers?.some((container) => container.name === wanted)) {
    return unsuitable(
      `container "${wanted}" of ${nameOf(pod)} is an ephemeral container, which cannot be a target`,
      theOthers,
    );
  }
  return new ChaosError('not-found', `${nameOf(pod)} has no container "${wanted}"`, { hint: theOthers });
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
