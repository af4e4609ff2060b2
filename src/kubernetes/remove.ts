import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesObject, V1Pod } from '@kubernetes/client-node';
import type { RemovalResult } from '../ports.ts';
import { ApiError } from './api-error.ts';
import { type Resource, resources } from './request.ts';
import type { Rest } from './rest.ts';
import { watch } from './watch.ts';

/** What of an experiment may be there: `maybe` after a creation without an answer, which may still arrive after a deletion that found nothing. */
export type Existence = 'yes' | 'maybe' | 'no';

export interface Existing {
  pod: Existence;
  configMap: Existence;
  /** Whether anybody can have told a shim in the pod to start. Without that word it changes nothing. */
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
    one('pod', existing.pod, () => removePod(rest, id, namespace, existing.mayHaveBegun, signal)),
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
      if (status !== 404 && !signal.aborted) why = error instanceof Error ? error.message : String(error);
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

/**
 * Asks gracefully, and by force as soon as nothing can run any more: from then on the kubelet only cleans up, for which older ones take 4 to 40 s (measured on 1.20, where the API object waits
 * for the next of the kubelet's periodic syncs).
 */
async function removePod(
  rest: Rest,
  name: string,
  namespace: string,
  mayHaveBegun: boolean,
  signal: AbortSignal,
): Promise<void> {
  const deletePod = (options?: DeleteOptions): Promise<KubernetesObject> =>
    removeObject(rest, resources.pods, name, namespace, signal, options);
  const pod = (await deletePod(mayHaveBegun ? {} : { gracePeriodSeconds: 0 })) as V1Pod;
  if (pod.kind === 'Status') return;
  const uid = pod.metadata?.uid ?? '';
  const list = { resource: resources.pods, namespace, query: { fieldSelector: `metadata.name=${name}` } };
  const start = { resourceVersion: pod.metadata?.resourceVersion, known: [pod] };
  let forced = !mayHaveBegun;
  for await (const { type, object } of watch<V1Pod>(rest, list, start, signal)) {
    if (type === 'DELETED' || object.metadata?.uid !== uid) return;
    if (forced || !hasEnded(object)) continue;
    forced = true;
    await deletePod({ gracePeriodSeconds: 0, preconditions: { uid } });
  }
  throw new Error(
    `the kubelet of node ${pod.spec?.nodeName} has not confirmed that the containers of the agent pod have ended`,
  );
}

/** Whether the kubelet has reported the end of every container. */
function hasEnded(pod: V1Pod): boolean {
  const statuses = pod.status?.containerStatuses ?? [];
  return statuses.length === pod.spec?.containers.length && statuses.every(({ state }) => state?.terminated);
}
