import type { V1ConfigMap, V1Container, V1ListMeta, V1ObjectMeta, V1Pod } from '@kubernetes/client-node';
import {
  type Experiment,
  type ExperimentAgent,
  type Experiments,
  type Remains,
  shimFile,
  shimFolder,
} from '../ports.ts';
import { targetsNamed } from '../target-names.ts';
import { parseDuration } from '../units.ts';
import { anyExperiment, experimentIdOf, isAsLaunched } from './agent-pod.ts';
import { isStatus } from './api-error.ts';
import { type Resource, resources } from './request.ts';
import type { Rest } from './rest.ts';
import type { WatchedList } from './watch.ts';

/** Between the creation of the ConfigMap and that of the pod: younger than this, a ConfigMap alone is no leftover. */
const creationMs = 20_000;

/**
 * Finds experiments by their labels: those on targets of the namespace, wherever their agents are, and those whose agents are in it; undefined: all.
 * Where not every namespace may be looked at, the agents of that one alone are found, and `elsewhere` says so. A right that is missing for
 * ConfigMaps hides only leftovers, and is said; for pods it is an error.
 */
export async function listExperiments(rest: Rest, namespace: string | undefined, now: Date): Promise<Experiments> {
  const { pods, configMaps, ...blind } = await findObjects(rest, namespace);
  return { found: experimentsOf(pods.items, configMaps.items, now).filter((one) => isOf(one, namespace)), ...blind };
}

/** Experiments whose agents are in the namespace, by lists of that one alone. As `listExperiments` in other respects. */
export async function listAgents(rest: Rest, namespace: string, now: Date): Promise<Experiments> {
  const [pods, configMaps] = await Promise.all([
    listIn<V1Pod>(rest, resources.pods, namespace),
    orUnlisted(listIn<V1ConfigMap>(rest, resources.configmaps, namespace)),
  ]);
  const { unseen } = configMaps;
  return { found: experimentsOf(pods.items, configMaps.items, now), unseen: unseen === undefined ? [] : [unseen] };
}

/** Objects of one kind, and where and when they were listed. */
export interface Found<T> {
  items: T[];
  resourceVersion: string | undefined;
  /** Undefined: in all. */
  namespace: string | undefined;
  /** Why the other namespaces could not be looked at. */
  elsewhere?: string;
  /** Why none could be. */
  unseen?: string;
}

/** What experiments consist of, in every namespace, or in this one where that may not be seen. Rejects as `listExperiments`. */
export async function findObjects(
  rest: Rest,
  namespace: string | undefined,
  signal?: AbortSignal,
): Promise<{ pods: Found<V1Pod>; configMaps: Found<V1ConfigMap> } & Omit<Experiments, 'found'>> {
  const list = async <T>(resource: Resource): Promise<Found<T>> => {
    if (namespace === undefined) return listIn<T>(rest, resource, undefined, signal);
    try {
      return await listIn<T>(rest, resource, undefined, signal);
    } catch (error) {
      if (!isStatus(error, 403)) throw error;
      return { ...(await listIn<T>(rest, resource, namespace, signal)), elsewhere: error.message };
    }
  };
  const [pods, configMaps] = await Promise.all([
    list<V1Pod>(resources.pods),
    orUnlisted(list<V1ConfigMap>(resources.configmaps)),
  ]);
  const { elsewhere } = pods;
  const unseen = configMaps.unseen ?? (elsewhere === undefined ? configMaps.elsewhere : undefined);
  return {
    pods,
    configMaps,
    unseen: unseen === undefined ? [] : [unseen],
    ...(elsewhere === undefined ? {} : { elsewhere }),
  };
}

async function listIn<T>(
  rest: Rest,
  resource: Resource,
  namespace: string | undefined,
  signal?: AbortSignal,
): Promise<Found<T>> {
  const request = { ...experimentsIn(resource, namespace), verb: 'list' } as const;
  const { items, metadata } = await rest.json<{ items: T[]; metadata?: V1ListMeta }>(request, signal);
  return { items, resourceVersion: metadata?.resourceVersion, namespace };
}

async function orUnlisted<T>(listing: Promise<Found<T>>): Promise<Found<T>> {
  try {
    return await listing;
  } catch (error) {
    if (!isStatus(error, 403)) throw error;
    return { items: [], resourceVersion: undefined, namespace: undefined, unseen: error.message };
  }
}

/** The objects of one kind that are part of an experiment. Of ConfigMaps without what is in them: each holds a shim. */
export function experimentsIn(resource: Resource, namespace: string | undefined): WatchedList {
  return {
    resource,
    ...(namespace === undefined ? {} : { namespace }),
    query: { labelSelector: anyExperiment },
    ...(resource === resources.configmaps ? { metadataOnly: true } : {}),
  };
}

/** Which experiment an object is part of: the id alone is one in each namespace. */
export function placeOfExperiment(metadata: V1ObjectMeta): string {
  return `${metadata.namespace}/${experimentIdOf(metadata)}`;
}

