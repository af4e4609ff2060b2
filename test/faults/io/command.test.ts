import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { directoryOf } from '../../../src/faults/io/arguments.ts';
import { describeIo, describeMount } from '../../../src/faults/io/describe.ts';
import { probeFor, probeOf, throttleSettings } from '../../../src/faults/io/throttle.ts';
import type { ThrottleLimits } from '../../../src/faults/io/types.ts';
import type { RunOptions } from '../../../src/requests.ts';
import type { CgroupPlace } from '../../../src/shim/protocol.ts';
import { ioRequest as asked, MiB, pathFacts, plan, target, volumes } from '../../fakes/samples.ts';
import { ioRequest } from './support/fault.ts';

/** argv of the shim for `kubectl chaos io db --path PATH FLAGS`, after the id of the container. */
function shim(flags: string, run: Partial<RunOptions> = {}, path = '/data'): string[] {
  const args = plan(asked(ioRequest(flags, path), run)).agent.containers[0]?.args ?? [];
  expect(args[1]).toBe('--container');
  return [args[0] ?? '', ...args.slice(3)];
}

test('the kubelet waits from TERM to KILL for files to be removed, where there are any', () => {
  const patience = (flags: string) =>
    plan(asked(ioRequest(flags, '/data'), { graceMs: 2_000 })).agent.terminationGracePeriodSeconds;
  expect(patience('--fill-inodes 95%')).toBe(92);
  expect(patience('--throttle write=1Mi')).toBe(32);
});

describe('the arguments of the shim', () => {
  const bounds = '--duration-ms 60000 --lease-ms 15000 --sample-ms 1000 --any-signal';
  const inside = '--path /data --directory .kubectl-chaos-7f3k2-aaaaaaaa';
  const load = `run ${bounds} --grace-ms 2000 --as target --need memory,blkio --oom-score-adj 1000 ${inside} --probe write=4096,read=4096 -- stress-ng --timeout 65s --cache-level 1 --temp-path .`;
  const fill = `run ${bounds} --grace-ms 2000 --as target --need memory --oom-score-adj 1000 ${inside} --probe write=4096 -- /opt/kubectl-chaos/nsexec fill`;

  test.each([
    // stress-ng divides the bytes among its workers.
    ['--mode read --workers 2', `${load} --readahead 2 --readahead-bytes 2147483648`],
    [
      '--mode write --workers 4 --size 512Mi',
      `${load} --hdd 4 --hdd-bytes 2147483648 --hdd-write-size 1048576 --hdd-opts dsync,wr-seq`,
    ],
    [
      '--mode mixed --block-size 16Ki',
      `${load} --hdd 1 --hdd-bytes 1073741824 --hdd-write-size 16384 --hdd-opts direct,wr-seq,rd-seq`,
    ],
    ['--mode sync', `${load} --hdd 1 --hdd-bytes 1073741824 --hdd-write-size 4096 --hdd-opts fsync,wr-seq`],
    ['--mode metadata --workers 3', `${load} --rename 3`],
    ['--fill 95.5%', `${fill} --percent 95.5`],
    ['--fill 2Gi --fill-inodes 1k --leave 0', `${fill} --bytes 2147483648 --inodes 1000 --leave 0`],
    ['--fill-inodes 33.33333333%', `${fill} --inodes-percent 33.333333`],
    [
      '--throttle write=1Mi,read=4Mi',
      `hold ${bounds} --need blkio --path /data --probe write=262144/262144,read=1048576/1048576 --probe-ms 3000`,
    ],
  ])('%s', (flags, args) => {
    expect(shim(flags).join(' ')).toBe(args);
  });

  test('targets that share a volume have directories of their own', () => {
    const names = ['0a1b2c3d4e5f6071', 'ffffffff-AAAA-bbbb', 'x_Y.z-0123456789'].map((containerId) =>
      directoryOf('chaos-7f3k2', target({ containerId })),
    );
    expect(names).toEqual(['0a1b2c3d', 'ffffffff', 'xyz01234'].map((end) => `.kubectl-chaos-7f3k2-${end}`));
  });

  test('a path stays one word', () => {
    const path = '/data/mit Leerzeichen; $(rm) und Ü';
    const args = shim('--mode write', {}, path);
    expect(args[args.indexOf('--path') + 1]).toBe(path);
  });

  test('--as root', () => {
    const asRoot = (flags: string) => shim(flags, { runAs: 'root' }).join(' ');
    expect(asRoot('--mode write')).toContain(' --as root ');
    expect(asRoot('--throttle write=1Mi')).toContain(' --as root ');
    expect(plan(asked(ioRequest('--fill 95%'), { runAs: 'root' })).fault).toMatchObject({ asRoot: true });
  });

  test('hands --strict on where there is a workload', () => {
    const strict = (flags: string) => shim(flags, { strict: true }).join(' ');
    expect(strict('--fill 95%')).toContain(' --strict ');
    expect(strict('--mode write')).toContain(' --strict ');
    expect(strict('--throttle write=1Mi')).not.toContain('--strict');
    expect(shim('--fill 95%').join(' ')).not.toContain('--strict');
  });

  test.each([
    [1_000, '250'],
    [10_000, '1000'],
    [86_400_000, '3000'],
  ])('under a throttle of %d ms there is a probe every %s ms', (durationMs, ms) => {
    const args = shim('--throttle write=1Mi', { durationMs });
    expect(args[args.indexOf('--probe-ms') + 1]).toBe(ms);
  });
});

