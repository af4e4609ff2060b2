import {
  anyOf,
  type Check,
  fields,
  isAmount,
  isMs,
  isName,
  isPercent,
  isText,
  listOf,
  longestText,
  mostItems,
  oneOf,
  whole,
} from '../common/checks.ts';
import type { FaultRecord } from '../fault.ts';
import type { NetFault, PortRange, Shaping } from './types.ts';

/** Of the peers only what a sentence needs: their addresses may be thousands. */
interface NetRecord extends Pick<NetFault, 'fault' | 'shaping' | 'block' | 'direction' | 'ports' | 'protocol'> {
  to: readonly string[];
  from: readonly string[];
  podContainers: readonly string[];
}

const isChance = fields({ percent: isPercent }, { correlationPercent: isPercent });
const shapingChecks: Readonly<Record<keyof Shaping, Check>> = {
  delay: fields(
    { ms: isMs },
    {
      ...{ jitterMs: isMs, correlationPercent: isPercent },
      distribution: oneOf('normal', 'uniform', 'pareto', 'paretonormal'),
    },
  ),
  loss: anyOf(isChance, fields({ model: listOf(isText) })),
  corruptPercent: isPercent,
  duplicatePercent: isPercent,
  reorder: isChance,
  rate: fields({ bitsPerSecond: isAmount }, { burstBytes: isAmount }),
};
const portChecks: Readonly<Record<keyof PortRange, Check>> = { from: whole(1, 65_535), to: whole(1, 65_535) };

const isNet = fields(
  {
    ...{ fault: oneOf('net'), direction: oneOf('egress', 'ingress', 'both') },
    ...{ ports: listOf(fields(portChecks)), to: listOf(isText), from: listOf(isText), podContainers: listOf(isName) },
  },
  {
    ...{ shaping: fields({}, shapingChecks), block: oneOf('drop', 'reject') },
    protocol: oneOf('tcp', 'udp', 'icmp'),
  },
);

export const record: FaultRecord<NetFault> = {
  write({ shaping, block, direction, ports, protocol, surroundings }) {
    const texts = (peers: readonly { query: { text: string } }[]) =>
      [...new Set(peers.map(({ query }) => query.text.slice(0, longestText)))].slice(0, mostItems);
    return {
      fault: 'net',
      ...(shaping ? { shaping } : {}),
      ...(block ? { block } : {}),
      direction,
      ports: ports.slice(0, mostItems),
      ...(protocol ? { protocol } : {}),
      to: texts(surroundings.to),
      from: texts(surroundings.from),
      podContainers: surroundings.podContainers.slice(0, mostItems),
    };
  },
  read(value) {
    if (!isNet(value)) return undefined;
    const { to, from, podContainers, ...rest } = value as NetRecord;
    // Their addresses have gone into the kernel's rules; as names they are only spoken of.
    const peers = (texts: readonly string[]) =>
      texts.map((name) => ({ query: { kind: 'host' as const, text: name, name }, cidrs: [] }));
    return {
      ...rest,
      interfaces: [],
      allowHostNetwork: false,
      surroundings: {
        ...{ to: peers(to), from: peers(from), except: [], podContainers },
        ...{ hostNetwork: false, podIps: [], nodeIps: [], networkProbes: false },
      },
    };
  },
};
