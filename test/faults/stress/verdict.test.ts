import { describe, expect, test } from 'vitest';
import type { Observation } from '../../../src/faults/common/observation.ts';
import { decideStress, estimateStress, resolveStress } from '../../../src/faults/stress/plan.ts';
import type { StressRequest } from '../../../src/faults/stress/types.ts';
import { judgeStress, type StressVerdict } from '../../../src/faults/stress/verdict.ts';
import type { Sample } from '../../../src/shim/protocol.ts';
import { MiB, requestFor, resolved, sample, target } from '../../fakes/samples.ts';

/** Ten samples in which the cgroup uses `cores`, with the fields of `at` at each second. */
function series(cores: number, at: (second: number) => Partial<Sample> = () => ({}), seconds = 10): Sample[] {
  return Array.from({ length: seconds + 1 }, (_, second) => sample(second, cores, at(second)));
}

function judge(stress: Partial<StressRequest>, seen: Partial<Observation>): StressVerdict {
  return judgeWithoutPlace(stress, { place: resolved(), ...seen });
}

function judgeWithoutPlace(stress: Partial<StressRequest>, seen: Partial<Observation>): StressVerdict {
  const planned = resolveStress(requestFor(stress).fault, target());
  return judgeStress(decideStress(planned, sample(0)) ?? estimateStress(planned), {
    before: series(0.02, undefined, 1),
    during: [],
    nodeCores: 4,
    ...seen,
  });
}

const unlimited = { cpuQuotaUs: -1, cpuPeriodUs: 100_000 };

