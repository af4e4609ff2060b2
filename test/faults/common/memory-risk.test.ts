import { describe, expect, test } from 'vitest';
import { memoryRisk } from '../../../src/faults/common/memory-risk.ts';
import { estimateStress, memoryNeed, resolveStress } from '../../../src/faults/stress/plan.ts';
import type { StressRequest } from '../../../src/faults/stress/types.ts';
import type { Sample } from '../../../src/shim/protocol.ts';
import { MiB, requestFor, resolved, sample, target } from '../../fakes/samples.ts';

function riskOf(asked: Partial<StressRequest>, change: Partial<Sample> = {}) {
  return memoryRisk(memoryNeed(estimateStress(resolveStress(requestFor(asked).fault, target()))), sample(0, 0, change));
}

/** In a container with 128 MiB of which 40 are in use: 88 are free. */
function risk(mebibytes: number, oomVictim: 'stressor' | 'app' = 'stressor', change: Partial<Sample> = {}) {
  return riskOf({ memory: { bytes: mebibytes * MiB }, oomVictim }, change);
}

describe('the memory that a stress takes, against what is free', () => {
  test('none while it fits with what stress-ng takes for itself', () => {
    // 4.5 MiB, and a page table for each 512 pages.
    expect(risk(83).kind).toBe('none');
    expect(risk(84)).toEqual({
      kind: 'warning',
      message:
        'the memory limit may be exceeded: 84Mi of memory asked for and about 4.7Mi for stress-ng itself, 40Mi in use, limit 128Mi; the OOM killer would kill the stressor first',
    });
  });

  test('80% of 64Mi fit into a container that uses little', () => {
    const small = { memoryLimitBytes: 64 * MiB, memoryCurrentBytes: 1.6 * MiB };
    expect(risk(51.2, 'stressor', small).kind).toBe('none');
    expect(risk(59, 'stressor', small).kind).toBe('warning');
  });

  describe('one CPU worker in a container of 16Mi that is nearly full', () => {
    const full = { memoryLimitBytes: 16 * MiB, memoryCurrentBytes: 15 * MiB };
    const cpu = { cpu: { workers: 1, loadPercent: 100 } };

    test('is warned of', () => {
      expect(riskOf(cpu, full)).toEqual({
        kind: 'warning',
        message:
          'the memory limit will be exceeded: about 6Mi for stress-ng itself, 15Mi in use, limit 16Mi; the OOM killer will kill the stressor first, repeatedly',
      });
    });

    test('is refused where the whole container would die, unless that is asked for', () => {
      const group = { ...full, memoryOomGroup: 1 };
      expect(riskOf(cpu, group)).toEqual({
        kind: 'refusal',
        message:
          'this would kill the whole container: about 6Mi for stress-ng itself, 15Mi in use, limit 16Mi, and memory.oom.group is set, so the OOM killer takes every process of the container at once',
        hint: "Not even the stressor itself fits: say --oom-victim app if the container's death is what you want to see.",
      });
      expect(riskOf({ ...cpu, oomVictim: 'app' }, group).kind).toBe('warning');
    });

    test('is a matter of may where it is a near thing, and of nothing where it fits', () => {
      expect(riskOf(cpu, { ...full, memoryCurrentBytes: 11 * MiB })).toMatchObject({
        message: expect.stringMatching(/^the memory limit may be exceeded/),
      });
      expect(riskOf(cpu, { ...full, memoryCurrentBytes: 10 * MiB }).kind).toBe('none');
    });
  });

  test.each<[string, Partial<StressRequest>]>([
    ['processes', { processes: 4 }],
    ['stressors of the user', { stressNgArgs: ['--switch', '4'] }],
  ])('counts for %s', (_what, asked) => {
    expect(riskOf(asked, { memoryCurrentBytes: 127 * MiB }).kind).toBe('warning');
    expect(riskOf(asked).kind).toBe('none');
  });

  test('without a flag for it a refusal says what else would do', () => {
    const need = { ownBytes: 5 * MiB, victim: 'stressor' as const };
    expect(memoryRisk(need, sample(0, 0, { memoryOomGroup: 1, memoryCurrentBytes: 127 * MiB }))).toMatchObject({
      hint: 'Not even the stressor itself fits: choose a container with a higher memory limit, or use fewer workers.',
    });
  });

  test('page cache that can be dropped counts as free', () => {
    expect(risk(110, 'stressor', { memoryInactiveFileBytes: 30 * MiB }).kind).toBe('none');
  });

  test.each<[string, Partial<Sample>]>([
    ['unlimited on v2', { memoryLimitBytes: -1 }],
    ['unlimited on v1', { memoryLimitBytes: 2 ** 63 - 4_096 }],
  ])('none when %s', (_name, change) => {
    expect(risk(10_000, 'stressor', change).kind).toBe('none');
  });

  test('none when the kernel does not report', () => {
    const { memoryCurrentBytes: _gone, ...unknown } = sample(0);
    const fault = estimateStress(resolveStress(requestFor({ memory: { bytes: 999 * MiB } }).fault, target()));
    expect(memoryRisk(memoryNeed(fault), unknown).kind).toBe('none');
  });

  test('a warning says the sum and who is killed', () => {
    expect(risk(120)).toEqual({
      kind: 'warning',
      message:
        'the memory limit will be exceeded: 120Mi of memory asked for and about 4.7Mi for stress-ng itself, 40Mi in use, limit 128Mi; the OOM killer will kill the stressor first, repeatedly',
    });
    expect(risk(120, 'app')).toMatchObject({
      kind: 'warning',
      message: expect.stringContaining('a process of the application will be killed (--oom-victim app)'),
    });
  });

  test('a refusal where the whole container would die', () => {
    expect(risk(120, 'stressor', { memoryOomGroup: 1 })).toMatchObject({
      kind: 'refusal',
      message: expect.stringContaining('memory.oom.group is set'),
      hint: "Ask for at most 83Mi, or say --oom-victim app if the container's death is what you want to see.",
    });
    // What the hint says must then be taken.
    expect(risk(83, 'stressor', { memoryOomGroup: 1 }).kind).toBe('none');
  });

  test('a refusal with nothing free suggests no amount', () => {
    const full = { memoryOomGroup: 1, memoryCurrentBytes: 127 * MiB };
    expect(risk(10, 'stressor', full)).toMatchObject({
      hint: expect.stringMatching(/^Nothing is free: say --oom-victim/),
    });
  });

  test('with swap nobody is killed for what swap takes', () => {
    const swap = { memoryOomGroup: 1, memorySwapRoomBytes: 64 * MiB, swapFreeBytes: 2 ** 33 };
    expect(risk(120, 'stressor', swap)).toEqual({
      kind: 'warning',
      message:
        'the memory limit will be exceeded: 120Mi of memory asked for and about 4.7Mi for stress-ng itself, 40Mi in use, limit 128Mi; what exceeds it will be swapped out (64Mi of swap are free)',
    });
    expect(risk(148, 'stressor', swap).kind).toBe('refusal');
    // An unlimited cgroup on a node without swap.
    const none = { memoryOomGroup: 1, memorySwapRoomBytes: -1, swapFreeBytes: 0 };
    expect(risk(120, 'stressor', none).kind).toBe('refusal');
    expect(risk(120, 'stressor', { ...none, swapFreeBytes: 2 ** 33 }).kind).toBe('warning');
  });

  describe('with memory.high at 140Mi and a limit of 200', () => {
    const high = {
      ...{ memoryLimitBytes: 200 * MiB, memoryRoomBytes: 160 * MiB },
      ...{ memoryHighBytes: 140 * MiB, memoryHighRoomBytes: 100 * MiB, swapFreeBytes: 0 },
    };
    const exceeded = (mebibytes: number, own: number) =>
      `memory.high will be exceeded: ${mebibytes}Mi of memory asked for and about ${own}Mi for stress-ng itself, 40Mi in use, memory.high 140Mi; from there on the kernel throttles the container, and less memory than requested may be used`;

    test('none below it', () => {
      expect(risk(95, 'stressor', high).kind).toBe('none');
      expect(risk(96, 'stressor', high)).toMatchObject({
        message: expect.stringMatching(/^memory.high may be exceeded/),
      });
    });

    test('a warning above it', () => {
      expect(risk(120, 'stressor', high)).toEqual({ kind: 'warning', message: exceeded(120, 4.7) });
      expect(risk(120, 'stressor', { ...high, memoryLimitBytes: -1, memoryRoomBytes: -1 }).kind).toBe('warning');
    });

    test('above the limit, which may be met in the end', () => {
      expect(risk(190, 'stressor', high)).toEqual({
        kind: 'warning',
        message: `${exceeded(190, 4.9)}; if the limit of 200Mi is reached anyway, the OOM killer will kill the stressor first, repeatedly`,
      });
      expect(risk(190, 'stressor', { ...high, memoryOomGroup: 1 }).kind).toBe('refusal');
    });

    test('what is too much for it is swapped where there is swap', () => {
      expect(risk(190, 'stressor', { ...high, swapFreeBytes: 2 ** 33 })).toMatchObject({
        kind: 'warning',
        message: expect.stringContaining('the kernel throttles the container or swaps it'),
      });
    });
  });

  test('a limit above the container that others have nearly used', () => {
    expect(risk(30, 'stressor', { memoryRoomBytes: 20 * MiB })).toEqual({
      kind: 'warning',
      message:
        'the memory limit will be exceeded: 30Mi of memory asked for and about 4.6Mi for stress-ng itself, 40Mi in use, limit 128Mi, of which, with all that shares the limits, 20Mi are free; the OOM killer will kill the stressor first, repeatedly',
    });
  });

  test("what the target has allocated between two of the counters is nobody else's use", () => {
    expect(risk(120, 'stressor', { memoryRoomBytes: 88 * MiB - 4_096 })).toMatchObject({
      message: expect.stringContaining('40Mi in use, limit 128Mi; the OOM killer'),
    });
  });

  test('what is certain leaves out the page cache that the kernel takes back', () => {
    expect(risk(100, 'stressor', { memoryActiveFileBytes: 20 * MiB })).toMatchObject({
      message: expect.stringMatching(/^the memory limit may be exceeded: .*would kill the stressor first$/),
    });
  });

  test("the pod's limit is called so", () => {
    const need = { ownBytes: 6 * MiB, victim: 'stressor' as const };
    const full = sample(0, 0, { memoryLimitLevel: 1, memoryRoomBytes: 5 * MiB });
    expect(memoryRisk(need, full, resolved())).toMatchObject({
      message: expect.stringContaining("the pod's limit 128Mi, of which"),
    });
  });

  test('no refusal when the death of the container is asked for', () => {
    expect(risk(120, 'app', { memoryOomGroup: 1 })).toMatchObject({
      kind: 'warning',
      message: expect.stringContaining('every process of the container will be killed at once'),
    });
  });
});
