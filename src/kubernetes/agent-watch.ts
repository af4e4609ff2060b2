import type { CoreV1Event, V1Pod } from '@kubernetes/client-node';
import type { Agent, AgentUpdate } from '../ports.ts';
import { Queue } from '../queue.ts';
import { ofExperiment } from './agent-pod.ts';
import { countOf, eventUpdate, statusUpdate } from './agent-updates.ts';
import { resources } from './request.ts';
import type { Rest } from './rest.ts';
import { silenceMs, type WatchStart, watch } from './watch.ts';

const noEvents =
  'watch events of the agent pod do not arrive (a proxy before the API server may buffer them): asking every few seconds instead';

/**
 * The agent pod's statuses and events, by one watch for each. `created`: the pod as its creation answered it, if it was we who created it. `onSilence`: called
 * once, when watch events turn out not to arrive.
 */
export async function* followAgent(
  rest: Rest,
  agent: Agent,
  created: V1Pod | undefined,
  signal: AbortSignal,
  onSilence: () => void = () => undefined,
): AsyncGenerator<AgentUpdate, void, undefined> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const queue = new Queue<AgentUpdate>();
  const forward = async (updates: AsyncIterable<AgentUpdate>): Promise<void> => {
    for await (const update of updates) queue.push(update);
  };
  const done = Promise.all([
    forward(
      podUpdates(rest, agent, created, either, {
        onSilence: () => {
          onSilence();
          queue.push({ kind: 'warning', reason: 'NoWatchEvents', message: noEvents });
        },
        onContact: (problem) => queue.push({ kind: 'contact', problem }),
      }),
    ),
    forward(eventUpdates(rest, agent, either)),
  ]).then(
    () => queue.end(),
    (error: unknown) => queue.fail(error),
  );
  try {
    for await (const update of queue) {
      yield update;
      if (update.kind === 'deleted') return;
    }
  } finally {
    stop.abort();
    await done;
  }
}

async function* podUpdates(
  rest: Rest,
  agent: Agent,
  created: V1Pod | undefined,
  signal: AbortSignal,
  tell: Pick<WatchStart<V1Pod>, 'onSilence' | 'onContact'>,
): AsyncGenerator<AgentUpdate> {
  const stub: V1Pod = { metadata: { name: agent.pod, uid: agent.podUid } };
  const start = {
    resourceVersion: created?.metadata?.resourceVersion,
    known: [created ?? stub],
    silenceMs,
    ...tell,
  };
  let last = '';
  let isDeleting = false;
  const list = {
    resource: resources.pods,
    namespace: agent.namespace,
    query: { labelSelector: ofExperiment(agent.id) },
  };
  for await (const { type, object } of watch<V1Pod>(rest, list, start, signal)) {
    if (object.metadata?.uid !== agent.podUid) continue;
    if (type === 'DELETED') {
      // The last state of a pod goes with its deletion, and nothing else tells it.
      const status = statusUpdate(object);
      if (object.status && JSON.stringify(status) !== last) yield status;
      yield { kind: 'deleted' };
      return;
    }
    const update = statusUpdate(object);
    const text = JSON.stringify(update);
    if (text !== last) yield update;
    last = text;
    if (object.metadata?.deletionTimestamp && !isDeleting) {
      isDeleting = true;
      yield { kind: 'deleting' };
    }
  }
}

async function* eventUpdates(rest: Rest, agent: Agent, signal: AbortSignal): AsyncGenerator<AgentUpdate> {
  const list = {
    resource: resources.events,
    namespace: agent.namespace,
    query: { fieldSelector: `involvedObject.name=${agent.pod},involvedObject.uid=${agent.podUid}` },
  };
  // A watch that starts anew tells the events again; the count tells an event that happened again.
  const reported = new Map<string, number>();
  for await (const { type, object } of watch<CoreV1Event>(rest, list, { resourceVersion: '' }, signal)) {
    const uid = object.metadata?.uid ?? '';
    const count = countOf(object);
    if (type === 'DELETED' || reported.get(uid) === count) continue;
    reported.set(uid, count);
    const update = eventUpdate(object);
    if (update) yield update;
  }
}
