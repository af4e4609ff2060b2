import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cpuLimitCores, measure } from '../../../src/faults/common/measure.ts';
import { memoryLimitBytes, workingSet } from '../../../src/faults/common/memory.ts';
import type { Sample } from '../../../src/shim/protocol.ts';
import { MiB, sample } from '../../fakes/samples.ts';

describe('measure', () => {
  test('on v2, with pressure', () => {
    const from = sample(0, 0, {
      cpu_some_us: 100,
      memory_some_us: 0,
      io_some_us: 0,
      io_read_bytes: 1_000,
      io_write_bytes: 0,
    });
    const to = sample(10, 0.5, {
      cpu_throttled_periods: 25,
      cpu_throttled_us: 2_000_000,
      memory_current_bytes: 90 * MiB,
      memory_inactive_file_bytes: 10 * MiB,
      memory_oom_kills: 2,
      pids_current: 9,
      cpu_some_us: 4_000_100,
      memory_some_us: 1_000_000,
      io_some_us: 0,
      io_read_bytes: 3_000,
      io_write_bytes: 500,
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

  test('on v1: what the kernel does not tell is absent, not zero', () => {
    const v1 = (seconds: number, cores: number): Sample => ({
      elapsed_us: seconds * 1e6,
      cpu_usage_us: seconds * cores * 1e6,
      memory_current_bytes: MiB,
    });
    expect(measure(v1(1, 2), v1(3, 2))).toEqual({ seconds: 2, cpuCores: 2, memoryBytes: MiB });
  });

  test('no enforcement period in between is no throttling', () => {
    const periods = { cpu_periods: 7, cpu_throttled_periods: 7 };
    expect(measure(sample(0, 0, periods), sample(1, 0, periods))?.throttledShare).toBe(0);
  });

  test('a counter that was reset grew by nothing', () => {
    const reset = measure(
      sample(0, 0, { cpu_usage_us: 9e9, memory_oom_kills: 5 }),
      sample(1, 0, { memory_oom_kills: 0 }),
    );
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
        elapsed_us: fc.nat(),
        cpu_usage_us: counter,
        cpu_periods: counter,
        cpu_throttled_periods: counter,
        memory_current_bytes: counter,
        memory_inactive_file_bytes: counter,
        io_write_bytes: counter,
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
  expect(workingSet(sample(0, 0, { memory_current_bytes: 10, memory_inactive_file_bytes: 4 }))).toBe(6);
  expect(workingSet(sample(0, 0, { memory_current_bytes: 4, memory_inactive_file_bytes: 10 }))).toBe(0);
  expect(workingSet({ elapsed_us: 1 })).toBeUndefined();
});

test.each<[Partial<Sample>, number | undefined]>([
  [{ cpu_quota_us: 150_000, cpu_period_us: 100_000 }, 1.5],
  [{ cpu_quota_us: -1, cpu_period_us: 100_000 }, undefined],
  [{ cpu_quota_us: 0, cpu_period_us: 100_000 }, undefined],
  [{ cpu_quota_us: 1, cpu_period_us: 0 }, undefined],
])('the CPU limit of %j is %j', (fields, cores) => {
  expect(cpuLimitCores({ elapsed_us: 1, ...fields })).toBe(cores);
  expect(cpuLimitCores({ elapsed_us: 1 })).toBeUndefined();
});

test.each<[number, number | undefined]>([
  [MiB, MiB],
  [0, 0],
  [-1, undefined],
  [2 ** 63 - 4_096, undefined],
])('the memory limit %d is %j', (limit, bytes) => {
  expect(memoryLimitBytes({ elapsed_us: 1, memory_limit_bytes: limit })).toBe(bytes);
});
