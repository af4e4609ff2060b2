import type { V1Pod } from '@kubernetes/client-node';
import { ChaosError } from '../errors.ts';
import type { NetRequest, Peer, PeerQuery } from '../ports.ts';
import { ApiError, isStatus } from './api-error.ts';
import type { Rest } from './rest.ts';
import { cidrsOf, peersOfService } from './service.ts';
import { podNamed, podsOfWorkload } from './workload.ts';

type Flag = 'to' | 'from' | 'except';
const flags: readonly Flag[] = ['to', 'from', 'except'];

/** The addresses of all that a request names, those of a name that is given twice looked up once. Refuses a name without an address; rights that are missing are named all together. */
export async function findPeers(rest: Rest, request: NetRequest, namespace: string): Promise<Record<Flag, Peer[]>> {
  const lookups = new Map<string, Promise<Peer[]>>();
  const look = (query: PeerQuery): Promise<Peer[]> => {
    const key = JSON.stringify(query);
    const lookup = lookups.get(key) ?? peersOf(rest, query, namespace);
    lookups.set(key, lookup);
    return lookup;
  };
  for (const flag of flags) for (const query of request[flag]) look(query);
  refuse(await Promise.allSettled(lookups.values()));
  const found: Record<Flag, Peer[]> = { to: [], from: [], except: [] };
  for (const flag of flags) {
    for (const query of request[flag]) {
      const peers = await look(query);
      if (peers.length === 0) throw withoutAddress(flag, query);
      found[flag].push(...peers);
    }
  }
  return found;
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

async function peersOf(rest: Rest, query: PeerQuery, targetNamespace: string): Promise<Peer[]> {
  switch (query.kind) {
    case 'cidr':
      return [{ query, cidrs: [query.cidr] }];
    case 'host':
      // The target resolves it.
      return [{ query, cidrs: [] }];
    case 'service':
      return peersOfService(rest, query, query.namespace ?? targetNamespace);
    default: {
      const namespace = query.namespace ?? targetNamespace;
      const pods =
        query.kind === 'pod'
          ? [await podNamed(rest, query.name, namespace)]
          : (await podsOfWorkload(rest, query.kind, query.name, namespace)).items;
      const cidrs = cidrsOf(pods.filter(isInNetwork).flatMap(podIps));
      return cidrs.length > 0 ? [{ query, cidrs }] : [];
    }
  }
}

/** Addresses of pods that have ended may be others' already. */
function isInNetwork(pod: V1Pod): boolean {
  return pod.status?.phase === 'Running' || pod.status?.phase === 'Pending';
}

export function podIps({ status }: V1Pod): string[] {
  const all = (status?.podIPs ?? []).flatMap(({ ip }) => ip ?? []);
  return all.length > 0 ? all : [status?.podIP ?? ''].filter(Boolean);
}

function withoutAddress(flag: Flag, query: PeerQuery): ChaosError {
  const why =
    query.kind === 'service'
      ? 'it has no cluster IP and no endpoints'
      : query.kind === 'pod'
        ? 'it is not running, or has no IP yet'
        : 'it has no running pods';
  return new ChaosError('target-unsuitable', `--${flag} ${query.text} has no address: ${why}`, {
    hint: 'Wait until it has one, or name addresses: --to 10.0.0.0/8.',
  });
}
