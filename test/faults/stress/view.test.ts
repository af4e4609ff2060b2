import { describe, expect, test } from 'vitest';
import { liveRow, proofRows, type StressSample } from '../../../src/faults/stress/view.ts';
import { proofTable } from '../../../src/terminal/table.ts';
import { MiB, sample, target } from '../../fakes/samples.ts';
import { liveTable } from '../../terminal/live-table.ts';

function fact(change: Partial<StressSample> = {}): StressSample {
  return {
    target: target(),
    before: [sample(0), sample(1, 0.02)],
    previous: sample(9, 0.99),
    sample: sample(10, 0.99, { cpuThrottledPeriods: 7 }),
    ...change,
  };
}

/** As it is shown with 38 seconds left. */
const shown = (of: StressSample) =>
  liveTable({ kind: 'sample', target: of.target, live: liveRow(of), leftMs: 38_400, document: { kind: 'sample' } }) ??
  [];

describe('the live table', () => {
  test('of a container with a limit', () => {
    expect(shown(fact())).toEqual([
      '  TARGET                CPU before → now    of limit   throttled   MEMORY   left',
      '  pod/web-7d4b9 (app)   0.02 → 0.99 cores   99%        70%         40Mi     38s',
    ]);
  });

  test('without a limit it is a share of the node', () => {
    const free = { cpuQuotaUs: -1 };
    const [head, row] = shown(fact({ previous: sample(9, 2, free), sample: sample(10, 2, free) }));
    expect(head).toContain('of node');
    expect(row).toContain('50%');
  });

  test('what is not known is a dash, not a zero', () => {
    const { nodeCores: _cores, ...unknown } = target();
    const bare = (seconds: number) => ({ elapsedUs: seconds * 1e6, cpuUsageUs: seconds * 5e5 });
    const [, row] = shown(fact({ target: unknown, before: [bare(0)], previous: bare(1), sample: bare(2) }));
    expect(row?.trim().split(/\s{2,}/)).toEqual(['pod/web-7d4b9 (app)', '- → 0.50 cores', '-', '-', '-', '38s']);
  });
});

describe('the proof table', () => {
  test('before, during, after; what the kernel does not report is left out', () => {
    expect(
      proofTable(
        proofRows({
          before: { seconds: 1, cpuCores: 0.02, throttledShare: 0, memoryBytes: 40 * MiB, oomKills: 0, processes: 3 },
          during: {
            seconds: 9,
            cpuCores: 0.99,
            throttledShare: 0.9,
            memoryBytes: 90 * MiB,
            oomKills: 2,
            processes: 5,
            cpuPressure: 0.4,
            ioPressure: 0.001,
          },
          after: { memoryBytes: 41 * MiB, processes: 3 },
        }),
      ),
    ).toEqual([
      '                 before          during            after',
      '  CPU            0.02 cores      0.99 cores        -',
      '  throttled      0% of periods   90% of periods    -',
      '  memory         40Mi            90Mi              41Mi',
      '  OOM kills      0               2                 -',
      '  processes      3               5                 3',
      '  CPU pressure   -               40% of the time   -',
    ]);
  });

  test('without a measurement there is none', () => {
    expect(proofTable(proofRows({}))).toEqual([]);
  });
});