describe('CPU', () => {
  const cases: ReadonlyArray<
    [what: string, workers: number, load: number, seen: Partial<Observation>, effective: boolean, sentence: string]
  > = [
    [
      'up to the limit',
      2,
      100,
      { during: series(0.99, (s) => ({ cpuThrottledPeriods: s * 9 })) },
      true,
      'Asked for 2 busy CPUs; the container may use 1.00: it used 0.99 (99%), throttled in 90% of the periods',
    ],
    [
      'without a limit',
      2,
      100,
      { during: series(1.97, () => unlimited) },
      true,
      'Asked for 2 busy CPUs: it used 1.97 (98.5%)',
    ],
    ['partial', 2, 30, { during: series(0.55) }, true, 'Asked for 2 busy CPUs at 30%: it used 0.55 (91.7%)'],
    ['just enough', 1, 100, { during: series(0.76) }, true, 'Asked for 1 busy CPU: it used 0.76 (76%)'],
    [
      'not enough',
      1,
      100,
      { during: series(0.74) },
      false,
      'Asked for 1 busy CPU: it used 0.74 (74%): less than asked, the node itself may be out of CPU',
    ],
    [
      'nothing at all',
      1,
      100,
      { during: series(0.02) },
      false,
      'Asked for 1 busy CPU: it used 0.02 (2%): no more than before (0.02)',
    ],
    [
      'more than the node has',
      16,
      100,
      { during: series(3.9, () => unlimited) },
      true,
      'Asked for 16 busy CPUs; the node has 4.00: it used 3.90 (97.5%)',
    ],
    [
      'on a node that is short of CPU',
      4,
      100,
      { during: series(1.2, () => unlimited) },
      false,
      'Asked for 4 busy CPUs: it used 1.20 (30%): less than asked, the node itself may be out of CPU',
    ],
    [
      'of a target already at its limit that does not wait for it',
      1,
      100,
      { before: series(0.98, undefined, 1), during: series(1) },
      false,
      'Asked for 1 busy CPU: it used 1.00 (100%): no more than before (0.98)',
    ],
    [
      'of a target already at its limit that now waits for it (throttling)',
      1,
      100,
      { before: series(0.98, undefined, 1), during: series(1, (s) => ({ cpuThrottledPeriods: s * 8 })) },
      true,
      'Asked for 1 busy CPU: it used 1.00 (100%), throttled in 80% of the periods',
    ],
    [
      'of a target already at its limit that now waits for it (pressure)',
      1,
      100,
      {
        before: series(0.98, () => ({ cpuSomeUs: 0 }), 1),
        during: series(1, (s) => ({ cpuSomeUs: s * 600_000 })),
      },
      true,
      'Asked for 1 busy CPU: it used 1.00 (100%)',
    ],
    [
      'without a baseline',
      1,
      100,
      { before: [], during: series(0.9) },
      true,
      'Asked for 1 busy CPU: it used 0.90 (90%)',
    ],
    [
      'of a cpuset of two CPUs, without a quota',
      4,
      100,
      { nodeCores: 16, during: series(1.99, () => ({ ...unlimited, cpusetCpus: 2, cpusetList: '2-3' })) },
      true,
      'Asked for 4 busy CPUs; the container may use 2.00 of CPUs 2-3: it used 1.99 (99.5%)',
    ],
    [
      'of a quota below its cpuset',
      4,
      100,
      { nodeCores: 16, during: series(0.99, () => ({ cpusetCpus: 2, cpusetList: '2-3' })) },
      true,
      'Asked for 4 busy CPUs; the container may use 1.00: it used 0.99 (99%)',
    ],
    [
      'of a cpuset that is the whole node',
      4,
      100,
      { during: series(1.2, () => ({ ...unlimited, cpusetCpus: 4, cpusetList: '0-3' })) },
      false,
      'Asked for 4 busy CPUs: it used 1.20 (30%): less than asked, the node itself may be out of CPU',
    ],
    [
      'of a cpuset that others use as well',
      2,
      100,
      { nodeCores: 16, during: series(1.2, () => ({ ...unlimited, cpusetCpus: 2, cpusetList: '2-3' })) },
      false,
      'Asked for 2 busy CPUs: it used 1.20 (60%): less than asked, others may have CPUs 2-3 busy as well',
    ],
    [
      "of the pod's quota",
      2,
      100,
      { during: series(0.99, () => ({ cpuLevel: 1 })) },
      true,
      'Asked for 2 busy CPUs; the pod may use 1.00: it used 0.99 (99%)',
    ],
    [
      'on a node of two CPUs of which less is allocatable',
      2,
      100,
      { nodeCores: 2, during: series(1.98, () => unlimited) },
      true,
      'Asked for 2 busy CPUs: it used 1.98 (99%)',
    ],
    [
      'of one CPU of a node that may not be read',
      2,
      100,
      { nodeCores: undefined, during: series(0.99, () => ({ ...unlimited, cpusetCpus: 1, cpusetList: '5' })) },
      true,
      'Asked for 2 busy CPUs; the container may use 1.00 of CPU 5: it used 0.99 (99%)',
    ],
    [
      'with unknown cores of the node',
      2,
      100,
      { nodeCores: undefined, during: series(1.8, () => unlimited) },
      true,
      'Asked for 2 busy CPUs: it used 1.80 (90%)',
    ],
  ];

  test.each(cases)('%s', (_what, workers, loadPercent, seen, effective, sentence) => {
    const verdict = judge({ cpu: { workers, loadPercent } }, seen);
    expect(verdict.proofs).toEqual([{ what: 'cpu', effective, sentence }]);
    expect(verdict.effective).toBe(effective);
  });

  test('the first interval is the start-up and does not count', () => {
    const late = series(1).map((s, i) => ({ ...s, cpuUsageUs: 1_000_000 + Math.max(0, i - 1) * 1e6 }));
    expect(judge({ cpu: { workers: 1, loadPercent: 100 } }, { during: late }).during?.cpuCores).toBe(1);
  });
});

test('the OOM kills of the table are those of the sentence, with those after the last sample', () => {
  const during = series(0, (s) => ({ memoryCurrentBytes: 45 * MiB, memoryOomKills: s }));
  const of = (oomKills: number) =>
    judge({ memory: { bytes: 200 * MiB } }, { during, ended: { reason: 'deadline', exitCode: 0, oomKills } }).during
      ?.oomKills;
  expect([of(25), of(0)]).toEqual([25, 10]);
});

