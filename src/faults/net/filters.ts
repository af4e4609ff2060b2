import type { Cidr, IpFamily } from '../../ip.ts';
import { maskedPorts } from './ports.ts';
import { type PacketMatch, protocolNumbers, type Rules } from './rules.ts';
import type { IpProtocol } from './types.ts';

/** The handle of our root qdisc, by which it is told from everybody else's, and what hangs below it. */
export const rootHandle = 'c4a0:';
export const affectedClass = 'c4a0:10';
export const leafHandle = 'c4a1:';

const families = [4, 6] as const;
const etherType = { 4: 'ip', 6: 'ipv6' } as const;

/** A table of u32 numbers its filters with 12 bits, some of them its own. */
const filtersPerTable = 2_000;

/**
 * Lines for `tc -batch` that send what is affected to our class. u32 alone, because every kernel has it. ARP is never affected: no filter is for its
 * protocol.
 * A filter that matches gives the packet its class and no later one is tried: `excluded` have the lower preferences.
 */
export function filterLines(device: string, rules: Rules, protocol: IpProtocol | undefined): string[] {
  const peerSide = rules.direction === 'egress' ? 'dst' : 'src';
  return families.flatMap((family) => {
    const excluded = [
      ...rules.excluded.flatMap((cidr) => matchAddress(cidr, family, peerSide)),
      ...neighbourDiscovery(family),
    ];
    const matches = rules.matches.flatMap((match) => matchLines(match, rules.direction, family, protocol));
    return [
      ...numbered(device, family, 100, excluded, rootHandle),
      ...numbered(device, family, 200, matches, affectedClass),
    ];
  });
}

function numbered(device: string, family: IpFamily, first: number, matches: readonly string[], flow: string): string[] {
  return matches.map((match, index) => {
    // One table of u32 is of one preference and one protocol.
    const preference = first + 2 * Math.floor(index / filtersPerTable) + (family === 6 ? 1 : 0);
    return `filter add dev ${device} parent ${rootHandle} protocol ${etherType[family]} pref ${preference} u32 ${match} flowid ${flow}`;
  });
}

function matchAddress(cidr: Cidr, family: IpFamily, side: 'src' | 'dst'): string[] {
  return cidr.family === family ? [`match ${family === 4 ? 'ip' : 'ip6'} ${side} ${cidr.address}/${cidr.prefix}`] : [];
}

/** Router and neighbour solicitations and advertisements, redirects (ICMPv6 types 133 to 137): IPv6's ARP. */
function neighbourDiscovery(family: IpFamily): string[] {
  if (family === 4) return [];
  return maskedPorts({ from: 133, to: 137 }).map(
    ({ value, mask }) => `match ip6 protocol 58 0xff match u8 ${hex(value)} ${hex(mask & 0xff)} at 40`,
  );
}

function matchLines(
  match: PacketMatch,
  direction: Rules['direction'],
  family: IpFamily,
  protocol: IpProtocol | undefined,
): string[] {
  const side = direction === 'egress' ? 'dst' : 'src';
  const peers = match.cidrs === 'any' ? [''] : match.cidrs.flatMap((cidr) => matchAddress(cidr, family, side));
  const transports = transportMatches(match, direction, family, protocol);
  return peers.flatMap((peer) =>
    transports.map((transport) => [peer, transport].filter((part) => part !== '').join(' ') || 'match u32 0 0'),
  );
}

/** Protocol and ports. A port without a protocol is TCP's and UDP's. */
function transportMatches(
  match: PacketMatch,
  direction: Rules['direction'],
  family: IpFamily,
  protocol: IpProtocol | undefined,
): string[] {
  const protocols = protocol ? [protocol] : match.ports.length > 0 ? (['tcp', 'udp'] as const) : [];
  if (protocols.length === 0) return [''];
  const layer = family === 4 ? 'ip' : 'ip6';
  const ports = match.ports.flatMap((range) =>
    portSides(match.portsOf, direction).flatMap((side) =>
      maskedPorts(range).map(({ value, mask }) => `match ${layer} ${side} ${value} ${hex(mask)}`),
    ),
  );
  return protocols.flatMap((name) => {
    // IPv6: the next header alone, so that a packet with extension headers (a fragment) is not affected by its protocol.
    const base = `match ${layer} protocol ${protocolNumbers[name][family]} 0xff`;
    return ports.length === 0 ? [base] : ports.map((port) => `${base}${family === 4 ? plainHeader : ''} ${port}`);
  });
}

/**
 * `match ip dport` reads at byte 22, which is the port only behind a header of 20 bytes; and a fragment that is not the first has no port at all.
 */
const plainHeader = ' match ip ihl 5 0xf match u16 0 0x1fff at 6';

export function portSides(portsOf: PacketMatch['portsOf'], direction: Rules['direction']): Array<'dport' | 'sport'> {
  if (portsOf === 'either') return ['dport', 'sport'];
  return [(portsOf === 'peer') === (direction === 'egress') ? 'dport' : 'sport'];
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
