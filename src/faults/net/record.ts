import * as v from 'valibot';
import {
  amount,
  list,
  longestText,
  milliseconds,
  mostItems,
  objectName,
  percent,
  read,
  text,
  whole,
} from '../common/schemas.ts';
import type { FaultRecord } from '../fault.ts';
import type { NetFault } from './types.ts';

const chance = v.strictObject({ percent, correlationPercent: v.exactOptional(percent) });
const port = whole(1, 65_535);

/** Of the peers only what a sentence needs: their addresses may be thousands. */
const netRecord = v.strictObject({
  fault: v.literal('net'),
  direction: v.picklist(['egress', 'ingress', 'both']),
  ports: list(v.strictObject({ from: port, to: port })),
  to: list(text),
  from: list(text),
  podContainers: list(objectName),
  shaping: v.exactOptional(
    v.strictObject({
      delay: v.exactOptional(
        v.strictObject({
          ms: milliseconds,
          jitterMs: v.exactOptional(milliseconds),
          correlationPercent: v.exactOptional(percent),
          distribution: v.exactOptional(v.picklist(['normal', 'uniform', 'pareto', 'paretonormal'])),
        }),
      ),
      loss: v.exactOptional(v.union([chance, v.strictObject({ model: list(text) })])),
      corruptPercent: v.exactOptional(percent),
      duplicatePercent: v.exactOptional(percent),
      reorder: v.exactOptional(chance),
      rate: v.exactOptional(v.strictObject({ bitsPerSecond: amount, burstBytes: v.exactOptional(amount) })),
    }),
  ),
  block: v.exactOptional(v.picklist(['drop', 'reject'])),
  protocol: v.exactOptional(v.picklist(['tcp', 'udp', 'icmp'])),
});

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
    const found = read(netRecord, value);
    if (!found) return undefined;
    const { to, from, podContainers, ...rest } = found;
    // Their addresses have gone into the kernel's rules; as names they are only spoken of.
    const peers = (texts: readonly string[]) =>
      texts.map((name) => ({ query: { kind: 'host' as const, text: name, name }, cidrs: [] }));
    return {
      ...rest,
      interfaces: [],
      allowHostNetwork: false,
      surroundings: {
        ...{ to: peers(to), from: peers(from), except: [], podContainers },
        ...{ hostNetwork: false, podIps: [], nodeIps: [], probes: [], nodeSources: [] },
      },
    };
  },
};
