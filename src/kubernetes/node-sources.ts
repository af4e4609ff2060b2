import type { V1Node } from '@kubernetes/client-node';
import { formatAddress, parseAddress } from '../ip.ts';
import type { NodeSource } from '../ports.ts';

/** Annotations of a node in which network plugins write the address that the node has in the pod network. */
const annotations: Readonly<Record<string, string>> = {
  'network.cilium.io/ipv4-cilium-host': 'Cilium',
  'network.cilium.io/ipv6-cilium-host': 'Cilium',
  'io.cilium.network.ipv4-cilium-host': 'Cilium',
  'io.cilium.network.ipv6-cilium-host': 'Cilium',
  'projectcalico.org/IPv4IPIPTunnelAddr': 'Calico',
  'projectcalico.org/IPv4VXLANTunnelAddr': 'Calico',
  'projectcalico.org/IPv6VXLANTunnelAddr': 'Calico',
};

/**
 * Addresses of a node in the pod network, as its annotations have them, and the first of its pod ranges, which bridges such as flannel's cni0 have:
 * the kubelet reaches pods of its node from one of them. Pure.
 */
export function nodeSources({ metadata, spec }: V1Node): NodeSource[] {
  const written = Object.entries(metadata?.annotations ?? {}).flatMap(([name, value]) => {
    const plugin = Object.hasOwn(annotations, name) ? annotations[name] : undefined;
    return plugin !== undefined && parseAddress(value)
      ? [{ address: value, what: `${plugin}'s address of the node` }]
      : [];
  });
  const ranges = spec?.podCIDRs ?? (spec?.podCIDR ? [spec.podCIDR] : []);
  const firsts = ranges.flatMap((range) => {
    const network = parseAddress(range.replace(/\/.*/, ''));
    if (!network) return [];
    const address = formatAddress({ ...network, value: network.value + 1n });
    return [{ address, what: "first of the node's pod addresses" }];
  });
  const all = [...written, ...firsts];
  return all.filter(({ address }, index) => all.findIndex((other) => other.address === address) === index);
}
