import { describe, expect, test } from 'vitest';
import type { Seen } from '../../../src/faults/fault.ts';
import { measurePause } from '../../../src/faults/pause/measure.ts';
import type { PauseFault } from '../../../src/faults/pause/types.ts';
import { judgePause } from '../../../src/faults/pause/verdict.ts';
import { liveRow, proofRows } from '../../../src/faults/pause/view.ts';
import type { Sample } from '../../../src/shim/protocol.ts';
import { ended, sample, target } from '../../fakes/samples.ts';

const whole: PauseFault = { fault: 'pause', atRisk: [] };
const some: PauseFault = { fault: 'pause', match: '*worker*', atRisk: [] };

const frozen = (seconds: number, usedUs: number, change: Partial<Sample> = {}) =>
  sample(seconds, 0, { pauseAsked: 1, pauseFrozen: 1, pauseUsageUs: usedUs, ...change });
const goes = (seconds: number, usedUs: number) => frozen(seconds, usedUs, { pauseAsked: 0, pauseFrozen: 0 });
const stopped = (seconds: number, change: Partial<Sample> = {}) =>
  sample(seconds, 0, {
    ...{
      pauseStopped: 3,
      pauseWaiting: 0,
      pauseRunning: 0,
      pauseEnded: 0,
      pauseRanUs: 0,
      pauseBefore: 0,
      pauseMissed: 0,
    },
    ...change,
  });
const seen = (change: Partial<Seen>): Seen => ({
  before: [],
  during: [],
  output: [],
  differs: [],
  isFound: false,
  ...change,
});
const judged = (fault: PauseFault, change: Partial<Seen>) => {
  const { effective, unmeasured, proofs } = judgePause(fault, seen(change));
  return { effective, unmeasured, sentence: proofs[0]?.sentence };
};

describe('of the whole container', () => {
  const before = [goes(0, 0), goes(1, 310_000)];
  const during = [frozen(2, 400_000), frozen(3, 400_000), frozen(4, 400_000)];
  const after = goes(5, 400_000);

  test('effective: it stood still in every sample, used nothing, and goes on', () => {
    expect(judged(whole, { before, during, after, ended: ended({ reason: 'deadline' }) })).toEqual({
      effective: true,
      unmeasured: undefined,
      sentence:
        'Asked for a pause of the whole container: all of it stood still in 3 of 3 samples; its CPU 0.31 → 0.00 cores; it goes on afterwards',
    });
  });

  test('without effect: one sample in which a part of it went on', () => {
    const { effective, sentence } = judged(whole, {
      before,
      during: [...during, frozen(5, 400_000, { pauseFrozen: 0 })],
      after,
    });
    expect(effective).toBe(false);
    expect(sentence).toContain('stood still in 3 of 4 samples');
  });

  test('a sample that says nothing of it, taken while it was being undone, does not count', () => {
    const { effective, sentence } = judged(whole, { before, during: [...during, sample(5)], after });
    expect(effective).toBe(true);
    expect(sentence).toContain('stood still in 3 of 3 samples');
  });

  test('without effect: it used CPU, whatever the kernel says', () => {
    const { effective, sentence } = judged(whole, { before, during: [frozen(2, 400_000), frozen(3, 500_000)], after });
    expect(effective).toBe(false);
    expect(sentence).toContain('0.31 → 0.10 cores');
  });

  test('without effect: somebody else has thawed it', () => {
    const { effective, sentence } = judged(whole, { before, during, after, ended: ended({ reason: 'overwritten' }) });
    expect(effective).toBe(false);
    expect(sentence).toContain('somebody else has thawed it');
  });

  test('the target has ended: it does not go on, whatever the switch of a cgroup that is gone says', () => {
    const { effective, sentence } = judged(whole, { before, during, after, ended: ended({ reason: 'target-gone' }) });
    expect(effective).toBe(true);
    expect(sentence).toContain('; its first process was ended meanwhile, so that it does not go on');
    expect(sentence).not.toContain('afterwards');
  });

  test.each([
    ['the samples', 1, {}],
    ['the end', 0, { oomKills: 1 }],
  ])('effective although the OOM killer has ended a process of it, which is said: by %s', (_by, counted, how) => {
    const killed = [frozen(2, 400_000, { memoryOomKills: 4 }), frozen(3, 500_000, { memoryOomKills: 4 + counted })];
    const { effective, sentence } = judged(whole, {
      ...{ before, during: killed, after },
      ended: ended({ reason: 'deadline', ...how }),
    });
    expect(effective).toBe(true);
    expect(sentence).toContain('; the OOM killer ended 1 process of it meanwhile; it goes on afterwards');
  });

  test('a CPU time that nobody counts is said', () => {
    const uncounted = during.map(({ pauseUsageUs: _none, ...rest }) => rest);
    const { effective, sentence } = judged(whole, { during: uncounted });
    expect(effective).toBe(true);
    expect(sentence).toBe(
      'Asked for a pause of the whole container: all of it stood still in 3 of 3 samples; its CPU time was not counted',
    );
  });

  test('not measured: no sample', () => {
    expect(judged(whole, { before, after })).toEqual({
      effective: false,
      unmeasured: true,
      sentence: 'Asked for a pause of the whole container: no sample was taken while it was in force',
    });
  });

  test('afterwards it stands still by somebody else', () => {
    expect(judged(whole, { before, during, after: frozen(5, 400_000) }).sentence).toContain(
      'stands still afterwards, by somebody else',
    );
  });
});

