import type { V1EndpointSlice, V1Endpoints, V1Service } from '@kubernetes/client-node';
import { type Cidr, singleAddress } from '../ip.ts';
import type { ObjectAddresses } from '../ports.ts';
import { isStatus } from './api-error.ts';
import { ofSlices } from './endpoint-slices.ts';
import { noSuchObject } from './not-found.ts';
import { resources } from './request.ts';
import type { Rest } from './rest.ts';

/** One set of a service's endpoints: the same ports behind each of the addresses. */
interface EndpointSet {
  addresses: readonly string[];
  ports: readonly { name?: string; port?: number }[];
}

/**
 * A service is reached at its cluster IPs, where its ports are its own, and at its endpoints, where they may be others. A service that is only
 * another name for a host (`ExternalName`) is
 * that host. Empty: it has no address. Rejects with not-found when there is no such service.
 */
export async function addressesOfService(rest: Rest, name: string, namespace: string): Promise<ObjectAddresses[]> {
  // Asked for at once: most services have endpoints, and a round trip is the price of each request.
  const endpoints = endpointSets(rest, name, namespace);
  endpoints.catch(() => undefined);
  const service = await rest
    .json<V1Service>({ verb: 'get', resource: resources.services, namespace, name })
    .catch(async (error: unknown) => {
      throw isStatus(error, 404) ? await noSuchObject(rest, 'service', resources.services, name, namespace) : error;
    });
  const { externalName, type } = service.spec ?? {};
  if (type === 'ExternalName' && externalName) {
    return [{ cidrs: [], host: externalName.replace(/\.$/, '') }];
  }
  return serviceAddresses(service, await endpoints);
}

/** Pure. */
export function serviceAddresses(service: V1Service, sets: readonly EndpointSet[]): ObjectAddresses[] {
  const { clusterIPs, clusterIP, ports: own = [] } = service.spec ?? {};
  const virtual = cidrsOf(clusterIPs ?? (clusterIP === undefined ? [] : [clusterIP]));
  const real = cidrsOf(sets.flatMap(({ addresses }) => addresses));
  const pairs = new Map<string, { port: number; targetPort: number }>();
  for (const { port, name } of own) {
    for (const behind of sets.flatMap(({ ports }) => ports)) {
      // A port without a name is the only one of its service.
      if (behind.port === undefined || (behind.name ?? '') !== (name ?? '')) continue;
      pairs.set(`${port} ${behind.port}`, { port, targetPort: behind.port });
    }
  }
  return [
    ...(virtual.length > 0 ? [{ cidrs: virtual }] : []),
    ...(real.length > 0 ? [{ cidrs: real, ...(pairs.size > 0 ? { portMap: [...pairs.values()] } : {}) }] : []),
  ];
}

/** Addresses as ranges of one, canonical and each once. Texts that are no address (`None`, a host name, the empty text) are passed over. */
export function cidrsOf(addresses: readonly string[]): Cidr[] {
  const cidrs = new Map<string, Cidr>();
  for (const text of addresses) {
    const cidr = singleAddress(text);
    if (cidr) cidrs.set(cidr.address, cidr);
  }
  return [...cidrs.values()];
}

/**
 * The endpoints of both IP families are in EndpointSlices only; Endpoints have those of the first, and serve
 * where there are no slices, or none that we may see.
 * Those that are not ready are peers as well: packets go to them, if not through the service.
 */
async function endpointSets(rest: Rest, name: string, namespace: string): Promise<EndpointSet[]> {
  const slices = await slicesOf(rest, name, namespace);
  if (slices.length > 0) return slices;
  try {
    const { subsets = [] } = await rest.json<V1Endpoints>({
      verb: 'get',
      resource: resources.endpoints,
      namespace,
      name,
    });
    return subsets.map(({ addresses = [], notReadyAddresses = [], ports = [] }) => ({
      addresses: [...addresses, ...notReadyAddresses].map(({ ip }) => ip),
      ports,
    }));
  } catch (error) {
    if (isStatus(error, 404)) return [];
    throw error;
  }
}

async function slicesOf(rest: Rest, name: string, namespace: string): Promise<EndpointSet[]> {
  try {
    const query = { labelSelector: `kubernetes.io/service-name=${name}` };
    const { items } = await ofSlices((resource) =>
      rest.json<{ items: V1EndpointSlice[] }>({ verb: 'list', resource, namespace, query }),
    );
    return items
      .filter(({ addressType }) => addressType !== 'FQDN')
      .map(({ endpoints, ports }) => ({
        addresses: (endpoints ?? []).flatMap(({ addresses }) => addresses),
        ports: ports ?? [],
      }));
  } catch (error) {
    if (isStatus(error, 403, 404)) return [];
    throw error;
  }
}