/** Whether its target or its agent is in the namespace; undefined: in any. */
export function isOf(experiment: Experiment, namespace: string | undefined): boolean {
  const targets = targetsNamed(experiment.target);
  return (
    namespace === undefined ||
    experiment.namespace === namespace ||
    targets.some((target) => target.namespace === namespace)
  );
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

/**
 * An experiment has an agent on each node of its targets, and what there is to say of it, their pods say; what is the same for all, the first. Of a run without an attach a node has two while the second
 * takes the place of the first, which has only looked: the last one by name has the fault.
 */
function experiment({ pods, configMaps }: Objects, now: Date): Experiment {
  const agents = lastOfEachNode(pods);
  const [pod] = agents;
  const { metadata = {} } = pod ?? configMaps[0] ?? {};
  const annotation = (name: string) => metadata.annotations?.[`kubectl-chaos.io/${name}`];
  const createdAt = new Date(metadata.creationTimestamp ?? now);
  const isLookedAt = pods.every((one) => agents.includes(one) || stateOf(one) === 'ended');
  const remains = isLookedAt ? remainsOf(experimentIdOf(metadata), pods, configMaps) : undefined;
  const state = pod ? stateOfAll(agents) : now.getTime() - createdAt.getTime() < creationMs ? 'starting' : 'leftover';
  const endsAt = state === 'running' ? endOf(pod, annotation('duration')) : undefined;
  const texts = {
    node: joined(agents.map(({ spec }) => spec?.nodeName)),
    verb: annotation('verb'),
    fault: annotation('fault'),
    target: joined(agents.map((one) => one.metadata?.annotations?.['kubectl-chaos.io/target'])) ?? annotation('target'),
    who: annotation('who'),
    reason: annotation('reason'),
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
    deadline: deadlineOf(pod, annotation('until'), createdAt),
    ...(remains ? { remains } : {}),
    graceMs: Math.max(0, ...agents.map(({ spec }) => spec?.terminationGracePeriodSeconds ?? 0)) * 1_000,
    ...Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== undefined)),
    ...(agents.length === 0 ? {} : { agents: agents.map(agentOf) }),
  };
}

function agentOf(pod: V1Pod): ExperimentAgent {
  const { metadata: { name = '', uid = '', annotations = {} } = {}, spec, status } = pod;
  // A webhook may have put another before it.
  const isShim = ({ command = [] }: V1Container) => command[0] === `${shimFolder}/${shimFile}`;
  const container = (spec?.containers.find(isShim) ?? spec?.containers[0])?.name ?? '';
  const targets = targetsNamed(annotations['kubectl-chaos.io/target']);
  const shims = annotations['kubectl-chaos.io/shims']?.split(',');
  const plan = annotations['kubectl-chaos.io/plan'];
  const own = status?.containerStatuses?.find((one) => one.name === container);
  const lastWords = own?.state?.terminated?.message;
  return {
    ...{ pod: name, podUid: uid, node: spec?.nodeName ?? '', state: stateOf(pod), container },
    targets: targets.map((target, index) => {
      const shim = shims?.length === targets.length ? shims[index] : undefined;
      return { ...target, ...(shim === undefined ? {} : { shim }) };
    }),
    ...(plan === undefined ? {} : { plan }),
    ...(lastWords === undefined ? {} : { lastWords }),
  };
}

/** In the order of their names. */
function lastOfEachNode(pods: readonly V1Pod[]): V1Pod[] {
  const byName = pods.toSorted(
    (one, other) => placeOf(one) - placeOf(other) || nameOf(one).localeCompare(nameOf(other)),
  );
  return byName.filter(
    (pod, index) => !byName.slice(index + 1).some((other) => other.spec?.nodeName === pod.spec?.nodeName),
  );
}

const nameOf = ({ metadata }: V1Pod): string => metadata?.name ?? '';
/** The number that its name ends with. */
const placeOf = (pod: V1Pod): number => Number(/\d+$/.exec(nameOf(pod))?.[0] ?? 0);

/** Undefined: none is known. */
function joined(texts: readonly (string | undefined)[]): string | undefined {
  const known = texts.filter((text) => text !== undefined);
  return known.length === 0 ? undefined : known.join(',');
}

/** An experiment lasts a day at most, and before and after that some minutes. */
const longestMs = 25 * 3_600_000;

/** `activeDeadlineSeconds` counts from the status's start time: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#lifecycle. */
function deadlineOf(pod: V1Pod | undefined, until: string | undefined, createdAt: Date): Date {
  const seconds = pod?.spec?.activeDeadlineSeconds;
  if (seconds !== undefined) return new Date(new Date(pod?.status?.startTime ?? createdAt).getTime() + seconds * 1_000);
  const written = until === undefined || pod ? Number.NaN : Date.parse(until);
  return new Date(Number.isNaN(written) ? createdAt.getTime() + longestMs : written);
}

/** Undefined: one of them is not as `launch` makes it. */
function remainsOf(id: string, pods: readonly V1Pod[], configMaps: readonly V1ConfigMap[]): Remains[] | undefined {
  const owners = pods.length === 0 ? undefined : pods.map(({ metadata }) => metadata?.uid ?? '');
  const all = [
    ...pods.map(({ metadata = {} }) => ({ kind: 'pod' as const, metadata })),
    ...configMaps.map(({ metadata = {} }) => ({ kind: 'configmap' as const, metadata })),
  ];
  if (!all.every(({ kind, metadata }) => isAsLaunched(kind, id, metadata, owners))) return undefined;
  return all.map(({ kind, metadata: { name = '', uid = '' } }) => ({ kind, name, uid }));
}

/** That of the one that is most alive. */
function stateOfAll(pods: readonly V1Pod[]): ExperimentAgent['state'] {
  const states = pods.map(stateOf);
  return (['running', 'starting', 'stopping'] as const).find((state) => states.includes(state)) ?? 'ended';
}

function stateOf(pod: V1Pod): ExperimentAgent['state'] {
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
