import { affectedClass, filterLines, leafHandle, rootHandle } from './filters.ts';
import type { Rules } from './rules.ts';
import type { IpProtocol, Shaping } from './types.ts';

/** What is below our class: a shape, or `drop`, where there is no nf_tables to drop by. */
export type Leaf = Shaping | 'drop';

/** The most that fits into the 32 bits (of bytes a second) that older kernels and tcs have for a rate: as good as none. */
const unlimitedBitsPerSecond = 32e9;
/** A bucket of this much time: HTB's timer is fine, but a busy node is late by a tick of 4 or 10 ms. */
const burstSeconds = 0.01;
const minBurstBytes = 4_096;

/**
 * How long a packet may wait in the queue of a rate; and at least two of the largest packets (64 KiB) that a virtual link hands over in one piece.
 */
const queueSeconds = 0.4;
const minQueueBytes = 131_072;
const maxQueueBytes = 67_108_864;

/**
 * Lines for `tc -batch`: HTB as root, whose class for what is affected is the token bucket, with a leaf that counts. What no filter takes goes out by
 * HTB's direct queue, unshaped.
 */
export function shaperLines(device: string, leaf: Leaf, rules: Rules, protocol: IpProtocol | undefined): string[] {
  const rate = leaf === 'drop' ? undefined : leaf.rate;
  const bits = rate?.bitsPerSecond ?? unlimitedBitsPerSecond;
  const burst = rate?.burstBytes ?? Math.max(minBurstBytes, Math.ceil((bits / 8) * burstSeconds));
  return [
    `qdisc add dev ${device} root handle ${rootHandle} htb default 0 direct_qlen 1000`,
    `class add dev ${device} parent ${rootHandle} classid ${affectedClass} htb rate ${bits}bit ceil ${bits}bit burst ${burst} cburst ${burst} quantum 60000`,
    `qdisc add dev ${device} parent ${affectedClass} handle ${leafHandle} ${leafWords(leaf)}`,
    ...filterLines(device, rules, protocol),
  ];
}

function leafWords(leaf: Leaf): string {
  // A queue without room drops, and counts, everything.
  if (leaf === 'drop') return 'pfifo limit 0';
  if (needsNetem(leaf)) return netemWords(leaf);
  const bytes = Math.ceil(((leaf.rate?.bitsPerSecond ?? 0) / 8) * queueSeconds);
  return `bfifo limit ${Math.min(maxQueueBytes, Math.max(minQueueBytes, bytes))}`;
}

export function needsNetem({ delay, loss, corruptPercent, duplicatePercent }: Shaping): boolean {
  return Boolean(delay || loss || corruptPercent !== undefined || duplicatePercent !== undefined);
}

/** netem's own limit of 1000 packets would lose some that nobody asked to lose: room for 100,000 a second while they are held back. */
const packetsPerSecond = 100_000;
const maxPackets = 100_000;

/** tc-netem(8). */
export function netemWords(shaping: Shaping): string {
  const { delay, loss, corruptPercent, duplicatePercent, reorder } = shaping;
  const heldMs = delay ? delay.ms + (delay.jitterMs ?? 0) : 0;
  const limit = Math.min(maxPackets, Math.max(1_000, Math.ceil((heldMs / 1_000) * packetsPerSecond)));
  const words: Array<string | number> = ['netem', 'limit', limit];
  if (delay) {
    words.push('delay', `${delay.ms}ms`);
    if (delay.jitterMs !== undefined) words.push(`${delay.jitterMs}ms`);
    if (delay.correlationPercent !== undefined) words.push(`${delay.correlationPercent}%`);
    // Without a table netem's jitter is uniform.
    if (delay.distribution !== undefined && delay.distribution !== 'uniform') {
      words.push('distribution', delay.distribution);
    }
  }
  if (loss) words.push('loss', ...('model' in loss ? loss.model : ['random', ...correlated(loss)]));
  if (corruptPercent !== undefined) words.push('corrupt', `${corruptPercent}%`);
  if (duplicatePercent !== undefined) words.push('duplicate', `${duplicatePercent}%`);
  if (reorder) words.push('reorder', ...correlated(reorder));
  return words.join(' ');
}

function correlated({ percent, correlationPercent }: { percent: number; correlationPercent?: number }): string[] {
  return [`${percent}%`, ...(correlationPercent === undefined ? [] : [`${correlationPercent}%`])];
}

/** Lines for `tc -batch` that send all that `device` receives through `ifb` first. */
export function redirectLines(device: string, ifb: string): string[] {
  return [
    `qdisc add dev ${device} ingress`,
    ...['ip', 'ipv6'].map(
      (protocol, index) =>
        `filter add dev ${device} parent ffff: protocol ${protocol} pref ${1 + index} u32 match u32 0 0 action mirred egress redirect dev ${ifb}`,
    ),
  ];
}
