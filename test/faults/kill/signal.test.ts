import { describe, expect } from 'vitest';
import type { Request } from '../../../src/requests.ts';
import { experiment, type Scenario } from '../../experiment/scenario.ts';
import { fakeContainer } from '../../fakes/process-shim.ts';
import { again, containerStanding, down, killRequest, standing } from './standings.ts';

function killExperiment(name: string, body: (scenario: Scenario) => Promise<void>, asked: Request = killRequest()) {
  experiment(name, body, asked);
}

/** Until the first signal is sent. */
async function strike(s: Scenario): Promise<void> {
  await s.launch();
  await s.stands(standing());
  await s.attach();
  expect(s.reporter.of('active'), 'the fault should be active').toHaveLength(1);
}

const told = (s: Scenario) => s.reporter.of('happened').map(({ message }) => message);
const every = killRequest({}, { everyMs: 10_000 }, { durationMs: 90_000 });

describe('a signal to the first process', () => {
  killExperiment('is effective when it has ended, and tells how long the pod took to be ready again', async (s) => {
    await strike(s);
    await s.pass(500);
    await s.stands(down());
    await s.pass(1_500);
    await s.stands(again(1));
    await s.pass(1);
    const { exitCode, verdict, problems } = await s.outcome();
    expect(problems).toEqual([]);
    expect(verdict?.proofs.map(({ sentence }) => sentence)).toEqual([
      'SIGTERM was sent to nginx (pid 1), which ended',
      'container app ended once, with exit code 143 (SIGTERM); ready again after 2s; of endpoints web had 2 ready at least',
    ]);
    expect(exitCode).toBe(0);
    expect(s.processes.orders).toEqual([
      [fakeContainer, '0', '0'],
      [fakeContainer, '15', '5000'],
    ]);
    expect(verdict?.table.rows).toEqual([
      ['ready pods', '3', '2', '3'],
      ['endpoints of web', '3', '2', '3'],
      ['restarts', '0', '-', '1'],
    ]);
    expect(told(s)).toEqual([
      'SIGTERM was sent to nginx (pid 1), which ended',
      'container app ended: exit code 143 (SIGTERM), Error',
      'ready again after 2s',
    ]);
  });

  killExperiment('sees a restart that was over before anybody saw it go', async (s) => {
    await strike(s);
    await s.pass(700);
    await s.stands(again(1));
    await s.pass(1);
    const { verdict } = await s.outcome();
    expect(verdict?.proofs[1]?.sentence).toContain('ready again after 700ms');
  });

  killExperiment('is effective when its handler takes it and it stays', async (s) => {
    s.processes.containers.set(fakeContainer, [{ pid: 1, comm: 'nginx', caught: [15], stays: true }]);
    await strike(s);
    await s.pass(4_000);
    const { exitCode, verdict } = await s.outcome();
    expect(verdict?.proofs.map(({ sentence }) => sentence)).toEqual([
      'SIGTERM was sent to nginx (pid 1), which has a handler for it and is still there',
      'the pod stayed as ready as it was; of endpoints web had 3 ready at least',
    ]);
    expect(exitCode).toBe(0);
  });

  killExperiment('is not measured where it blocks it: it may take it unseen', async (s) => {
    s.processes.containers.set(fakeContainer, [{ pid: 1, comm: 'tini', blocked: [15], stays: true }]);
    await strike(s);
    await s.pass(4_000);
    const { exitCode, verdict } = await s.outcome();
    expect(verdict).toMatchObject({ effective: false, unmeasured: true });
    expect(exitCode).toBe(3);
  });

  const lost: ReadonlyArray<[string, object, string]> = [
    [
      'has no handler and is the first of its pid namespace',
      { pid: 1, comm: 'sleep' },
      'sleep (pid 1) has no handler for SIGTERM and is the first process of its pid namespace, so that the kernel drops it',
    ],
    ['ignores it', { pid: 7, comm: 'x', ignored: [15] }, 'x (pid 7) ignores SIGTERM'],
  ];
  for (const [how, process, message] of lost) {
    killExperiment(`is refused before anything is changed where it ${how}`, async (s) => {
      s.processes.containers.set(fakeContainer, [process as never]);
      await s.launch();
      await s.stands(standing());
      await s.attach();
      await s.pass(1_000);
      const error = await s.error();
      expect(error).toMatchObject({
        code: 'target-unsuitable',
        message,
        hint: 'To end it all the same: --signal KILL.',
      });
      expect(s.processes.orders).toEqual([[fakeContainer, '0', '0']]);
    });
  }

  killExperiment(
    'of KILL is dropped by nobody',
    async (s) => {
      s.processes.containers.set(fakeContainer, [{ pid: 1, comm: 'sleep' }]);
      await strike(s);
      await s.stands(down({ end: { exitCode: 137, signal: 0, reason: 'Error' } }));
      await s.stands(again(1));
      await s.pass(1);
      expect((await s.outcome()).exitCode).toBe(0);
    },
    killRequest({}, { signal: 9 }),
  );

  killExperiment('in a pid namespace that it shares is not dropped', async (s) => {
    s.processes.containers.set(fakeContainer, [{ pid: 12, comm: 'sleep' }]);
    await strike(s);
    await s.stands(down());
    await s.stands(again(1));
    await s.pass(1);
    expect((await s.outcome()).exitCode).toBe(0);
  });

  killExperiment('tells of the back-off of a container that is not ready again in time', async (s) => {
    await strike(s);
    const waiting = { reason: 'CrashLoopBackOff', message: 'back-off 40s restarting failed container' };
    await s.stands(down());
    await s.stands(down({ state: 'waiting', waiting }));
    await s.pass(60_000);
    await s.finish({ reason: 'deadline', runMs: 60_000 });
    const { exitCode, verdict } = await s.outcome();
    expect(verdict?.proofs[1]?.sentence).toBe(
      'container app ended once, with exit code 143 (SIGTERM); not ready again within 1m; the kubelet waits (CrashLoopBackOff: back-off 40s restarting failed container); of endpoints web had 2 ready at least',
    );
    expect(exitCode).toBe(0);
  });

  killExperiment('whose answer is lost is sent no second time, and not measured', async (s) => {
    s.processes.silentTo.add('round:1');
    await strike(s);
    await s.pass(19_000);
    const { verdict, exitCode } = await s.outcome();
    expect(s.processes.orders.filter(([, signal]) => signal === '15')).toHaveLength(1);
    expect(verdict).toMatchObject({ unmeasured: true });
    expect(exitCode).toBe(3);
  });

  killExperiment('is not sent to a target that ends before all is ready', async (s) => {
    await s.launch();
    await s.attach();
    s.cluster.targetUpdates.push({ kind: 'restarted', reason: 'Error', exitCode: 1, message: '' });
    await s.pass(1_000);
    expect(s.processes.orders.filter(([, signal]) => signal !== '0')).toEqual([]);
    expect((await s.outcome()).exitCode).toBe(1);
  });

  killExperiment('can be stopped while what comes of it is waited for', async (s) => {
    await strike(s);
    await s.stands(down());
    await s.interrupt();
    const { exitCode } = await s.outcome();
    expect(exitCode).toBe(130);
  });
});