describe('memory', () => {
  const hold = (mebibytes: number) => (): Partial<Sample> => ({ memoryCurrentBytes: mebibytes * MiB });
  const before = series(0, hold(40), 1);

  const cases: ReadonlyArray<
    [what: string, mebibytes: number, seen: Partial<Observation>, effective: boolean, sentence: string]
  > = [
    ['held', 50, { during: series(0, hold(92)) }, true, 'Asked for 50Mi of memory: it grew by 52Mi to 92Mi'],
    [
      'held for a part',
      50,
      { during: series(0, hold(60)) },
      false,
      'Asked for 50Mi of memory: it grew by 20Mi to 60Mi',
    ],
    ['not held', 50, { during: series(0, hold(40)) }, false, 'Asked for 50Mi of memory: it grew by 0 bytes to 40Mi'],
    [
      'held for a moment',
      50,
      { during: series(0, (s) => hold(s === 5 ? 90 : 40)()) },
      true,
      'Asked for 50Mi of memory: it grew by 50Mi to 90Mi',
    ],
    [
      'up to the limit',
      200,
      { during: series(0, hold(127)) },
      true,
      'Asked for 200Mi of memory; the container may use 128Mi, of which 88Mi were free: it grew by 87Mi to 127Mi',
    ],
    [
      'over the limit, seen by its OOM kills only',
      200,
      { during: series(0, (s) => ({ ...hold(45)(), memoryOomKills: s })) },
      true,
      'Asked for 200Mi of memory; the container may use 128Mi, of which 88Mi were free: it grew by 5Mi to 45Mi, 10 OOM kills',
    ],
    [
      "over the limit, seen by the shim's count only",
      200,
      { during: series(0, hold(45)), ended: { reason: 'killed', exitCode: 137, oomKills: 1 } },
      true,
      'Asked for 200Mi of memory; the container may use 128Mi, of which 88Mi were free: it grew by 5Mi to 45Mi, 1 OOM kill',
    ],
    [
      'within the limit but with an OOM kill of something else',
      50,
      { during: series(0, (s) => ({ ...hold(42)(), memoryOomKills: s > 5 ? 1 : 0 })) },
      false,
      'Asked for 50Mi of memory: it grew by 2Mi to 42Mi, 1 OOM kill',
    ],
    [
      'of a target already at its limit in which nothing happens',
      50,
      { before: series(0, hold(128), 1), during: series(0, hold(128)) },
      false,
      'Asked for 50Mi of memory; the container may use 128Mi, of which 0 bytes were free: it grew by 0 bytes to 128Mi',
    ],
    [
      'of a target already at its limit that is killed for it',
      50,
      { before: series(0, hold(128), 1), during: series(0, (s) => ({ ...hold(128)(), memoryOomKills: s })) },
      true,
      'Asked for 50Mi of memory; the container may use 128Mi, of which 0 bytes were free: it grew by 0 bytes to 128Mi, 10 OOM kills',
    ],
    [
      'without a limit',
      1_000,
      { during: series(0, () => ({ ...hold(1_045)(), memoryLimitBytes: -1 })) },
      true,
      'Asked for 1000Mi of memory: it grew by 1005Mi to 1Gi',
    ],
  ];

  /** In a container with memory.high at 140 MiB and a limit of 200, of which 40 are in use. */
  const high = (mebibytes: number, change: Partial<Sample> = {}): Partial<Sample> => ({
    ...hold(mebibytes)(),
    ...{ memoryLimitBytes: 200 * MiB, memoryRoomBytes: (200 - mebibytes) * MiB },
    ...{ memoryHighBytes: 140 * MiB, memoryHighRoomBytes: Math.max(0, 140 - mebibytes) * MiB },
    ...{ memoryHighEvents: 0, swapFreeBytes: 0 },
    ...change,
  });
  /** With 64 MiB of swap. */
  const swapping = (mebibytes: number, swapped: number): Partial<Sample> => ({
    ...hold(mebibytes)(),
    ...{ memoryRoomBytes: (128 - mebibytes) * MiB, memorySwapCurrentBytes: swapped * MiB },
    ...{ memorySwapRoomBytes: (64 - swapped) * MiB, swapFreeBytes: 2 ** 33 },
  });

  test.each<
    [
      what: string,
      mebibytes: number,
      before: Partial<Sample>,
      during: (second: number) => Partial<Sample>,
      effective: boolean,
      sentence: string,
    ]
  >([
    [
      'throttled at memory.high',
      190,
      high(40),
      (s) => high(141, { memoryHighEvents: s }),
      true,
      'Asked for 190Mi of memory; from memory.high, 140Mi, on it is throttled, of which 100Mi were free: it grew by 101Mi to 141Mi, throttled at memory.high',
    ],
    [
      'throttled at memory.high, which page cache had met before',
      190,
      high(40),
      (s) => high(50, { memoryHighEvents: s }),
      true,
      'Asked for 190Mi of memory; from memory.high, 140Mi, on it is throttled, of which 100Mi were free: it grew by 10Mi to 50Mi, throttled at memory.high',
    ],
    ['below memory.high', 90, high(40), () => high(128), true, 'Asked for 90Mi of memory: it grew by 88Mi to 128Mi'],
    [
      'that never came near memory.high',
      190,
      high(40),
      () => high(60),
      false,
      'Asked for 190Mi of memory; from memory.high, 140Mi, on it is throttled, of which 100Mi were free: it grew by 20Mi to 60Mi',
    ],
    [
      'over the limit, into swap',
      120,
      swapping(40, 0),
      () => swapping(127, 30),
      true,
      'Asked for 120Mi of memory: it grew by 117Mi to 127Mi, and 30Mi were swapped out',
    ],
    [
      'over the limit and swap',
      500,
      swapping(40, 0),
      () => swapping(127, 63),
      true,
      'Asked for 500Mi of memory; the container may use 128Mi, of which 88Mi were free, and 64Mi of swap: it grew by 150Mi to 127Mi, and 63Mi were swapped out',
    ],
    [
      'into swap, of a target that had swapped before',
      120,
      swapping(40, 10),
      () => swapping(127, 40),
      true,
      'Asked for 120Mi of memory: it grew by 117Mi to 127Mi, and 30Mi were swapped out',
    ],
    [
      'without a limit, of more than the node has',
      16_384,
      { ...hold(40)(), memoryLimitBytes: -1, nodeMemoryAvailableBytes: 8_192 * MiB },
      (s) => ({ ...hold(s === 5 ? 5_160 : 40)(), memoryLimitBytes: -1, memoryOomKills: s > 5 ? 1 : 0 }),
      true,
      'Asked for 16Gi of memory; the node had 8Gi available: it grew by 5Gi to 5Gi, 1 OOM kill',
    ],
    [
      'of a pod whose limit others have nearly used',
      50,
      { ...hold(40)(), memoryRoomBytes: 10 * MiB },
      () => ({ ...hold(49)(), memoryRoomBytes: MiB }),
      true,
      'Asked for 50Mi of memory; the container may use 128Mi, of which 10Mi were free: it grew by 9Mi to 49Mi',
    ],
  ])('%s', (_what, mebibytes, start, during, effective, sentence) => {
    const seen = { before: series(0, () => start, 1), during: series(0, during) };
    expect(judge({ memory: { bytes: mebibytes * MiB } }, seen).proofs).toEqual([
      { what: 'memory', effective, sentence },
    ]);
  });

  test.each(cases)('%s', (_what, mebibytes, seen, effective, sentence) => {
    const verdict = judge({ memory: { bytes: mebibytes * MiB } }, { before, ...seen });
    expect(verdict.proofs).toEqual([{ what: 'memory', effective, sentence }]);
    expect(verdict.effective).toBe(effective);
  });

  test('too slowly for want of CPU time, and says so', () => {
    const throttled = (s: number) => ({
      ...hold(40 + 31.7 * s)(),
      ...{ memoryLimitBytes: 1_024 * MiB, cpuQuotaUs: 2_000, cpuThrottledPeriods: Math.round(9.7 * s) },
    });
    expect(judge({ memory: { bytes: 819 * MiB } }, { before, during: series(0.02, throttled) }).proofs).toEqual([
      {
        what: 'memory',
        effective: false,
        sentence:
          'Asked for 819Mi of memory: it grew by 317Mi to 357Mi; it was throttled in 97% of the CPU periods, too slow to take more in that time: the container may use 0.02 CPUs',
      },
    ]);
  });

  test.each<[what: string, asked: Partial<StressRequest>, sentence: string]>([
    [
      'processes',
      { processes: 8 },
      'Asked for fork pressure by 8 workers: 3 processes became 4; it was throttled in 97% of the CPU periods, too slow to start more in that time: the container may use 0.02 CPUs',
    ],
    [
      'stressors of the user',
      { stressNgArgs: ['--switch', '1'] },
      "Asked for stress-ng's own stressors: nothing changed in the target's cgroup; it was throttled in 97% of the CPU periods, too slow to do anything in that time: the container may use 0.02 CPUs",
    ],
  ])('nor come %s to anything then', (_what, asked, sentence) => {
    const throttled = (s: number) => ({
      ...{ cpuQuotaUs: 2_000, cpuThrottledPeriods: Math.round(9.7 * s), pidsCurrent: s === 0 ? 3 : 4 },
    });
    const seen = { before: series(0.02, () => ({ pidsCurrent: 3 }), 1), during: series(0.02, throttled) };
    expect(judge(asked, seen).proofs).toMatchObject([{ effective: false, sentence }]);
  });

  test("of a pod's limit", () => {
    const pods = { memoryLimitLevel: 1, memoryRoomBytes: 10 * MiB };
    const seen = { before: series(0, () => pods, 1), during: series(0, () => ({ ...hold(49)(), ...pods })) };
    expect(judge({ memory: { bytes: 50 * MiB } }, seen).proofs[0]?.sentence).toBe(
      'Asked for 50Mi of memory; the pod may use 128Mi, of which 10Mi were free: it grew by 9Mi to 49Mi',
    );
  });

  describe('that was found in force', () => {
    const during = series(0, (s) => high(141, { memoryHighEvents: 7 + s }));
    const asked = { memory: { bytes: 190 * MiB } };

    test('is throttled at memory.high by what was counted while it was seen', () => {
      const before = [sample(12, 0, high(40, { memoryHighEvents: 20 }))];
      expect(judge(asked, { isFound: true, before, during }).proofs[0]?.sentence).toBe(
        'Asked for 190Mi of memory; from memory.high, 140Mi, on it is throttled, of which 100Mi were free: it grew by 101Mi to 141Mi, throttled at memory.high',
      );
    });

    test('is judged against memory.high where nothing was seen of its target without it', () => {
      expect(judge(asked, { isFound: true, before: [], during })).toMatchObject({ effective: true });
    });

    test('names no pod or container of a limit above, whose place is not known', () => {
      const above = series(0, () => ({ ...hold(127)(), memoryLimitLevel: 1 }));
      const seen = { isFound: true, before: [sample(12, 0, { memoryLimitLevel: 1 })], during: above };
      expect(judgeWithoutPlace({ memory: { bytes: 200 * MiB } }, seen).proofs[0]?.sentence).toContain(
        "; a cgroup above the target's own may use 128Mi, of which 88Mi were free: ",
      );
    });
  });

  test('a percentage is told with what it is of', () => {
    const verdict = judge({ memory: { percent: 50 } }, { before, during: series(0, hold(104)) });
    expect(verdict.proofs[0]?.sentence).toBe(
      "Asked for 64Mi of memory (50% of the container's limit, 128Mi): it grew by 64Mi to 104Mi",
    );
  });

  test('what is held after the revert is told', () => {
    const verdict = judge(
      { memory: { bytes: MiB } },
      { during: series(0, hold(42)), after: sample(12, 0, { pidsCurrent: 3 }) },
    );
    expect(verdict.after).toEqual({ memoryBytes: 40 * MiB, processes: 3 });
  });
});