describe('of some processes', () => {
  test('effective', () => {
    expect(
      judged(some, { during: [stopped(1), stopped(2)], after: stopped(3, { pauseStopped: 0, pauseRunning: 3 }) }),
    ).toEqual({
      effective: true,
      unmeasured: undefined,
      sentence:
        'Asked for a pause of the processes "*worker*": 3 processes stood still in 2 of 2 samples; their CPU 0.00 cores; it goes on afterwards',
    });
  });

  test('effective: one that waits in the kernel goes no further either', () => {
    expect(judged(some, { during: [stopped(1), stopped(2, { pauseStopped: 2, pauseWaiting: 1 })] }).effective).toBe(
      true,
    );
  });

  test('without effect from when one was continued on', () => {
    const during = [stopped(1), stopped(2, { pauseStopped: 2, pauseRunning: 1, pauseRanUs: 900_000 })];
    const { effective, sentence } = judged(some, { during });
    expect(effective).toBe(false);
    expect(sentence).toContain('1 of 2 samples; their CPU 0.90 cores; 1 continued by somebody else');
  });

  test('without effect: there were too many', () => {
    const { effective, sentence } = judged(some, { during: [stopped(1), stopped(2, { pauseMissed: 7 })] });
    expect(effective).toBe(false);
    expect(sentence).toContain('7 not reached');
  });

  test('without effect: all that had been stopped have ended, which is no standing still', () => {
    const { effective, sentence } = judged(some, {
      during: [stopped(1), stopped(2, { pauseStopped: 0, pauseEnded: 3 })],
    });
    expect(effective).toBe(false);
    expect(sentence).toContain('in 1 of 2 samples');
  });

  test('who ended, and who had been stopped before, is said', () => {
    const { effective, sentence } = judged(some, {
      during: [stopped(1, { pauseBefore: 2 }), stopped(2, { pauseStopped: 2, pauseEnded: 1, pauseBefore: 2 })],
    });
    expect(effective).toBe(true);
    expect(sentence).toContain('1 ended meanwhile; 2 stopped before, and left alone');
  });
});

test('the rows', () => {
  const measured = measurePause(
    seen({ before: [goes(0, 0), goes(1, 310_000)], during: [frozen(2, 0), frozen(3, 0)], after: goes(4, 0) }),
  );
  expect(measured && proofRows(measured).rows).toEqual([
    ['stands still', 'no', '2 of 2 samples', 'no'],
    ['CPU', '0.31 cores', '0.00 cores', '-'],
  ]);
  const ofSome = measurePause(seen({ during: [stopped(1, { pauseBefore: 1 }), stopped(2, { pauseBefore: 1 })] }));
  expect(ofSome && proofRows(ofSome).rows).toEqual([
    ['stands still', '1 process', '3 of 3 processes', '-'],
    ['CPU', '-', '0.00 cores', '-'],
  ]);
});

test('the live row', () => {
  expect(liveRow(target(), frozen(1, 0), frozen(2, 0)).row.slice(1)).toEqual(['stands still', 'all', '0.00 cores']);
  expect(liveRow(target(), goes(1, 0), goes(2, 250_000)).row.slice(1)).toEqual(['goes on', 'all', '0.25 cores']);
  expect(liveRow(target(), stopped(1), stopped(2, { pauseStopped: 2, pauseRunning: 1 })).row.slice(1)).toEqual([
    'goes on',
    '2 of 3',
    '0.00 cores',
  ]);
  expect(liveRow(target(), sample(1), sample(2)).row.slice(1)).toEqual(['-', 'all', '-']);
});
