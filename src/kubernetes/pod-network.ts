import type { V1Node, V1Pod } from '@kubernetes/client-node';
import type { PodNetwork } from '../ports.ts';
import { podIps } from './addresses.ts';
import { nodeSources } from './node-sources.ts';
import { execProbes, longLived, networkProbes } from './probes.ts';

/** What was read of the target when it was found. `node`: undefined where the user may not read nodes. */
export interface SeenTarget {
  pod: V1Pod;
  node: V1Node | undefined;
}

/** The target's place in the network. Pure. */
export function podNetwork({ pod, node }: SeenTarget): PodNetwork {
  const assumed = `probes do not come from affected addresses: you are not allowed to get node ${pod.spec?.nodeName}, so that its addresses are not known`;
  const exec = execProbes(pod);
  return {
    hostNetwork: pod.spec?.hostNetwork === true,
    podIps: podIps(pod),
    nodeIps: (node?.status?.addresses ?? []).flatMap(({ type, address }) => (type === 'InternalIP' ? [address] : [])),
    podContainers: longLived(pod).map(({ name }) => name),
    probes: networkProbes(pod),
    ...(exec.length > 0 ? { execProbes: exec } : {}),
    nodeSources: node ? nodeSources(node) : [],
    ...(node ? {} : { assumed: [assumed] }),
  };
}
