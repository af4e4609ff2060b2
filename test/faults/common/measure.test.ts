import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cpuLimitCores } from '../../../src/faults/common/ceiling.ts';
import { measure } from '../../../src/faults/common/measure.ts';
import { memoryLimitBytes, workingSet } from '../../../src/faults/common/memory.ts';
import type { Sample } from '../../../src/shim/protocol.ts';
import { MiB, sample } from '../../fakes/samples.ts';

describe('measure', () => {
  test('on v2, with pressure', () => {
    const from = sample(0, 0, {
      cpuSomeUs: 100,
      memorySomeUs: 0,
      ioSomeUs: 0,
      ioReadBytes: 1_000,
      ioWriteBytes: 0,
    });
    const to = sample(10, 0.5, {
      cpuThrottledPeriods: 25,
      cpuThrottledUs: 2_000_000,
      memoryCurrentBytes: 90 * MiB,
      memoryInactiveFileBytes: 10 * MiB,
      memoryOomKills: 2,
      pidsCurrent: 9,
      cpuSomeUs: 4_000_100,
      memorySomeUs: 1_000_000,
      ioSomeUs: 0,
      ioReadBytes: 3_000,
      ioWriteBytes: 500,
    });
    expect(measure(from, to)).toEqual({
      seconds: 10,
      cpuCores: 0.5,
      throttledShare: 0.25,
      throttledSeconds: 2,
      memoryBytes: 80 * MiB,
      oomKills: 2,
      processes: 9,
      ioBytes: 2_500,
      cpuPressure: expect.closeTo(0.4, 9),
      memoryPressure: expect.closeTo(0.1, 9),
      ioPressure: 0,
    });
  });

  test('on v1: what the kernel does not report is absent, not zero', () => {
    const v1 = (seconds: number, cores: number): Sample => ({
      elapsedUs: seconds * 1e6,
      cpuUsageUs: seconds * cores * 1e6,
      memoryCurrentBytes: MiB,
    });
    expect(measure(v1(1, 2), v1(3, 2))).toEqual({ seconds: 2, cpuCores: 2, memoryBytes: MiB });
  });

  test('no enforcement period in between is no throttling', () => {
    const periods = { cpuPeriods: 7, cpuThrottledPeriods: 7 };
    expect(measure(sample(0, 0, periods), sample(1, 0, periods))?.throttledShare).toBe(0);
  });

  test('a counter that was reset grew by nothing', () => {
    const reset = measure(sample(0, 0, { cpuUsageUs: 9e9, memoryOomKills: 5 }), sample(1, 0, { memoryOomKills: 0 }));
    expect(reset).toMatchObject({ cpuCores: 0, oomKills: 0 });
  });

  test('no time between is no measurement', () => {
    expect(measure(sample(1), sample(1))).toBeUndefined();
    expect(measure(sample(2), sample(1))).toBeUndefined();
  });

  test('never yields a number that is none, nor a negative one', () => {
    const counter = fc.option(fc.nat(), { nil: undefined });
    const any = fc
      .record({
        elapsedUs: fc.nat(),
        cpuUsageUs: counter,
        cpuPeriods: counter,
        cpuThrottledPeriods: counter,
        memoryCurrentBytes: counter,
        memoryInactiveFileBytes: counter,
        ioWriteBytes: counter,
      })
      .map((fields) => JSON.parse(JSON.stringify(fields)) as Sample);
    fc.assert(
      fc.property(any, any, (from, to) =>
        Object.values(measure(from, to) ?? {}).every((value) => Number.isFinite(value) && value >= 0),
      ),
    );
  });
});

test('the working set is without the file cache that reclaim takes first, and never negative', () => {
  expect(workingSet(sample(0, 0, { memoryCurrentBytes: 10, memoryInactiveFileBytes: 4 }))).toBe(6);
  expect(workingSet(sample(0, 0, { memoryCurrentBytes: 4, memoryInactiveFileBytes: 10 }))).toBe(0);
  expect(workingSet({ elapsedUs: 1 })).toBeUndefined();
});

test.each<[Partial<Sample>, number | undefined]>([
  [{ cpuQuotaUs: 150_000, cpuPeriodUs: 100_000 }, 1.5],
  [{ cpuQuotaUs: -1, cpuPeriodUs: 100_000 }, undefined],
  [{ cpuQuotaUs: 0, cpuPeriodUs: 100_000 }, undefined],
  [{ cpuQuotaUs: 1, cpuPeriodUs: 0 }, undefined],
])('the CPU limit of %j is %j', (fields, cores) => {
  expect(cpuLimitCores({ elapsedUs: 1, ...fields })).toBe(cores);
  expect(cpuLimitCores({ elapsedUs: 1 })).toBeUndefined();
});

test.each<[number, number | undefined]>([
  [MiB, MiB],
  [0, 0],
  [-1, undefined],
  [2 ** 63 - 4_096, undefined],
])('the memory limit %d is %j', (limit, bytes) => {
  expect(memoryLimitBytes({ elapsedUs: 1, memoryLimitBytes: limit })).toBe(bytes);
});
