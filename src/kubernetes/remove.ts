import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesObject, V1ContainerStatus, V1Pod } from '@kubernetes/client-node';
import { messageOf } from '../errors.ts';
import type { RemovalResult } from '../ports.ts';
import { ApiError } from './api-error.ts';
import { type Resource, resources } from './request.ts';
import type { Rest } from './rest.ts';
import { watch } from './watch.ts';
import type { PodList } from './workload.ts';

/** What of an experiment may be there: `maybe` after a creation without an answer, which may still arrive after a deletion that found nothing. */
export type Existence = 'yes' | 'maybe' | 'no';

export interface Existing {
  pod: Existence;
  configMap: Existence;
  /** Whether a fault may be in force: somebody can have told a shim in the pod to start, and it has not said that it reverted. */
  mayHaveBegun: boolean;
}

/** A request on its way when its connection broke arrives within this, or not at all. */
const lateMs = 1_000;
const retryMs = 250;

/**
 * Deletes the pod and the ConfigMap of an experiment and waits until both are confirmed gone. A pod that may have begun is gone only after the kubelet has reported that its containers ended. Never rejects.
 */
export async function remove(
  rest: Rest,
  id: string,
  namespace: string,
  timeoutMs: number,
  existing: Existing,
): Promise<RemovalResult> {
  const signal = AbortSignal.timeout(timeoutMs);
  const one = (kind: string, existence: Existence, act: () => Promise<void>): Promise<string | undefined> =>
    existence === 'no'
      ? Promise.resolve(undefined)
      : persist(act, existence, signal).then((why) => (why === undefined ? undefined : `${kind}/${id}: ${why}`));
  const problems = await Promise.all([
    one('pod', existing.pod, () => removePod(rest, id, namespace, existing, signal)),
    one('configmap', existing.configMap, () =>
      removeObject(rest, resources.configmaps, id, namespace, signal).then(confirmGone),
    ),
  ]);
  const found = problems.filter((problem) => problem !== undefined);
  return { left: found.map((problem) => problem.slice(0, problem.indexOf(':'))), why: found.join('; ') };
}

/** Tries until it is done, or time is up, or the answer is final. Gives the reason why not. */
async function persist(
  act: () => Promise<void>,
  existence: Existence,
  signal: AbortSignal,
): Promise<string | undefined> {
  let why = 'no answer in time';
  let late = existence === 'maybe';
  while (!signal.aborted) {
    try {
      await act();
      return undefined;
    } catch (error) {
      const status = error instanceof ApiError ? error.status : undefined;
      if (status === 404 && !late) return undefined;
      // A request that was cut off because time is up says nothing new.
      if (status !== 404 && !(status === 0 && signal.aborted)) why = messageOf(error);
      if (status !== undefined && status >= 400 && status < 500 && status !== 404 && status !== 429 && status !== 409)
        return why;
      await sleep(status === 404 ? lateMs : retryMs, undefined, { signal }).catch(() => undefined);
      if (status === 404) late = false;
    }
  }
  return why;
}

interface DeleteOptions {
  gracePeriodSeconds?: number;
  preconditions?: { uid: string };
}

function removeObject(
  rest: Rest,
  resource: Resource,
  name: string,
  namespace: string,
  signal: AbortSignal,
  options?: DeleteOptions,
): Promise<KubernetesObject> {
  const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background', ...options };
  return rest.json({ verb: 'delete', resource, namespace, name, body }, signal);
}

/** A deletion that took effect answers with a Status; an object that is still there for its finalizers answers with itself. */
function confirmGone(answer: KubernetesObject): void {
  const { deletionTimestamp, finalizers = [] } = answer.metadata ?? {};
  if (deletionTimestamp && finalizers.length > 0)
    throw new ApiError(409, 'api', `kept by the finalizers ${finalizers.join(', ')}`);
}

/** How long the kubelet may take to report that a container runs. It looks once a second. */
const reportMs = 3_000;

/**
 * Deletes the pod in the way that is fastest without a fault left running. Measured on Kubernetes 1.20: by force 40 ms; gracefully 4 to 8 s after the containers' end, because the kubelet
 * confirms only at its next periodic sync, and 8 to 20 s when the deletion overtakes its report that they run. So: by force at once if no fault can be in force; otherwise gracefully, but not
 * before that report, and by force as soon as the kubelet has reported the end of all containers, since from then on it only cleans up.
 */
async function removePod(
  rest: Rest,
  name: string,
  namespace: string,
  existing: Existing,
  signal: AbortSignal,
): Promise<void> {
  const deletePod = (options?: DeleteOptions): Promise<KubernetesObject> =>
    removeObject(rest, resources.pods, name, namespace, signal, options);
  if (!existing.mayHaveBegun) await deletePod({ gracePeriodSeconds: 0 });
  const list = { resource: resources.pods, namespace, query: { fieldSelector: `metadata.name=${name}` } };
  const { items, metadata } = await rest.json<PodList>({ ...list, verb: 'list' }, signal);
  const [pod] = items;
  if (!pod) {
    if (existing.mayHaveBegun) throw new ApiError(404, 'not-found', `there is no pod ${name}`);
    return;
  }
  const uid = pod.metadata?.uid ?? '';
  const stop = new AbortController();
  let asked = false;
  let forced = !existing.mayHaveBegun;
  const ask = async (): Promise<void> => {
    if (asked || forced) return;
    asked = true;
    await deletePod({ preconditions: { uid } });
  };
  const react = async (now: V1Pod): Promise<void> => {
    if (hasEnded(now) && !forced) {
      forced = true;
      await deletePod({ preconditions: { uid }, gracePeriodSeconds: 0 });
    } else if (isReported(now)) await ask();
  };
  let failure: unknown;
  const timer = setTimeout(() => {
    ask().catch((error: unknown) => {
      failure = error;
      stop.abort();
    });
  }, reportMs);
  try {
    await react(pod);
    const start = { resourceVersion: metadata?.resourceVersion, known: [pod] };
    for await (const { type, object } of watch<V1Pod>(rest, list, start, AbortSignal.any([signal, stop.signal]))) {
      if (type === 'DELETED' || object.metadata?.uid !== uid) return;
      await react(object);
    }
  } finally {
    clearTimeout(timer);
  }
  throw (
    failure ??
    new Error(
      `its deletion was not confirmed in time: either the kubelet of node ${pod.spec?.nodeName} has not reported that its containers ended, or the API server did not answer`,
    )
  );
}

/** Whether the kubelet has reported the end of every container. */
function hasEnded(pod: V1Pod): boolean {
  return everyState(pod, ({ state }) => state?.terminated !== undefined);
}

/** Whether the kubelet has reported of every container that it runs or has run, or the pod is being deleted already. */
function isReported(pod: V1Pod): boolean {
  return (
    pod.metadata?.deletionTimestamp !== undefined ||
    everyState(pod, ({ state }) => state?.running !== undefined || state?.terminated !== undefined)
  );
}

function everyState(pod: V1Pod, test: (status: V1ContainerStatus) => boolean): boolean {
  const statuses = pod.status?.containerStatuses ?? [];
  return statuses.length === pod.spec?.containers.length && statuses.every(test);
}
