import { describe, expect, test } from 'vitest';
import { memoryRisk } from '../../../src/faults/stress/memory-risk.ts';
import { resolveStress } from '../../../src/faults/stress/plan.ts';
import type { Sample } from '../../../src/shim/protocol.ts';
import { MiB, request, requestFor, sample, target } from '../../fakes/samples.ts';

/** In a container with 128 MiB of which 40 are in use; 16 are for the stressor itself: 72 are free. */
function risk(mebibytes: number, oomVictim: 'stressor' | 'app' = 'stressor', change: Partial<Sample> = {}) {
  const asked = requestFor({ memory: { bytes: mebibytes * MiB }, oomVictim }).fault;
  return memoryRisk(resolveStress(asked, target()), sample(0, 0, change));
}

describe('memoryRisk', () => {
  test('none while it fits, to the byte', () => {
    expect(risk(72).kind).toBe('none');
    expect(risk(72 + 1 / MiB).kind).toBe('warning');
  });

  test('page cache that can be dropped counts as free', () => {
    expect(risk(100, 'stressor', { memoryInactiveFileBytes: 30 * MiB }).kind).toBe('none');
  });

  test.each<[string, Partial<Sample>]>([
    ['unlimited on v2', { memoryLimitBytes: -1 }],
    ['unlimited on v1', { memoryLimitBytes: 2 ** 63 - 4_096 }],
  ])('none when %s', (_name, change) => {
    expect(risk(10_000, 'stressor', change).kind).toBe('none');
  });

  test('none when the kernel does not report, or no memory is asked for', () => {
    const { memoryCurrentBytes: _gone, ...unknown } = sample(0);
    const fault = resolveStress(requestFor({ memory: { bytes: 999 * MiB } }).fault, target());
    expect(memoryRisk(fault, unknown).kind).toBe('none');
    expect(memoryRisk(resolveStress(request().fault, target()), sample(0)).kind).toBe('none');
  });

  test('a warning says the sum and who is killed', () => {
    expect(risk(120)).toEqual({
      kind: 'warning',
      message:
        'the memory limit will be exceeded: 120Mi of memory asked for, 40Mi in use, limit 128Mi; the OOM killer will kill the stressor first, repeatedly',
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
      hint: "Ask for at most 72Mi, or say --oom-victim app if the container's death is what you want to see.",
    });
    // What the hint says must then be taken.
    expect(risk(72, 'stressor', { memoryOomGroup: 1 }).kind).toBe('none');
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
        'the memory limit will be exceeded: 120Mi of memory asked for, 40Mi in use, limit 128Mi; what exceeds it will be swapped out (64Mi of swap are free)',
    });
    expect(risk(137, 'stressor', swap).kind).toBe('refusal');
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
    const exceeded = (mebibytes: number) =>
      `memory.high will be exceeded: ${mebibytes}Mi of memory asked for, 40Mi in use, memory.high 140Mi; from there on the kernel throttles the container, and less memory than requested may be used`;

    test('none below it, to the byte', () => {
      expect(risk(84, 'stressor', high).kind).toBe('none');
      expect(risk(84 + 1 / MiB, 'stressor', high).kind).toBe('warning');
    });

    test('a warning above it', () => {
      expect(risk(120, 'stressor', high)).toEqual({ kind: 'warning', message: exceeded(120) });
      expect(risk(120, 'stressor', { ...high, memoryLimitBytes: -1, memoryRoomBytes: -1 }).kind).toBe('warning');
    });

    test('above the limit, which may be met in the end', () => {
      expect(risk(190, 'stressor', high)).toEqual({
        kind: 'warning',
        message: `${exceeded(190)}; if the limit of 200Mi is reached anyway, the OOM killer will kill the stressor first, repeatedly`,
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
        'the memory limit will be exceeded: 30Mi of memory asked for, 40Mi in use, limit 128Mi, of which, with all that shares the limits, 20Mi are free; the OOM killer will kill the stressor first, repeatedly',
    });
  });

  test('no refusal when the death of the container is asked for', () => {
    expect(risk(120, 'app', { memoryOomGroup: 1 })).toMatchObject({
      kind: 'warning',
      message: expect.stringContaining('every process of the container will be killed at once'),
    });
  });
});
