import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { reviewPath } from '../../../src/faults/io/review.ts';
import { roomOf, takes } from '../../../src/faults/io/room.ts';
import type { PathReview } from '../../../src/faults/io/types.ts';
import type { Volume } from '../../../src/ports.ts';
import type { PathFacts, Resolved, Sample } from '../../../src/shim/protocol.ts';
import { GiB, MiB, pathFacts, resolved, sample } from '../../fakes/samples.ts';
import { ioFault } from './support/fault.ts';

interface At {
  facts?: Partial<PathFacts>;
  volume?: Partial<Volume>;
  resolved?: Partial<Resolved>;
  asRoot?: true;
}

/** Of a claim on a disk of 10 GiB with 8 GiB free, as uid 65532. */
function review(flags: string, at: At = {}): PathReview {
  const fault = { ...ioFault(flags, at.volume), ...(at.asRoot ? { asRoot: at.asRoot } : {}) };
  return reviewPath(fault, resolved(sample(0), { path: pathFacts(at.facts), ...at.resolved }));
}

const root: Partial<Volume> = { kind: 'root', name: '' };
const tmpfs = { type: 'tmpfs', source: 'tmpfs', disk: '', diskName: '' };
const nfs = { type: 'nfs4', source: 'nas:/x', disk: '', diskName: '' };
const noInodes = { inodes: 0, inodesFree: 0, inodesAvailable: 0 };
const full = { availableBytes: 20 * MiB, freeBytes: 532 * MiB };

describe('goes on', () => {
  test.each<[flags: string, at?: At]>([
    ['--mode write'],
    ['--mode metadata', { facts: noInodes }],
    ['--mode read --workers 7'],
    ['--mode write', { facts: nfs }],
    ['--mode write', { facts: { type: 'fuse.sshfs', source: 'sshfs', disk: '', diskName: '' } }],
    ['--fill 95%'],
    ['--fill 7Gi'],
    ['--fill-inodes 95%'],
    ['--fill 50Mi', { facts: { type: 'fuse.sshfs', mountPoint: '/mnt' }, volume: root }],
    ['--fill 50Mi', { facts: tmpfs, resolved: { sample: sample(0, 0, { memoryCurrentBytes: 40 * MiB }) } }],
    ['--fill 50Mi', { facts: tmpfs, volume: { ...root, readOnly: true } }],
    ['--fill 5Gi', { facts: tmpfs, resolved: { sample: sample(0, 0, { memoryLimitBytes: -1 }) } }],
    [
      '--fill 100Mi',
      { facts: tmpfs, resolved: { sample: sample(0, 0, { memorySwapRoomBytes: 64 * MiB, swapFreeBytes: GiB }) } },
    ],
  ])('%s %j', (flags, at) => {
    expect(review(flags, at)).toEqual({ warnings: [] });
  });

  test('with a limit on reads of a disk that the node lives on: it hits nobody else', () => {
    expect(review('--throttle read=1Mi,read-iops=9', { facts: { onNode: true } }).refusal).toBeUndefined();
  });
});

const limit = (own: boolean, cgroup: string) => ({
  ioLimits: [{ cgroup, own, readBytesPerS: -1, writeBytesPerS: 10 * MiB, readOpsPerS: -1, writeOpsPerS: -1 }],
});

describe('where the cgroup of the pod has io.max 253:0 wbps=10485760', () => {
  const pod = { ...limit(false, '/kubepods/pod1f2e3d4c-0a1b-4c2d-8e3f-0123456789ab'), disk: '253:0' };

  test('a throttle above that is refused', () => {
    expect(review('--throttle write=50Mi', { facts: pod })).toEqual({
      refusal: {
        message:
          "the target is already limited to 10Mi/s written by the pod's cgroup on the disk of /data: the fault would change nothing",
        hint: 'Use a lower limit: --throttle.',
      },
      warnings: [],
    });
    expect(review('--throttle write=10Mi', { facts: pod }).refusal).toBeDefined();
    expect(review('--throttle write=5Mi', { facts: pod }).refusal).toBeUndefined();
  });

  test('a throttle of which a part is above that is warned of', () => {
    const warning =
      "the target is already limited to 10Mi/s written by the pod's cgroup: a limit above that changes nothing";
    for (const flags of ['--throttle write=50Mi,read=1Mi', '--throttle write=50Mi,write-iops=9'])
      expect(review(flags, { facts: pod }).warnings).toContain(warning);
    expect(review('--throttle write=5Mi', { facts: pod }).warnings).not.toContain(warning);
  });

  test('a load that writes is told of it', () => {
    const warning =
      "the target is limited to 10Mi/s written by the pod's cgroup on the disk of /data: the load does no more than that";
    for (const mode of ['write', 'mixed', 'sync', 'metadata'])
      expect(review(`--mode ${mode}`, { facts: pod })).toEqual({ warnings: [warning] });
    expect(review('--mode read', { facts: pod })).toEqual({ warnings: [] });
  });
});