describe('processes', () => {
  const cases: ReadonlyArray<
    [what: string, asked: number, peak: number, limit: number, effective: boolean, sentence: string]
  > = [
    ['there', 8, 12, -1, true, 'Asked for fork pressure by 8 workers: 3 processes became 12'],
    ['not there', 8, 3, -1, false, 'Asked for fork pressure by 8 workers: 3 processes became 3'],
    ['too few', 8, 8, -1, false, 'Asked for fork pressure by 8 workers: 3 processes became 8'],
    [
      'up to the limit',
      100,
      16,
      16,
      true,
      'Asked for fork pressure by 100 workers; the container may have 16: 3 processes became 16',
    ],
    [
      'at the limit already',
      1,
      3,
      3,
      false,
      'Asked for fork pressure by 1 worker; the container may have 3: 3 processes became 3',
    ],
  ];
  test.each(cases)('%s', (_what, processes, peak, limit, effective, sentence) => {
    const during = series(0, (s) => ({ pidsCurrent: s === 4 ? peak : 3, pidsLimit: limit }));
    expect(judge({ processes }, { during }).proofs).toEqual([{ what: 'processes', effective, sentence }]);
  });
});

describe("the user's own arguments", () => {
  const cases: ReadonlyArray<[what: string, seen: Partial<Observation>, effective: boolean, outcome: string]> = [
    ['CPU moved', { during: series(0.5) }, true, 'CPU 0.02 → 0.50 cores'],
    ['memory moved', { during: series(0.02, () => ({ memoryCurrentBytes: 60 * MiB })) }, true, 'memory 40Mi → 60Mi'],
    [
      'I/O moved',
      {
        before: series(0.02, () => ({ ioWriteBytes: 0 }), 1),
        during: series(0.02, (s) => ({ ioWriteBytes: s * 8 * MiB })),
      },
      true,
      'I/O 0 bytes/s → 8Mi/s',
    ],
    ['nothing moved', { during: series(0.02) }, false, "nothing changed in the target's cgroup"],
    [
      'stress-ng failed',
      { during: series(0.9), ended: { reason: 'exited', exitCode: 2, oomKills: 0 } },
      false,
      'stress-ng failed with exit code 2',
    ],
  ];
  test.each(cases)('%s', (_what, seen, effective, outcome) => {
    expect(judge({ stressNgArgs: ['--switch', '1'] }, seen).proofs).toEqual([
      { what: 'other', effective, sentence: `Asked for stress-ng's own stressors: ${outcome}` },
    ]);
  });
});

