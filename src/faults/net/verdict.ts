import { formatCount, formatElapsed, formatNumber, formatPercent, joinWords } from '../../text.ts';
import { formatDuration } from '../../units.ts';
import type { Conclusion, Proof } from '../fault.ts';
import { formatRate } from './describe.ts';
import { measureRoundTrips } from './measure.ts';
import { formatPorts } from './ports.ts';
import type { NetCounters, NetFault, NetObservation, RoundTrip, Shaping } from './types.ts';

/** Of what was asked, this share must have been measured. */
const effectiveShare = 0.75;

/** So many losses must have been due before their absence says something; a piece of up to 45 packets may be lost, and counted, as one. */
const tellingLosses = 20;

/** Compares what was asked with what our qdisc or our table counted, and with the round trips to a peer (G1). */
export function judgeNet(fault: NetFault, seen: NetObservation): Conclusion {
  const last = seen.counters.at(-1);
  if (!last) {
    return verdict([
      proof(false, 'Affected packets were not counted: the run was too short, or its counters could not be read'),
    ]);
  }
  if (seen.removedAfterMs !== undefined) {
    const most = Math.max(...seen.counters.map(({ packets }) => packets));
    return verdict([
      proof(false, `${removedSentence(seen.removedAfterMs)}: ${formatCount(most, 'packet')} affected until then`),
    ]);
  }
  if (last.packets === 0) return verdict([proof(false, `No packet matched: ${whatToAsk(fault)}`)]);
  const own = ownPackets(fault, seen.roundTripsDuring);
  if (last.packets <= own) {
    const sentence = `No packet of the target's matched: the ${formatCount(last.packets, 'packet')} that did ${last.packets === 1 ? 'is' : 'are'} from measuring the round trip; ${whatToAsk(fault)}`;
    return verdict([proof(false, sentence)]);
  }
  if (fault.block) return verdict([judgeBlock(fault.block, last)]);
  return verdict(fault.shaping ? judgeShaping(fault, fault.shaping, last, seen) : []);
}

/** Of what was there, and then was not. */
export function removedSentence(afterMs: number): string {
  return `Somebody else has removed the fault from the target's network after ${formatDuration(1_000 * Math.round(afterMs / 1_000))}`;
}

function verdict(proofs: Proof[]): Conclusion {
  return { effective: proofs.length > 0 && proofs.every(({ effective }) => effective), proofs };
}

function proof(effective: boolean, sentence: string): Proof {
  return { what: 'net', effective, sentence };
}

function whatToAsk({ ports, surroundings: { to, from } }: NetFault): string {
  if (ports.length > 0) {
    const [only] = ports;
    return ports.length === 1 && only?.from === only?.to
      ? `is ${formatPorts(ports)} the port?`
      : `are ${formatPorts(ports)} the ports?`;
  }
  const peers = [...new Set([...to, ...from].map(({ query }) => query.text))];
  return peers.length > 0 ? `does the target talk to ${joinWords(peers)}?` : 'does the target use its network?';
}

/**
 * How many packets of one connection are affected at most. Out go SYN, ACK and, to close it, RST; in comes the SYN-ACK. Unanswered, SYN is sent a
 * second time within the second that is waited; a
 * SYN-ACK that gets lost comes again and again for a minute.
 */
const ofOneConnection = {
  answered: { egress: 3, ingress: 1 },
  unanswered: { egress: 3, ingress: 6 },
} as const;

/** What measuring the round trip itself has added to the packets affected, at most. */
function ownPackets({ direction, block, shaping }: NetFault, roundTrips: readonly RoundTrip[]): number {
  const each = roundTrips.map(({ us }) => {
    const { egress, ingress } = ofOneConnection[us === undefined ? 'unanswered' : 'answered'];
    // What a partition keeps from going out is not answered either.
    if (block) return direction === 'ingress' ? ingress : egress;
    return direction === 'both' ? egress + ingress : direction === 'egress' ? egress : ingress;
  });
  return each.reduce((total, packets) => total + packets, 0) * (shaping?.duplicatePercent === undefined ? 1 : 2);
}

function judgeBlock(block: 'drop' | 'reject', { dropped }: NetCounters): Proof {
  return block === 'drop'
    ? proof(dropped > 0, `Asked for a partition: ${formatCount(dropped, 'packet')} dropped`)
    : proof(dropped > 0, `Asked to reject: ${formatCount(dropped, 'packet')} answered with an error`);
}

function judgeShaping(fault: NetFault, shaping: Shaping, last: NetCounters, seen: NetObservation): Proof[] {
  const { delay, loss, corruptPercent, duplicatePercent, reorder, rate } = shaping;
  const uncounted = (percent: number, what: string) =>
    proof(
      true,
      `Asked for ${percent}% ${what}: ${formatCount(last.packets, 'packet')} went through the fault; the kernel does not count which ones it changed`,
    );
  return [
    ...(delay ? [judgeDelay(fault, delay, reorder !== undefined, last, seen)] : []),
    ...(loss ? [judgeLoss(loss, last)] : []),
    ...(corruptPercent === undefined ? [] : [uncounted(corruptPercent, 'corruption')]),
    ...(duplicatePercent === undefined ? [] : [uncounted(duplicatePercent, 'duplication')]),
    ...(reorder ? [uncounted(reorder.percent, 'reordering')] : []),
    ...(rate ? [judgeRate(fault.direction, rate.bitsPerSecond, loss !== undefined, last, seen.counters)] : []),
  ];
}

