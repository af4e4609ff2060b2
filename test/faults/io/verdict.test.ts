import { describe, expect, test } from 'vitest';
import type { SeenIo } from '../../../src/faults/io/proof.ts';
import { judgeIo } from '../../../src/faults/io/verdict.ts';
import { proofRows } from '../../../src/faults/io/view.ts';
import type { PathEvent, Sample } from '../../../src/shim/protocol.ts';
import { GiB, MiB, pathEvent, pathFacts, sample } from '../../fakes/samples.ts';
import { ioFault } from './support/fault.ts';

const noTraffic = { ioReadBytes: 0, ioWriteBytes: 0, ioReadOps: 0, ioWriteOps: 0 };

/** A sample a second from `from` on, with the counters of the container's traffic since second 0. */
function samples(from: number, to: number, at: (second: number) => Partial<Sample> = () => ({})): Sample[] {
  return seconds(from, to).map((second) => sample(second, 0, { ...noTraffic, ...at(Math.max(0, second)) }));
}

/** A look at the path each second, a little after the sample. */
function paths(from: number, to: number, at: (second: number) => Partial<PathEvent> = () => ({})): PathEvent[] {
  return seconds(from, to).map((second) => pathEvent(second + 0.01, at(Math.max(0, second))));
}

function seconds(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** Undefined: it was not seen. */
type Seen = { [K in keyof SeenIo]?: SeenIo[K] | undefined };

/** Ten seconds on a disk of its own, of which the fault begins at 0. */
function judge(flags: string, seen: Seen) {
  return judgeIo(ioFault(flags), {
    facts: pathFacts(),
    pathsBefore: paths(-1, 0),
    pathsDuring: paths(1, 10),
    pathAfter: pathEvent(12),
    samplesBefore: samples(-1, 0),
    samplesDuring: samples(1, 10),
    ...seen,
  } as SeenIo);
}

const wrote = (mebibytes: number) => (second: number) => ({
  ioWriteBytes: second * mebibytes * MiB,
  ioWriteOps: second * mebibytes,
});
const read = (mebibytes: number) => (second: number) => ({
  ioReadBytes: second * mebibytes * MiB,
  ioReadOps: second * mebibytes,
});
const diskWrote = (mebibytes: number) => (second: number) => ({
  ...{ diskReadBytes: 0, diskReadOps: 0 },
  ...{ diskWriteBytes: second * mebibytes * MiB, diskWriteOps: second * mebibytes },
});
const slow = { writeUs: 48_000, readUs: 9_000 };
const nfs = { type: 'nfs4', source: 'nas:/x', disk: '', diskName: '' };

const noLimits = { readBytesPerS: -1, writeBytesPerS: -1, readOpsPerS: -1, writeOpsPerS: -1 };
const podLimit = {
  cgroup: '/kubepods.slice/kubepods-pod1f2e3d4c_0a1b_4c2d_8e3f_0123456789ab.slice',
  own: false,
  ...noLimits,
  writeBytesPerS: 10 * MiB,
};

describe('a load', () => {
  const place = '/data (ext4, PVC data-web-0)';
  test.each<[what: string, flags: string, seen: Seen, effective: boolean, sentence: string]>([
    [
      'that writes',
      '--mode write --workers 4',
      { samplesDuring: samples(1, 10, wrote(212)), pathsDuring: paths(1, 10, () => slow) },
      true,
      `Asked for write by 4 workers: wrote 2.1Gi at 212Mi/s to ${place}; fsync 2ms → 48ms`,
    ],
    [
      'that reads',
      '--mode read',
      {
        samplesDuring: samples(1, 10, read(90)),
        pathsBefore: paths(-1, 0, () => ({ readUs: 300 })),
        pathsDuring: paths(1, 10, () => slow),
      },
      true,
      `Asked for read by 1 worker: read 900Mi at 90Mi/s from ${place}; fsync 2ms → 48ms; read 0.3ms → 9ms`,
    ],
    [
      'that does both',
      '--mode mixed',
      { samplesDuring: samples(1, 10, (s) => ({ ...read(10)(s), ...wrote(20)(s) })) },
      true,
      `Asked for mixed by 1 worker: read 100Mi at 10Mi/s and wrote 200Mi at 20Mi/s in ${place}; fsync 2ms → 2ms`,
    ],
    [
      'that syncs, in few bytes',
      '--mode sync',
      { samplesDuring: samples(1, 10, (s) => ({ ioWriteBytes: s * 50_000, ioWriteOps: s * 1_204 })) },
      true,
      `Asked for sync by 1 worker: wrote 488Ki at 49Ki/s in 1,204 writes/s to ${place}; fsync 2ms → 2ms`,
    ],
    [
      'that waits',
      '--mode write',
      { samplesDuring: samples(1, 10, (s) => ({ ...wrote(10)(s), ioSomeUs: s * 830_000 })) },
      true,
      `Asked for write by 1 worker: wrote 100Mi at 10Mi/s to ${place}; fsync 2ms → 2ms; some task waited for I/O 83% of the time`,
    ],
    [
      'that stays in the page cache',
      '--mode write',
      {},
      false,
      `Asked for write by 1 worker: nothing of it reached the disk of ${place}: it was served from the page cache; fsync 2ms → 2ms`,
    ],
    [
      'that has too little CPU time to come to it',
      '--mode write',
      { samplesDuring: samples(1, 10, (s) => ({ cpuQuotaUs: 2_000, cpuThrottledPeriods: Math.round(9.7 * s) })) },
      false,
      `Asked for write by 1 worker: nothing of it reached the disk of ${place}; it was throttled in 96.7% of the CPU periods, too slow to get there in that time: the container may use 0.02 CPUs; fsync 2ms → 2ms`,
    ],
    [
      'in which the target does no more than before',
      '--mode write',
      {
        samplesBefore: seconds(-1, 0).map((s) => sample(s, 0, { ...noTraffic, ...wrote(50)(s + 1) })),
        samplesDuring: seconds(1, 10).map((s) => sample(s, 0, { ...noTraffic, ...wrote(50)(s + 1) })),
      },
      false,
      `Asked for write by 1 worker: nothing of it reached the disk of ${place}: it was served from the page cache; fsync 2ms → 2ms`,
    ],
    [
      'that has not come to reading yet',
      '--mode read',
      { samplesDuring: samples(1, 10, wrote(50)) },
      false,
      `Asked for read by 1 worker: only the files to read were prepared in ${place}: use a longer --duration or a smaller --size; fsync 2ms → 2ms`,
    ],
    [
      'whose cgroup counts the device and the one below it',
      '--mode write',
      {
        samplesDuring: samples(1, 10, wrote(204)),
        pathsBefore: paths(-1, 0, diskWrote(0)),
        pathsDuring: paths(1, 10, diskWrote(102)),
      },
      true,
      `Asked for write by 1 worker: wrote 1020Mi at 102Mi/s to ${place}; fsync 2ms → 2ms`,
    ],
    [
      'beside somebody who fills the disk',
      '--mode write',
      {
        samplesDuring: samples(1, 10, wrote(100)),
        pathsBefore: paths(-1, 0, diskWrote(0)),
        pathsDuring: paths(1, 10, (second) => ({
          ...diskWrote(100)(second),
          availableBytes: second === 5 ? 4096 : 8 * GiB,
        })),
      },
      true,
      `Asked for write by 1 worker: wrote 1000Mi at 100Mi/s to ${place}; fsync 2ms → 2ms; the file system was full at times`,
    ],
    [
      'on a disk that others use as well',
      '--mode write',
      {
        samplesDuring: samples(1, 10, wrote(30)),
        pathsBefore: paths(-1, 0, diskWrote(0)),
        pathsDuring: paths(1, 10, diskWrote(100)),
      },
      true,
      `Asked for write by 1 worker: wrote 300Mi at 30Mi/s to ${place}; fsync 2ms → 2ms`,
    ],
    [
      'on a disk that others had busy already',
      '--mode write',
      {
        samplesDuring: samples(1, 10, wrote(30)),
        pathsBefore: paths(-1, 0, (second) => diskWrote(100)(second + 1)),
        pathsDuring: paths(1, 10, (second) => diskWrote(100)(second + 1)),
      },
      true,
      `Asked for write by 1 worker: wrote 300Mi at 30Mi/s to ${place}; fsync 2ms → 2ms`,
    ],
    [
      'that is as fast as the limit of its pod',
      '--mode write',
      { samplesDuring: samples(1, 10, wrote(10)), facts: pathFacts({ ioLimits: [podLimit] }) },
      true,
      `Asked for write by 1 worker: wrote 100Mi at 10Mi/s to ${place}, limited to 10Mi/s written by the pod's cgroup; fsync 2ms → 2ms`,
    ],
    [
      'of which a low limit lets little through',
      '--mode write',
      {
        samplesDuring: samples(1, 10, (s) => ({ ioWriteBytes: s * 65_536, ioWriteOps: s })),
        facts: pathFacts({ ioLimits: [{ ...podLimit, writeBytesPerS: 65_536 }] }),
      },
      true,
      `Asked for write by 1 worker: wrote 640Ki at 64Ki/s to ${place}, limited to 64Ki/s written by the pod's cgroup; fsync 2ms → 2ms`,
    ],
    [
      'far below the limit of its pod',
      '--mode write',
      { samplesDuring: samples(1, 10, wrote(5)), facts: pathFacts({ ioLimits: [podLimit] }) },
      true,
      `Asked for write by 1 worker: wrote 50Mi at 5Mi/s to ${place}; fsync 2ms → 2ms`,
    ],
    [
      'while only a neighbour writes to the disk',
      '--mode write',
      {
        counter: 'io',
        pathsBefore: paths(-1, 0, diskWrote(0)),
        pathsDuring: paths(1, 10, diskWrote(100)),
      },
      false,
      `Asked for write by 1 worker: nothing of it reached the disk of ${place}: it was served from the page cache; others wrote 1000Mi at 100Mi/s to it; fsync 2ms → 2ms`,
    ],
    [
      'to read, while a neighbour writes to the disk',
      '--mode read',
      {
        counter: 'io',
        pathsBefore: paths(-1, 0, diskWrote(0)),
        pathsDuring: paths(1, 10, diskWrote(100)),
      },
      false,
      `Asked for read by 1 worker: nothing of it reached the disk of ${place}: it was served from the page cache; fsync 2ms → 2ms`,
    ],
    [
      'that its cgroup does not count',
      '--mode metadata',
      { pathsBefore: paths(-1, 0, diskWrote(0)), pathsDuring: paths(1, 10, diskWrote(4)) },
      true,
      `Asked for metadata by 1 worker: wrote 40Mi at 4Mi/s in 4 writes/s to ${place}, as the disk itself counts it; fsync 2ms → 2ms`,
    ],
    [
      'of metadata that is only seen to be waited for',
      '--mode metadata',
      { pathsDuring: paths(1, 10, () => slow) },
      true,
      `Asked for metadata by 1 worker: changes to ${place} took longer; journal writes are not attributed to a cgroup; fsync 2ms → 48ms`,
    ],
    [
      'that nobody counts',
      '--mode write',
      { samplesBefore: [sample(0)], samplesDuring: [sample(1), sample(10)] },
      false,
      `Asked for write by 1 worker: the kernel reports neither what the container nor what the disk of ${place} reads and writes; fsync 2ms → 2ms`,
    ],
    [
      'over the network, seen by its latency',
      '--mode write',
      { facts: pathFacts(nfs), pathsDuring: paths(1, 10, () => slow) },
      true,
      'Asked for write by 1 worker: /data (nfs4, PVC data-web-0) is not backed by a local disk that counts I/O; fsync 2ms → 48ms',
    ],
    [
      'over the network, seen by its space',
      '--mode write',
      { facts: pathFacts(nfs), pathsDuring: paths(1, 10, (s) => ({ availableBytes: 8 * GiB - s * 10 * MiB })) },
      true,
      'Asked for write by 1 worker: /data (nfs4, PVC data-web-0) is not backed by a local disk that counts I/O, 100Mi less free at most; fsync 2ms → 2ms',
    ],
    [
      'over the network, not seen at all',
      '--mode write',
      { facts: pathFacts(nfs) },
      false,
      'Asked for write by 1 worker: /data (nfs4, PVC data-web-0) is not backed by a local disk that counts I/O, and no other effect was measured; fsync 2ms → 2ms',
    ],
    [
      'while the target was busy on another disk',
      '--mode write',
      {
        samplesDuring: samples(1, 10, wrote(10)),
        pathsBefore: paths(-1, 0, diskWrote(0)),
        pathsDuring: paths(1, 10, diskWrote(0)),
      },
      false,
      'Asked for write by 1 worker: nothing of it reached the disk of /data (ext4, PVC data-web-0): it was served from the page cache; fsync 2ms → 2ms',
    ],
    [
      'that was found in force',
      '--mode write',
      { facts: undefined, pathsBefore: [], samplesBefore: [], samplesDuring: samples(1, 11, wrote(10)), isFound: true },
      true,
      "Asked for write by 1 worker: wrote 100Mi at 10Mi/s to /data (PVC data-web-0); fsync not measured before → 2ms; the target's own I/O was not measured",
    ],
  ])('%s', (_what, flags, seen, effective, sentence) => {
    const verdict = judge(flags, seen);
    const isUnknown = sentence.includes('the kernel reports neither');
    expect(verdict.proofs).toEqual([{ what: 'io', effective, sentence, ...(isUnknown ? { unmeasured: true } : {}) }]);
    expect(verdict.effective).toBe(effective);
  });

  describe('on cgroup v1, where the kernel does not count the disk for a cgroup', () => {
    const busy = {
      counter: 'blkio' as const,
      pathsBefore: seconds(-1, 0).map((second) => pathEvent(second + 0.01, diskWrote(100)(second + 1))),
      pathsDuring: paths(1, 10, (second) => diskWrote(100)(second + 1)),
    };
    const uncounted = `Asked for write by 1 worker: cgroup v1 of this kernel does not count a container's I/O on the disk of ${place}`;

    test('on a disk that others had busy already', () => {
      expect(judge('--mode write', busy)).toMatchObject({
        effective: false,
        unmeasured: true,
        proofs: [
          {
            what: 'io',
            effective: false,
            unmeasured: true,
            sentence: `${uncounted}, so it cannot be measured there; the disk itself was no busier than before; fsync 2ms → 2ms`,
          },
        ],
      });
    });

    test('which takes longer now', () => {
      const pathsDuring = busy.pathsDuring.map((path) => ({ ...path, ...slow }));
      expect(judge('--mode write', { ...busy, pathsDuring })).toMatchObject({
        effective: true,
        proofs: [{ sentence: `${uncounted}; I/O takes longer than before; fsync 2ms → 48ms` }],
      });
    });

    test('on a disk that does more than before', () => {
      const pathsDuring = paths(1, 10, (second) => diskWrote(200)(second + 1));
      expect(judge('--mode write', { ...busy, pathsDuring }).effective).toBe(true);
    });

    test.each<[what: string, seen: Seen]>([
      ['not where the probe is counted', { samplesDuring: samples(1, 10, () => ({ ioWriteBytes: 40_960 })) }],
      ['not on v2', { counter: 'io' }],
      ['not where nothing was probed', { pathsDuring: busy.pathsDuring.map(({ writeUs: _, ...path }) => path) }],
    ])('%s', (_what, change) => {
      const verdict = judge('--mode write', { ...busy, ...change });
      expect(verdict.unmeasured).toBeUndefined();
      expect(verdict.proofs[0]?.sentence).toContain('nothing of it reached the disk');
    });
  });
});

const without = { pathsBefore: [], pathsDuring: [], samplesBefore: [], samplesDuring: [] };

test.each(['--mode write', '--fill 95%', '--throttle write=1Mi'])('%s without anything seen of it', (flags) => {
  const sentence = 'the run was too short to measure: no sample was taken while the fault was active';
  expect(judge(flags, without)).toEqual({ effective: false, proofs: [{ what: 'io', effective: false, sentence }] });
});

describe('a fill', () => {
  /** Free, and with what is reserved for root. */
  const free = (bytes: number) => ({ availableBytes: bytes, freeBytes: bytes + 512 * MiB });
  const inodes = (count: number) => ({ inodesFree: count, inodesAvailable: count });
  const place = '/data (ext4, PVC data-web-0)';
  const whole = 9.5 * GiB;

  test.each<[what: string, flags: string, seen: Seen, effective: boolean, sentence: string]>([
    [
      'to a percentage',
      '--fill 95%',
      { pathsDuring: paths(1, 10, (s) => free(s < 3 ? 4 * GiB : 0.05 * whole)) },
      true,
      `Asked to fill ${place} to 95%: 95% in use, 486Mi free (8Gi before); 8Gi free afterwards`,
    ],
    [
      'to a percentage, for those who may use what is reserved',
      '--fill 95%',
      {
        facts: pathFacts({ mayUseReserved: true }),
        pathsDuring: paths(1, 10, () => ({ availableBytes: 0, freeBytes: 0.5 * GiB })),
      },
      true,
      `Asked to fill ${place} to 95%: 95% in use, 512Mi free (8.5Gi before); 8.5Gi free afterwards`,
    ],
    [
      'to its floor',
      '--fill 100%',
      { pathsDuring: paths(1, 10, () => free(64 * MiB)) },
      true,
      `Asked to fill ${place} to 100%: 99.3% in use, 64Mi free (8Gi before), down to what --leave keeps free; 8Gi free afterwards`,
    ],
    [
      'that stopped short',
      '--fill 95%',
      { pathsDuring: paths(1, 10, () => free(GiB)), ended: { reason: 'exited', exitCode: 1, oomKills: 0 } },
      false,
      `Asked to fill ${place} to 95%: 89.5% in use, 1Gi free (8Gi before): less than asked; 8Gi free afterwards`,
    ],
    [
      'that has too little CPU time to write so much',
      '--fill 2Gi',
      {
        pathsDuring: paths(1, 10, () => free(7.5 * GiB)),
        samplesDuring: samples(1, 10, (s) => ({ cpuQuotaUs: 2_000, cpuThrottledPeriods: Math.round(9.7 * s) })),
      },
      false,
      `Asked to fill ${place} by 2Gi: 21.1% in use, 7.5Gi free (8Gi before): less than asked; it was throttled in 96.7% of the CPU periods, too slow to take more in that time: the container may use 0.02 CPUs; 8Gi free afterwards`,
    ],
    [
      'by bytes',
      '--fill 2Gi',
      { pathsDuring: paths(1, 10, () => free(6 * GiB)) },
      true,
      `Asked to fill ${place} by 2Gi: 36.8% in use, 6Gi free (8Gi before); 8Gi free afterwards`,
    ],
    [
      'by bytes of which some are missing',
      '--fill 2Gi',
      { pathsDuring: paths(1, 10, () => free(6.1 * GiB)) },
      false,
      `Asked to fill ${place} by 2Gi: 35.8% in use, 6.1Gi free (8Gi before): less than asked; 8Gi free afterwards`,
    ],
    [
      'by a few bytes that are not taken',
      '--fill 1Mi',
      {},
      false,
      `Asked to fill ${place} by 1Mi: 15.8% in use, 8Gi free (8Gi before): less than asked; 8Gi free afterwards`,
    ],
    [
      'that does not come back',
      '--fill 2Gi',
      { pathsDuring: paths(1, 10, () => free(6 * GiB)), pathAfter: pathEvent(12, free(6.5 * GiB)) },
      false,
      `Asked to fill ${place} by 2Gi: 36.8% in use, 6Gi free (8Gi before); afterwards only 6.5Gi free: the target uses the rest, or it is released later`,
    ],
    [
      'whose end nobody saw',
      '--fill 2Gi',
      { pathsDuring: paths(1, 10, () => free(6 * GiB)), pathAfter: undefined },
      true,
      `Asked to fill ${place} by 2Gi: 36.8% in use, 6Gi free (8Gi before)`,
    ],
    [
      'of inodes',
      '--fill-inodes 10k',
      { pathsDuring: paths(1, 10, () => inodes(645_000)) },
      true,
      `Asked to fill ${place} by 10,000 inodes: 1.6% in use, 645,000 inodes free (655,000 inodes before); 655,000 inodes free afterwards`,
    ],
    [
      'of inodes to a percentage that is not reached',
      '--fill-inodes 95%',
      { pathsDuring: paths(1, 10, () => inodes(600_000)) },
      false,
      `Asked to fill ${place} to 95% of its inodes: 8.4% in use, 600,000 inodes free (655,000 inodes before): less than asked; 655,000 inodes free afterwards`,
    ],
    [
      'of a size, that was found in force and had its size',
      '--fill 2Gi',
      { facts: undefined, pathsBefore: [], pathsDuring: paths(1, 10, () => free(6 * GiB)), isFound: true },
      true,
      'Asked to fill /data (PVC data-web-0) by 2Gi: 36.8% in use, 6Gi free',
    ],
    [
      'of a size, that was found in force and had less',
      '--fill 2Gi',
      { facts: undefined, pathsBefore: [], pathsDuring: paths(1, 10, () => free(7 * GiB)), isFound: true },
      false,
      'Asked to fill /data (PVC data-web-0) by 2Gi: 26.3% in use, 7Gi free: less than asked',
    ],
    [
      'of a size, that was found in force, and of which nobody has seen the end',
      '--fill 2Gi',
      {
        facts: undefined,
        pathsBefore: [],
        pathAfter: undefined,
        pathsDuring: paths(1, 10, () => free(6 * GiB)),
        isFound: true,
      },
      false,
      'Asked to fill /data (PVC data-web-0) by 2Gi: 36.8% in use, 6Gi free: what was free without the fault is not known',
    ],
    [
      'that was found in force',
      '--fill 95%',
      { facts: undefined, pathsBefore: [], pathsDuring: paths(1, 10, () => free(0.05 * whole)), isFound: true },
      true,
      'Asked to fill /data (PVC data-web-0) to 95%: 95% in use, 486Mi free',
    ],
  ])('%s', (_what, flags, seen, effective, sentence) => {
    const verdict = judge(flags, seen);
    expect(verdict.proofs).toEqual([{ what: 'io', effective, sentence }]);
    expect(verdict.effective).toBe(effective);
  });

  describe('while a neighbour writes to that disk', () => {
    const big = { sizeBytes: 250 * GiB };
    /** So many GiB are free in all. */
    const left = (gib: number) => ({ ...big, ...free(gib * GiB) });
    const before = { facts: pathFacts(left(209)), pathsBefore: paths(-1, 0, () => left(209)) };
    const whole = `/data (ext4, PVC data-web-0)`;
    /** 60Mi a second, from the start on. */
    const neighbour = (second: number) => (second * 60) / 1_024;
    const filled = ['filled 100 MiB by fallocate: 209 GiB are left'];
    const during = paths(1, 10, (second) => left(209 - 100 / 1_024 - neighbour(second)));

    test.each<[what: string, flags: string, seen: Seen, effective: boolean, sentence: string]>([
      [
        'it is what the fill holds that counts',
        '--fill 100Mi',
        { pathsDuring: during, pathAfter: pathEvent(12, left(209 - neighbour(12))), output: filled },
        true,
        `Asked to fill ${whole} by 100Mi: took 100Mi, 16.5% in use, 208.32Gi free (209Gi before); 208.3Gi free afterwards, since others took 720Mi meanwhile`,
      ],
      [
        'what is not released is told, since the neighbour is slower than that',
        '--fill 2Gi',
        {
          pathsDuring: paths(1, 10, (second) => left(207 - neighbour(second))),
          pathAfter: pathEvent(12, left(207 - neighbour(12))),
          output: ['filled 2 GiB by fallocate: 207 GiB are left'],
        },
        false,
        `Asked to fill ${whole} by 2Gi: took 2Gi, 17.3% in use, 206.4Gi free (209Gi before); afterwards only 206.3Gi free: the target uses the rest, or it is released later`,
      ],
      [
        'a neighbour that deletes does not take from what the fill holds',
        '--fill 2Gi',
        {
          pathsDuring: paths(1, 10, (second) => left(207 + second)),
          pathAfter: pathEvent(12, left(219)),
          output: ['filled 2 GiB by fallocate: 207 GiB are left'],
        },
        true,
        `Asked to fill ${whole} by 2Gi: took 2Gi, 16.6% in use, 208Gi free (209Gi before); 219Gi free afterwards, since others released 10Gi meanwhile`,
      ],
      [
        'what the neighbour has taken of it is missing',
        '--fill 2Gi',
        { pathsDuring: during, output: ['filled 100 MiB of 2 GiB by fallocate: 64 MiB are left'] },
        false,
        `Asked to fill ${whole} by 2Gi: took 100Mi, 16.5% in use, 208.32Gi free (209Gi before): less than asked; afterwards only 8Gi free: the target uses the rest, or it is released later`,
      ],
      [
        'a percentage is reached although others have taken a part of it',
        '--fill 50%',
        {
          pathsDuring: paths(1, 10, () => left(125)),
          pathAfter: pathEvent(12, left(203)),
          output: ['filled 78 GiB of 84 GiB by fallocate: 125 GiB are left'],
        },
        true,
        `Asked to fill ${whole} to 50%: took 78Gi, 49.9% in use, 125Gi free (209Gi before); 203Gi free afterwards, since others took 6Gi meanwhile`,
      ],
    ])('%s', (_what, flags, seen, effective, sentence) => {
      const { pathsDuring = [], ...rest } = seen;
      expect(judge(flags, { ...before, pathsDuring, ...rest }).proofs).toEqual([{ what: 'io', effective, sentence }]);
    });

    test('of inodes as well', () => {
      const seen = {
        pathsDuring: paths(1, 10, (second) => inodes(645_000 - second * 1_000)),
        pathAfter: pathEvent(12, inodes(643_000)),
        output: ['made 10000 files: 645000 inodes are left'],
      };
      expect(judge('--fill-inodes 10k', seen).proofs).toEqual([
        {
          what: 'io',
          effective: true,
          sentence: `Asked to fill ${place} by 10,000 inodes: took 10,000 inodes, 3.1% in use, 635,000 inodes free (655,000 inodes before); 643,000 inodes free afterwards, since others took 12,000 inodes meanwhile`,
        },
      ]);
    });

    test('the table has digits that tell them apart', () => {
      const { io } = judge('--fill 100Mi', { ...before, pathsDuring: during, output: filled });
      expect(
        io &&
          proofRows(io)
            .rows.find(([name]) => name === 'free')
            ?.slice(1, 3),
      ).toEqual(['209Gi', '208.3Gi']);
    });
  });

  test('of a volume of 32Mi to 95% is down to its own floor', () => {
    const [sizeBytes, left] = [32 * MiB, 1.6 * MiB];
    const of = (bytes: number) => ({ sizeBytes, freeBytes: bytes, availableBytes: bytes });
    const seen = {
      facts: pathFacts({ ...of(sizeBytes), type: 'tmpfs', mayUseReserved: false }),
      pathsBefore: paths(-1, 0, () => of(sizeBytes)),
      pathAfter: pathEvent(12, of(sizeBytes)),
    };
    const sentence = (text: string) =>
      `Asked to fill /data (tmpfs, PVC data-web-0) to 95%: ${text}; 32Mi free afterwards`;
    expect(judge('--fill 95%', { ...seen, pathsDuring: paths(1, 10, () => of(left)) }).proofs).toMatchObject([
      { effective: true, sentence: sentence('95% in use, 1.6Mi free (32Mi before), down to what --leave keeps free') },
    ]);
    expect(judge('--fill 95%', { ...seen, pathsDuring: paths(1, 10, () => of(5 * MiB)) }).proofs).toMatchObject([
      { effective: false, sentence: sentence('84.4% in use, 5Mi free (32Mi before): less than asked') },
    ]);
  });

  test('of both is judged by both', () => {
    const verdict = judge('--fill 2Gi --fill-inodes 10k', { pathsDuring: paths(1, 10, () => free(6 * GiB)) });
    expect(verdict.proofs.map(({ effective }) => effective)).toEqual([true, false]);
    expect(verdict.effective).toBe(false);
  });

  test('is not judged without a look at the file system', () => {
    expect(judge('--fill 2Gi', { pathsDuring: [] })).toMatchObject({
      effective: false,
      proofs: [{ sentence: expect.stringContaining('the file system was not observed') }],
    });
  });
});

describe('a throttle', () => {
  const took = (us: number) => ({ writeUs: us, readUs: us });
  const fast = paths(-1, 0, () => took(900));
  test.each<[what: string, flags: string, seen: Seen, effective: boolean, sentence: string]>([
    [
      'that holds',
      '--throttle write=1Mi',
      { pathsDuring: paths(1, 10, () => took(250_000)), samplesDuring: samples(1, 10, wrote(1)) },
      true,
      'Asked for at most 1Mi/s written: a write of 256Ki took 0.9ms before and 250ms under it, at the limit 250ms; the container wrote 1Mi/s in 1 write/s',
    ],
    [
      'of operations',
      '--throttle read-iops=50',
      { pathsDuring: paths(1, 10, () => took(203_000)) },
      true,
      'Asked for at most 50 reads/s: 13 reads of 4Ki took 0.9ms before and 203ms under it, at the limit 260ms; the container read 0 bytes/s in 0 reads/s',
    ],
    [
      'that is on another disk than what the container uses',
      '--throttle write=1Mi',
      { pathsDuring: paths(1, 10, () => took(250_000)), samplesDuring: samples(1, 10, wrote(2)) },
      false,
      'Asked for at most 1Mi/s written: a write of 256Ki took 0.9ms before and 250ms under it, at the limit 250ms; the container wrote 2Mi/s in 2 writes/s; more than the limit, since it also uses other disks',
    ],
    [
      'whose traffic the cgroup counts twice',
      '--throttle write=1Mi',
      {
        pathsDuring: paths(1, 10, (s) => ({ ...took(250_000), ...diskWrote(1)(s) })),
        samplesDuring: samples(1, 10, wrote(2)),
      },
      true,
      'Asked for at most 1Mi/s written: a write of 256Ki took 0.9ms before and 250ms under it, at the limit 250ms; the container wrote 1Mi/s in 1 write/s',
    ],
    [
      'that does not take hold',
      '--throttle write=1Mi',
      { pathsDuring: paths(1, 10, () => took(1_000)) },
      false,
      'Asked for at most 1Mi/s written: a write of 256Ki took 0.9ms before and 1ms under it, at the limit 250ms; the container wrote 0 bytes/s in 0 writes/s; it was not slowed',
    ],
    [
      'above what the disk does',
      '--throttle write=100Mi',
      { pathsBefore: paths(-1, 0, () => took(200_000)), pathsDuring: paths(1, 10, () => took(210_000)) },
      false,
      'Asked for at most 100Mi/s written: 16 writes of 1Mi took 200ms before and 210ms under it, at the limit 160ms; the container wrote 0 bytes/s in 0 writes/s; the disk itself is hardly faster than the limit',
    ],
    [
      'above the limit of its pod',
      '--throttle write=50Mi',
      {
        facts: pathFacts({ disk: '253:0' }),
        pathsBefore: paths(-1, 0, () => took(1_200_000)),
        pathsDuring: paths(1, 10, () => ({
          ...took(1_250_000),
          ioLimits: [{ ...noLimits, cgroup: '/kubepods/pod1/app', own: true, writeBytesPerS: 50 * MiB }, podLimit],
        })),
      },
      false,
      "Asked for at most 50Mi/s written: 13 writes of 984Ki took 1.2s before and 1.3s under it, at the limit 250ms; the container wrote 0 bytes/s in 0 writes/s; already limited to 10Mi/s written by the pod's cgroup",
    ],
    [
      'above a limit that its pod was given meanwhile, which slows the target',
      '--throttle write=50Mi',
      { pathsDuring: paths(1, 10, () => ({ ...took(1_250_000), ioLimits: [podLimit] })) },
      false,
      "Asked for at most 50Mi/s written: 13 writes of 984Ki took 0.9ms before and 1.3s under it, at the limit 250ms; the container wrote 0 bytes/s in 0 writes/s; already limited to 10Mi/s written by the pod's cgroup",
    ],
    [
      'of which the pod has a tighter limit in bytes only',
      '--throttle write=50Mi,write-iops=20',
      {
        pathsDuring: paths(1, 10, () => ({ ...took(250_000), ioLimits: [podLimit] })),
        samplesDuring: samples(1, 10, (s) => ({ ioWriteBytes: s * 10 * MiB, ioWriteOps: s * 20 })),
      },
      true,
      "Asked for at most 50Mi/s written and 20 writes/s: 5 writes of 1Mi took 0.9ms before and 250ms under it, at the limit 250ms; the container wrote 10Mi/s in 20 writes/s; already limited to 10Mi/s written by the pod's cgroup",
    ],
    [
      'too high for a probe to meet',
      '--throttle write=1Gi',
      { pathsDuring: paths(1, 10, () => took(1_000)), samplesDuring: samples(1, 10, wrote(3)) },
      false,
      "Asked for at most 1Gi/s written: 16 writes of 1Mi took 0.9ms before and 1ms under it, at the limit 16ms; the container wrote 3Mi/s in 3 writes/s; the target's I/O stayed below the limit",
    ],
    [
      'too high for a probe, which the target meets',
      '--throttle write=1Gi',
      { pathsDuring: paths(1, 10, () => took(1_000)), samplesDuring: samples(1, 10, wrote(900)) },
      true,
      'Asked for at most 1Gi/s written: 16 writes of 1Mi took 0.9ms before and 1ms under it, at the limit 16ms; the container wrote 900Mi/s in 900 writes/s',
    ],
    [
      'whose probe failed',
      '--throttle write=1Mi',
      {
        pathsDuring: paths(1, 10, () => ({ problem: 'No space left on device' })).map(
          ({ writeUs: _, ...rest }) => rest,
        ),
      },
      false,
      'Asked for at most 1Mi/s written: a write of 256Ki could not be timed under it (No space left on device); the container wrote 0 bytes/s in 0 writes/s; and the target never came near the limit',
    ],
    [
      'that was found in force',
      '--throttle write=1Mi',
      { facts: undefined, pathsBefore: [], pathsDuring: paths(1, 10, () => took(250_000)), isFound: true },
      true,
      'Asked for at most 1Mi/s written: a write of 256Ki took 250ms under it, at the limit 250ms; the container wrote 0 bytes/s in 0 writes/s',
    ],
  ])('%s', (_what, flags, seen, effective, sentence) => {
    const verdict = judge(flags, { pathsBefore: fast, ...seen });
    expect(verdict.proofs).toEqual([{ what: 'io', effective, sentence }]);
    expect(verdict.effective).toBe(effective);
  });

  test('of both ways is judged by both', () => {
    const seen = { pathsBefore: fast, pathsDuring: paths(1, 10, () => ({ writeUs: 250_000, readUs: 500 })) };
    expect(judge('--throttle write=1Mi,read=1Mi', seen).proofs.map(({ effective }) => effective)).toEqual([
      true,
      false,
    ]);
  });
});

test('what was measured is told in numbers', () => {
  const { io } = judge('--mode write', {
    samplesDuring: samples(1, 10, (s) => ({ ...wrote(10)(s), ioSomeUs: s * 500_000 })),
    pathsBefore: paths(-1, 0, diskWrote(0)),
    pathsDuring: paths(1, 10, (s) => ({ ...slow, ...diskWrote(20)(s), availableBytes: (8 - s / 10) * GiB })),
  });
  expect(io).toEqual({
    ...{ readBytes: 0, writtenBytes: 100 * MiB, readOps: 0, writtenOps: 100, seconds: 10 },
    ...{ diskReadBytes: 0, diskWrittenBytes: 200 * MiB, diskReadOps: 0, diskWrittenOps: 200 },
    ...{ writeUsBefore: 2_000, writeUsDuring: 48_000, readUsDuring: 9_000, pressure: 0.5 },
    ...{ availableBytesBefore: 8 * GiB, availableBytesDuring: 7 * GiB, availableBytesAfter: 8 * GiB },
    ...{ inodesFreeBefore: 655_000, inodesFreeDuring: 655_000, inodesFreeAfter: 655_000 },
  });
});
