import { isObject, readJson } from '../../json.ts';
import { leafHandle, rootHandle } from './filters.ts';
import { countersId } from './plan.ts';
import { needsNetem } from './shaper.ts';
import type { Answer, NetCounters, NetFault, RoundTrip } from './types.ts';

type Counted = Pick<NetCounters, 'packets' | 'bytes' | 'dropped'> & { passedBytes?: number };

/** What was affected so far, of the answer to the plan's `count`; undefined: it could not be read. */
export function readCounters(fault: NetFault, answers: ReadonlyMap<string, Answer>): NetCounters | undefined {
  const answer = answers.get(countersId);
  if (answer?.exitCode !== 0) return undefined;
  const parsed = readJson(answer.stdout);
  if (isObject(parsed)) {
    const counted = sum(fromNft(parsed.nftables));
    return counted && { ...counted, elapsedUs: answer.elapsedUs };
  }
  const qdiscs = Array.isArray(parsed) ? parsed.filter(isObject) : [];
  const counted = sum(qdiscs.filter(({ handle }) => handle === leafHandle).map(fromLeaf));
  if (!counted) return undefined;
  // HTB counts its waits for netem's delay as well: these tell of the rate only where there is no netem.
  const byRate = fault.shaping?.rate !== undefined && !needsNetem(fault.shaping);
  const roots = qdiscs.filter(({ handle }) => handle === rootHandle);
  return {
    ...counted,
    ...(byRate ? { throttled: roots.reduce((total, root) => total + number(root.overlimits), 0) } : {}),
    elapsedUs: answer.elapsedUs,
  };
}

/** How many counters of ours there are, one for each queue or rule; undefined: the answer does not tell. Fewer than before: somebody else has removed them. */
export function countersThere(answer: Answer): number | undefined {
  // nft's words for a table that there is not.
  if (answer.exitCode !== 0) return /No such file or directory/.test(answer.stderr) ? 0 : undefined;
  const parsed = readJson(answer.stdout);
  if (Array.isArray(parsed)) return parsed.filter((qdisc) => isObject(qdisc) && qdisc.handle === leafHandle).length;
  return isObject(parsed) && Array.isArray(parsed.nftables) ? fromNft(parsed.nftables).length : undefined;
}

/** A queue counts what it let through; what it dropped and what waits in it was affected as well. */
function fromLeaf(qdisc: Readonly<Record<string, unknown>>): Counted {
  return {
    packets: number(qdisc.packets) + number(qdisc.drops) + number(qdisc.qlen),
    bytes: number(qdisc.bytes) + number(qdisc.backlog),
    passedBytes: number(qdisc.bytes),
    dropped: number(qdisc.drops),
  };
}

/** Nothing passes the rules that count. */
function fromNft(objects: unknown): Counted[] {
  const counters = (Array.isArray(objects) ? objects : []).flatMap((object) =>
    isObject(object) && isObject(object.counter) ? [object.counter] : [],
  );
  return counters.map(({ packets, bytes }) => ({
    packets: number(packets),
    bytes: number(bytes),
    dropped: number(packets),
  }));
}

function sum(all: readonly Counted[]): Counted | undefined {
  if (all.length === 0) return undefined;
  const total: Counted = { packets: 0, bytes: 0, dropped: 0 };
  for (const { packets, bytes, dropped, passedBytes } of all) {
    if (passedBytes !== undefined) total.passedBytes = (total.passedBytes ?? 0) + passedBytes;
    total.packets += packets;
    total.bytes += bytes;
    total.dropped += dropped;
  }
  return total;
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

/** Of an answer to `connect`. */
export function readRoundTrip(answer: Answer): RoundTrip {
  const us = answer.exitCode === 0 ? Number.parseInt(answer.stdout, 10) : Number.NaN;
  return { us: Number.isFinite(us) ? us : undefined };
}