describe('a load in a target of 16Mi that is nearly full', () => {
  const full = { memoryLimitBytes: 16 * MiB, memoryCurrentBytes: 14 * MiB };
  const at = (change: Partial<Sample> = {}) => ({ resolved: { sample: sample(0, 0, { ...full, ...change }) } });

  test('is warned of: what stress-ng takes for itself does not fit', () => {
    expect(review('--mode sync --size 1Mi', at())).toEqual({
      warnings: [
        'the memory limit will be exceeded: about 4.5Mi for stress-ng itself, 14Mi in use, limit 16Mi; the OOM killer will kill the stressor first, repeatedly',
      ],
    });
  });

  test('is refused where the kernel would kill the whole container', () => {
    expect(review('--mode sync --size 1Mi', at({ memoryOomGroup: 1 }))).toEqual({
      refusal: expect.objectContaining({
        message:
          'this would kill the whole container: about 4.5Mi for stress-ng itself, 14Mi in use, limit 16Mi, and memory.oom.group is set, so the OOM killer takes every process of the container at once',
      }),
      warnings: [],
    });
  });

  test("is told of the pod's limit by its name", () => {
    expect(review('--mode sync --size 1Mi', at({ memoryLimitLevel: 1 })).warnings[0]).toContain(
      "14Mi in use, the pod's limit 16Mi; the OOM killer",
    );
  });

  test('counts a buffer of one block for each worker', () => {
    const half = { memoryCurrentBytes: 4 * MiB };
    expect(review('--mode write --size 4Mi --workers 4', at(half))).toEqual({ warnings: [] });
    expect(review('--mode write --size 4Mi --workers 4 --block-size 4Mi', at(half)).warnings).toEqual([
      expect.stringContaining('about 22Mi for stress-ng itself, 4Mi in use, limit 16Mi'),
    ]);
  });

  test('is not spoken of beside what fills the disk or throttles it', () => {
    expect(review('--fill 1Gi', at())).toEqual({ warnings: [] });
    expect(review('--throttle write=1Mi', at()).warnings).toHaveLength(1);
  });
});

describe('a tmpfs of 32Mi', () => {
  const size = 32 * MiB;
  const facts = { ...tmpfs, sizeBytes: size, freeBytes: size, availableBytes: size };

  test.each(['--fill 95%', '--fill 50%', '--fill 30Mi', '--fill 95% --leave 0'])('%s goes on', (flags) => {
    expect(review(flags, { facts })).toEqual({ warnings: [] });
  });

  test.each([
    ['--fill 31Mi', 'Ask for at most --fill 30Mi.'],
    ['--fill 95% --leave 64Mi', 'Use a smaller --leave.'],
  ])('%s is refused', (flags, hint) => {
    expect(review(flags, { facts }).refusal?.hint).toBe(hint);
  });

  test('--fill 100% leaves a twentieth of it', () => {
    expect(review('--fill 100%', { facts }).warnings).toEqual([
      '100% would leave less than 1.6Mi free (--leave): filled to 95%',
    ]);
  });
});

describe('a tmpfs that is filled', () => {
  test("within a limit of the pod's is refused by that name", () => {
    const pods = { memoryLimitLevel: 1, memoryRoomBytes: 20 * MiB };
    expect(review('--fill 50Mi', { facts: tmpfs, resolved: { sample: sample(0, 0, pods) } }).refusal?.message).toBe(
      "/data is tmpfs, and what fills it is memory of the container: 50Mi more do not fit below the pod's limit, 128Mi, of which 20Mi are free",
    );
  });

  test("without a limit is refused what the node's other pods need", () => {
    const node = { memoryLimitBytes: -1, nodeMemoryTotalBytes: 8 * GiB, nodeMemoryAvailableBytes: 3 * GiB };
    expect(review('--fill 5Gi', { facts: tmpfs, resolved: { sample: sample(0, 0, node) } }).refusal).toEqual({
      message:
        "/data is tmpfs, and what fills it is memory of the container, which has no memory limit: 5Gi are asked for, but 3Gi of the node's 8Gi are available, of which 819Mi are left to the other pods",
      hint: 'Ask for at most --fill 2252Mi; to take memory that the other pods may need: kubectl chaos stress --memory --allow-node-memory.',
    });
    expect(review('--fill 2Gi', { facts: tmpfs, resolved: { sample: sample(0, 0, node) } }).refusal).toBeUndefined();
  });
});

