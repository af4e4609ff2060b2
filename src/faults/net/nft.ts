import { type Cidr, formatCidr, type IpFamily } from '../../ip.ts';
import { portSides } from './filters.ts';
import { type PacketMatch, protocolNumbers, type Rules } from './rules.ts';
import type { IpProtocol } from './types.ts';

/** The block as one table: one transaction makes it, one delete removes it. */
export interface Blocking {
  table: string;
  block: 'drop' | 'reject';
  rules: readonly Rules[];
  protocol?: IpProtocol;
  /** Empty: all but loopback. */
  interfaces: readonly string[];
}

/** A set of addresses in the table. */
export interface AddressSet {
  name: string;
  family: IpFamily;
  cidrs: readonly Cidr[];
}

const setType = { 4: 'ipv4_addr', 6: 'ipv6_addr' } as const;
const header = { 4: 'ip', 6: 'ip6' } as const;

/** Every set of addresses that the table has, empty ones too: a name that is resolved again may fill them. */
export function addressSets(rules: readonly Rules[]): AddressSet[] {
  const set = (name: string, cidrs: readonly Cidr[]) =>
    ([4, 6] as const).map((family) => ({
      name: `${name}_${family}`,
      family,
      cidrs: cidrs.filter((cidr) => cidr.family === family),
    }));
  return rules.flatMap(({ direction, excluded, matches }) => [
    ...set(`${direction}_excluded`, excluded),
    ...matches.flatMap(({ cidrs }, index) => (cidrs === 'any' ? [] : set(`${direction}_${index}`, cidrs))),
  ]);
}

/** The script for `nft -f -`. `create` fails where the table is already: nothing is added to what is not ours. */
export function nftScript(blocking: Blocking): string {
  const { table, rules } = blocking;
  return [
    `create table inet ${table}`,
    `table inet ${table} {`,
    ...rules.map(({ direction }) => `  counter ${direction} { }`),
    ...addressSets(rules).map(({ name, family, cidrs }) => {
      const elements = cidrs.length > 0 ? ` elements = { ${cidrs.map(formatCidr).join(', ')} }` : '';
      return `  set ${name} { type ${setType[family]}; flags interval;${elements} }`;
    }),
    ...rules.flatMap((each) => chain(each, blocking)),
    '}',
    '',
  ].join('\n');
}

/** Elements for sets that are there. */
export function nftElements(table: string, sets: readonly AddressSet[]): string {
  return sets
    .filter(({ cidrs }) => cidrs.length > 0)
    .map(({ name, cidrs }) => `add element inet ${table} ${name} { ${cidrs.map(formatCidr).join(', ')} }\n`)
    .join('');
}

/**
 * Priority -300, before connection tracking (-200) and address translation (-100): packets are seen as the application addressed them, and what is
 * dropped leaves no entry behind.
 * What comes in is dropped in prerouting for the same reason; to reject there needs Linux 5.9, so that is done in input.
 */
function chain(rules: Rules, { block, protocol, interfaces }: Blocking): string[] {
  const { direction, matches } = rules;
  const hook = direction === 'egress' ? 'output' : block === 'drop' ? 'prerouting' : 'input';
  const device = direction === 'egress' ? 'oifname' : 'iifname';
  const address = direction === 'egress' ? 'daddr' : 'saddr';
  return [
    `  chain ${direction} {`,
    `    type filter hook ${hook} priority -300; policy accept;`,
    interfaces.length > 0
      ? `    ${device} != { ${interfaces.map((name) => `"${name}"`).join(', ')} } return`
      : `    ${device} "lo" return`,
    // Neighbour discovery is IPv6's ARP.
    '    icmpv6 type 133-137 return',
    ...(block === 'reject' ? answers.map((answer) => `    ${answer} return`) : []),
    ...([4, 6] as const).map((family) => `    ${header[family]} ${address} @${direction}_excluded_${family} return`),
    ...matches.flatMap((match, index) => matchRules(match, index, rules, block, protocol)).map((rule) => `    ${rule}`),
    '  }',
  ];
}

/** Our own answers go the opposite way, through the other chain: rejected there, nobody would get them. */
const answers = ['tcp flags & rst == rst', 'icmp type destination-unreachable', 'icmpv6 type destination-unreachable'];

function matchRules(
  match: PacketMatch,
  index: number,
  { direction }: Rules,
  block: Blocking['block'],
  protocol: IpProtocol | undefined,
): string[] {
  const address = direction === 'egress' ? 'daddr' : 'saddr';
  const peers =
    match.cidrs === 'any'
      ? ['']
      : ([4, 6] as const).map((family) => `${header[family]} ${address} @${direction}_${index}_${family} `);
  const transports = transportMatches(match, direction, protocol);
  const verdicts =
    block === 'drop'
      ? ['drop']
      : [
          ...(protocol === undefined || protocol === 'tcp' ? ['reject with tcp reset'] : []),
          ...(protocol === 'tcp' ? [] : ['reject with icmpx port-unreachable']),
        ];
  return peers.flatMap((peer) =>
    transports.flatMap((transport) =>
      verdicts.map((verdict) => {
        // A reset is an answer to TCP alone.
        const tcp = verdict.endsWith('reset') ? 'meta l4proto 6 ' : '';
        return `${peer}${transport}${tcp}counter name "${direction}" ${verdict}`;
      }),
    ),
  );
}

/** Each with a blank behind it, or empty: everything. */
function transportMatches(
  match: PacketMatch,
  direction: Rules['direction'],
  protocol: IpProtocol | undefined,
): string[] {
  const protocols = protocol ? [protocol] : match.ports.length > 0 ? (['tcp', 'udp'] as const) : [];
  if (protocols.length === 0) return [''];
  const numbers = new Set(protocols.flatMap((name) => Object.values(protocolNumbers[name])));
  const base = `meta l4proto { ${[...numbers].join(', ')} } `;
  if (match.ports.length === 0) return [base];
  const ports = match.ports.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(', ');
  return portSides(match.portsOf, direction).map((side) => `${base}th ${side} { ${ports} } `);
}