describe('a run', () => {
  test.each([0, 1])('of %d samples is too short, and not effective', (count) => {
    const verdict = judge({ cpu: { workers: 1, loadPercent: 100 } }, { during: series(1).slice(0, count) });
    expect(verdict.effective).toBe(false);
    expect(verdict.proofs[0]?.sentence).toContain('too short');
  });

  test('that asked for two things and got one is not effective', () => {
    const asked = { cpu: { workers: 1, loadPercent: 100 }, memory: { bytes: 50 * MiB } };
    const verdict = judge(asked, { during: series(1) });
    expect(verdict.proofs.map(({ what, effective }) => [what, effective])).toEqual([
      ['cpu', true],
      ['memory', false],
    ]);
    expect(verdict.effective).toBe(false);
  });

  test('whose kernel does not tell the counter says so, not that nothing was used', () => {
    const blind = series(1).map(
      ({ cpuUsageUs: _cpu, memoryCurrentBytes: _memory, pidsCurrent: _pids, ...rest }) => rest,
    );
    const asked = { cpu: { workers: 1, loadPercent: 100 }, memory: { bytes: MiB }, processes: 4 };
    const verdict = judge(asked, { before: blind.slice(0, 2), during: blind });
    expect(verdict.effective).toBe(false);
    for (const { sentence } of verdict.proofs) expect(sentence).toContain('the kernel does not report');
  });
});

