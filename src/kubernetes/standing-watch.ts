import type { KubernetesObject, V1EndpointSlice, V1Pod } from '@kubernetes/client-node';
import { ChaosError, messageOf } from '../errors.ts';
import type { StandingUpdate, Target } from '../ports.ts';
import { Queue } from '../queue.ts';
import { ofSlices } from './endpoint-slices.ts';
import { controllerOf } from './prospects.ts';
import { resources } from './request.ts';
import type { Rest } from './rest.ts';
import { servicesOf, standingOf } from './standing.ts';
import { type WatchedList, watch } from './watch.ts';

/** A target, and its pod as it was found. */
interface SeenTarget {
  target: Target;
  pod: V1Pod;
}

/** Objects of one list, kept up to date. */
interface Kept<T> {
  objects: Map<string, T>;
  list: WatchedList;
  resourceVersion: string | undefined;
}

/** As the port says. Lists each kind once, and watches from there. `distrust` as of a watch. */
export async function* followStandings(
  rest: Rest,
  seen: readonly SeenTarget[],
  signal: AbortSignal,
  distrust?: AbortSignal,
): AsyncGenerator<{ target: Target; update: StandingUpdate }, void, undefined> {
  const namespace = seen[0]?.target.namespace ?? '';
  const lists = podLists(seen.map(({ pod }) => pod)).map(
    (query): WatchedList => ({ resource: resources.pods, namespace, query }),
  );
  const listed = await Promise.all([
    listSlices(rest, namespace, signal),
    ...lists.map((list) => keep<V1Pod>(rest, list, signal)),
  ]).catch((error: unknown) => {
    if (!signal.aborted) throw error;
    return undefined;
  });
  if (!listed) return;
  const [slices, ...pods] = listed;
  let unseen = slices instanceof ChaosError ? slices.message : undefined;
  let kept = slices instanceof ChaosError ? undefined : slices;
  const services = new Map(
    seen.map(({ target }) => [target, kept ? servicesOf(target.podUid, [...kept.objects.values()]) : []]),
  );
  const changes = new Queue<{ error?: unknown }>();
  const follow = async <T extends KubernetesObject>(one: Kept<T>, onError: (error: unknown) => { error?: unknown }) =>
    changes.pipe(changesOf(rest, one, signal, distrust), () => ({}), onError);
  // Without a right to watch them the endpoints are not known any more, and all else is.
  const blind = (error: unknown) => {
    kept = undefined;
    unseen = messageOf(error);
    return {};
  };
  void Promise.all([
    ...pods.map((one) => follow(one, (error) => ({ error }))),
    ...(kept ? [follow(kept, blind)] : []),
  ]).then(() => changes.end());

  const told = new Map<Target, string>();
  const news = function* () {
    const scene = {
      pods: [...new Map(pods.flatMap(({ objects }) => [...objects])).values()],
      slices: kept && [...kept.objects.values()],
    };
    for (const { target, pod } of seen) {
      const standing = standingOf(target, pod, scene, services.get(target) ?? []);
      const text = JSON.stringify(standing);
      if (told.get(target) === text) continue;
      told.set(target, text);
      yield { target, update: { standing, ...(unseen === undefined ? {} : { unseen }) } };
    }
  };
  yield* news();
  for await (const { error } of changes) {
    if (error !== undefined) throw error;
    yield* news();
  }
}

/**
 * Which pods have to be seen, as few lists as can be: of a Deployment's those that bear the label that it gives to the pods of one of its ReplicaSets; a pod that nothing makes alone; of everything else all
 * of the namespace. Pure.
 */
export function podLists(pods: readonly V1Pod[]): Readonly<Record<string, string>>[] {
  const queries = pods.map((pod): Readonly<Record<string, string>> => {
    const hash = pod.metadata?.labels?.['pod-template-hash'];
    if (!controllerOf(pod)) return { fieldSelector: `metadata.name=${pod.metadata?.name}` };
    return hash === undefined ? {} : { labelSelector: `pod-template-hash=${hash}` };
  });
  if (queries.some((query) => Object.keys(query).length === 0)) return [{}];
  return [...new Map(queries.map((query) => [JSON.stringify(query), query])).values()];
}

async function keep<T extends KubernetesObject>(rest: Rest, list: WatchedList, signal: AbortSignal): Promise<Kept<T>> {
  type Listed = { items: T[]; metadata?: { resourceVersion?: string } };
  const { items, metadata } = await rest.json<Listed>({ ...list, verb: 'list' }, signal);
  return {
    list,
    objects: new Map(items.map((item) => [uidOf(item), item])),
    resourceVersion: metadata?.resourceVersion,
  };
}

/** Why they cannot be read is no error: everything else can be seen. */
async function listSlices(
  rest: Rest,
  namespace: string,
  signal: AbortSignal,
): Promise<Kept<V1EndpointSlice> | ChaosError> {
  try {
    return await ofSlices((resource) => keep<V1EndpointSlice>(rest, { resource, namespace }, signal));
  } catch (error) {
    if (error instanceof ChaosError && !signal.aborted) return error;
    throw error;
  }
}

/** Brings what is kept up to date, and says so each time. */
async function* changesOf<T extends KubernetesObject>(
  rest: Rest,
  { objects, list, resourceVersion }: Kept<T>,
  signal: AbortSignal,
  distrust: AbortSignal | undefined,
): AsyncGenerator<undefined, void, undefined> {
  const start = { resourceVersion, known: [...objects.values()], ...(distrust ? { distrust } : {}) };
  for await (const { type, object } of watch<T>(rest, list, start, signal)) {
    if (type === 'DELETED') objects.delete(uidOf(object));
    else objects.set(uidOf(object), object);
    yield undefined;
  }
}

function uidOf({ metadata }: KubernetesObject): string {
  return metadata?.uid ?? metadata?.name ?? '';
}