test('a load fits a disk of 48Mi', () => {
  const of = (bytes: number) => ({ sizeBytes: bytes, freeBytes: bytes, availableBytes: bytes });
  expect(review('--mode write --size 32Mi', { facts: of(48 * MiB) }).refusal).toBeUndefined();
});

test('a throttle that would raise the limit of the target itself is refused', () => {
  const own = limit(true, '/kubepods/pod1/app');
  expect(review('--throttle write=50Mi', { facts: own }).refusal).toEqual({
    message: 'the target is already limited to 10Mi/s written on the disk of /data: the fault would not lower that',
    hint: 'Use a lower limit: --throttle.',
  });
  expect(review('--throttle write=5Mi', { facts: own }).refusal).toBeUndefined();
  expect(review('--throttle read=50Mi', { facts: own }).refusal).toBeUndefined();
});

const threshold = 'below 10% and 5% the kubelet evicts pods, and any pod on the node may be affected';
const another = 'Name a directory in another volume of the container: --path.';
const ownDisk = 'Name a directory in a volume with a disk of its own, or use --allow-node-disk.';

describe('is refused', () => {
  test.each<[flags: string, at: At, message: string, hint: string]>([
    [
      '--mode write',
      { facts: { root: '/var/lib/kubelet/pods/x/volumes/data//deleted' } },
      'the mount of /data is stale: what it shows was deleted on the node (/var/lib/kubelet/pods/x/volumes/data//deleted)',
      'Its server was probably restarted. Only a new pod gets a new mount: delete the pod.',
    ],
    [
      '--fill 95%',
      { facts: { source: 'fuse//deleted' } },
      'the mount of /data is stale: what it shows was deleted on the node (fuse//deleted)',
      'Its server was probably restarted. Only a new pod gets a new mount: delete the pod.',
    ],
    [
      '--mode write',
      { facts: { type: 'proc' } },
      '/data is proc, a pseudo-filesystem: it has no disk and no space',
      another,
    ],
    [
      '--mode read',
      { facts: { readOnly: true, options: 'ro,relatime' } },
      '/data is read-only: by its mount options',
      'Name a directory that is mounted for writing: --path.',
    ],
    [
      '--mode write',
      { facts: { readOnly: true, superOptions: 'ro' } },
      '/data is read-only: its file system is read-only, which also happens after an error',
      'Name a directory that is mounted for writing: --path.',
    ],
    [
      '--throttle read=1Mi',
      { facts: { readOnly: true }, volume: { readOnly: true } },
      '/data is read-only: the pod mounts volume data (PVC data-web-0) for reading only',
      'Name a directory that is mounted for writing: --path.',
    ],
    [
      '--mode write',
      { facts: { readOnly: true }, volume: { ...root, readOnly: true } },
      '/data is read-only: the container has readOnlyRootFilesystem',
      'Name a directory that is mounted for writing: --path.',
    ],
    [
      '--mode sync',
      { facts: tmpfs },
      '/data is tmpfs, which is memory, not a disk: there is nothing to load',
      'To take memory: kubectl chaos stress --memory. To fill it: --fill.',
    ],
    [
      '--fill 1Gi',
      { facts: tmpfs },
      "/data is tmpfs, and what fills it is memory of the container: 1Gi more do not fit below the container's limit, 128Mi, of which 88Mi are free",
      'Ask for less than 88Mi; to see the container run out of memory: kubectl chaos stress --memory.',
    ],
    [
      '--throttle write=1Mi',
      { facts: tmpfs },
      '/data cannot be throttled: it is tmpfs (tmpfs), which is not backed by a local disk',
      another,
    ],
    [
      '--throttle write=1Mi',
      { facts: nfs },
      '/data cannot be throttled: it is nfs4 (nas:/x), which is not backed by a local disk',
      another,
    ],
    [
      '--throttle write=1Mi',
      { resolved: { cgroups: [{ hierarchy: 'cpu', version: 1, path: '/a', joined: true }] } },
      "the target's I/O cannot be throttled: it is in no cgroup hierarchy with blkio or io",
      'Have the controller enabled on the node. --fill does not need it.',
    ],
    [
      '--mode write',
      { facts: { onNode: true }, volume: { kind: 'emptyDir', name: 'cache', detail: '' } },
      `/data (emptyDir cache) is on the node's own disk: 80% of its space is free (70% under the fault), 99.9% of its inodes are free; ${threshold}`,
      ownDisk,
    ],
    [
      '--fill 95%',
      { facts: { onNode: true } },
      `/data (PVC data-web-0) is on the node's own disk: 80% of its space is free (4.7% under the fault), 99.9% of its inodes are free; ${threshold}; this fault would cross that threshold`,
      ownDisk,
    ],
    [
      '--fill-inodes 98%',
      { facts: { onNode: true } },
      `/data (PVC data-web-0) is on the node's own disk: 80% of its space is free, 99.9% of its inodes are free (2% under the fault); ${threshold}; this fault would cross that threshold`,
      ownDisk,
    ],
    [
      '--mode metadata',
      { volume: root, facts: { mountPoint: '/' } },
      "/data (the container's own root) is on the node's own disk: 80% of its space is free, 99.9% of its inodes are free; below 15% and 5% the kubelet evicts pods, and any pod on the node may be affected",
      ownDisk,
    ],
    [
      '--mode metadata',
      { volume: { kind: 'hostPath', detail: '/mnt/x' } },
      '/data (hostPath data, /mnt/x) is on a disk of the node that others may use: everything else that uses it is affected as well',
      ownDisk,
    ],
    [
      '--throttle write=1Mi',
      { facts: { onNode: true } },
      "/data (PVC data-web-0) is on the node's own disk: other users of its file system wait for the target's throttled writes when they sync",
      ownDisk,
    ],
    [
      '--mode write',
      { facts: { writable: false, mode: 0o755 } },
      'uid 65532, which the target runs as, may not create files in /data: it belongs to 0:2000, mode 0755',
      'Name a directory that it may write to, or use --run-as root: uid 0, with no more capabilities than the target can have.',
    ],
    [
      '--fill 95%',
      { facts: { writable: false }, asRoot: true },
      "the container's root may not create files in /data: it belongs to 0:2000, mode 2775",
      'Name a directory that it may write to: --path.',
    ],
    [
      '--mode write --workers 8',
      {},
      '/data has too little room for 8 workers of 1Gi each: 8Gi of 9.5Gi free, of which 64Mi are left alone',
      'Ask for at most --size 1016Mi, or fewer workers.',
    ],
    [
      '--mode sync --size 1Mi',
      { facts: full },
      '/data has too little room for 1 worker of 1Mi: 20Mi of 9.5Gi free, of which 64Mi are left alone',
      'Make room first.',
    ],
    [
      '--mode metadata',
      { facts: { inodesAvailable: 7, inodesFree: 7 } },
      '/data has no inodes left for files: 7 free',
      'Make room first.',
    ],
    [
      '--fill 8Gi',
      {},
      '/data has too little room to be filled by 8Gi: 8Gi of 9.5Gi free, of which 64Mi are to stay free (--leave)',
      'Ask for at most --fill 8128Mi.',
    ],
    [
      '--fill 1Gi',
      { facts: full },
      '/data has too little room to be filled by 1Gi: 20Mi of 9.5Gi free, of which 64Mi are to stay free (--leave)',
      'There is nothing to fill.',
    ],
    [
      '--fill 99%',
      { facts: full },
      '/data is full already: 20Mi of 9.5Gi free, and 64Mi are to stay free (--leave)',
      'Use a smaller --leave.',
    ],
    [
      '--fill 15%',
      {},
      '/data is already fuller than requested: 15.7% in use, 8Gi of 9.5Gi free',
      'Ask for more than 15.7%, or for an amount such as --fill 1Gi.',
    ],
    [
      '--fill-inodes 95%',
      { facts: { ...noInodes, type: 'btrfs' } },
      '/data is btrfs, which has no fixed number of inodes: they cannot run out',
      'Fill its space instead: --fill.',
    ],
    [
      '--fill-inodes 1M',
      {},
      '/data has too few inodes for 1,000,000 more: 655,000 of 655,360 inodes are free',
      'Ask for fewer, or for a percentage such as --fill-inodes 100%.',
    ],
    [
      '--fill-inodes 40%',
      { facts: { inodesFree: 100_000, inodesAvailable: 100_000 } },
      '/data already has the requested share of its inodes in use: 84.7%, 100,000 of 655,360 inodes are free',
      'Ask for more than 84.7%.',
    ],
  ])('%s %j', (flags, at, message, hint) => {
    expect(review(flags, at)).toEqual({ refusal: { message, hint }, warnings: [] });
  });

  test('a shim that says nothing of the path', () => {
    expect(reviewPath(ioFault('--fill 95%'), resolved()).refusal?.message).toBe(
      'the shim did not report what /data is',
    );
  });

  test('what is reserved for root counts for those who may use it', () => {
    const facts = { mayUseReserved: true };
    expect(review('--fill 8Gi', { facts }).refusal).toBeUndefined();
    expect(review('--mode write --workers 8', { facts }).refusal).toBeUndefined();
  });
});

