import { describe, expect } from 'vitest';
import { ChaosError } from '../../../src/errors.ts';
import type { Standing } from '../../../src/ports.ts';
import type { Request } from '../../../src/requests.ts';
import { experiment, type Scenario } from '../../experiment/scenario.ts';
import { settle } from '../../fakes/clock.ts';
import { deletionRequest, standing } from './standings.ts';

function deletion(name: string, body: (s: Scenario) => Promise<void>, asked: Request = deletionRequest()): void {
  experiment(
    name,
    async (s) => {
      s.removals = 0;
      await body(s);
      expect(s.cluster.count('launch'), 'agents').toBe(0);
      expect(s.cluster.calls).not.toContain('followAgent');
    },
    asked,
  );
}

async function strike(s: Scenario): Promise<void> {
  await s.launch();
  await s.stands(standing());
  expect(s.cluster.deletions).toHaveLength(1);
}

const [one, two] = standing().others;
/** It is on its way out, and another has come. */
const replaced = (isReady: boolean, pod?: Standing['pod']): Standing => ({
  ...(pod ? { pod } : {}),
  readyPods: isReady ? 3 : 2,
  others: [...(one && two ? [one, two] : []), { name: 'web-3', uid: 'uid-3', isReady }],
  services: [{ name: 'web', ready: isReady ? 3 : 2 }],
});
const leaving = { isReady: true, isBeingDeleted: true, phase: 'Running' };

