import type { V1ConfigMap, V1ListMeta, V1ObjectMeta, V1Pod } from '@kubernetes/client-node';
import type { Experiment, ExperimentState, Experiments } from '../ports.ts';
import { parseDuration } from '../units.ts';
import { anyExperiment, experimentIdOf } from './agent-pod.ts';
import { isStatus } from './api-error.ts';
import { type Resource, resources } from './request.ts';
import type { Rest } from './rest.ts';
import type { WatchedList } from './watch.ts';

/** Between the creation of the ConfigMap and that of the pod: younger than this, a ConfigMap alone is no leftover. */
const creationMs = 20_000;

/** Finds experiments by their labels. A right that is missing for ConfigMaps hides only leftovers, and is said; for pods it is an error. */
export async function listExperiments(rest: Rest, namespace: string | undefined, now: Date): Promise<Experiments> {
  const { pods, configMaps, unseen } = await findObjects(rest, namespace);
  return { found: experimentsOf(pods.items, configMaps.items, now), unseen };
}

/** Objects of one kind, and the version of their list. */
export interface Found<T> {
  items: T[];
  resourceVersion: string | undefined;
}

/** What experiments consist of. Rejects as `listExperiments`. */
export async function findObjects(
  rest: Rest,
  namespace: string | undefined,
  signal?: AbortSignal,
): Promise<{ pods: Found<V1Pod>; configMaps: Found<V1ConfigMap>; unseen: readonly string[] }> {
  const list = async <T>(resource: Resource): Promise<Found<T>> => {
    const request = { ...experimentsIn(resource, namespace), verb: 'list' } as const;
    const { items, metadata } = await rest.json<{ items: T[]; metadata?: V1ListMeta }>(request, signal);
    return { items, resourceVersion: metadata?.resourceVersion };
  };
  const unseen: string[] = [];
  const [pods, configMaps] = await Promise.all([
    list<V1Pod>(resources.pods),
    list<V1ConfigMap>(resources.configmaps).catch((error: unknown) => {
      if (!isStatus(error, 403)) throw error;
      unseen.push(error.message);
      return { items: [], resourceVersion: undefined };
    }),
  ]);
  return { pods, configMaps, unseen };
}

/** The objects of one kind that are part of an experiment. */
export function experimentsIn(resource: Resource, namespace: string | undefined): WatchedList {
  return { resource, ...(namespace === undefined ? {} : { namespace }), query: { labelSelector: anyExperiment } };
}

/** Which experiment an object is part of: the id alone is one in each namespace. */
export function placeOfExperiment(metadata: V1ObjectMeta): string {
  return `${metadata.namespace}/${experimentIdOf(metadata)}`;
}

/** Pure: objects that belong together by namespace and id, oldest first. */
export function experimentsOf(pods: readonly V1Pod[], configMaps: readonly V1ConfigMap[], now: Date): Experiment[] {
  const found = new Map<string, Objects>();
  const objectsOf = ({ metadata = {} }: V1Pod | V1ConfigMap): Objects => {
    const key = placeOfExperiment(metadata);
    const objects = found.get(key) ?? { pods: [], configMaps: [] };
    found.set(key, objects);
    return objects;
  };
  for (const pod of pods) objectsOf(pod).pods.push(pod);
  for (const configMap of configMaps) objectsOf(configMap).configMaps.push(configMap);
  return [...found.values()]
    .map((objects) => experiment(objects, now))
    .sort((one, other) => one.createdAt.getTime() - other.createdAt.getTime() || one.id.localeCompare(other.id));
}

interface Objects {
  pods: V1Pod[];
  configMaps: V1ConfigMap[];
}

/** An experiment has one agent: what there is to say of it, its pod says. */
function experiment({ pods, configMaps }: Objects, now: Date): Experiment {
  const [pod] = pods;
  const { metadata = {} } = pod ?? configMaps[0] ?? {};
  const annotation = (name: string) => metadata.annotations?.[`kubectl-chaos.io/${name}`];
  const createdAt = new Date(metadata.creationTimestamp ?? now);
  const state = pod ? stateOf(pod) : now.getTime() - createdAt.getTime() < creationMs ? 'starting' : 'leftover';
  const endsAt = state === 'running' ? endOf(pod, annotation('duration')) : undefined;
  const texts = {
    node: pod?.spec?.nodeName,
    verb: annotation('verb'),
    fault: annotation('fault'),
    target: annotation('target'),
    who: annotation('who'),
    reason: annotation('reason'),
    pod: pod?.metadata?.name,
    podUid: pod?.metadata?.uid,
    plan: pod ? annotation('plan') : undefined,
    lastWords: pod?.status?.containerStatuses?.[0]?.state?.terminated?.message,
  };
  return {
    id: experimentIdOf(metadata),
    namespace: metadata.namespace ?? '',
    state,
    objects: [
      ...pods.map((one) => `pod/${one.metadata?.name}`),
      ...configMaps.map((one) => `configmap/${one.metadata?.name}`),
    ],
    createdAt,
    ...(endsAt ? { endsAt } : {}),
    graceMs: (pod?.spec?.terminationGracePeriodSeconds ?? 0) * 1_000,
    ...Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== undefined)),
  };
}

function stateOf(pod: V1Pod): ExperimentState {
  if (pod.metadata?.deletionTimestamp) return 'stopping';
  if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return 'ended';
  return pod.status?.phase === 'Running' ? 'running' : 'starting';
}

/** The shim counts from `active`, a fraction of a second after its container's start. */
function endOf(pod: V1Pod | undefined, duration: string | undefined): Date | undefined {
  const startedAt = pod?.status?.containerStatuses?.[0]?.state?.running?.startedAt;
  const ms = duration === undefined ? undefined : parseDuration(duration);
  return startedAt && ms !== undefined ? new Date(new Date(startedAt).getTime() + ms) : undefined;
}