test('an io fault is announced with its path, as one of its container', () => {
  const { summary, announcement, agent } = plan(asked(ioRequest('--fill 95%')));
  expect(summary).toBe('fill /data to 95%');
  expect(announcement).toBe('fill /data to 95% in container app for 1m, by ada, as chaos-7f3k2');
  expect(agent.annotations).toMatchObject({ 'kubectl-chaos.io/verb': 'io', 'kubectl-chaos.io/fault': summary });
});

test.each([
  ['--mode write --workers 4', 'write by 4 workers of 1Gi each in /data'],
  ['--mode mixed --size 1536Mi --block-size 4Ki', 'mixed by 1 worker of 1536Mi and in blocks of 4Ki in /data'],
  ['--mode metadata', 'metadata by 1 worker in /data'],
  ['--fill 2Gi', 'fill /data by 2Gi'],
  ['--fill 99.5% --fill-inodes 1k', 'fill /data to 99.5% and by 1,000 inodes'],
  ['--fill-inodes 90%', 'fill /data to 90% of its inodes'],
  ['--throttle write=1Mi,read=4Mi', 'throttle /data to 1Mi/s written and 4Mi/s read'],
  ['--throttle write-iops=50,read=4Mi,read-iops=100', 'throttle /data to 4Mi/s read, 50 writes/s and 100 reads/s'],
])('%s: %s', (flags, sentence) => {
  expect(describeIo(ioRequest(flags))).toBe(sentence);
});

test('a path is quoted where one could not see its end', () => {
  expect(describeIo(ioRequest('--fill 95%', '/my data'))).toBe('fill "/my data" to 95%');
  expect(describeIo(ioRequest('--fill 95%', '/Ümlaut'))).toBe('fill /Ümlaut to 95%');
});

describe('a mount in one line', () => {
  const [root, claim] = volumes();
  if (!root || !claim) throw new Error('no volumes');

  test.each([
    [{}, claim, '/data is ext4 on /dev/sdb (PVC data-web-0), 10Gi, 8Gi free, 655k inodes free, rw'],
    [
      { mayUseReserved: true, source: '/dev/mapper/vg-data', diskName: 'dm-3' },
      claim,
      '/data is ext4 on /dev/mapper/vg-data of disk dm-3 (PVC data-web-0), 10Gi, 8.5Gi free, 655k inodes free, rw',
    ],
    [
      { path: '/', mountPoint: '/', type: 'overlay', source: 'overlay', diskName: 'vda', onNode: true },
      root,
      "/ is overlay on disk vda (the container's own root), 10Gi, 8Gi free, 655k inodes free, rw, the node's own disk",
    ],
    [
      { path: '/data/a b', type: 'nfs4', source: 'nas:/x', disk: '', diskName: '', inodes: 0, readOnly: true },
      { ...claim, kind: 'nfs', detail: 'nas:/x' },
      '"/data/a b" is nfs4 on nas:/x (nfs data, nas:/x), mounted at /data, 10Gi, 8Gi free, read-only',
    ],
    [
      { type: 'tmpfs', source: '', disk: '', diskName: '', inodesAvailable: 1_234_567 },
      { ...claim, kind: 'emptyDir', detail: 'Memory' },
      '/data is tmpfs on nothing (emptyDir data in Memory), 10Gi, 8Gi free, 1.2M inodes free, rw',
    ],
  ])('%j', (change, volume, line) => {
    expect(describeMount(pathFacts(change), volume)).toBe(line);
  });
});