describe('the deletion of a pod', () => {
  deletion('creates nothing, and tells when another one is ready in its place', async (s) => {
    await strike(s);
    await s.stands(replaced(false, leaving));
    await s.pass(3_000);
    await s.stands(replaced(true, leaving));
    await s.pass(1);
    const { exitCode, verdict, problems } = await s.outcome();
    expect(problems).toEqual([]);
    expect(verdict?.proofs.map(({ sentence }) => sentence)).toEqual([
      'pod/web-7d4b9 was deleted and has not ended yet, and pod/web-3 came instead',
      'ready again after 3s; of endpoints web had 2 ready at least',
    ]);
    expect(exitCode).toBe(0);
    expect(s.cluster.deletions).toEqual([{ pod: 'web-7d4b9', graceSeconds: undefined, isRehearsal: false }]);
    expect(s.reporter.kinds).toContain('injected');
    expect(s.reporter.kinds).not.toContain('removing');
    expect(s.cluster.events.map(({ reason }) => reason)).toEqual(['ChaosStarted', 'ChaosEnded']);
    expect(s.cluster.events[1]?.message).toMatch(/^chaos-7f3k2: done, nothing left\. pod\/web-7d4b9 was deleted/);
  });

  deletion('waits for one of the same name as well', async (s) => {
    await strike(s);
    await s.stands({ readyPods: 2, others: standing().others });
    await s.pass(2_000);
    await s.stands({ readyPods: 2, others: [...standing().others, { name: 'web-7d4b9', uid: 'new', isReady: false }] });
    await s.stands({ readyPods: 3, others: [...standing().others, { name: 'web-7d4b9', uid: 'new', isReady: true }] });
    await s.pass(1);
    const { verdict } = await s.outcome();
    expect(verdict?.proofs[0]?.sentence).toBe('pod/web-7d4b9 was deleted, and another one of its name came instead');
  });

  deletion(
    'is told the time between TERM and KILL',
    async (s) => {
      await strike(s);
      await s.stands(replaced(true));
      await s.pass(1);
      await s.outcome();
      expect(s.cluster.deletions[0]?.graceSeconds).toBe(0);
      expect(s.reporter.of('warning').map(({ message }) => message)).toContain(
        'with --grace-period 0 the API server forgets the pod at once, while its containers may still run',
      );
    },
    deletionRequest({}, 0),
  );

  deletion(
    'fails when nothing is ready in its place in the time that was asked for',
    async (s) => {
      await strike(s);
      await s.stands(replaced(false));
      await s.pass(30_000);
      const { exitCode, verdict } = await s.outcome();
      expect(verdict?.proofs.map(({ effective }) => effective)).toEqual([true, false]);
      expect(exitCode).toBe(3);
    },
    deletionRequest({ readyWithinMs: 30_000 }, undefined, { durationMs: 30_000 }),
  );

  deletion('tells after a minute that nothing is ready, where that was not asked for', async (s) => {
    await strike(s);
    await s.stands(replaced(false));
    await s.pass(60_000);
    const { exitCode, verdict } = await s.outcome();
    expect(verdict?.proofs[1]?.sentence).toContain('not ready again within 1m');
    expect(exitCode).toBe(0);
  });

  deletion('of a pod that nothing makes again is refused', async (s) => {
    const { keeper: _keeper, ...future } = s.cluster.future;
    s.cluster.future = future;
    await s.launch();
    expect(await s.error()).toMatchObject({
      code: 'target-unsuitable',
      message: 'no workload makes pod/web-7d4b9 again: deleted, it does not come back',
      hint: 'To kill it all the same, add --allow-bare-pod.',
    });
    expect(s.cluster.deletions).toEqual([]);
  });

  deletion(
    'of such a pod ends with it, where that is allowed',
    async (s) => {
      const { keeper: _keeper, ...future } = s.cluster.future;
      s.cluster.future = future;
      await strike(s);
      await s.stands({ readyPods: 0, others: [] });
      await s.pass(1);
      const { exitCode, verdict } = await s.outcome();
      expect(verdict?.proofs[1]?.sentence).toBe('nothing comes in its place; of endpoints web had 3 ready at least');
      expect(exitCode).toBe(0);
    },
    deletionRequest({ allowBarePod: true }),
  );

  deletion(
    'of a pod that is gone before the answer comes ends at once as well',
    async (s) => {
      const { keeper: _keeper, ...future } = s.cluster.future;
      s.cluster.future = future;
      const release = s.cluster.hold('deleteTarget');
      await s.launch();
      await s.stands(standing());
      await s.stands({ readyPods: 0, others: [] });
      release();
      await s.pass(1);
      expect((await s.outcome()).exitCode).toBe(0);
    },
    deletionRequest({ allowBarePod: true }),
  );

  deletion('of a static pod is refused: it would end nothing', async (s) => {
    s.cluster.future = { ...s.cluster.future, isStatic: true };
    await s.launch();
    expect((await s.error()).message).toContain('is a static pod');
  });

  deletion('that the API server refuses changes nothing', async (s) => {
    s.cluster.failNext('deleteTarget', new ChaosError('forbidden', 'you may not'));
    await s.launch();
    await s.stands(standing());
    expect(await s.error()).toMatchObject({ code: 'forbidden', message: 'you may not', exitCode: 1 });
  });

  deletion('is not done when a signal comes before', async (s) => {
    await s.launch();
    await s.interrupt();
    expect(s.cluster.deletions).toEqual([]);
    expect((await s.outcome()).exitCode).toBe(130);
  });

  deletion('that has been asked for is told of, although a signal comes before its answer', async (s) => {
    const release = s.cluster.hold('deleteTarget');
    await s.launch();
    await s.stands(standing());
    await s.interrupt();
    expect(s.isOver).toBe(false);
    release();
    await settle();
    expect((await s.outcome()).exitCode).toBe(130);
    expect(s.reporter.kinds).toContain('injected');
  });

  deletion('goes on when the endpoints are not seen', async (s) => {
    await s.launch();
    const { services: _services, ...blind } = standing();
    await s.stands(blind, 'you may not watch endpointslices');
    expect(s.reporter.of('warning').map(({ message }) => message)).toContain(
      'endpoints are not seen: you may not watch endpointslices',
    );
    await s.stands({ ...replaced(true) });
    await s.pass(1);
    expect((await s.outcome()).exitCode).toBe(0);
  });

  deletion('that can no longer be watched is a problem, and no error', async (s) => {
    await strike(s);
    s.cluster.standings.fail(new ChaosError('forbidden', 'you may not watch pods'));
    await settle();
    const { exitCode, problems } = await s.outcome();
    expect(problems).toEqual(['what came of it could no longer be watched: you may not watch pods']);
    expect(exitCode).toBe(3);
  });
});
