import { describe, expect, test } from 'vitest';
import { settle } from '../fakes/clock.ts';
import { request, shimError } from '../fakes/samples.ts';
import { experiment, Scenario } from './scenario.ts';

const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
const signals = Object.keys(codes) as Array<keyof typeof codes>;

describe('a signal', () => {
  for (const signal of signals) {
    experiment(`${signal} while the target is looked up ends it with ${codes[signal]}, nothing created`, async (s) => {
      const release = s.cluster.hold('findTargets');
      await s.launch();
      await s.interrupt(signal);
      const error = await s.error();
      expect(error).toMatchObject({ code: 'interrupted', exitCode: codes[signal], state: 'nothing was changed' });
      release();
      await settle();
      // What was on its way to be read is read on.
      expect(s.cluster.calls).toEqual(['findTargets', 'surroundings', 'memberships']);
    });

    experiment(`${signal} before the agent runs removes it`, async (s) => {
      await s.launch();
      await s.interrupt(signal);
      expect(await s.outcome()).toMatchObject({ exitCode: codes[signal], reverted: true, left: [] });
      expect(s.cluster.count('attach')).toBe(0);
    });

    experiment(`${signal} during the baseline starts nothing`, async (s) => {
      await s.launch();
      await s.attach();
      await s.pass(100);
      await s.interrupt(signal);
      expect((await s.outcome()).exitCode).toBe(codes[signal]);
      expect(s.sent).not.toContain('start');
      expect(s.sent.at(-1)).toBe('stop');
    });

    experiment(`${signal} during the baseline of a silent shim is over after a second`, async (s) => {
      s.answers.delete('stop');
      await s.launch();
      await s.attach();
      await s.pass(100);
      await s.interrupt(signal);
      expect(s.isOver).toBe(false);
      await s.pass(1_100);
      expect((await s.outcome()).exitCode).toBe(codes[signal]);
    });

    experiment(`${signal} while active sends stop and waits for the revert`, async (s) => {
      s.answers.delete('stop');
      await s.activate();
      await s.pass(5_000);
      await s.interrupt(signal);
      expect(s.sent.at(-1)).toBe('stop');
      expect(s.reporter.of('stopping')[0]?.why).toContain(signal);
      await s.pass(1_000);
      expect(s.isOver).toBe(false);
      expect(s.cluster.count('remove')).toBe(0);
      await s.finish({ reason: 'stopped' });
      const outcome = await s.outcome();
      expect(outcome).toMatchObject({
        exitCode: codes[signal],
        reverted: true,
        problems: [],
        times: { revertMs: 1_000 },
      });
      expect(outcome.verdict?.effective).toBe(true);
    });
  }

  experiment('while the pod is being created waits for the creation, and takes it back', async (s) => {
    const release = s.cluster.hold('launch');
    await s.launch();
    await s.interrupt();
    expect(s.isOver).toBe(false);
    release();
    await settle();
    expect((await s.outcome()).exitCode).toBe(130);
  });

  experiment('between start and active is followed by stop', async (s) => {
    s.answers.delete('start');
    await s.launch();
    await s.attach();
    await s.pass(200);
    await s.interrupt();
    expect(s.sent.slice(-2)).toEqual(['start', 'stop']);
    const outcome = await s.outcome();
    expect(outcome).toMatchObject({ exitCode: 130, reverted: true, left: [], problems: [] });
  });

  experiment(
    'between start and active, of which the shim hears both at once, is over before it has begun',
    async (s) => {
      s.answers.delete('start');
      s.answers.delete('stop');
      await s.launch();
      await s.attach();
      await s.pass(200);
      await s.interrupt();
      expect(s.sent.slice(-2)).toEqual(['start', 'stop']);
      s.cluster.attachment.say(shimError({ code: 'not-started', message: '`stop` came first', state: 'unchanged' }));
      await settle();
      expect(await s.outcome()).toMatchObject({ exitCode: 130, reverted: true, left: [], problems: [] });
    },
  );

  experiment('during an interruption of the stream is said again after the next attach', async (s) => {
    await s.activate();
    await s.pass(3_000);
    s.cluster.attachment.drop('network');
    await s.interrupt();
    await s.pass(1_000);
    expect(s.cluster.attachments).toHaveLength(2);
    expect(s.cluster.attachment.sent).toEqual(['', 'stop']);
    expect(await s.outcome()).toMatchObject({ exitCode: 130, reverted: true });
  });

  experiment(
    'to which the shim does not answer is bounded by grace and slack, and confirmed by the removal',
    async (s) => {
      s.answers.delete('stop');
      await s.activate();
      await s.pass(3_000);
      await s.interrupt();
      await s.clock.advance(11_999);
      expect(s.isOver).toBe(false);
      await s.clock.advance(1);
      const outcome = await s.outcome();
      expect(outcome).toMatchObject({ exitCode: 3, reverted: true });
      expect(outcome.problems).toEqual(['the shim did not confirm the revert in time']);
      // Then only the kubelet's word that the containers have ended is a confirmation.
      expect(s.cluster.removed?.reverted).toBe(false);
    },
  );

  experiment('when nothing answers, not even the removal, ends with 4 and the undo', async (s) => {
    s.answers.delete('stop');
    s.cluster.removal = { left: ['pod/chaos-7f3k2-0'], why: 'the kubelet does not answer' };
    await s.activate();
    await s.pass(3_000);
    await s.interrupt();
    await s.pass(12_000);
    const outcome = await s.outcome();
    expect(outcome).toMatchObject({ exitCode: 4, reverted: false, left: ['pod/chaos-7f3k2-0'] });
    expect(outcome.undo).toBe('kubectl -n shop delete pod,configmap -l kubectl-chaos.io/experiment=chaos-7f3k2');
  });

  test('the second one leaves at once and says what is left', async () => {
    const s = new Scenario();
    s.answers.delete('stop');
    await s.activate();
    await s.pass(3_000);
    await s.interrupt();
    await s.interrupt('SIGTERM');
    const error = await s.error();
    expect(error).toMatchObject({ code: 'not-reverted', exitCode: 4 });
    expect(error.message).toContain('second signal after SIGINT');
    expect(error.state).toMatch(/within 15s.*pod\/chaos-7f3k2-0 and configmap\/chaos-7f3k2 in namespace shop/);
    expect(error.hint).toContain('kubectl -n shop delete');
    // The lease must not be renewed any more: nobody is there to end the fault.
    const before = s.sent.length;
    await s.clock.advance(30_000);
    expect(s.sent).toHaveLength(before);
    // And nobody is told of what goes on behind the last words.
    expect(s.reporter.kinds.at(-1)).toBe('stopping');
    expect(s.cluster.count('remove')).toBe(0);
    expect(s.cluster.attachment.isClosed).toBe(true);
    expect(s.clock.pending).toBe(0);
    expect(s.signals.listeners).toBe(0);
  });

  test('the second one leaves a fault without an attach to its own time', async () => {
    const s = new Scenario(request({}, { noAttach: true }));
    await s.launch();
    await s.attach();
    await s.pass(1_000);
    await s.attach();
    await s.interrupt();
    await s.interrupt();
    expect((await s.error()).state).toMatch(
      /duration of 1m is over; its agent pod and configmap\/chaos-7f3k2 in namespace shop/,
    );
  });

  test('the second one while the pod is being created leaves at once as well', async () => {
    const s = new Scenario();
    const release = s.cluster.hold('launch');
    await s.launch();
    await s.interrupt();
    await s.interrupt();
    expect(await s.error()).toMatchObject({ code: 'not-reverted', exitCode: 4 });
    release();
    await settle();
    expect(s.clock.pending).toBe(0);
    expect(s.signals.listeners).toBe(0);
    expect(s.reporter.kinds.at(-1)).toBe('launching');
  });
});
