import type { V1Pod } from '@kubernetes/client-node';
import type { ObjectAddresses, ObjectQuery } from '../ports.ts';
import { ApiError, isStatus } from './api-error.ts';
import type { Rest } from './rest.ts';
import { addressesOfService, cidrsOf } from './service.ts';
import { podNamed, podsOfWorkload } from './workload.ts';

/** The addresses of each, those of what is named twice looked up once. Rights that are missing are named all together. */
export async function addressesOf(
  rest: Rest,
  queries: readonly ObjectQuery[],
  namespace: string,
): Promise<ObjectAddresses[][]> {
  const lookups = new Map<string, Promise<ObjectAddresses[]>>();
  const look = ({ kind, name, namespace: own = namespace }: ObjectQuery): Promise<ObjectAddresses[]> => {
    const key = `${own}/${kind}/${name}`;
    const lookup = lookups.get(key) ?? lookUp(rest, kind, name, own);
    lookups.set(key, lookup);
    return lookup;
  };
  for (const query of queries) look(query);
  refuse(await Promise.allSettled(lookups.values()));
  return Promise.all(queries.map(look));
}

function refuse(results: readonly PromiseSettledResult<unknown>[]): void {
  const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  const forbidden = errors.filter((error) => isStatus(error, 403));
  const [first] = forbidden;
  if (!first || forbidden.length < 2) {
    if (errors.length > 0) throw errors[0];
    return;
  }
  const distinct = (texts: readonly string[]) => [...new Set(texts)].join('; ');
  throw new ApiError(403, 'forbidden', distinct(forbidden.map(({ message }) => message)), {
    hint: distinct(forbidden.flatMap(({ hint }) => hint ?? [])),
  });
}

async function lookUp(
  rest: Rest,
  kind: ObjectQuery['kind'],
  name: string,
  namespace: string,
): Promise<ObjectAddresses[]> {
  if (kind === 'service') return addressesOfService(rest, name, namespace);
  const pods =
    kind === 'pod'
      ? [await podNamed(rest, name, namespace)]
      : (await podsOfWorkload(rest, kind, name, namespace)).items;
  const cidrs = cidrsOf(pods.filter(isInNetwork).flatMap(podIps));
  return cidrs.length > 0 ? [{ cidrs }] : [];
}

/** Addresses of pods that have ended may be others' already. */
function isInNetwork(pod: V1Pod): boolean {
  return pod.status?.phase === 'Running' || pod.status?.phase === 'Pending';
}

export function podIps({ status }: V1Pod): string[] {
  const all = (status?.podIPs ?? []).flatMap(({ ip }) => ip ?? []);
  return all.length > 0 ? all : [status?.podIP ?? ''].filter(Boolean);
}
