import { joinWords } from '../../text.ts';
import { formatDuration } from '../../units.ts';
import { describeEffect } from './describe.ts';
import { formatPorts } from './ports.ts';
import { addressesOf, excludedSources, listCidrs, type Rules } from './rules.ts';
import { describeSources } from './sources.ts';
import type { Surface } from './surface.ts';
import type { NetBasis, NetFault, Peer, PortRange } from './types.ts';

/** What is affected and what is not, for the user before it starts. */

export function describeAffected(fault: NetFault, basis: NetBasis, rules: readonly Rules[]): string[] {
  const { surroundings, shaping } = fault;
  const delay = fault.direction === 'both' ? shaping?.delay : undefined;
  const containers = surroundings.podContainers;
  return [
    `${describeEffect(fault)}${delay ? `, each way: ${formatDuration(2 * delay.ms)} on a round trip` : ''}`,
    ...rules.map((each) => `${each.direction} ${describePackets(fault, basis, each)}${throughWhat(fault, basis)}`),
    ...(containers.length > 1
      ? [`all ${containers.length} containers of the pod, which share its network: ${joinWords(containers)}`]
      : []),
  ];
}

function describePackets(fault: NetFault, basis: NetBasis, { direction }: Rules): string {
  const { to, from } = fault.surroundings;
  const toWhom = direction === 'egress' ? 'to' : 'from';
  const isServing = direction === 'egress' ? to.length > 0 : from.length === 0;
  const peers = isServing ? to : from;
  const who = peers.length === 0 ? 'everybody' : joinWords(merged(peers).map((peer) => describePeer(peer, basis)));
  return `${toWhom} ${who}${describePorts(fault, peers.length === 0 ? 'of either side' : isServing ? '' : 'of the target')}`;
}

function describePorts({ ports, protocol }: NetFault, whose: string): string {
  const transport = protocol ?? (ports.length > 0 ? 'tcp and udp' : '');
  return `${transport === '' ? '' : `, ${transport}`}${ports.length > 0 ? `, ${portWord(ports)}${whose === '' ? '' : ` ${whose}`}` : ''}`;
}

function portWord(ports: readonly PortRange[]): string {
  const [only] = ports;
  return `port${ports.length === 1 && only?.from === only?.to ? '' : 's'} ${formatPorts(ports)}`;
}

/** A service's cluster IPs and its endpoints are two peers of one name. */
function merged(peers: readonly Peer[]): Peer[] {
  const byText = new Map<string, Peer>();
  for (const peer of peers) {
    const before = byText.get(peer.query.text);
    byText.set(peer.query.text, before ? { ...before, cidrs: [...before.cidrs, ...peer.cidrs] } : peer);
  }
  return [...byText.values()];
}

function describePeer(peer: Peer, { names }: NetBasis): string {
  return peer.query.kind === 'cidr' ? peer.query.text : `${peer.query.text} (${listCidrs(addressesOf(peer, names))})`;
}

function throughWhat(fault: NetFault, { by }: NetBasis): string {
  const devices = by.tool === 'tc' ? by.ports.map(({ device }) => device) : fault.interfaces;
  return devices.length > 0 ? `, through ${joinWords(devices)}` : '';
}

export function describeExcluded(fault: NetFault, basis: NetBasis): string[] {
  const { except } = fault.surroundings;
  const sources = excludedSources(fault, basis.names, basis.sources);
  return [
    ...(except.length > 0 ? [joinWords(merged(except).map((peer) => describePeer(peer, basis)))] : []),
    ...describeSources(sources, fault.surroundings.probes.length > 0),
    fault.interfaces.includes('lo') ? 'ARP and IPv6 neighbour discovery' : 'loopback, ARP and IPv6 neighbour discovery',
  ];
}

export function describeWarnings(fault: NetFault, basis: NetBasis, surface: Surface): string[] {
  const { hostNetwork, to, from } = fault.surroundings;
  const devices = basis.by.tool === 'tc' ? basis.by.ports.map(({ device }) => device) : [];
  const silent = [...to, ...from].filter((peer) => addressesOf(peer, basis.names).length === 0);
  return [
    ...(hostNetwork
      ? [
          "the pod uses the node's own network: the fault affects the whole node, including the kubelet and every other pod on that network",
        ]
      : []),
    ...silent.map((peer) => `${peer.query.text} has no address that could be affected`),
    ...devices.flatMap((device) => bypasses(device, surface)),
    ...(fault.shaping?.rate && devices.length > 1
      ? [`each of ${joinWords(devices)} has the whole rate for itself`]
      : []),
    ...(fault.block && basis.by.tool === 'tc' ? ["the node's kernel has no nf_tables: tc drops instead"] : []),
    ...(fault.block === 'drop' && basis.by.tool === 'nft' && fault.direction !== 'ingress' && fault.protocol !== 'tcp'
      ? [
          'what the target sends by UDP or ICMP fails at once with "operation not permitted"; TCP waits as in a real partition',
        ]
      : []),
  ];
}

/** Where eBPF programs may carry packets past the queue of a device. */
function bypasses(device: string, { links, qdiscs }: Surface): string[] {
  const kind = links.find(({ name }) => name === device)?.kind;
  const clsact = qdiscs.some((qdisc) => qdisc.device === device && qdisc.kind === 'clsact');
  if (kind !== 'netkit' && !clsact) return [];
  const what = kind === 'netkit' ? 'is a netkit device' : 'has a clsact qdisc';
  return [
    `${device} ${what}: eBPF programs, such as Cilium's, may carry packets past tc; check the count of affected packets`,
  ];
}
