import type { KubernetesObject, V1Pod } from '@kubernetes/client-node';
import type { BuildName, ConnectionOptions, FoundName, NameQuery } from '../ports.ts';
import { type Environment, resolveAccess } from './access.ts';
import { targetContainers } from './containers.ts';
import { listExperiments } from './experiments.ts';
import { kubeconfigPaths, loadKubeconfig } from './kubeconfig.ts';
import { type ApiRequest, type Resource, resources } from './request.ts';
import { Rest } from './rest.ts';
import { findPod } from './target.ts';
import { choosePod, type PodList, podNamed, workloadResources } from './workload.ts';

/** What the look-up needs of the machine it runs on. */
interface NamePorts {
  env: Environment;
  homeDirectory: string;
  /** Of this program, for the server's logs. */
  build?: BuildName;
}

/**
 * Looks names up; only reads, gives up when `signal` aborts, and lets no credential plugin ask or tell anything. Rejects with ChaosError, or with
 * what the abort rejects with.
 */
export async function findNames(
  query: NameQuery,
  options: ConnectionOptions,
  { env, homeDirectory, build }: NamePorts,
  signal: AbortSignal,
): Promise<readonly FoundName[]> {
  if (isEntry(query)) {
    const { paths, mustExist } = kubeconfigPaths(options.kubeconfig, env, homeDirectory);
    return [...loadKubeconfig(paths, mustExist)[`${query.of}s`].keys()].map((name) => ({ name }));
  }
  const access = resolveAccess(options, env, homeDirectory);
  const rest = new Rest(access, env, { interactive: false, until: signal }, undefined, build);
  try {
    return await namesIn(rest, query, access.namespace);
  } finally {
    rest.close();
  }
}

type EntryQuery = Extract<NameQuery, { of: 'context' | 'cluster' | 'user' }>;

function isEntry(query: NameQuery): query is EntryQuery {
  return query.of === 'context' || query.of === 'cluster' || query.of === 'user';
}

async function namesIn(
  rest: Rest,
  query: Exclude<NameQuery, EntryQuery>,
  namespace: string,
): Promise<readonly FoundName[]> {
  switch (query.of) {
    case 'namespace':
      return named(await list(rest, resources.namespaces));
    case 'node':
      return named(await list(rest, resources.nodes));
    case 'object':
      return named(await objects(rest, query.kind, namespace));
    case 'experiment':
      return experiments(rest, query.allNamespaces ? undefined : namespace);
    case 'container':
      return targetContainers(await podOf(rest, query.target, namespace)).map((name) => ({ name }));
  }
}

/** One of those that could be chosen. */
async function podOf(
  rest: Rest,
  target: Extract<NameQuery, { of: 'container' }>['target'],
  namespace: string,
): Promise<V1Pod> {
  if ('labels' in target) {
    const query = { labelSelector: target.labels };
    const { items } = await rest.json<PodList>({ verb: 'list', resource: resources.pods, namespace, query });
    return choosePod(items, `-l ${target.labels}`).pod;
  }
  if (target.kind === 'pod') return podNamed(rest, target.name, namespace);
  return (await findPod(rest, target, namespace)).pod;
}

/** The metadata of what a list has, from the API server's cache: there may be thousands. */
async function list<T extends KubernetesObject>(
  rest: Rest,
  resource: Resource,
  where: { namespace?: string; query?: ApiRequest['query'] } = {},
): Promise<T[]> {
  const query = { resourceVersion: '0', ...where.query };
  const { items } = await rest.json<{ items: T[] }>({ verb: 'list', resource, ...where, query, metadataOnly: true });
  return items;
}

function named(found: readonly KubernetesObject[]): FoundName[] {
  return found.map(({ metadata }) => ({ name: metadata?.name ?? '' }));
}

/** Of pods, those that run: no other can be a target, or a peer. */
function objects(
  rest: Rest,
  kind: Extract<NameQuery, { of: 'object' }>['kind'],
  namespace: string,
): Promise<KubernetesObject[]> {
  if (kind === 'pod') {
    return list(rest, resources.pods, { namespace, query: { fieldSelector: 'status.phase=Running' } });
  }
  return list(rest, kind === 'cronjob' ? resources.cronjobs : workloadResources[kind], { namespace });
}

/** Ids, with what is known of each. */
async function experiments(rest: Rest, namespace: string | undefined): Promise<FoundName[]> {
  const { found } = await listExperiments(rest, namespace, new Date());
  return found.map(({ id, verb, target }) => {
    const about = [verb, target].filter((text) => text !== undefined).join(' ');
    return { name: id, ...(about === '' ? {} : { about }) };
  });
}