function judgeDelay(
  { direction }: NetFault,
  { ms, jitterMs = 0 }: NonNullable<Shaping['delay']>,
  overtaken: boolean,
  last: NetCounters,
  seen: NetObservation,
): Proof {
  const ways = direction === 'both' ? 2 : 1;
  const asked = `Asked for ${formatDuration(ms)}${jitterMs > 0 ? ` ±${formatDuration(jitterMs)}` : ''}${ways === 2 ? ' each way' : ''}`;
  const affected = `${formatCount(last.packets, 'packet')} affected`;
  const before = measureRoundTrips(seen.roundTripsBefore).medianUs;
  const { sent, lost, medianUs } = measureRoundTrips(seen.roundTripsDuring);
  if (sent === 0 || before === undefined) {
    const why = seen.isFound
      ? 'the round trip of a detached fault is not measured'
      : 'no peer was known to measure the round trip to';
    return proof(true, `${asked}: ${affected}, ${why}`);
  }
  if (medianUs === undefined) {
    return proof(
      true,
      `${asked}: ${formatElapsed(before / 1_000)} round trip before, none within a second under it; ${affected}`,
    );
  }
  // Where some overtake, the slowest tells of the delay.
  const measured = overtaken ? Math.max(...seen.roundTripsDuring.map(({ us = 0 }) => us)) : medianUs;
  const longer = Math.max(0, measured - before);
  const enough = longer >= 1_000 * ways * (ms * effectiveShare - jitterMs / 2);
  return proof(
    enough,
    `${asked}: measured ${formatElapsed(longer / 1_000)} more over ${formatCount(sent - lost, 'round trip')} (${formatElapsed(before / 1_000)} before, ${formatElapsed(measured / 1_000)} under it); ${affected}`,
  );
}

function judgeLoss(loss: NonNullable<Shaping['loss']>, { packets, dropped }: NetCounters): Proof {
  const asked = 'model' in loss ? `Asked for loss by ${loss.model.join(' ')}` : `Asked for ${loss.percent}% loss`;
  const sentence = `${asked}: ${formatPercent((100 * dropped) / packets)} of ${formatCount(packets, 'packet')} dropped`;
  if (dropped > 0) return proof(true, sentence);
  const percent = 'model' in loss ? Number.parseFloat(loss.model[1] ?? '') : loss.percent;
  const due = (packets * percent) / 100;
  return due > tellingLosses ? proof(false, sentence) : proof(true, `${sentence}, too few to expect a loss`);
}

function judgeRate(
  direction: NetFault['direction'],
  bitsPerSecond: number,
  loses: boolean,
  last: NetCounters,
  counters: readonly NetCounters[],
): Proof {
  const fastest = fastestSecond(counters);
  // What netem loses by order is no sign of a limit.
  const limited =
    (!loses && last.dropped > 0) || (last.throttled ?? 0) > 0 || fastest >= bitsPerSecond * effectiveShare;
  const [each, both] = direction === 'both' ? [' each way', ' both ways together'] : ['', ''];
  const asked = `Asked for at most ${formatRate(bitsPerSecond)}${each}: ${formatRate(fastest)}${both} was the most in a second`;
  return limited
    ? proof(true, `${asked}, ${formatNumber(last.dropped)} of ${formatCount(last.packets, 'packet')} dropped`)
    : proof(false, `${asked}: the target's traffic stayed below the limit`);
}

/** Samples are a second apart, but for a late one and the last. */
const aboutASecondUs = 900_000;

/** Bits a second over the fastest second; between two reads in quick succession a single packet would look like a flood. */
function fastestSecond(counters: readonly NetCounters[]): number {
  let next = 0;
  const rates = counters.flatMap((from) => {
    // Of a later one it is never an earlier one: a run may last a day.
    while (next < counters.length && (counters[next]?.elapsedUs ?? 0) - from.elapsedUs < aboutASecondUs) next++;
    const to = counters[next];
    return to ? bitsBetween(from, to) : [];
  });
  const [first] = counters;
  const last = counters.at(-1);
  return rates.length > 0 ? Math.max(...rates) : first && last ? bitsBetween(first, last) : 0;
}

function bitsBetween(from: NetCounters, to: NetCounters): number {
  const us = to.elapsedUs - from.elapsedUs;
  const passed = (counters: NetCounters) => counters.passedBytes ?? counters.bytes;
  return us > 0 ? ((passed(to) - passed(from)) * 8) / (us / 1e6) : 0;
}
