import { describe, expect, test } from 'vitest';
import type { NetMeasurement } from '../../../src/faults/net/measure.ts';
import { liveRow, type NetSample, proofRows } from '../../../src/faults/net/view.ts';
import { renderPlan } from '../../../src/terminal/dry-run.ts';
import { DocumentReporter } from '../../../src/terminal/json.ts';
import { PlainReporter } from '../../../src/terminal/plain.ts';
import { proofTable } from '../../../src/terminal/table.ts';
import { reverted } from '../../../src/terminal/words.ts';
import { BufferOutput } from '../../fakes/output.ts';
import { netRequest, plan, target } from '../../fakes/samples.ts';
import { netRun } from '../../terminal/events.ts';
import { liveTable } from '../../terminal/live-table.ts';

function fact(change: Partial<NetSample> = {}): NetSample {
  return {
    target: target(),
    counters: { packets: 1_204, bytes: 120_400, dropped: 25, elapsedUs: 5e6 },
    roundTripsBefore: [{ us: 700 }, { us: 900 }, { us: 800 }],
    roundTripsDuring: [{ us: 99_000 }, { us: 101_400 }],
    ...change,
  };
}

/** As it is shown with 38 seconds left. */
const liveNetTable = (of: NetSample) =>
  liveTable({
    kind: 'sample',
    target: of.target,
    live: liveRow(of),
    leftMs: 38_400,
    document: { kind: 'net-sample' },
  }) ?? [];

const netProofTable = (of: NetMeasurement) => proofTable(proofRows(of));

describe('the live table of a net fault', () => {
  test('has what is affected, and the round trip before and now', () => {
    expect(liveNetTable(fact())).toEqual([
      '  TARGET                PACKETS AFFECTED   dropped     ROUND TRIP before → now   left',
      '  pod/web-7d4b9 (app)   1,204 (118Ki)      25 (2.1%)   0.8ms → 101ms             38s',
    ]);
  });

  test.each<[what: string, change: Partial<NetSample>, cell: string]>([
    ['a peer that does not answer now', { roundTripsDuring: [{ us: 900 }, { us: undefined }] }, '0.8ms → no answer'],
    ['a peer that never answered', { roundTripsBefore: [{ us: undefined }], roundTripsDuring: [] }, '- → -'],
    ['no peer', { roundTripsBefore: [], roundTripsDuring: [] }, '-'],
  ])('knows %s', (_what, change, cell) => {
    const row = liveNetTable(fact(change))[1] ?? '';
    expect(row.trim().split(/\s{2,}/)[3]).toBe(cell);
  });

  test('divides nothing by no packets', () => {
    const counters = { packets: 0, bytes: 0, dropped: 0, elapsedUs: 1 };
    expect(liveNetTable(fact({ counters }))[1]).toMatch(/ 0 \(0 bytes\) +0 /);
  });
});

test('the table of the proof leaves out what nothing was measured for', () => {
  const measured = {
    packets: 57,
    bytes: 5_700,
    dropped: 0,
    roundTripsBefore: { sent: 0, lost: 0 },
    roundTripsDuring: { sent: 0, lost: 0 },
  };
  expect(netProofTable(measured).join('\n')).not.toContain('round trip');
  const peer = { ...measured, roundTripsDuring: { sent: 9, lost: 2, medianUs: 101_400 } };
  expect(netProofTable(peer).map((line) => line.trim().split(/\s{2,}/))).toEqual([
    ['before', 'during'],
    ['packets affected', '-', '57 (5.6Ki)'],
    ['dropped', '-', '0 (0%)'],
    ['round trip', '-', '101ms'],
    ['without answer', '-', '2 of 9'],
  ]);
});

test('the plan of a dry run says who is behind the names', () => {
  const { targets } = JSON.parse(renderPlan([plan(netRequest())], [], 'json')) as { targets: { peers: unknown }[] };
  expect(targets.map(({ peers }) => peers)).toEqual([{ to: ['10.0.0.7: 10.0.0.7'] }]);
});

test('a revert by the guardian is said', () => {
  expect(reverted(120, 'guardian')).toBe('reverted in 120ms by the guardian');
  expect(reverted(120, 'shim')).toBe('reverted in 120ms');
});

const apiVersion = 'kubectl-chaos.io/v1';
const reference = { namespace: 'shop', pod: 'web-7d4b9', container: 'app' };

describe('a net run', () => {
  test('off a terminal: whom it affects before it starts, and what it did', async () => {
    const stdout = new BufferOutput();
    const stderr = new BufferOutput();
    const reporter = new PlainReporter(stdout, stderr, false);
    for (const each of await netRun()) reporter.report(each);
    expect(stdout.text).toMatchSnapshot('stdout');
    expect(stderr.text).toMatchSnapshot('stderr');
  });

  test('as JSON: the plan, the counters, and the numbers of the verdict', async () => {
    const stdout = new BufferOutput();
    const reporter = new DocumentReporter(stdout, 'ndjson');
    for (const each of await netRun()) reporter.report(each);
    const documents = stdout.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const of = (kind: string) => documents.filter((document) => document.kind === kind);
    expect(of('net-planned')).toEqual([
      {
        apiVersion,
        kind: 'net-planned',
        target: reference,
        affected: expect.arrayContaining([expect.stringContaining('10.0.0.7')]),
        excluded: expect.any(Array),
        warnings: expect.any(Array),
        probe: { address: '10.0.0.7', port: 5432 },
      },
    ]);
    expect(of('net-sample').at(-1)).toMatchObject({
      left_ms: 0,
      counters: { packets: 1_200, bytes: 120_000, dropped: 0 },
      round_trip_us: 100_900,
    });
    expect(of('outcome')[0]).toMatchObject({
      targets: [{ verdict: { net: { packets: 1_200, round_trips_before: { sent: 5, lost: 0, median_us: 800 } } } }],
    });
  });
});
