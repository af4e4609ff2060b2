import { formatCidr } from '../../ip.ts';
import type { Target } from '../../ports.ts';
import { formatBytes, formatElapsed, formatNumber, formatPercent } from '../../text.ts';
import { dash, targetName } from '../common/cells.ts';
import type { LiveRow, Rows } from '../fault.ts';
import { measureRoundTrips, type NetMeasurement, type RoundTrips } from './measure.ts';
import type { NetCounters, NetFault, NetPlan, RoundTrip } from './types.ts';

/** What is shown of a net fault: whom it matches, how it goes on, what it did. Pure. */

/** Who is affected and who is not, before it starts. */
export function affectedAndExcluded({ affected, excluded }: Pick<NetPlan, 'affected' | 'excluded'>): string[] {
  return [...block('affected', affected), ...block('excluded', excluded)];
}

function block(title: string, lines: readonly string[]): string[] {
  return lines.map((line, index) => `${(index === 0 ? title : '').padEnd(9)}${line}`);
}

/** The live view of a running net fault. */
export interface NetSample {
  target: Target;
  /** Since the fault began. */
  counters: NetCounters;
  roundTripsBefore: readonly RoundTrip[];
  roundTripsDuring: readonly RoundTrip[];
}

export function liveRow({ target, counters, roundTripsBefore, roundTripsDuring }: NetSample): LiveRow {
  const before = measureRoundTrips(roundTripsBefore).medianUs;
  const now = roundTripsDuring.at(-1);
  const roundTrip = now === undefined ? dash : now.us === undefined ? 'no answer' : formatElapsed(now.us / 1_000);
  const isMeasured = roundTripsBefore.length + roundTripsDuring.length > 0;
  return {
    head: ['TARGET', 'PACKETS AFFECTED', 'dropped', 'ROUND TRIP before → now'],
    row: [
      targetName(target),
      `${formatNumber(counters.packets)} (${formatBytes(counters.bytes)})`,
      dropped(counters),
      isMeasured ? `${before === undefined ? dash : formatElapsed(before / 1_000)} → ${roundTrip}` : dash,
    ],
  };
}

/** What was counted, and the round trips before and during; rows that nothing was measured for are left out. */
export function proofRows(measured: NetMeasurement): Rows {
  const { roundTripsBefore: before, roundTripsDuring: during } = measured;
  const rows = [
    ['packets affected', dash, `${formatNumber(measured.packets)} (${formatBytes(measured.bytes)})`],
    ['dropped', dash, dropped(measured)],
    ['round trip', median(before), median(during)],
    ['without answer', unanswered(before), unanswered(during)],
  ];
  return { head: ['', 'before', 'during'], rows: rows.filter(([, ...cells]) => cells.some((cell) => cell !== dash)) };
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

/** A pod's containers share its network. */
export function networkPlace({ pod }: Target, sharedBy: readonly string[]): string {
  return `network namespace of pod/${pod}${sharedBy.length > 1 ? `, shared by all ${sharedBy.length} containers` : ''}`;
}

/** Whom the cluster knows under the names that were given; host names are for the target itself to resolve. */
export function peersOf({ surroundings }: NetFault): Record<string, string[]> {
  const lists = { to: surroundings.to, from: surroundings.from, except: surroundings.except };
  return Object.fromEntries(
    Object.entries(lists)
      .filter(([, peers]) => peers.length > 0)
      .map(([name, peers]) => [
        name,
        peers.map(({ query, cidrs }) => {
          const ranges = cidrs.map(formatCidr).join(' ');
          return ranges === '' ? `${query.text}: as the target resolves it` : `${query.text}: ${ranges}`;
        }),
      ]),
  );
}