killExperiment('an end is told once, however long the next container is waited for', async (s) => {
  await strike(s);
  const waiting = { reason: 'CrashLoopBackOff', message: '' };
  await s.stands(down());
  await s.stands(down({ state: 'waiting', waiting }));
  await s.stands(again(1));
  await s.pass(1);
  expect((await s.outcome()).verdict?.document).toMatchObject({ kill: { ends: [{ exitCode: 143, restartCount: 0 }] } });
});

killExperiment('an end before the first look is none of ours', async (s) => {
  await s.launch();
  await s.stands(again(3, fakeContainer));
  await s.attach();
  await s.stands(again(4));
  await s.pass(1);
  expect((await s.outcome()).verdict?.document).toMatchObject({ kill: { ends: [{ restartCount: 3 }] } });
});

describe('--expect-ready-within', () => {
  killExperiment(
    'is met',
    async (s) => {
      await strike(s);
      await s.stands(down());
      await s.pass(29_000);
      await s.stands(again(1));
      await s.pass(1);
      const { exitCode, verdict } = await s.outcome();
      expect(verdict?.proofs[1]).toMatchObject({ what: 'ready', effective: true });
      expect(exitCode).toBe(0);
    },
    killRequest({ readyWithinMs: 30_000 }),
  );

  killExperiment(
    'is not met',
    async (s) => {
      await strike(s);
      await s.stands(down());
      await s.pass(30_000);
      await s.finish({ reason: 'deadline', runMs: 30_000 });
      const { exitCode, verdict } = await s.outcome();
      expect(verdict).toMatchObject({ effective: false });
      expect(verdict?.proofs[1]?.sentence).toContain('not ready again within 30s');
      expect(verdict?.proofs[1]?.sentence).toContain('(asked for: within 30s)');
      expect(exitCode).toBe(3);
    },
    killRequest({ readyWithinMs: 30_000 }, {}, { durationMs: 30_000 }),
  );
});

