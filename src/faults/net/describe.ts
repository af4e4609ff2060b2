import { formatScaled, joinWords } from '../../text.ts';
import { formatDuration } from '../../units.ts';
import { formatPorts } from './ports.ts';
import type { NetRequest, PeerQuery, Shaping } from './types.ts';

type Described = Pick<
  NetRequest,
  'shaping' | 'block' | 'to' | 'from' | 'except' | 'ports' | 'protocol' | 'interfaces' | 'direction'
>;

/** What is asked, for people: `delay 100ms ±20ms and 2% loss on egress to svc/db port 5432`. */
export function describeNet(request: Described): string {
  return `${describeEffect(request)} on ${describePackets(request)}`;
}

/** What is done to a packet. */
export function describeEffect({ shaping, block }: Pick<NetRequest, 'shaping' | 'block'>): string {
  if (block !== undefined) return block === 'drop' ? 'partition' : 'reject';
  return joinWords(shaping ? shapingParts(shaping) : []);
}

function shapingParts(shaping: Shaping): string[] {
  const { delay, loss, corruptPercent, duplicatePercent, reorder, rate } = shaping;
  const parts: string[] = [];
  if (delay) {
    parts.push(
      `delay ${formatDuration(delay.ms)}${delay.jitterMs === undefined ? '' : ` ±${formatDuration(delay.jitterMs)}`}`,
    );
  }
  if (loss) parts.push('model' in loss ? `loss by ${loss.model.join(' ')}` : `${loss.percent}% loss`);
  if (corruptPercent !== undefined) parts.push(`${corruptPercent}% corruption`);
  if (duplicatePercent !== undefined) parts.push(`${duplicatePercent}% duplication`);
  if (reorder) parts.push(`${reorder.percent}% reordering`);
  if (rate) parts.push(`rate ${formatRate(rate.bitsPerSecond)}`);
  return parts;
}

function describePackets({ to, from, except, ports, protocol, interfaces, direction }: Described): string {
  const words = [direction === 'both' ? 'egress and ingress' : direction];
  const names = (peers: readonly PeerQuery[]) => joinWords(peers.map((peer) => peer.text));
  if (to.length > 0) words.push(`to ${names(to)}`);
  if (from.length > 0) words.push(`from ${names(from)}`);
  if (protocol) words.push(protocol);
  if (ports.length > 0) words.push(`port ${formatPorts(ports)}`);
  if (interfaces.length > 0) words.push(`through ${joinWords(interfaces)}`);
  if (except.length > 0) words.push(`except ${names(except)}`);
  return words.join(' ');
}

/** As tc and `--rate` write it: `1.5mbit`. */
export function formatRate(bitsPerSecond: number): string {
  const hundredths = (value: number) => Math.round(value * 100) / 100;
  return formatScaled(bitsPerSecond, 1_000, ['bit', 'kbit', 'mbit', 'gbit'], hundredths);
}
