import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesObject, V1ConfigMap, V1ContainerStatus, V1Pod } from '@kubernetes/client-node';
import { ChaosError, messageOf } from '../errors.ts';
import type { Agent, RemovalResult, Target } from '../ports.ts';
import { joinWords } from '../text.ts';
import { ofExperiment } from './agent-pod.ts';
import { ApiError, isStatus } from './api-error.ts';
import { hasVanished } from './containers.ts';
import { type Existing, thereOf } from './existing.ts';
import { type Resource, resources } from './request.ts';
import type { Rest } from './rest.ts';
import { silenceMs, watch } from './watch.ts';
import type { PodList } from './workload.ts';

/** A request on its way when its connection broke arrives within this, or not at all. */
const lateMs = 1_000;
const retryMs = 250;

/** Of one kind of object, the names of those that are not confirmed to be gone. */
type Left = Set<string>;

/** How the objects of an experiment are removed. */
interface Removal {
  /** What this process has created; absent: another has launched it, and only the label leads to its objects. */
  existing?: Existing | undefined;
  /** No fault can be in force any more, whatever was begun. */
  hasReverted: boolean;
}

/**
 * Deletes the pods and the ConfigMaps of an experiment and waits until all are confirmed gone. A pod that may have begun is gone only after the
 * kubelet has reported that its containers ended. Never rejects.
 */
export async function remove(
  rest: Rest,
  id: string,
  namespace: string,
  timeoutMs: number,
  { existing, hasReverted }: Removal,
): Promise<RemovalResult> {
  const signal = AbortSignal.timeout(timeoutMs);
  const pods = existing ? thereOf(existing.pods) : undefined;
  const configMaps = existing ? thereOf(existing.configMaps) : undefined;
  const isIdle = hasReverted || existing?.mayHaveBegun === false;
  const one = async (
    kind: string,
    names: readonly string[],
    mayArrive: boolean,
    act: (left: Left) => Promise<void>,
  ): Promise<RemovalResult | undefined> => {
    if (names.length === 0) return undefined;
    // Until a list has shown which there are.
    const left: Left = new Set(names);
    const why = await persist(() => act(left), mayArrive, signal);
    return why === undefined ? undefined : { left: [...left].map((each) => `${kind}/${each}`), why };
  };
  const problems = await Promise.all([
    one('pod', pods?.names ?? [`${id}-0`], pods?.mayArrive === true, (left) =>
      removePods(rest, id, namespace, { isIdle, named: pods?.names ?? [] }, left, signal),
    ),
    ...(configMaps
      ? configMaps.names.map((name) =>
          one('configmap', [name], existing?.configMaps.get(name) === 'maybe', () =>
            removeObject(rest, resources.configmaps, name, namespace, signal).then(confirmGone),
          ),
        )
      : [one('configmap', [id], false, (left) => removeConfigMaps(rest, id, namespace, left, signal))]),
  ]);
  const found = problems.filter((problem) => problem !== undefined);
  return {
    left: found.flatMap(({ left }) => left),
    why: found.map(({ left, why }) => `${joinWords(left)}: ${why}`).join('; '),
  };
}

/** Tries until it is done, or time is up, or the answer is final. Gives the reason why not. */
async function persist(act: () => Promise<void>, mayArrive: boolean, signal: AbortSignal): Promise<string | undefined> {
  let why = 'no answer in time';
  let late = mayArrive;
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
  dryRun?: readonly ['All'];
  gracePeriodSeconds?: number;
  preconditions?: { uid: string };
}

/** Deletes one object; what depends on it goes after it. Rejects with ApiError 404 where there is none, 409 where another has the name. */
export function removeObject(
  rest: Rest,
  resource: Resource,
  name: string,
  namespace: string,
  signal: AbortSignal | undefined,
  options?: DeleteOptions,
): Promise<KubernetesObject> {
  const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background', ...options };
  return rest.json({ verb: 'delete', resource, namespace, name, body }, signal);
}