describe('what cannot be measured', () => {
  const untold = series(1).map(({ cpuUsageUs: _, ...rest }) => rest);

  test('is no effect that is not there', () => {
    expect(judge({ cpu: { workers: 1, loadPercent: 100 } }, { during: untold })).toMatchObject({
      effective: false,
      unmeasured: true,
      proofs: [{ unmeasured: true, sentence: expect.stringContaining('the kernel does not report') }],
    });
  });

  test('is beside an effect that is not there none', () => {
    const asked = { cpu: { workers: 1, loadPercent: 100 }, memory: { bytes: 50 * MiB } };
    expect(judge(asked, { during: untold }).unmeasured).toBeUndefined();
  });

  test('is CPU time of two cgroups, where a quota has come meanwhile', () => {
    const moved = [sample(0, 0, { cpuLevel: 0 }), sample(1, 0, { cpuLevel: 1, cpuUsageUs: 9e9 })];
    expect(judge({ cpu: { workers: 1, loadPercent: 100 } }, { during: moved }).during?.cpuCores).toBeUndefined();
  });
});

test('processes within a limit that others share', () => {
  const before = series(0, () => ({ pidsCurrent: 3, pidsLimit: 100, pidsRoom: 4 }), 1);
  const during = series(0, () => ({ pidsCurrent: 7, pidsLimit: 100, pidsRoom: 0 }));
  expect(judge({ processes: 50 }, { before, during }).proofs).toEqual([
    {
      what: 'processes',
      effective: true,
      sentence:
        'Asked for fork pressure by 50 workers; the container may have 100, of which 4 were free: 3 processes became 7',
    },
  ]);
});