describe('the settings of a throttle', () => {
  const v2: CgroupPlace = { hierarchy: '', version: 2, path: '/a', joined: true };
  const v1 = (hierarchy: string): CgroupPlace => ({ ...v2, hierarchy, version: 1 });
  const limits: ThrottleLimits = { writeBytesPerSecond: MiB, readBytesPerSecond: 4 * MiB, writeOpsPerSecond: 50 };

  test('are one line of io.max on v2', () => {
    expect(throttleSettings(limits, '8:16', [v2])).toEqual([
      { file: 'io.max', device: '8:16', value: 'rbps=4194304 wbps=1048576 wiops=50' },
    ]);
  });

  test.each([[[v1('cpu,cpuacct'), v1('blkio'), v2]], [[v1('net_cls,blkio')]]])(
    'are a file each where v1 has blkio: %j',
    (cgroups) => {
      expect(throttleSettings({ ...limits, readOpsPerSecond: 9 }, '8:16', cgroups)).toEqual([
        { file: 'blkio.throttle.read_bps_device', device: '8:16', value: '4194304' },
        { file: 'blkio.throttle.write_bps_device', device: '8:16', value: '1048576' },
        { file: 'blkio.throttle.read_iops_device', device: '8:16', value: '9' },
        { file: 'blkio.throttle.write_iops_device', device: '8:16', value: '50' },
      ]);
    },
  );

  test('are io.max where v1 has other controllers', () => {
    expect(throttleSettings(limits, '8:16', [v1('cpu'), v1('name=blkio'), v2])[0]?.file).toBe('io.max');
  });

  test('are none without a hierarchy, or a disk', () => {
    expect(throttleSettings(limits, '8:16', [v1('cpu')])).toEqual([]);
    expect(throttleSettings(limits, '', [v2])).toEqual([]);
  });
});

describe('what a throttle is measured by', () => {
  test.each<[limits: ThrottleLimits, words: string]>([
    [{ writeBytesPerSecond: MiB }, 'write=262144/262144'],
    [{ readBytesPerSecond: 4 * MiB }, 'read=1048576/1048576'],
    [{ writeBytesPerSecond: 100 * MiB }, 'write=16777216/1048576'],
    [{ writeBytesPerSecond: 4_096 }, 'write=4096/4096'],
    [{ writeOpsPerSecond: 50 }, 'write=53248/4096'],
    [{ readOpsPerSecond: 1 }, 'read=4096/4096'],
    [{ readOpsPerSecond: 1e6 }, 'read=524288/4096'],
    [{ writeBytesPerSecond: MiB, writeOpsPerSecond: 20 }, 'write=266240/53248'],
    [{ writeBytesPerSecond: 66_969_600, writeOpsPerSecond: 98 }, 'write=16121856/671744'],
    [{ writeBytesPerSecond: MiB, readBytesPerSecond: MiB }, 'write=262144/262144,read=262144/262144'],
  ])('%j: %s', (limits, words) => {
    expect(probeFor(limits)).toBe(words);
  });

  test('takes a quarter of a second at the limit, unless that is more than may be written, or less than can be', () => {
    const bytes = fc.option(fc.integer({ min: 4_096, max: 2 ** 40 }), { nil: undefined });
    const ops = fc.option(fc.integer({ min: 1, max: 1e6 }), { nil: undefined });
    fc.assert(
      fc.property(bytes, ops, (writeBytesPerSecond, writeOpsPerSecond) => {
        const limits = {
          ...(writeBytesPerSecond === undefined ? {} : { writeBytesPerSecond }),
          ...(writeOpsPerSecond === undefined ? {} : { writeOpsPerSecond }),
        };
        const probe = probeOf(limits, 'write');
        expect(probeOf(limits, 'read')).toBeUndefined();
        expect(probe === undefined).toBe(Object.keys(limits).length === 0);
        if (!probe) return;
        expect(probe.blockBytes % 4_096).toBe(0);
        expect(probe.blockBytes).toBeLessThanOrEqual(MiB);
        expect(probe.bytes % probe.blockBytes).toBe(0);
        expect(probe.bytes).toBeGreaterThan(0);
        expect(probe.bytes).toBeLessThanOrEqual(16 * MiB);
        expect(probe.us).toBeLessThanOrEqual(1_000_000);
        if (probe.bytes > 4_096 && probe.bytes < 512 * 1_024) expect(probe.us).toBeGreaterThan(150_000);
      }),
    );
  });
});