/** Deletes an agent pod and does not wait for it. One that is gone is none to delete. */
export async function deletePod(
  rest: Rest,
  { pod, podUid, namespace }: Agent,
  options: DeleteOptions = {},
): Promise<void> {
  const all = { preconditions: { uid: podUid }, ...options };
  await removeObject(rest, resources.pods, pod, namespace, undefined, all).catch(notFound);
}

/** Deletes a target's pod, as the port says. */
export async function deleteTarget(
  rest: Rest,
  { pod, podUid, namespace }: Target,
  graceSeconds: number | undefined,
  isRehearsal: boolean,
): Promise<void> {
  const options: DeleteOptions = {
    preconditions: { uid: podUid },
    ...(graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds }),
    ...(isRehearsal ? { dryRun: ['All'] } : {}),
  };
  await removeObject(rest, resources.pods, pod, namespace, undefined, options).catch((error: unknown) => {
    if (!isStatus(error, 404, 409)) throw error;
    const what = error.status === 404 ? 'is gone already' : 'is another one now, of the same name';
    throw new ChaosError('target-unsuitable', `pod/${pod} ${what}`, { hint: 'Run the command again.', cause: error });
  });
}

/** A deletion that took effect answers with a Status; an object that is still there for its finalizers answers with itself. */
function confirmGone(answer: KubernetesObject): void {
  const { deletionTimestamp, finalizers = [] } = answer.metadata ?? {};
  if (deletionTimestamp && finalizers.length > 0)
    throw new ApiError(409, 'api', `kept by the finalizers ${finalizers.join(', ')}`);
}

/** How long the kubelet may take to report that a container runs. It looks once a second. */
const reportMs = 3_000;

/** Of what another process has made: by the label, or, without the right to list, by the name that a launch gives. */
async function removeConfigMaps(
  rest: Rest,
  id: string,
  namespace: string,
  left: Left,
  signal: AbortSignal,
): Promise<void> {
  const list = async (): Promise<string[]> => {
    const query = { labelSelector: ofExperiment(id) };
    const request = { verb: 'list', resource: resources.configmaps, namespace, query } as const;
    const { items } = await rest.json<{ items: V1ConfigMap[] }>(request, signal);
    const names = items.map(({ metadata }) => metadata?.name ?? '');
    replace(left, names);
    return names;
  };
  const removeOne = (name: string) =>
    removeObject(rest, resources.configmaps, name, namespace, signal).then(confirmGone);
  const names = await list().catch((error: unknown) => {
    if (!isStatus(error, 403)) throw error;
    return undefined;
  });
  if (names === undefined) return removeOne(id);
  if (names.length === 0) return;
  for (const name of names) {
    await removeOne(name).catch(notFound);
  }
  if ((await list()).length > 0) throw new Error('it is there still after its deletion');
}

function replace(left: Left, names: readonly string[]): void {
  left.clear();
  for (const name of names) left.add(name);
}

/**
 * Deletes the pods in the way that is fastest without a fault left running. Measured on Kubernetes 1.20: by force 40 ms; gracefully 4 to 8 s after
 * the containers' end, because the kubelet
 * confirms only at its next periodic sync, and 8 to 20 s when the deletion overtakes its report that they run. So: by force at once if no fault can
 * be in force; otherwise gracefully, but not
 * before that report, and by force as soon as the kubelet has reported the end of all containers, since from then on it only cleans up.
 */
