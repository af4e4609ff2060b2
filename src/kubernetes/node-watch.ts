import type { V1Node, V1Pod } from '@kubernetes/client-node';
import { messageOf } from '../errors.ts';
import type { NodeUpdate, Target } from '../ports.ts';
import { Queue } from '../queue.ts';
import { isOurs } from './agent-pod.ts';
import { experimentsOf } from './experiments.ts';
import { nodeTroubles } from './node-health.ts';
import { podsOfNode, resources } from './request.ts';
import type { Rest } from './rest.ts';
import type { FoundTarget } from './target.ts';
import { type WatchStart, watch } from './watch.ts';

/** The node's conditions and its pods, by one watch for each that goes on from the requests in which the target was found; without `found` each begins with a list. `distrust` as of a watch. */
export async function* followNode(
  rest: Rest,
  target: Target,
  found: Pick<FoundTarget, 'node' | 'resourceVersion'> | undefined,
  signal: AbortSignal,
  distrust?: AbortSignal,
): AsyncGenerator<NodeUpdate, void, undefined> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const queue = new Queue<NodeUpdate>();
  const unwatched = (what: string) => (error: unknown) => {
    return { kind: 'unwatched', what, why: messageOf(error) } as const;
  };
  const trust = distrust ? { distrust } : {};
  const same = (update: NodeUpdate) => update;
  const done = Promise.all([
    queue.pipe(
      troubles(rest, target.node, found?.node, either, trust),
      same,
      unwatched(`the conditions of node ${target.node}`),
    ),
    queue.pipe(
      podUpdates(rest, target, found?.resourceVersion, either, trust),
      same,
      unwatched(`evictions and new experiments on node ${target.node}`),
    ),
  ]).then(() => queue.end());
  try {
    yield* queue;
  } finally {
    stop.abort();
    await done;
  }
}

/** What was wrong in the first state that is seen is no news. */
async function* troubles(
  rest: Rest,
  name: string,
  node: V1Node | undefined,
  signal: AbortSignal,
  trust: Pick<WatchStart<V1Node>, 'distrust'>,
): AsyncGenerator<NodeUpdate> {
  const list = { resource: resources.nodes, query: { fieldSelector: `metadata.name=${name}` } };
  const start = node ? { resourceVersion: node.metadata?.resourceVersion, known: [node], ...trust } : trust;
  let before = node && nodeTroubles(node);
  for await (const { type, object } of watch<V1Node>(rest, list, start, signal)) {
    if (type === 'DELETED') continue;
    const now = nodeTroubles(object);
    for (const [condition, trouble] of now) {
      if (before && !before.has(condition)) yield { kind: 'trouble', trouble };
    }
    before = now;
  }
}

async function* podUpdates(
  rest: Rest,
  target: Target,
  resourceVersion: string | undefined,
  signal: AbortSignal,
  trust: Pick<WatchStart<V1Pod>, 'distrust'>,
): AsyncGenerator<NodeUpdate> {
  const list = { resource: resources.pods, query: podsOfNode(target.node) };
  const evicted = new Set<string>();
  for await (const { type, object } of watch<V1Pod>(rest, list, { resourceVersion, ...trust }, signal)) {
    const { uid = '', namespace, name } = object.metadata ?? {};
    if (isOurs(object.metadata ?? {})) {
      if (type !== 'ADDED') continue;
      for (const experiment of experimentsOf([object], [], new Date())) yield { kind: 'experiment', experiment };
    } else if (type === 'MODIFIED' && isHarmed(object) && uid !== target.podUid && !evicted.has(uid)) {
      // One that a list shows as evicted, or that is only being deleted now, was evicted before.
      evicted.add(uid);
      yield { kind: 'evicted', pod: `${namespace}/${name}`, message: object.status?.message ?? '' };
    }
  }
}

/** What the kubelet says of a pod that it evicts for a limit of its own: https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/eviction/helpers.go */
const overItsOwnLimit =
  /^(?:Usage of EmptyDir volume |Container \S+ exceeded its local ephemeral storage limit|Pod ephemeral local storage usage exceeds)/;

/**
 * Evicted by the kubelet because the node is short of something: https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/. A
 * drain says nothing of that kind.
 */
function isHarmed({ metadata, status }: V1Pod): boolean {
  const isEvicted = status?.reason === 'Evicted' && metadata?.deletionTimestamp === undefined;
  return isEvicted && !overItsOwnLimit.test(status.message ?? '');
}
