import { describe, expect } from 'vitest';
import { experiment } from '../../experiment/scenario.ts';
import { request } from '../../fakes/samples.ts';

const whole = { ...request(), fault: { fault: 'pause' } };
const some = { ...request(), fault: { fault: 'pause', match: '*worker*' } };
const goesOn = { pauseAsked: 0, pauseFrozen: 0, pauseUsageUs: 0 };
const standsStill = { ...goesOn, pauseAsked: 1, pauseFrozen: 1 };

experiment(
  'a pause of the whole container is begun, followed and judged',
  async (s) => {
    s.counters = goesOn;
    await s.activate();
    expect(s.sent).toEqual(['beat', 'beat', 'start']);
    s.counters = standsStill;
    await s.pass(5_000);
    expect(s.reporter.of('sample').at(-1)?.live.row[1]).toBe('stands still');
    s.counters = goesOn;
    await s.finish();
    const { verdict } = await s.outcome();
    expect(verdict?.proofs[0]).toEqual({
      ...{ what: 'pause', effective: true },
      sentence:
        'Asked for a pause of the whole container: all of it stood still in 5 of 5 samples; its CPU 0.00 → 0.00 cores; it goes on afterwards',
    });
    expect(verdict?.document).toMatchObject({ pause: { stillSamples: 5 } });
  },
  whole,
);

experiment(
  'a pause that somebody else ends by a thaw: exit 3, and said what was done, by whom it may have been',
  async (s) => {
    s.counters = goesOn;
    await s.activate();
    s.counters = standsStill;
    await s.pass(2_000);
    s.counters = goesOn;
    await s.finish({ reason: 'overwritten', signal: 0, runMs: 2_500 });
    const outcome = await s.outcome();
    expect(outcome).toMatchObject({ exitCode: 3, reverted: true });
    expect(outcome.problems).toEqual([
      "somebody else thawed the target's cgroup after 2.5s, so that the container goes on; `runc resume` and `docker unpause` do that: find out who it was before the next try",
    ]);
  },
  whole,
);

describe('with --match', () => {
  experiment(
    'who is meant is announced before the start',
    async (s) => {
      s.match = { processes: 6, stopped: 1, first: [4, 5, 6, 7, 8].map((pid) => ({ pid, comm: 'worker' })) };
      await s.activate();
      expect(s.reporter.of('announced').map(({ lines }) => lines)).toEqual([
        [
          'stopped  6 processes: worker (pid 4 on the node), worker (pid 5 on the node), worker (pid 6 on the node), worker (pid 7 on the node) and 2 more; 1 of them had been stopped before, and is left alone',
        ],
      ]);
      await s.finish();
      await s.outcome();
    },
    some,
  );

  for (const [what, match, message] of [
    ['nobody', { processes: 0, stopped: 0, first: [] }, '--match "*worker*" means no process of container app'],
    [
      'nobody who runs',
      { processes: 2, stopped: 2, first: [] },
      'all 2 processes of container app that --match "*worker*" means had been stopped before, by somebody else',
    ],
    [
      'the one who is stopped',
      { processes: 1, stopped: 1, first: [] },
      'the one process of container app that --match "*worker*" means had been stopped before, by somebody else',
    ],
    [
      'too many',
      { processes: 513, stopped: 0, first: [] },
      '--match "*worker*" means 513 processes of container app, more than 512',
    ],
  ] as const) {
    experiment(
      `${what}: refused, and nothing is begun`,
      async (s) => {
        s.match = { ...match, first: [] };
        await s.unbegun();
        await expect(s.outcome()).rejects.toMatchObject({ code: 'target-unsuitable', message });
      },
      some,
    );
  }

  experiment(
    'a shim that does not say who is meant is not begun',
    async (s) => {
      await s.unbegun();
      await expect(s.outcome()).rejects.toMatchObject({ code: 'shim' });
    },
    some,
  );
});
