import type { CoreV1Event, V1ContainerStatus, V1Pod } from '@kubernetes/client-node';
import type { AgentUpdate, ContainerStatus } from '../ports.ts';

/** What the agent pod's object says. Pure. */
export function statusUpdate(pod: V1Pod): Extract<AgentUpdate, { kind: 'status' }> {
  const {
    phase = 'Pending',
    reason = '',
    message = '',
    containerStatuses = [],
    initContainerStatuses,
  } = pod.status ?? {};
  const sidecars = pod.spec?.initContainers?.filter(({ restartPolicy }) => restartPolicy === 'Always') ?? [];
  const blocked = initContainerStatuses
    ?.map((status) => blockade(status, !sidecars.some(({ name }) => name === status.name)))
    .find((one) => one !== undefined);
  return {
    kind: 'status',
    phase,
    reason,
    message,
    containers: Object.fromEntries(
      containerStatuses.map((status) => [status.name, (status.state?.waiting && blocked) || containerStatus(status)]),
    ),
  };
}

/**
 * An init container that keeps the others waiting, if it has not just to be started: a webhook must have added it, as the agent has none. `ends`: the
 * others start only after it.
 */
function blockade({ name, state }: V1ContainerStatus, ends: boolean): ContainerStatus | undefined {
  if (state?.running && ends) return { state: 'waiting', reason: 'PodInitializing', message: '', blockedBy: name };
  if (state?.waiting && state.waiting.reason !== 'PodInitializing' && state.waiting.reason !== 'ContainerCreating') {
    return {
      state: 'waiting',
      reason: state.waiting.reason ?? '',
      message: state.waiting.message ?? '',
      blockedBy: name,
    };
  }
  if (state?.terminated && state.terminated.exitCode !== 0) {
    const { exitCode, reason = 'Error', message = '' } = state.terminated;
    const how = `exit code ${exitCode}${message ? `: ${message}` : ''}`;
    return { state: 'waiting', reason, message: how, blockedBy: name };
  }
  return undefined;
}

function containerStatus({ state }: V1ContainerStatus): ContainerStatus {
  if (state?.running) return { state: 'running' };
  if (state?.terminated) {
    const { exitCode, reason = '', message = '' } = state.terminated;
    return { state: 'terminated', exitCode, reason, message };
  }
  return { state: 'waiting', reason: state?.waiting?.reason ?? '', message: state?.waiting?.message ?? '' };
}

/** What an event about the agent pod says; undefined when it is nothing new to the user. Pure. */
export function eventUpdate(event: CoreV1Event): AgentUpdate | undefined {
  const { reason = '', message = '', type } = event;
  if (reason === 'Started') {
    const container = /^spec\.containers\{(.+)\}$/.exec(event.involvedObject.fieldPath ?? '')?.[1];
    return container === undefined ? undefined : { kind: 'started', container };
  }
  if (reason === 'Pulling') return { kind: 'progress', reason, message };
  // The kubelet's word that it waits before it pulls again is of the type Normal.
  if (type === 'Warning' || reason === 'BackOff') {
    const count = countOf(event);
    return { kind: 'warning', reason, message, ...(count > 1 ? { count } : {}) };
  }
  return undefined;
}

/** How often an event has happened: the API server has one object for it, whose count grows. */
export function countOf({ count, series }: CoreV1Event): number {
  return count ?? series?.count ?? 1;
}
