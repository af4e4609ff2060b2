import type { KubernetesObject, V1ConfigMap, V1Pod } from '@kubernetes/client-node';
import type { Experiment, ExperimentUpdate } from '../ports.ts';
import { Queue } from '../queue.ts';
import { isStatus } from './api-error.ts';
import { experimentsIn, experimentsOf, type Found, findObjects, isOf, placeOfExperiment } from './experiments.ts';
import { resources } from './request.ts';
import type { Rest } from './rest.ts';
import { silenceMs, type WatchEvent, watch } from './watch.ts';

type News =
  | { kind: 'pod'; event: WatchEvent<V1Pod> }
  | { kind: 'configmap'; event: WatchEvent<V1ConfigMap> }
  | { kind: 'contact'; problem: string | undefined }
  | { kind: 'failed'; error: unknown }
  | { kind: 'unwatched' };

/** The experiments there are, and then what becomes of them and of others, until aborted. `now`: the time, for what is counted from it. */
export async function* followExperiments(
  rest: Rest,
  namespace: string | undefined,
  now: () => Date,
  signal: AbortSignal,
): AsyncGenerator<ExperimentUpdate, void, undefined> {
  const found = await findObjects(rest, namespace, signal);
  const seen = new SeenExperiments(found, (experiment) => isOf(experiment, namespace), now());
  const { pods: _pods, configMaps: _configMaps, ...blind } = found;
  yield { kind: 'listed', experiments: { found: seen.experiments, ...blind } };
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const queue = new Queue<News>();
  const onContact = (problem: string | undefined) => queue.push({ kind: 'contact', problem });
  const failed = (error: unknown): News => ({ kind: 'failed', error });
  const start = <T>({ items, resourceVersion }: Found<T>) => ({ resourceVersion, known: items });
  const distrust = new AbortController();
  const pods = watch<V1Pod>(
    rest,
    experimentsIn(resources.pods, found.pods.namespace),
    { ...start(found.pods), onContact, silenceMs, onSilence: () => distrust.abort() },
    either,
  );
  const sources = [queue.pipe(pods, (event) => ({ kind: 'pod', event }), failed)];
  // Who may not see ConfigMaps was told so with the list.
  if (found.configMaps.unseen === undefined) {
    const configMaps = watch<V1ConfigMap>(
      rest,
      experimentsIn(resources.configmaps, found.configMaps.namespace),
      { ...start(found.configMaps), distrust: distrust.signal },
      either,
    );
    // krew/rbac.yaml lets a user list them and not watch them: what is missing then is that a leftover goes.
    const without = (error: unknown) => (isStatus(error, 403) ? ({ kind: 'unwatched' } as const) : failed(error));
    sources.push(queue.pipe(configMaps, (event) => ({ kind: 'configmap', event }), without));
  }
  const done = Promise.all(sources).then(() => queue.end());
  try {
    for await (const news of queue) {
      if (news.kind === 'failed') throw news.error;
      if (news.kind === 'contact') yield news;
      else if (news.kind !== 'unwatched') yield* seen.take(news, now());
    }
  } finally {
    stop.abort();
    await done;
  }
}

/** What is known of the experiments, and what of it is news. Pure. */
class SeenExperiments {
  readonly #pods: Map<string, V1Pod>;
  readonly #configMaps: Map<string, V1ConfigMap>;
  /** By their place: what was told of each last. */
  readonly #told = new Map<string, Experiment>();
  readonly experiments: readonly Experiment[];
  readonly #isWanted: (experiment: Experiment) => boolean;

  constructor(
    found: { pods: Found<V1Pod>; configMaps: Found<V1ConfigMap> },
    isWanted: (experiment: Experiment) => boolean,
    now: Date,
  ) {
    this.#isWanted = isWanted;
    this.#pods = byUid(found.pods.items);
    this.#configMaps = byUid(found.configMaps.items);
    this.experiments = experimentsOf(found.pods.items, found.configMaps.items, now).filter(isWanted);
    for (const experiment of this.experiments) this.#told.set(`${experiment.namespace}/${experiment.id}`, experiment);
  }

  *take(news: Extract<News, { kind: 'pod' | 'configmap' }>, now: Date): Generator<ExperimentUpdate> {
    if (news.kind === 'pod') keep(this.#pods, news.event);
    else keep(this.#configMaps, news.event);
    const place = placeOfExperiment(news.event.object.metadata ?? {});
    const ofPlace = <T extends KubernetesObject>(objects: ReadonlyMap<string, T>): T[] =>
      [...objects.values()].filter(({ metadata }) => placeOfExperiment(metadata ?? {}) === place);
    const pods = ofPlace(this.#pods);
    const told = this.#told.get(place);
    const isDeleted = news.event.type === 'DELETED';
    if (pods.length === 0 && isDeleted) {
      // Its ConfigMap goes with its pod, or has nothing left to go with.
      if (told && this.#told.delete(place)) yield { kind: 'experiment', experiment: told, isGone: true };
      return;
    }
    // A ConfigMap comes before its pod, and says nothing that the pod does not say a moment later.
    if (news.kind === 'configmap') return;
    for (const experiment of experimentsOf(pods, ofPlace(this.#configMaps), now).filter(this.#isWanted)) {
      this.#told.set(place, experiment);
      if (!told || isNews(told, experiment)) yield { kind: 'experiment', experiment, isGone: false };
    }
  }
}

function isNews(before: Experiment, after: Experiment): boolean {
  return (
    (['state', 'node', 'fault', 'target'] as const).some((field) => before[field] !== after[field]) ||
    before.endsAt?.getTime() !== after.endsAt?.getTime()
  );
}

function byUid<T extends KubernetesObject>(objects: readonly T[]): Map<string, T> {
  return new Map(objects.map((object) => [object.metadata?.uid ?? '', object]));
}

function keep<T extends KubernetesObject>(known: Map<string, T>, { type, object }: WatchEvent<T>): void {
  const uid = object.metadata?.uid ?? '';
  if (type === 'DELETED') known.delete(uid);
  else known.set(uid, object);
}
