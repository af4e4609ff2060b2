import { measureRoundTrips, type NetMeasurement, type RoundTrips } from '../faults/net/measure.ts';
import type { Fact } from '../session/facts.ts';
import { formatBytes, formatElapsed, formatNumber, formatPercent } from '../text.ts';
import { dash, render } from './table.ts';
import { harmless, targetName } from './words.ts';

/** What the human reporters show of a net fault: whom it hits, how it goes on, what it did. Pure. */

/** Who is hit and who is not, before it starts: lines below `target` and `fault`. Texts are partly from name servers and the API server. */
export function hitAndSpared({ plan }: Extract<Fact, { kind: 'net-planned' }>): string[] {
  return [...block('hit', plan.hit), ...block('spared', plan.spared)].map(harmless);
}

function block(title: string, lines: readonly string[]): string[] {
  return lines.map((line, index) => `${(index === 0 ? title : '').padEnd(9)}${line}`);
}

/** The live view of a running net fault. */
export function liveNetTable(fact: Extract<Fact, { kind: 'net-sample' }>): string[] {
  const { target, counters, roundTripsBefore, roundTripsDuring } = fact;
  const before = measureRoundTrips(roundTripsBefore).medianUs;
  const now = roundTripsDuring.at(-1);
  const roundTrip = now === undefined ? dash : now.us === undefined ? 'no answer' : formatElapsed(now.us / 1_000);
  const isMeasured = roundTripsBefore.length + roundTripsDuring.length > 0;
  return render(
    ['TARGET', 'PACKETS HIT', 'dropped', 'ROUND TRIP before → now', 'left'],
    [
      [
        targetName(target),
        `${formatNumber(counters.packets)} (${formatBytes(counters.bytes)})`,
        dropped(counters),
        isMeasured ? `${before === undefined ? dash : formatElapsed(before / 1_000)} → ${roundTrip}` : dash,
        formatElapsed(fact.leftMs),
      ],
    ],
  );
}

/** What was counted, and the round trips before and during; rows that nothing was measured for are left out. */
export function netProofTable(measured: NetMeasurement): string[] {
  const { roundTripsBefore: before, roundTripsDuring: during } = measured;
  const rows = [
    ['packets hit', dash, `${formatNumber(measured.packets)} (${formatBytes(measured.bytes)})`],
    ['dropped', dash, dropped(measured)],
    ['round trip', median(before), median(during)],
    ['without answer', unanswered(before), unanswered(during)],
  ];
  return render(
    ['', 'before', 'during'],
    rows.filter(([, ...cells]) => cells.some((cell) => cell !== dash)),
  );
}

function median({ medianUs }: RoundTrips): string {
  return medianUs === undefined ? dash : formatElapsed(medianUs / 1_000);
}

function unanswered({ sent, lost }: RoundTrips): string {
  return sent === 0 ? dash : `${lost} of ${sent}`;
}

function dropped({ packets, dropped: lost }: { packets: number; dropped: number }): string {
  return packets === 0 ? String(lost) : `${formatNumber(lost)} (${formatPercent((100 * lost) / packets)})`;
}
