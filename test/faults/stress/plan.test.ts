import { describe, expect, test } from 'vitest';
import { describeStress, neededControllers, resolveStress, stressNgCommand } from '../../../src/faults/stress/plan.ts';
import type { StressRequest } from '../../../src/faults/stress/types.ts';
import { GiB, MiB, request, requestFor, target } from '../../fakes/samples.ts';

const cpu = (workers: number, loadPercent = 100) => requestFor({ cpu: { workers, loadPercent } }).fault;
const only = (stress: Partial<StressRequest>) => requestFor(stress).fault;
const vm = (bytes: number) => `--vm 1 --vm-bytes ${bytes} --vm-keep --vm-hang 0 --vm-method zero-one`;

describe('the command of stress-ng', () => {
  test.each<[what: string, asked: StressRequest, args: string, sentence: string]>([
    ['CPU', cpu(2), '--cpu 2 --cpu-load 100', '2 busy CPUs'],
    ['one CPU', cpu(1), '--cpu 1 --cpu-load 100', '1 busy CPU'],
    ['partial CPU', cpu(3, 40), '--cpu 3 --cpu-load 40 --cpu-load-slice 50', '3 busy CPUs at 40%'],
    ['memory', only({ memory: { bytes: 100 * MiB } }), vm(104_857_600), '100Mi of memory'],
    ['one process', only({ processes: 1 }), '--fork 1', 'fork pressure by 1 worker'],
    ['processes', only({ processes: 8 }), '--fork 8', 'fork pressure by 8 workers'],
    ['its own arguments', only({ stressNgArgs: ['--switch', '4'] }), '--switch 4', 'stress-ng --switch 4'],
    [
      'everything',
      { ...cpu(2), memory: { bytes: MiB }, processes: 3, stressNgArgs: ['--timer', '1'] },
      `--cpu 2 --cpu-load 100 ${vm(MiB)} --fork 3 --timer 1`,
      '2 busy CPUs, 1Mi of memory, fork pressure by 3 workers and stress-ng --timer 1',
    ],
  ])('%s', (_what, asked, args, sentence) => {
    const fault = resolveStress(asked, target());
    expect(stressNgCommand(fault, 60_000).join(' ')).toBe(`stress-ng --timeout 65s ${args}`);
    expect(describeStress(fault)).toBe(sentence);
  });

  test('its own time-out lies behind the deadline of the shim, in whole seconds', () => {
    expect(stressNgCommand(resolveStress(cpu(1), target()), 1_001).slice(1, 3)).toEqual(['--timeout', '7s']);
  });

  test('what the user passed on stays one word each', () => {
    const asked = only({ stressNgArgs: ['--exec-method', 'a b; rm -rf /', '$(HOME)'] });
    expect(stressNgCommand(resolveStress(asked, target()), 1_000).slice(3)).toEqual([
      '--exec-method',
      'a b; rm -rf /',
      '$(HOME)',
    ]);
  });
});

describe('a percentage of memory', () => {
  const percent = only({ memory: { percent: 80 } });

  test("is of the container's limit where there is one", () => {
    expect(resolveStress(percent, target({ memoryLimitBytes: 128 * MiB })).memory).toEqual({
      bytes: 107_374_182,
      basis: "80% of the container's limit, 128Mi",
    });
  });

  test("is of the node's allocatable memory without a limit, and says so", () => {
    const { memoryLimitBytes: _limit, ...unlimited } = target({ nodeAllocatableMemoryBytes: 8 * GiB });
    expect(resolveStress(percent, unlimited).memory).toEqual({
      bytes: 6_871_947_673,
      basis: "80% of the node's allocatable memory, the container has no limit, 8Gi",
    });
  });

  test('is refused when neither is known, with what would work', () => {
    const { memoryLimitBytes: _limit, nodeAllocatableMemoryBytes: _node, ...unknown } = target();
    expect(() => resolveStress(percent, unknown)).toThrow(
      expect.objectContaining({
        code: 'target-unsuitable',
        message:
          '--memory 80%: the size cannot be computed: container app has no memory limit, and you are not allowed to get node node-3',
        hint: expect.stringContaining('--memory 512Mi'),
      }),
    );
  });

  test('bytes need neither', () => {
    const { memoryLimitBytes: _limit, nodeAllocatableMemoryBytes: _node, ...unknown } = target();
    expect(resolveStress(only({ memory: { bytes: 7 } }), unknown).memory).toEqual({ bytes: 7 });
  });
});

test('CPU load is counted in cores', () => {
  expect(resolveStress(cpu(3, 50), target()).cpu?.cores).toBe(1.5);
});

test('pids must be joined for fork pressure only', () => {
  expect(neededControllers(resolveStress(request().fault, target()))).toEqual(['cpu', 'cpuacct', 'memory']);
  expect(neededControllers(resolveStress(only({ processes: 1 }), target()))).toContain('pids');
});
