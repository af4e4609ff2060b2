import { describe, expect, test } from 'vitest';
import { limitsAbove, tighterLimits } from '../../../src/faults/io/limits.ts';
import type { IoLimits } from '../../../src/shim/protocol.ts';
import { MiB, pathEvent, pathFacts } from '../../fakes/samples.ts';

function limits(change: Partial<IoLimits> = {}): IoLimits {
  const none = { readBytesPerS: -1, writeBytesPerS: -1, readOpsPerS: -1, writeOpsPerS: -1 };
  return { cgroup: '/kubepods/pod', own: false, ...none, ...change };
}

describe('tighterLimits', () => {
  test('the tightest of all levels, for each way that is asked for', () => {
    const there = [
      limits({ cgroup: '/a/b', writeBytesPerS: 20 * MiB, readOpsPerS: 5 }),
      limits({ cgroup: '/a', writeBytesPerS: 10 * MiB, writeOpsPerS: 1 }),
    ];
    expect(tighterLimits({ writeBytesPerSecond: 50 * MiB, readOpsPerSecond: 100 }, there)).toEqual([
      { own: false, limit: '10Mi/s written', cgroup: 'cgroup /a' },
      { own: false, limit: '5 reads/s', cgroup: 'cgroup /a/b' },
    ]);
  });

  test('as tight counts, to the byte', () => {
    const there = [limits({ writeBytesPerS: 10 * MiB })];
    expect(tighterLimits({ writeBytesPerSecond: 10 * MiB }, there)).toHaveLength(1);
    expect(tighterLimits({ writeBytesPerSecond: 10 * MiB - 1 }, there)).toEqual([]);
    expect(tighterLimits({ readBytesPerSecond: 10 * MiB }, there)).toEqual([]);
  });

  test.each([
    ['/kubepods/burstable/pod1f2e3d4c-0a1b-4c2d-8e3f-0123456789ab', "the pod's cgroup"],
    ['/kubepods.slice/kubepods-pod1f2e3d4c_0a1b_4c2d_8e3f_0123456789ab.slice', "the pod's cgroup"],
    ['/kubelet.slice/kubelet-kubepods-pod0123456789abcdef0123456789abcdef.slice', "the pod's cgroup"],
    [`/kubepods.slice/pod.slice/cri-containerd-${'ab'.repeat(32)}.scope`, "the container's cgroup"],
    [`/kubepods/podx/${'0c'.repeat(32)}`, "the container's cgroup"],
    ['/kubepods.slice', 'cgroup /kubepods.slice'],
    ['/', 'cgroup /'],
  ])('%s is %s', (cgroup, name) => {
    expect(tighterLimits({ readOpsPerSecond: 9 }, [limits({ cgroup, readOpsPerS: 1 })])[0]?.cgroup).toBe(name);
  });
});

describe('limitsAbove', () => {
  const [first, last] = [[limits({ readOpsPerS: 1 })], [limits({ own: true }), limits({ readOpsPerS: 2 })]];

  test('as they were last seen, without the own', () => {
    const pathsDuring = [pathEvent(1, { ioLimits: first }), pathEvent(2, { ioLimits: last }), pathEvent(3)];
    expect(limitsAbove({ facts: pathFacts(), pathsDuring })).toEqual(last.slice(1));
  });

  test('as the facts have them where nothing was seen since', () => {
    expect(limitsAbove({ facts: pathFacts({ ioLimits: first }), pathsDuring: [pathEvent(1)] })).toEqual(first);
    expect(limitsAbove({ pathsDuring: [] })).toEqual([]);
  });
});
