import type { V1Container, V1Node, V1Pod, V1Probe } from '@kubernetes/client-node';
import type { NetRequest, NetSurroundings, Target } from '../ports.ts';
import { findPeers, podIps } from './peers.ts';
import type { Rest } from './rest.ts';

/** What was read of the target when it was found. `node`: undefined where the user may not read nodes. */
export interface SeenTarget {
  pod: V1Pod;
  node: V1Node | undefined;
}

/** What a net fault depends on: one request or two for each peer that is named by an object, none for the target itself. */
export async function findSurroundings(
  rest: Rest,
  request: NetRequest,
  target: Target,
  seen: SeenTarget,
): Promise<NetSurroundings> {
  return { ...placeOf(seen), ...(await findPeers(rest, request, target.namespace)) };
}

/** The target's place in the network. Pure. */
export function placeOf({ pod, node }: SeenTarget): Omit<NetSurroundings, 'to' | 'from' | 'except'> {
  const containers = longLived(pod);
  const assumed = `probes come from elsewhere than what is hit: you are not allowed to get node ${pod.spec?.nodeName}, so that its addresses are not known`;
  return {
    hostNetwork: pod.spec?.hostNetwork === true,
    podIps: podIps(pod),
    nodeIps: (node?.status?.addresses ?? []).flatMap(({ type, address }) => (type === 'InternalIP' ? [address] : [])),
    podContainers: containers.map(({ name }) => name),
    networkProbes: containers.some(hasNetworkProbe),
    ...(node ? {} : { assumed: [assumed] }),
  };
}

/** Sidecars are init containers that go on. */
function longLived(pod: V1Pod): V1Container[] {
  const sidecars = (pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  return [...(pod.spec?.containers ?? []), ...sidecars];
}

function hasNetworkProbe({ livenessProbe, readinessProbe, startupProbe }: V1Container): boolean {
  const comesOverTheNetwork = (probe: V1Probe | undefined) =>
    Boolean(probe?.httpGet ?? probe?.tcpSocket ?? probe?.grpc);
  return [livenessProbe, readinessProbe, startupProbe].some(comesOverTheNetwork);
}
