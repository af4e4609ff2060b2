import type { V1ConfigMap, V1Pod } from '@kubernetes/client-node';
import type { Experiment, ExperimentState, Experiments } from '../ports.ts';
import { parseDuration } from '../units.ts';
import { experimentLabel, managedBy } from './agent-pod.ts';
import { isStatus } from './api-error.ts';
import { type Resource, resources } from './request.ts';
import type { Rest } from './rest.ts';

/** Between the creation of the ConfigMap and that of the pod: younger than this, a ConfigMap alone is no leftover. */
const creationMs = 20_000;

/** Finds experiments by their labels. A right that is missing for ConfigMaps hides only leftovers, and is said; for pods it is an error. */
export async function listExperiments(rest: Rest, namespace: string | undefined, now: Date): Promise<Experiments> {
  const list = <T>(resource: Resource): Promise<{ items: T[] }> =>
    rest.json<{ items: T[] }>({
      verb: 'list',
      resource,
      ...(namespace === undefined ? {} : { namespace }),
      query: {
        labelSelector: Object.entries(managedBy)
          .map(([key, value]) => `${key}=${value}`)
          .join(),
      },
    });
  const unseen: string[] = [];
  const [pods, configMaps] = await Promise.all([
    list<V1Pod>(resources.pods),
    list<V1ConfigMap>(resources.configmaps).catch((error: unknown) => {
      if (!isStatus(error, 403)) throw error;
      unseen.push(error.message);
      return { items: [] };
    }),
  ]);
  return { found: experimentsOf(pods.items, configMaps.items, now), unseen };
}

/** Pure: objects that belong together by namespace and id, oldest first. */
export function experimentsOf(pods: readonly V1Pod[], configMaps: readonly V1ConfigMap[], now: Date): Experiment[] {
  const found = new Map<string, { pod?: V1Pod; configMap?: V1ConfigMap }>();
  const put = (kind: 'pod' | 'configMap', object: V1Pod | V1ConfigMap): void => {
    const { namespace, labels, name } = object.metadata ?? {};
    // The label can be missing only from what somebody else has changed; the name is the id too.
    const key = `${namespace}/${labels?.[experimentLabel] ?? name}`;
    found.set(key, { ...found.get(key), [kind]: object });
  };
  for (const pod of pods) put('pod', pod);
  for (const configMap of configMaps) put('configMap', configMap);
  return [...found.values()]
    .map(({ pod, configMap }) => experiment(pod, configMap, now))
    .sort((one, other) => one.createdAt.getTime() - other.createdAt.getTime() || one.id.localeCompare(other.id));
}

function experiment(pod: V1Pod | undefined, configMap: V1ConfigMap | undefined, now: Date): Experiment {
  const { metadata = {} } = pod ?? configMap ?? {};
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
    podUid: pod?.metadata?.uid,
    plan: pod ? annotation('plan') : undefined,
    lastWords: pod?.status?.containerStatuses?.[0]?.state?.terminated?.message,
  };
  return {
    id: metadata.labels?.[experimentLabel] ?? metadata.name ?? '',
    namespace: metadata.namespace ?? '',
    state,
    objects: [
      ...(pod ? [`pod/${pod.metadata?.name}`] : []),
      ...(configMap ? [`configmap/${configMap.metadata?.name}`] : []),
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