describe('a signal to processes that match', () => {
  const matching = killRequest({}, { which: { by: 'match', pattern: 'nginx: worker*' } });
  killExperiment(
    'ends when nothing comes of it for the container',
    async (s) => {
      s.processes.containers.set(fakeContainer, [
        { pid: 8, comm: 'nginx' },
        { pid: 9, comm: 'nginx' },
      ]);
      await strike(s);
      await s.pass(4_000);
      const { exitCode, verdict } = await s.outcome();
      expect(s.processes.orders.at(-1)).toEqual([fakeContainer, '15', '5000', 'nginx: worker*']);
      expect(verdict?.proofs[0]?.sentence).toBe(
        'SIGTERM was sent to nginx (pid 8), which ended and nginx (pid 9), which ended',
      );
      expect(exitCode).toBe(0);
    },
    matching,
  );

  killExperiment(
    'is refused where there are none',
    async (s) => {
      s.processes.containers.set(fakeContainer, []);
      await s.launch();
      await s.stands(standing());
      await s.attach();
      await s.pass(1_000);
      expect((await s.error()).message).toBe('no process of the container matches "nginx: worker*"');
    },
    matching,
  );

  killExperiment(
    'warns of those on which it is lost, and is not effective',
    async (s) => {
      s.processes.containers.set(fakeContainer, [
        { pid: 8, comm: 'a' },
        { pid: 9, comm: 'b', ignored: [15], stays: true },
      ]);
      await strike(s);
      await s.pass(4_000);
      const { exitCode } = await s.outcome();
      expect(s.reporter.of('announced')[0]?.notes).toEqual(['b (pid 9) ignores SIGTERM']);
      expect(exitCode).toBe(3);
    },
    matching,
  );
});

describe('processes that cannot be looked at', () => {
  for (const [what, prepare, message, hint] of [
    [
      'since the container has ended',
      (s) => s.processes.containers.clear(),
      'its processes cannot be found: the container has just ended',
      'Run it again once the container has been started, ',
    ],
    [
      'since one keeps its command line',
      (s) => s.processes.instead.set('look:1', { exitCode: 3, stderr: 'one of them does not let it be read' }),
      'its processes cannot be found: one of them does not let it be read',
      'Run it once more; ',
    ],
    [
      'since the shim says nothing',
      (s) => s.processes.silentTo.add('look:1'),
      /^the shim has not said which processes there are within /,
      'Run it once more; ',
    ],
  ] as const satisfies readonly [string, (s: Scenario) => unknown, string | RegExp, string][]) {
    killExperiment(`are not signalled, ${what}`, async (s) => {
      prepare(s);
      await s.launch();
      await s.stands(standing());
      await s.attach();
      await s.pass(60_000);
      const error = await s.error();
      expect(error.message).toMatch(message);
      expect(error.hint).toContain(hint);
      expect(s.processes.orders.filter(([, signal]) => signal !== '0')).toEqual([]);
    });
  }
});

describe('--every', () => {
  killExperiment(
    'goes on in the container that has been started by then, and skips a round when none runs',
    async (s) => {
      await strike(s);
      await s.stands(down());
      s.processes.containers.set('next-1', [{ pid: 1, comm: 'nginx', caught: [15] }]);
      await s.stands(again(1));
      await s.pass(10_000);
      await s.stands(
        down({
          id: 'next-1',
          restartCount: 1,
          state: 'waiting',
          waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s' },
        }),
      );
      await s.pass(10_000);
      s.processes.containers.set('next-2', [{ pid: 1, comm: 'nginx', caught: [15] }]);
      await s.stands(again(2));
      await s.pass(10_000);
      await s.stands(again(3));
      await s.pass(1);
      const { exitCode, verdict } = await s.outcome();
      expect(s.processes.orders.slice(1).map(([container]) => container)).toEqual([fakeContainer, 'next-1', 'next-2']);
      expect(verdict?.proofs[0]?.sentence).toBe(
        'SIGTERM was sent 3 times; 1 of 4 were left out (the container does not run (CrashLoopBackOff))',
      );
      expect(exitCode).toBe(0);
    },
    { ...every, run: { ...every.run, durationMs: 95_000 } },
  );

  killExperiment(
    'skips a round whose container ends in the same moment',
    async (s) => {
      await strike(s);
      s.processes.containers.delete(fakeContainer);
      await s.pass(10_000);
      expect(told(s)).toContain('SIGTERM was not sent: the container has ended');
      await s.interrupt();
      expect((await s.outcome()).exitCode).toBe(130);
    },
    every,
  );
});

killExperiment('several containers of a container-less answer are never named', async (s) => {
  await strike(s);
  await s.stands(standing({ container: containerStanding({ id: '' }) }));
  await s.interrupt();
  expect((await s.outcome()).exitCode).toBe(130);
});
