import { describe, expect, test } from 'vitest';
import { cpuCeiling, memoryCeiling, type Place } from '../../../src/faults/common/ceiling.ts';
import { isUnlimited, nodeMemoryShortage } from '../../../src/faults/common/node-memory.ts';
import type { Sample } from '../../../src/shim/protocol.ts';
import { GiB, MiB, sample } from '../../fakes/samples.ts';

const id = 'a'.repeat(64);
const at = (path: string, version: 1 | 2 = 2, hierarchy = ''): Place => ({
  container: id,
  cgroups: [{ hierarchy, version, path, joined: true }],
});

/** The target's own cgroup as each runtime makes it. */
const places = {
  runc: at(`/kubepods.slice/kubepods-pod1.slice/cri-containerd-${id}.scope`),
  crun: at(`/kubepods.slice/kubepods-pod1.slice/crio-${id}.scope/container`),
  v1: at(`/kubepods/burstable/pod1/${id}`, 1, 'memory'),
};

describe('what memory binds', () => {
  const none = { memoryLimitBytes: -1, nodeMemoryTotalBytes: 8 * GiB };

  test.each<[what: string, change: Partial<Sample>, place: Place | undefined, by: string, words: string]>([
    ["the container's limit", { memoryLimitLevel: 0 }, places.runc, 'container', "the container's limit, 128Mi"],
    ['of v1', { memoryLimitLevel: 0 }, places.v1, 'container', "the container's limit, 128Mi"],
    ["the pod's limit", { memoryLimitLevel: 1 }, places.runc, 'pod', "the pod's limit, 128Mi"],
    ["the pod's limit on v1", { memoryLimitLevel: 1 }, places.v1, 'pod', "the pod's limit, 128Mi"],
    [
      "the container's, below which crun has the target",
      { memoryLimitLevel: 1 },
      places.crun,
      'container',
      "the container's limit, 128Mi",
    ],
    ["the pod's above that", { memoryLimitLevel: 2 }, places.crun, 'pod', "the pod's limit, 128Mi"],
    [
      'one that all pods share',
      { memoryLimitLevel: 2 },
      places.runc,
      'above',
      'the limit of a cgroup above the pod, 128Mi',
    ],
    [
      'one above a target whose place is not known',
      { memoryLimitLevel: 1 },
      undefined,
      'unknown',
      "the limit of a cgroup above the target's own, 128Mi",
    ],
    ["the target's own", { memoryLimitLevel: 0 }, undefined, 'container', "the container's limit, 128Mi"],
    ['memory.high below it', { memoryHighBytes: 100 * MiB }, places.runc, 'high', 'memory.high, 100Mi'],
    [
      'a limit below memory.high',
      { memoryHighBytes: 200 * MiB },
      places.runc,
      'container',
      "the container's limit, 128Mi",
    ],
    ['memory.high alone', { ...none, memoryHighBytes: 100 * MiB }, places.runc, 'high', 'memory.high, 100Mi'],
    [
      "the node's memory",
      { ...none, memoryHighBytes: -1 },
      places.runc,
      'node',
      "the node's memory, 8Gi, since no limit holds",
    ],
  ])('%s', (_what, change, place, by, words) => {
    expect(memoryCeiling(sample(0, 0, change), place)).toMatchObject({ by, words });
  });

  test('is not known where the kernel tells nothing', () => {
    expect(memoryCeiling({ elapsedUs: 1 })).toBeUndefined();
  });
});

describe('what CPU binds', () => {
  const free = { cpuQuotaUs: -1, cpusetCpus: 2, cpusetList: '2-3' };

  test.each<[what: string, change: Partial<Sample>, nodeCores: number | undefined, words: string]>([
    ['a quota', { cpusetCpus: 2, cpusetList: '2-3' }, 16, 'the container may use 1.00'],
    ["the pod's quota", { cpuLevel: 1 }, 16, 'the pod may use 1.00'],
    ['a quota above the pod', { cpuLevel: 2 }, 16, 'a cgroup above the pod may use 1.00'],
    ['the cpuset', free, 16, 'the container may use 2.00 of CPUs 2-3'],
    ['the cpuset of a node that may not be read', free, undefined, 'the container may use 2.00 of CPUs 2-3'],
    ['the node', { ...free, cpusetCpus: 2, cpusetList: '0-1' }, 2, 'the node has 2.00'],
  ])('%s', (_what, change, nodeCores, words) => {
    expect(cpuCeiling(sample(0, 0, change), nodeCores, places.runc)?.words).toBe(words);
  });
});

describe("the node's memory", () => {
  const node = { memoryLimitBytes: -1, nodeMemoryTotalBytes: 16 * GiB, nodeMemoryAvailableBytes: 10 * GiB };
  const shortage = (bytes: number, change: Partial<Sample> = {}) =>
    nodeMemoryShortage(bytes, sample(0, 0, { ...node, ...change }), places.runc);

  test('is short where less than the reserve would be left', () => {
    expect(shortage(8 * GiB)).toBeUndefined();
    expect(shortage(9 * GiB)).toEqual({
      message: "10Gi of the node's 16Gi are available, of which 1.6Gi are left to the other pods",
      mostBytes: 10 * GiB - 1.6 * GiB,
    });
    const small = { nodeMemoryTotalBytes: 2 * GiB, nodeMemoryAvailableBytes: GiB };
    expect(shortage(513 * MiB, small)?.mostBytes).toBe(512 * MiB);
    expect(nodeMemoryShortage(8 * GiB, sample(0), places.runc)).toBeUndefined();
  });

  test.each<[what: string, change: Partial<Sample>, isShort: boolean]>([
    ["by more than the container's limit lets through", { memoryLimitBytes: GiB, memoryLimitLevel: 0 }, false],
    ["by more than the pod's limit lets through", { memoryLimitBytes: GiB, memoryLimitLevel: 1 }, false],
    ['by more than memory.high lets through', { memoryHighBytes: GiB, memoryHighRoomBytes: GiB / 2 }, false],
    ['by what a larger limit lets through', { memoryLimitBytes: 12 * GiB, memoryLimitLevel: 0 }, true],
    ['whatever the limit that all pods share', { memoryLimitBytes: GiB, memoryLimitLevel: 2 }, true],
  ])('is asked for %s', (_what, change, isShort) => {
    expect(shortage(40 * GiB, change) !== undefined).toBe(isShort);
  });

  test('has no guard in memory.high of nearly all of it, as the kubelet sets it without a limit', () => {
    const high = { memoryHighBytes: 14 * GiB, memoryHighRoomBytes: 13 * GiB };
    expect(isUnlimited(sample(0, 0, { ...node, ...high }), places.runc)).toBe(true);
    expect(shortage(12 * GiB, high)).toBeDefined();
  });
});