describe('is warned of', () => {
  test.each<[flags: string, at: At, warnings: readonly string[]]>([
    [
      '--fill 95% --allow-node-disk',
      { facts: { onNode: true } },
      [
        `/data is on the node's own disk: 80% of its space is free (4.7% under the fault), 99.9% of its inodes are free; ${threshold}; this fault would cross that threshold`,
      ],
    ],
    [
      '--mode metadata --allow-node-disk',
      { volume: { kind: 'hostPath', detail: '/mnt/x' } },
      ['/data is on a disk of the node that others may use: everything else that uses it is affected as well'],
    ],
    [
      '--fill 2Gi',
      { volume: { kind: 'emptyDir', name: 'cache', sizeLimitBytes: GiB } },
      [
        "emptyDir cache has a sizeLimit of 1Gi, and 2Gi more are to be in it: the kubelet evicts the target's pod when it notices",
      ],
    ],
    ['--fill 1Gi', { volume: { kind: 'emptyDir', name: 'cache', sizeLimitBytes: GiB } }, []],
    [
      '--throttle write=1Mi',
      {},
      ['the limits are those of the container on the whole disk sdb: its other directories there are slowed as well'],
    ],
    [
      '--throttle write-iops=9 --allow-node-disk',
      {
        facts: { onNode: true, diskName: '' },
        resolved: { cgroups: [{ hierarchy: 'blkio', version: 1, path: '/a', joined: true }] },
      },
      [
        'the limits are those of the container on the whole disk 8:16: its other directories there are slowed as well',
        'cgroup v1 slows what is written past the page cache or synced; what only the kernel writes back later is not slowed',
      ],
    ],
    ['--fill 100%', {}, ['100% would leave less than 64Mi free (--leave): filled to 99.3%']],
    ['--fill 99% --leave 1Gi', {}, ['99% would leave less than 1Gi free (--leave): filled to 89.4%']],
    [
      '--fill-inodes 2M',
      { facts: { inodes: 9e6, inodesFree: 8e6, inodesAvailable: 8e6 } },
      ['2,000,000 files are created and removed one by one, which takes a while'],
    ],
  ])('%s %j', (flags, at, warnings) => {
    expect(review(flags, at)).toEqual({ warnings });
  });
});

