import type { V1Pod } from '@kubernetes/client-node';
import type { Target, TargetUpdate } from '../ports.ts';
import { resources } from './request.ts';
import type { Rest } from './rest.ts';
import { TargetComparison } from './target-updates.ts';
import { type WatchedList, type WatchStart, watch } from './watch.ts';

/** A target, and the list in which it was seen; without that, what it says itself is where its watch begins. */
export interface Watched {
  target: Target;
  resourceVersion: string | undefined;
}

/** What happens to the target after that list. `distrust` as of a watch. */
export async function* followTarget(
  rest: Rest,
  { target, resourceVersion }: Watched,
  signal: AbortSignal,
  distrust?: AbortSignal,
): AsyncGenerator<TargetUpdate, void, undefined> {
  const query = { fieldSelector: `metadata.name=${target.pod}` };
  const list = { resource: resources.pods, namespace: target.namespace, query };
  const start = { resourceVersion, ...(distrust ? { distrust } : {}) };
  for await (const { update } of comparedWith([target], rest, list, start, signal)) yield update;
}

/** The same for targets of one namespace, at least one, by one watch of all of its pods. */
export async function* followTargets(
  rest: Rest,
  watched: readonly Watched[],
  signal: AbortSignal,
  distrust?: AbortSignal,
): AsyncGenerator<{ target: Target; update: TargetUpdate }, void, undefined> {
  const targets = watched.map(({ target }) => target);
  const list = { resource: resources.pods, namespace: targets[0]?.namespace ?? '' };
  // They were found in one list, or in several: a version of one of these says nothing of what came before it to the others.
  const versions = new Set(watched.map(({ resourceVersion }) => resourceVersion));
  const resourceVersion = versions.size === 1 ? watched[0]?.resourceVersion : undefined;
  yield* comparedWith(targets, rest, list, { resourceVersion, ...(distrust ? { distrust } : {}) }, signal);
}

async function* comparedWith(
  targets: readonly Target[],
  rest: Rest,
  list: WatchedList,
  start: Pick<WatchStart<V1Pod>, 'resourceVersion' | 'distrust'>,
  signal: AbortSignal,
): AsyncGenerator<{ target: Target; update: TargetUpdate }, void, undefined> {
  const comparisons = targets.map((target) => ({ target, comparison: new TargetComparison(target) }));
  const known: V1Pod[] = targets.map(({ pod, podUid }) => ({ metadata: { name: pod, uid: podUid } }));
  const ofPod = Map.groupBy(comparisons, ({ target }) => target.pod);
  const isOurs = ({ metadata }: V1Pod) => ofPod.has(metadata?.name ?? '');
  for await (const { type, object } of watch<V1Pod>(rest, list, { ...start, known, isOurs }, signal)) {
    for (const { target, comparison } of ofPod.get(object.metadata?.name ?? '') ?? []) {
      const ours = object.metadata?.uid === target.podUid;
      // A last state that says why (an OOM kill, an eviction) goes before the deletion that followed from it.
      const states = ours && object.status ? comparison.changed(object) : [];
      const end = type === 'DELETED' || !ours ? comparison.gone() : [];
      for (const update of [...states, ...end]) yield { target, update };
    }
  }
}
