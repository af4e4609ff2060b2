import type { V1Pod } from '@kubernetes/client-node';
import type { Target, TargetUpdate } from '../ports.ts';
import { resources } from './request.ts';
import type { Rest } from './rest.ts';
import { TargetComparison } from './target-updates.ts';
import { watch } from './watch.ts';

/** What happens to the target after the list of `resourceVersion`, or, without that, after what `target` says. `distrust` as of a watch. */
export async function* followTarget(
  rest: Rest,
  target: Target,
  resourceVersion: string | undefined,
  signal: AbortSignal,
  distrust?: AbortSignal,
): AsyncGenerator<TargetUpdate, void, undefined> {
  const comparison = new TargetComparison(target);
  const known: V1Pod[] = [{ metadata: { name: target.pod, uid: target.podUid } }];
  const { namespace, pod } = target;
  const list = { resource: resources.pods, namespace, query: { fieldSelector: `metadata.name=${pod}` } };
  for await (const { type, object } of watch<V1Pod>(
    rest,
    list,
    { resourceVersion, known, ...(distrust ? { distrust } : {}) },
    signal,
  )) {
    const ours = object.metadata?.uid === target.podUid;
    // A last state that says why (an OOM kill, an eviction) goes before the deletion that followed from it.
    if (ours && object.status) yield* comparison.changed(object);
    if (type === 'DELETED' || !ours) yield* comparison.gone();
  }
}
