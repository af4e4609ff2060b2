import type { V1Namespace, V1ObjectMeta, V1Pod } from '@kubernetes/client-node';
import type { Surroundings } from '../ports.ts';
import { joinWords } from '../text.ts';
import { anyExperiment } from './agent-pod.ts';
import { isStatus } from './api-error.ts';
import { experimentsOf } from './experiments.ts';
import { nodeTroubles } from './node-health.ts';
import { type ApiRequest, podsOfNode, resources } from './request.ts';
import type { Rest } from './rest.ts';
import type { FoundTarget } from './target.ts';

const protection = 'kubectl-chaos.io/protected';

/** Reads of the API server for targets that are found together: what several of them ask for is asked once. */
export class SharedReads {
  readonly #rest: Rest;
  readonly #asked = new Map<string, Promise<unknown>>();

  constructor(rest: Rest) {
    this.#rest = rest;
  }

  json<T>(request: ApiRequest): Promise<T> {
    const key = JSON.stringify(request);
    const asked = this.#asked.get(key) ?? this.#rest.json<T>(request);
    this.#asked.set(key, asked);
    return asked as Promise<T>;
  }
}

/** What protects the target, what runs on its node, and what is wrong with that. A right that is missing is named, and no error. */
export async function surroundings(
  rest: Pick<SharedReads, 'json'>,
  { target, pod, node }: FoundTarget,
  agentNamespace: string,
  now: Date,
): Promise<Surroundings> {
  const unchecked: string[] = [];
  const orUnchecked = async <T>(request: Promise<T>, what: string, instead: () => Promise<T>): Promise<T> => {
    try {
      return await request;
    } catch (error) {
      if (!isStatus(error, 403)) throw error;
      unchecked.push(`${what} (${error.message})`);
      return instead();
    }
  };
  // The agent of another experiment on the target is in the target's namespace, unless its user has named another.
  const near = [...new Set([target.namespace, agentNamespace])];
  const namespace = rest.json<V1Namespace>({ verb: 'get', resource: resources.namespaces, name: target.namespace });
  const [around, pods] = await Promise.all([
    orUnchecked(
      namespace,
      `whether namespace ${target.namespace} is protected`,
      async (): Promise<V1Namespace> => ({}),
    ),
    orUnchecked(agents(rest, target.node), `experiments outside ${joinWords(near)}`, async () =>
      (await Promise.all(near.map((one) => agents(rest, target.node, one)))).flat(),
    ),
  ]);
  return {
    protectedBy: [
      ...protectionOf(pod.metadata, `pod/${target.pod}`),
      ...protectionOf(around.metadata, `namespace ${target.namespace}`),
    ],
    experiments: experimentsOf(pods, [], now),
    nodeTroubles: node ? [...nodeTroubles(node).values()] : [],
    unchecked,
  };
}

async function agents(rest: Pick<SharedReads, 'json'>, node: string, namespace?: string): Promise<V1Pod[]> {
  const { items } = await rest.json<{ items: V1Pod[] }>({
    verb: 'list',
    resource: resources.pods,
    ...(namespace === undefined ? {} : { namespace }),
    query: { labelSelector: anyExperiment, ...podsOfNode(node) },
  });
  return items;
}

/** Any value but `false` protects, the empty one too. */
export function protectionOf({ annotations = {} }: V1ObjectMeta = {}, where: string): string[] {
  const value = annotations[protection];
  if (value === undefined || value === 'false') return [];
  return [`annotation ${protection}${value === '' || value === 'true' ? '' : `=${value}`} on ${where}`];
}