async function removePods(
  rest: Rest,
  id: string,
  namespace: string,
  { isIdle, named }: { isIdle: boolean; named: readonly string[] },
  left: Left,
  signal: AbortSignal,
): Promise<void> {
  const deletePod: DeletePod = (name, options) => removeObject(rest, resources.pods, name, namespace, signal, options);
  let missing: ApiError | undefined;
  /** Whether it was there. */
  const deleteNamed = async (name: string, options?: DeleteOptions): Promise<boolean> => {
    const absent = await deletePod(name, options).then(() => undefined, notFound);
    missing = absent ?? missing;
    return absent === undefined;
  };
  if (isIdle) await Promise.all(named.map((name) => deleteNamed(name, { gracePeriodSeconds: 0 })));
  const list = { resource: resources.pods, namespace, query: { labelSelector: ofExperiment(id) } };
  const { items, metadata } = await rest.json<PodList>({ ...list, verb: 'list' }, signal);
  const unlabelled = isIdle ? [] : named.filter((name) => !items.some((pod) => nameOf(pod) === name));
  // Somebody may have taken the label off: what is not found by it need not be gone.
  const found = await Promise.all(unlabelled.map((name) => deleteNamed(name)));
  if (found.includes(true)) {
    throw new Error('it is not labelled with its experiment any more, and not confirmed to be gone');
  }
  replace(left, items.map(nameOf));
  if (items.length === 0) {
    if (missing) throw missing;
    return;
  }
  let failure: unknown;
  const stop = new AbortController();
  const fail = (error: unknown): void => {
    failure = error;
    stop.abort();
  };
  const pods = new Map(
    items.map((pod) => {
      const wasForced = isIdle && named.includes(nameOf(pod));
      return [uidOf(pod), new PodRemoval(pod, { isIdle, wasForced, deletePod })];
    }),
  );
  const timers = [...pods.values()].map((pod) => setTimeout(() => void pod.ask().catch(fail), reportMs));
  try {
    await Promise.all(items.map((pod) => pods.get(uidOf(pod))?.react(pod)));
    const start = { resourceVersion: metadata?.resourceVersion, known: items, silenceMs };
    const either = AbortSignal.any([signal, stop.signal]);
    for await (const { type, object } of watch<V1Pod>(rest, list, start, either)) {
      if (type === 'DELETED') {
        if (pods.delete(uidOf(object))) left.delete(nameOf(object));
        if (pods.size === 0) return;
      } else await pods.get(uidOf(object))?.react(object);
    }
  } finally {
    for (const timer of timers) clearTimeout(timer);
  }
  const nodes = items.filter((pod) => pods.has(uidOf(pod))).map(({ spec }) => spec?.nodeName);
  throw (
    failure ??
    new Error(
      `its deletion was not confirmed in time: either the kubelet of node ${joinWords([...new Set(nodes)].map(String))} has not reported that its containers ended, or the API server did not answer`,
    )
  );
}

type DeletePod = (name: string, options?: DeleteOptions) => Promise<KubernetesObject>;

/** The removal of one pod: what has been asked for already. */
class PodRemoval {
  readonly #name: string;
  readonly #uid: string;
  readonly #isIdle: boolean;
  readonly #delete: DeletePod;
  #asked = false;
  #forced: boolean;

  /** `isIdle`: no fault can be in force. `wasForced`: it has been deleted by force already. */
  constructor(pod: V1Pod, how: { isIdle: boolean; wasForced: boolean; deletePod: DeletePod }) {
    this.#name = nameOf(pod);
    this.#uid = uidOf(pod);
    this.#isIdle = how.isIdle;
    this.#forced = how.wasForced;
    this.#delete = how.deletePod;
  }

  /** Does what its state allows. */
  async react(now: V1Pod): Promise<void> {
    if ((this.#isIdle || hasEnded(now)) && !this.#forced) {
      this.#forced = true;
      await this.#send({ gracePeriodSeconds: 0 });
    } else if (isReported(now)) await this.ask();
  }

  /** Gracefully, once. */
  async ask(): Promise<void> {
    if (this.#asked || this.#forced) return;
    this.#asked = true;
    await this.#send({});
  }

  /** One that is gone already needs no deletion: the watch tells. */
  async #send(options: DeleteOptions): Promise<void> {
    await this.#delete(this.#name, { preconditions: { uid: this.#uid }, ...options }).catch(notFound);
  }
}

/** An answer that there is no such object; everything else is thrown again. */
function notFound(error: unknown): ApiError {
  if (!isStatus(error, 404)) throw error;
  return error;
}

function nameOf({ metadata }: V1Pod): string {
  return metadata?.name ?? '';
}

function uidOf({ metadata }: V1Pod): string {
  return metadata?.uid ?? '';
}

/** Whether the kubelet has reported the end of every container. */
function hasEnded(pod: V1Pod): boolean {
  return everyState(pod, (status) => status.state?.terminated !== undefined || hasVanished(pod, status));
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
