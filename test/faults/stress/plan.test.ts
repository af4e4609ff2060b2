import { describe, expect, test } from 'vitest';
import {
  decideStress,
  describeStress,
  estimateStress,
  neededControllers,
  resolveStress,
  stressNgCommand,
} from '../../../src/faults/stress/plan.ts';
import type { StressRequest } from '../../../src/faults/stress/types.ts';
import type { Target } from '../../../src/ports.ts';
import { GiB, MiB, request, requestFor, resolved, sample, target } from '../../fakes/samples.ts';

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
    const fault = estimateStress(resolveStress(asked, target()));
    // Beside stressors of the user's, which may be about caches, the size of theirs is stress-ng's own.
    const cache = fault.stressNgArgs.length > 0 ? '' : '--cache-level 1 ';
    expect(stressNgCommand(fault, 60_000).join(' ')).toBe(`stress-ng --timeout 65s ${cache}${args}`);
    expect(describeStress(fault)).toBe(sentence);
  });

  test('its own time-out lies behind the deadline of the shim, in whole seconds', () => {
    expect(stressNgCommand(estimateStress(resolveStress(cpu(1), target())), 1_001).slice(1, 3)).toEqual([
      '--timeout',
      '7s',
    ]);
  });

  test('what the user passed on stays one word each', () => {
    const asked = only({ stressNgArgs: ['--exec-method', 'a b; rm -rf /', '$(HOME)'] });
    expect(stressNgCommand(estimateStress(resolveStress(asked, target())), 1_000).slice(3)).toEqual([
      '--exec-method',
      'a b; rm -rf /',
      '$(HOME)',
    ]);
  });
});

describe('a percentage of memory', () => {
  const percent = only({ memory: { percent: 80 } });
  const { memoryLimitBytes: _limit, ...unlimited } = target();

  test.each<[what: string, at: Target, memory: object]>([
    [
      "of the container's limit",
      target(),
      { percent: 80, estimate: { bytes: 107_374_182, basis: "80% of the container's limit, 128Mi" } },
    ],
    [
      "of the pod's limit, the container having none",
      { ...unlimited, podMemoryLimitBytes: GiB },
      { percent: 80, estimate: { bytes: 858_993_459, basis: "80% of the pod's limit, 1Gi" } },
    ],
    [
      'of the lower one',
      target({ podMemoryLimitBytes: 100 * MiB }),
      { percent: 80, estimate: { bytes: 83_886_080, basis: "80% of the pod's limit, 100Mi" } },
    ],
    [
      "of the node's memory without a limit",
      unlimited,
      { percent: 80, estimate: { bytes: 6_871_947_673, basis: "80% of the node's memory, 8Gi" } },
    ],
    ['of what only the shim can tell', withoutNode(unlimited), { percent: 80 }],
  ])('is estimated %s', (_what, at, memory) => {
    expect(resolveStress(percent, at).memory).toEqual(memory);
  });

  test('is summed up as what it is', () => {
    expect(describeStress(resolveStress(percent, target()))).toBe('80% of memory (about 102Mi)');
    expect(describeStress(resolveStress(percent, withoutNode(unlimited)))).toBe('80% of memory');
  });

  test('is decided by what the shim has read, whatever the API objects say', () => {
    const half = resolveStress(only({ memory: { percent: 50 } }), target({ memoryLimitBytes: 512 * MiB }));
    const at = { memoryLimitBytes: 256 * MiB, memoryLimitLevel: 1 };
    expect(decideStress(half, sample(0, 0, at), resolved())?.memory).toEqual({
      bytes: 128 * MiB,
      basis: "50% of the pod's limit, 256Mi",
    });
    expect(decideStress(half, { elapsedUs: 1 })).toBeUndefined();
  });

  test('is held in bytes as they are', () => {
    const bytes = resolveStress(only({ memory: { bytes: 7 } }), target());
    expect(bytes.memory).toEqual({ bytes: 7 });
    expect(decideStress(bytes, { elapsedUs: 1 })?.memory).toEqual({ bytes: 7 });
  });
});

function withoutNode({ nodeMemoryBytes: _bytes, ...rest }: Target): Target {
  return rest;
}

test('CPU load is counted in cores', () => {
  expect(resolveStress(cpu(3, 50), target()).cpu?.cores).toBe(1.5);
});

test('pids must be joined for fork pressure only', () => {
  expect(neededControllers(resolveStress(request().fault, target()))).toEqual(['cpu', 'cpuacct', 'memory']);
  expect(neededControllers(resolveStress(only({ processes: 1 }), target()))).toContain('pids');
});
