import type { CoreV1Event, CoreV1EventList, V1Pod } from '@kubernetes/client-node';
import { type Agent, type AgentUpdate, noWatchEvents } from '../ports.ts';
import { Queue } from '../queue.ts';
import { ofExperiment } from './agent-pod.ts';
import { countOf, eventUpdate, statusUpdate } from './agent-updates.ts';
import { resources } from './request.ts';
import type { Rest } from './rest.ts';
import { silenceMs, type WatchStart, watch } from './watch.ts';

const noEvents =
  'watch events of the agent pod do not arrive (a proxy before the API server may buffer them): asking every few seconds instead';

/** An agent, and its pod as its creation was answered, if it was we who created it. */
export interface WatchedAgent {
  agent: Agent;
  created: V1Pod | undefined;
}

/** The agent pod's statuses and events, by one watch for each. `onSilence`: called once, when watch events turn out not to arrive. */
export async function* followAgent(
  rest: Rest,
  watched: WatchedAgent,
  signal: AbortSignal,
  onSilence: () => void = () => undefined,
): AsyncGenerator<AgentUpdate, void, undefined> {
  for await (const { update } of followAgents(rest, [watched], Promise.resolve(undefined), signal, onSilence))
    yield update;
}

/**
 * The same of all agents of an experiment, at least one, each told as it was given: by one watch of the pods with its label, and one of the events of its namespace, since a field selector selects one
 * pod only, and the API server reads every event of the namespace for each watch that there is. `eventsSince`: the version that those had before the first of several was created; undefined: all that are
 * kept are told first, those of others, which are nobody's here, as well.
 */
export async function* followAgents(
  rest: Rest,
  watched: readonly WatchedAgent[],
  eventsSince: Promise<string | undefined>,
  signal: AbortSignal,
  onSilence: () => void = () => undefined,
): AsyncGenerator<OfAgent, void, undefined> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const queue = new Queue<OfAgent>();
  const ofAll = (update: AgentUpdate): void => {
    for (const { agent } of watched) queue.push({ agent, update });
  };
  const forward = async (updates: AsyncIterable<OfAgent>): Promise<void> => {
    for await (const update of updates) queue.push(update);
  };
  const distrust = new AbortController();
  const done = Promise.all([
    forward(
      podUpdates(rest, watched, either, {
        onSilence: () => {
          onSilence();
          distrust.abort();
          ofAll({ kind: 'warning', reason: noWatchEvents, message: noEvents });
        },
        onContact: (problem) => ofAll({ kind: 'contact', problem }),
      }),
    ),
    forward(eventUpdates(rest, watched, eventsSince, either, distrust.signal)),
  ]).then(
    () => queue.end(),
    (error: unknown) => queue.fail(error),
  );
  const there = new Set(watched.map(({ agent }) => agent));
  try {
    for await (const one of queue) {
      yield one;
      if (one.update.kind === 'deleted') there.delete(one.agent);
      if (there.size === 0) return;
    }
  } finally {
    stop.abort();
    await done;
  }
}

/** The version of the namespace's events now, for a watch of those to come. */
export async function eventsVersion(rest: Rest, namespace: string): Promise<string | undefined> {
  const list = { verb: 'list', resource: resources.events, namespace, query: { limit: 1 } } as const;
  return (await rest.json<CoreV1EventList>(list)).metadata?.resourceVersion;
}

interface OfAgent {
  agent: Agent;
  update: AgentUpdate;
}

async function* podUpdates(
  rest: Rest,
  watched: readonly WatchedAgent[],
  signal: AbortSignal,
  tell: Pick<WatchStart<V1Pod>, 'onSilence' | 'onContact'>,
): AsyncGenerator<OfAgent> {
  const known = watched.map(
    ({ agent, created }): V1Pod => created ?? { metadata: { name: agent.pod, uid: agent.podUid } },
  );
  const seen = new Map(watched.map(({ agent }) => [agent.podUid, { agent, last: '', isDeleting: false }]));
  const { namespace = '', id = '' } = watched[0]?.agent ?? {};
  const list = { resource: resources.pods, namespace, query: { labelSelector: ofExperiment(id) } };
  const start = { resourceVersion: oldest(watched), known, silenceMs, ...tell };
  for await (const { type, object } of watch<V1Pod>(rest, list, start, signal)) {
    const of = seen.get(object.metadata?.uid ?? '');
    if (!of) continue;
    const { agent } = of;
    const update = statusUpdate(object);
    const text = JSON.stringify(update);
    // The last state of a pod goes with its deletion, and nothing else tells it.
    if (text !== of.last && (type !== 'DELETED' || object.status)) yield { agent, update };
    of.last = text;
    if (type === 'DELETED') {
      seen.delete(agent.podUid);
      yield { agent, update: { kind: 'deleted' } };
    } else if (object.metadata?.deletionTimestamp && !of.isDeleting) {
      of.isDeleting = true;
      yield { agent, update: { kind: 'deleting' } };
    }
  }
}

/** The version from which a watch tells what has happened to each of them since its creation; undefined: one of them was created by somebody else. */
function oldest(watched: readonly WatchedAgent[]): string | undefined {
  const versions = watched.map(({ created }) => created?.metadata?.resourceVersion);
  return versions.reduce((one, other) =>
    one === undefined || other === undefined ? undefined : Number(one) <= Number(other) ? one : other,
  );
}

async function* eventUpdates(
  rest: Rest,
  watched: readonly WatchedAgent[],
  since: Promise<string | undefined>,
  signal: AbortSignal,
  distrust: AbortSignal,
): AsyncGenerator<OfAgent> {
  const agents = new Map(watched.map(({ agent }) => [agent.podUid, agent]));
  const [first, ...others] = agents.values();
  const only = others.length === 0 ? first : undefined;
  const list = {
    resource: resources.events,
    namespace: first?.namespace ?? '',
    query: {
      fieldSelector: only
        ? `involvedObject.name=${only.pod},involvedObject.uid=${only.podUid}`
        : 'involvedObject.kind=Pod',
    },
  };
  const agentOf = ({ involvedObject: { uid = '' } }: CoreV1Event) => only ?? agents.get(uid);
  const start = {
    resourceVersion: (await since) ?? '',
    isOurs: (event: CoreV1Event) => agentOf(event) !== undefined,
    distrust,
  };
  // A watch that starts anew tells the events again; the count tells an event that happened again.
  const reported = new Map<string, number>();
  for await (const { type, object } of watch<CoreV1Event>(rest, list, start, signal)) {
    const agent = agentOf(object);
    const uid = object.metadata?.uid ?? '';
    const count = countOf(object);
    if (!agent || type === 'DELETED' || reported.get(uid) === count) continue;
    reported.set(uid, count);
    const update = eventUpdate(object);
    if (update) yield { agent, update };
  }
}
