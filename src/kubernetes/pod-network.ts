import type { V1Container, V1Node, V1Pod, V1Probe } from '@kubernetes/client-node';
import type { PodNetwork } from '../ports.ts';
import { podIps } from './addresses.ts';

/** What was read of the target when it was found. `node`: undefined where the user may not read nodes. */
export interface SeenTarget {
  pod: V1Pod;
  node: V1Node | undefined;
}

/** The target's place in the network. Pure. */
export function podNetwork({ pod, node }: SeenTarget): PodNetwork {
  const containers = longLived(pod);
  const assumed = `probes do not come from affected addresses: you are not allowed to get node ${pod.spec?.nodeName}, so that its addresses are not known`;
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