describe('room', () => {
  const bytes = fc.nat(2 ** 45);
  const space = fc
    .tuple(bytes, bytes, bytes, fc.nat(1e9), fc.nat(1e9))
    .map(([used, available, reserved, taken, free]) => ({
      ...{ sizeBytes: used + available + reserved, freeBytes: available + reserved, availableBytes: available },
      ...{ inodes: taken + free, inodesFree: free, inodesAvailable: free },
    }));

  test('is within what there is, whoever asks', () => {
    fc.assert(
      fc.property(space, fc.boolean(), (of, mayUseReserved) => {
        const { freeBytes, wholeBytes, usedPercent } = roomOf(of, { mayUseReserved });
        expect(freeBytes).toBeLessThanOrEqual(wholeBytes);
        expect(wholeBytes).toBeLessThanOrEqual(of.sizeBytes);
        expect(usedPercent).toBeGreaterThanOrEqual(0);
        expect(usedPercent).toBeLessThanOrEqual(100);
      }),
    );
  });

  test('no fill that is let through takes more than there is, its floor left', () => {
    fc.assert(
      fc.property(space, fc.integer({ min: 1, max: 100 }), fc.nat(2 * GiB), (of, percent, leave) => {
        const flags = `--fill ${percent}% --leave ${leave}`;
        const facts = { ...pathFacts(), ...of };
        const { refusal } = review(flags, { facts });
        const room = roomOf(of, facts);
        const taken = takes(ioFault(flags), room).bytes;
        expect(refusal === undefined).toBe(taken > 0);
        if (!refusal) expect(taken).toBeLessThanOrEqual(room.freeBytes - leave);
      }),
    );
  });
});
