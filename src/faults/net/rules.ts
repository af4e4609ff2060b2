import { type Cidr, contains, formatCidr, type IpFamily, isSingle, withoutContained } from '../../ip.ts';
import { joinRanges } from './ports.ts';
import type { IpProtocol, NetFault, Peer, PortRange, ProbeSource } from './types.ts';

/** Addresses of the host names among the peers, as the target resolves them. */
export type Names = Readonly<Record<string, readonly Cidr[]>>;

/** Packets that are affected: those of these peers, and of these ports if there are any. */
export interface PacketMatch {
  cidrs: readonly Cidr[] | 'any';
  ports: readonly PortRange[];
  /** Whose ports they are. */
  portsOf: 'peer' | 'target' | 'either';
}

/** What happens to the packets of one direction: `excluded` first, then `matches`. */
export interface Rules {
  direction: 'egress' | 'ingress';
  excluded: readonly Cidr[];
  matches: readonly PacketMatch[];
}

/** IP's number of a protocol. */
export const protocolNumbers: Readonly<Record<IpProtocol, Readonly<Record<IpFamily, number>>>> = {
  tcp: { 4: 6, 6: 6 },
  udp: { 4: 17, 6: 17 },
  icmp: { 4: 1, 6: 58 },
};

export function rulesOf(fault: NetFault, names: Names, sources: readonly ProbeSource[]): Rules[] {
  const directions = fault.direction === 'both' ? (['egress', 'ingress'] as const) : [fault.direction];
  const excluded = withoutContained([
    ...fault.surroundings.except.flatMap((peer) => addressesOf(peer, names)),
    ...excludedSources(fault, names, sources).map(({ cidr }) => cidr),
  ]);
  return directions.map((direction) => ({ direction, excluded, matches: matchesOf(fault, direction, names) }));
}

function matchesOf(fault: NetFault, direction: 'egress' | 'ingress', names: Names): PacketMatch[] {
  const { to, from } = fault.surroundings;
  // With one list only, `both` means both ways with these peers.
  const peers = direction === 'egress' ? (to.length > 0 ? to : from) : from.length > 0 ? from : to;
  if (peers.length === 0) return [{ cidrs: 'any', ports: fault.ports, portsOf: 'either' }];
  const portsOf = peers === to ? 'peer' : 'target';
  const matches: Array<PacketMatch & { cidrs: Cidr[] }> = [];
  for (const peer of peers) {
    const ports = portsOf === 'peer' ? servedPorts(peer, fault.ports) : fault.ports;
    if (!ports) continue;
    const same = matches.find((match) => JSON.stringify(match.ports) === JSON.stringify(ports));
    if (same) same.cidrs.push(...addressesOf(peer, names));
    else matches.push({ cidrs: addressesOf(peer, names), ports, portsOf });
  }
  // Only what has addresses: without addresses a match is everybody.
  return matches.flatMap((match) => {
    const cidrs = withoutContained(match.cidrs);
    return cidrs.length > 0 ? [{ ...match, cidrs }] : [];
  });
}

/** The asked ports as this peer serves them: endpoints of a service have its target ports. Undefined: it serves none of them. */
export function servedPorts(peer: Peer, asked: readonly PortRange[]): readonly PortRange[] | undefined {
  if (!peer.portMap || asked.length === 0) return asked;
  const served = peer.portMap.filter(({ port }) => asked.some(({ from, to }) => from <= port && port <= to));
  return served.length === 0
    ? undefined
    : joinRanges(served.map(({ targetPort }) => ({ from: targetPort, to: targetPort })));
}

export function addressesOf(peer: Peer, names: Names): Cidr[] {
  return peer.query.kind === 'host' ? [...(names[peer.query.name] ?? [])] : [...peer.cidrs];
}

/** Those that no `--to` or `--from` names: what is named alone is affected. */
export function excludedSources(
  { surroundings: { to, from } }: NetFault,
  names: Names,
  sources: readonly ProbeSource[],
): ProbeSource[] {
  const asked = [...to, ...from].flatMap((peer) => addressesOf(peer, names)).filter(isSingle);
  return sources.filter(({ cidr }) => !asked.some((other) => contains(other, cidr)));
}

/** Whether a packet of this peer's is affected whatever its port is. */
export function mayAffect(rules: readonly Rules[], address: Cidr): boolean {
  return rules.some(({ matches, excluded }) =>
    excluded.some((cidr) => contains(cidr, address))
      ? false
      : matches.some(({ cidrs }) => cidrs === 'any' || cidrs.some((cidr) => contains(cidr, address))),
  );
}

/** Texts of ranges, the first few and how many more. */
export function listCidrs(cidrs: readonly Cidr[], most = 4): string {
  const shown = cidrs.slice(0, cidrs.length === most + 1 ? most + 1 : most).map(formatCidr);
  const more = cidrs.length - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
