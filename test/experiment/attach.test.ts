import { describe, expect, test } from 'vitest';
import { ChaosError } from '../../src/errors.ts';
import type { Experiment } from '../../src/ports.ts';
import { settle } from '../fakes/clock.ts';
import {
  active,
  ended,
  experimentAgent,
  lastWords,
  netRequest,
  plan,
  recordedTarget,
  requestFor,
  resolved,
  reverted,
  shimError,
} from '../fakes/samples.ts';
import { experiment, Scenario } from './scenario.ts';

/** The words that went to the shim, each once. */
const said = (s: Scenario) => [...new Set(s.sent)];

const lost = new ChaosError('connection-lost', 'refused');

describe('following a detached stress', () => {
  experiment('shows its samples, and how long it has been there', async (s) => {
    await s.attachTo();
    await s.pass(5_000);
    expect(s.reporter.kinds).toEqual(['watching', 'sample']);
    expect(s.reporter.of('watching')).toMatchObject([{ agoMs: 11_000, leftMs: 49_000 }]);
    expect(s.reporter.of('sample').at(-1)).toMatchObject({ target: { pod: 'web-7d4b9' }, leftMs: 45_000 });
    await s.interrupt();
    await s.detached();
  });

  experiment('counts by the clock of the node, whose kubelet has said when it began', async (s) => {
    s.nodeAheadMs = -300_000;
    await s.attachTo({ endsAt: new Date(s.clock.date().getTime() - 250_000) });
    await s.pass(40_000);
    expect(s.reporter.of('watching')).toMatchObject([{ agoMs: 11_000, leftMs: 49_000 }]);
    await s.pass(80_000);
    expect(said(s)).toEqual(['beat']);
    await s.pass(2_000);
    expect(said(s)).toEqual(['beat', 'stop']);
    await s.outcome();
  });

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    experiment(`ends with ${signal}, and the fault continues`, async (s) => {
      await s.attachTo();
      await s.pass(10_000);
      await s.interrupt(signal);
      expect(await s.detached()).toMatchObject({
        exitCode: 0,
        leftMs: 40_000,
        commands: { stop: 'kubectl chaos stop chaos-7f3k2 -n shop' },
      });
      expect(said(s)).toEqual(['beat']);
      expect(s.cluster.events).toEqual([]);
    });
  }

  experiment('ends with the first signal before anything is heard', async (s) => {
    const release = s.cluster.hold('attach');
    await s.attachTo();
    await s.interrupt();
    expect(await s.detached()).toMatchObject({ exitCode: 0 });
    release();
    await settle();
  });

  experiment('to its end judges it, takes it back, and says since when it was watched', async (s) => {
    await s.attachTo();
    await s.pass(31_000);
    s.cores = 0.02;
    await s.finish({ runMs: 41_000 });
    expect(await s.outcome()).toMatchObject({
      exitCode: 0,
      reverted: true,
      revertedBy: 'shim',
      problems: [],
      left: [],
      verdict: { effective: true },
      watchedMs: 30_000,
    });
    expect((await s.outcome()).verdict?.proofs[0]?.sentence).toMatch(/the target's own use was not measured$/);
    expect(s.cluster.removed).toMatchObject({ reverted: true });
    expect(s.cluster.events.map(({ reason }) => reason)).toEqual(['ChaosEnded']);
  });

  experiment('that has no effect ends with 3', async (s) => {
    await s.attachTo();
    s.cores = 0.1;
    await s.pass(30_000);
    await s.finish();
    expect(await s.outcome()).toMatchObject({ exitCode: 3, verdict: { effective: false } });
  });

  experiment(
    'judges memory by what the target has afterwards',
    async (s) => {
      await s.attachTo();
      s.counters = { memoryCurrentBytes: 100 * 2 ** 20 };
      await s.pass(10_000);
      s.counters = { memoryCurrentBytes: 36 * 2 ** 20 };
      await s.finish();
      const { verdict } = await s.outcome();
      expect(verdict?.proofs[0]?.sentence).toContain('it grew by 64Mi to 100Mi');
    },
    requestFor({ memory: { bytes: 64 * 2 ** 20 } }),
  );

  experiment('whose end comes at once has no verdict', async (s) => {
    await s.attachTo();
    await s.finish();
    expect(await s.outcome()).toMatchObject({ exitCode: 0, reverted: true, watchedMs: 0, problems: [] });
    expect((await s.outcome()).verdict).toBeUndefined();
  });

  experiment('that somebody else stops ends with 3 and says so', async (s) => {
    await s.attachTo();
    await s.pass(5_000);
    await s.finish({ reason: 'signal', runMs: 15_000 });
    await s.clock.advance(2_000);
    const { exitCode, problems } = await s.outcome();
    expect({ exitCode, problems }).toEqual({
      exitCode: 3,
      problems: [expect.stringContaining('terminated externally after 15s')],
    });
  });

  experiment('whose target is restarted ends with 3 and says so', async (s) => {
    await s.attachTo();
    await s.pass(5_000);
    s.cluster.targetUpdates.push({ kind: 'restarted', reason: 'Error', exitCode: 1, message: '' });
    await settle();
    expect(await s.outcome()).toMatchObject({
      exitCode: 3,
      reverted: true,
      problems: [expect.stringContaining('was restarted during the experiment')],
    });
  });

  experiment('waits for an end that has begun, whatever the signal', async (s) => {
    await s.attachTo();
    await s.pass(5_000);
    s.cluster.attachment.say(ended({ runMs: 60_000 }));
    await settle();
    await s.interrupt();
    expect(s.isOver).toBe(false);
    s.cluster.attachment.say(reverted());
    await settle();
    expect(await s.outcome()).toMatchObject({ reverted: true });
  });

  experiment('attaches again when the stream ends, with nothing but beats', async (s) => {
    await s.attachTo();
    await s.pass(5_000);
    s.cluster.attachment.drop('network');
    await s.pass(3_000);
    expect(s.cluster.attachments).toHaveLength(2);
    expect(said(s)).toEqual(['beat', '']);
    await s.interrupt();
    await s.detached();
  });

  experiment('goes on with the stream when nothing else may be watched', async (s) => {
    await s.attachTo();
    s.cluster.targetUpdates.fail(new ChaosError('forbidden', 'you may not watch pods'));
    s.cluster.agentUpdates.fail(new ChaosError('forbidden', 'you may not watch events'));
    await s.pass(20_000);
    expect(s.reporter.of('warning').map(({ message }) => message)).toEqual([
      'not everything can be watched: you may not watch pods',
      'not everything can be watched: you may not watch events',
    ]);
    await s.finish();
    expect(await s.outcome()).toMatchObject({ exitCode: 0, reverted: true });
  });

  experiment('keeps trouble with its start to itself', async (s) => {
    await s.attachTo({ state: 'starting' });
    expect(s.cluster.attachments).toEqual([]);
    await s.agent({ kind: 'warning', reason: 'FailedMount', message: 'once' });
    await s.attach();
    expect(s.cluster.attachments).toHaveLength(1);
    await s.pass(2_000);
    expect(s.reporter.kinds).toEqual(['watching', 'sample']);
    await s.interrupt();
    await s.detached();
  });
});

describe('a shim that cannot be reached', () => {
  experiment('whose agent may not be attached to is given up at once, with the reason and what helps', async (s) => {
    const message = '"jane" is not allowed to get pods/attach in namespace shop';
    s.cluster.failNext('attach', new ChaosError('forbidden', message, { hint: 'a Role needs it', isPermanent: true }));
    await s.attachTo();
    expect(await s.error()).toMatchObject({
      code: 'connection-lost',
      message: expect.stringContaining(message),
      hint: 'a Role needs it\nTo end the fault: kubectl chaos stop chaos-7f3k2 -n shop',
      state: 'nothing was changed by this command; the fault continues',
    });
    expect(s.cluster.count('attach')).toBe(1);
  });

  experiment('from the beginning: an error, and the fault continues', async (s) => {
    s.cluster.failNext('attach', lost, lost, lost, lost, lost, lost);
    await s.attachTo();
    await s.clock.advance(10_000);
    const error = await s.error();
    expect(error).toMatchObject({ code: 'connection-lost', exitCode: 1, cause: lost });
    expect(error.state).toContain('the fault continues');
    expect(error.hint).toContain('kubectl chaos stop chaos-7f3k2');
  });

  experiment('any more: waits as long as the fault lasts, and then confirms its end by the removal', async (s) => {
    await s.attachTo();
    await s.pass(5_000);
    s.cluster.failNext('attach', ...Array.from({ length: 60 }, () => lost));
    s.cluster.attachment.drop('network');
    await s.clock.advance(56_000);
    expect(s.isOver).toBe(false);
    await s.clock.advance(2_000);
    expect(await s.outcome()).toMatchObject({
      exitCode: 3,
      reverted: true,
      problems: [expect.stringContaining('its time is over')],
    });
    expect(s.cluster.removed).toMatchObject({ reverted: false });
  });

  experiment('and cannot be removed: exit 4', async (s) => {
    s.cluster.removal = { left: ['pod/chaos-7f3k2-0'], why: 'silence' };
    await s.attachTo();
    await s.pass(5_000);
    await s.finish();
    expect(await s.outcome()).toMatchObject({ exitCode: 4, reverted: true, left: ['pod/chaos-7f3k2-0'] });
  });
});

describe('a fault whose time is over, and whose shim has not ended it', () => {
  experiment('is ended by the one who watches', async (s) => {
    await s.attachTo();
    await s.pass(121_000);
    expect(said(s)).toEqual(['beat']);
    await s.pass(1_000);
    expect(said(s)).toEqual(['beat', 'stop']);
    expect(await s.outcome()).toMatchObject({
      exitCode: 3,
      reverted: true,
      problems: [expect.stringContaining('the shim missed its deadline')],
    });
  });

  experiment('counts from when it became active', async (s) => {
    await s.attachToWaiting();
    await s.clock.advance(60_000);
    s.cluster.attachment.say(active());
    await s.clock.advance(131_000);
    expect(said(s)).toEqual(['beat']);
    await s.clock.advance(1_000);
    expect(said(s)).toEqual(['beat', 'stop']);
    s.cluster.attachment.say(ended({ reason: 'stopped' }), reverted());
    expect(await s.outcome()).toMatchObject({ exitCode: 3, reverted: true });
  });

  experiment('is given the time that its tools may have taken to be sent', async (s) => {
    const run = { ...s.request.run, detached: true, image: undefined };
    const { agent } = plan({ ...s.request, run }, s.cluster.target);
    await s.attachTo({ agents: [experimentAgent({ plan: agent.annotations['kubectl-chaos.io/plan'] ?? '' })] });
    await s.pass(421_000);
    expect(said(s)).toEqual(['beat']);
    await s.pass(1_000);
    expect(said(s)).toEqual(['beat', 'stop']);
    expect(await s.outcome()).toMatchObject({ reverted: true });
  });

  experiment('and was never heard: ends with what the removal confirms', async (s) => {
    s.answers.clear();
    await s.attachTo();
    await s.clock.advance(121_999);
    expect(s.isOver).toBe(false);
    await s.clock.advance(12_001);
    expect(await s.outcome()).toMatchObject({ exitCode: 3, reverted: true });
    expect(s.cluster.removed).toMatchObject({ reverted: false });
  });
});

describe('a fault that has not begun', () => {
  experiment('is waited for, and never started', async (s) => {
    await s.attachToWaiting();
    await s.pass(10_000);
    expect(s.reporter.events).toEqual([
      {
        kind: 'progress',
        target: recordedTarget(),
        message: expect.stringContaining('waiting for the fault to start'),
      },
    ]);
    expect(said(s)).toEqual(['beat']);
    s.cluster.attachment.say(active());
    await settle();
    expect(s.reporter.of('watching')).toMatchObject([{ agoMs: 0, leftMs: 60_000 }]);
    await s.interrupt();
    await s.detached();
  });

  experiment('and will not: what is there is removed, and said', async (s) => {
    s.removals = 1;
    await s.attachToWaiting();
    await s.pass(2_000);
    s.cluster.attachment.say(shimError({ code: 'not-started', message: 'no `start` came', state: 'unchanged' }));
    expect(await s.error()).toMatchObject({ code: 'shim', exitCode: 1, state: 'nothing was changed' });
  });

  experiment('is not taken for one in force after its stream was lost', async (s) => {
    s.answers.delete('beat');
    await s.attachToWaiting();
    s.cluster.attachment.drop('network');
    await s.clock.advance(5_000);
    s.cluster.attachment.drop('network');
    await s.clock.advance(1_000);
    expect(s.cluster.attachments).toHaveLength(3);
    s.cluster.attachment.say({ event: 'sample', atMs: 1, ...s.sample() });
    await settle();
    expect(s.reporter.of('watching')).toEqual([]);
    await s.interrupt();
    await s.detached();
  });

  experiment('is not taken for one in force by the samples that come before the answer to the beat', async (s) => {
    await s.attachToWaiting();
    s.cluster.attachment.say({ event: 'sample', atMs: 1, ...s.sample() }, resolved());
    await s.clock.advance(500);
    s.cluster.attachment.say({ event: 'sample', atMs: 1, ...s.sample() });
    await settle();
    expect(s.reporter.of('watching')).toEqual([]);
    await s.interrupt();
    await s.detached();
  });
});

describe('a fault that has ended before', () => {
  const end = { state: 'ended' as const };
  const terminated = (message: string, exitCode = 0) => ({
    ...{ state: 'terminated' as const, exitCode, reason: 'Completed', message },
  });

  experiment('by its time: told by its last words, removed, and not called effective', async (s) => {
    await s.attachTo(end);
    await s.status(terminated(lastWords(ended(), reverted())));
    const outcome = await s.outcome();
    expect(outcome).toMatchObject({
      exitCode: 0,
      reverted: true,
      problems: [],
      watchedMs: 0,
      ended: { reason: 'deadline', runMs: 60_000 },
    });
    expect(outcome.verdict).toBeUndefined();
    expect(s.cluster.attachments).toEqual([]);
  });

  experiment('with its target: exit 3', async (s) => {
    await s.attachTo(end);
    await s.status(terminated(lastWords(ended({ reason: 'target-gone', runMs: 9_000 }), reverted()), 137));
    await s.pass(2_000);
    expect(await s.outcome()).toMatchObject({ exitCode: 3, problems: ["the target's process ended after 9s"] });
  });

  experiment('without a word: exit 3', async (s) => {
    await s.attachTo(end);
    await s.status(terminated('', 137));
    expect(await s.outcome()).toMatchObject({
      exitCode: 3,
      reverted: true,
      problems: [expect.stringContaining('killed')],
    });
  });

  experiment(
    'of a network, without a word: nobody knows, exit 4',
    async (s) => {
      await s.attachTo(end);
      await s.status(terminated('', 137));
      await s.pass(5_000);
      expect(await s.outcome()).toMatchObject({ exitCode: 4, reverted: false });
    },
    netRequest(),
  );
});

describe('following a detached net fault', () => {
  experiment(
    'shows what is counted, asks nothing, and judges by all that was counted',
    async (s) => {
      s.net.packets = 1_000;
      await s.attachTo();
      await s.pass(5_000);
      expect(s.reporter.kinds).toEqual(['watching', 'sample']);
      expect(s.reporter.of('sample').at(-1)?.document).toMatchObject({
        kind: 'net-sample',
        counters: { packets: 1_000 },
      });
      expect(said(s)).toEqual(['beat']);
      await s.finish({}, { by: 'shim' });
      const outcome = await s.outcome();
      expect(outcome).toMatchObject({
        exitCode: 0,
        verdict: { effective: true, document: { net: { packets: 1_000 } } },
      });
      expect(outcome.verdict?.proofs[0]?.sentence).toContain('the round trip of a detached fault is not measured');
    },
    netRequest(),
  );

  experiment(
    'that hits nothing ends with 3, and asks by the names that were given',
    async (s) => {
      await s.attachTo();
      await s.pass(5_000);
      await s.finish({}, { differs: ['qdiscs'] });
      const outcome = await s.outcome();
      expect(outcome).toMatchObject({ exitCode: 3, problems: ['qdiscs: not as before'] });
      expect(outcome.verdict?.proofs[0]?.sentence).toBe('No packet matched: does the target talk to 10.0.0.7?');
    },
    netRequest({ ports: [] }),
  );
});

describe('what is not attached to', () => {
  const refused: ReadonlyArray<[name: string, change: Partial<Experiment>, message: RegExp]> = [
    ['has no agent', { state: 'leftover', agents: [] }, /its agent pod is gone/],
    ['has a lease', { agents: [experimentAgent()] }, /was not started with --detach/],
    [
      'has a record that cannot be read',
      { agents: [experimentAgent({ plan: '{"version":2}' })] },
      /by another version, or was modified/,
    ],
  ];
  test.each(refused)('one that %s', async (_name, change, message) => {
    const s = new Scenario();
    await s.attachTo(change);
    const error = await s.error();
    expect(error.message).toMatch(message);
    expect(error).toMatchObject({ code: 'target-unsuitable', exitCode: 1 });
    expect(error.hint).toContain('kubectl chaos stop chaos-7f3k2 -n shop');
    expect(s.cluster.calls).toEqual(['listExperiments']);
  });

  experiment('one that is not there: named, with those that are', async (s) => {
    await s.attachTo({}, { id: 'chaos-zzzzz', namespace: 'bank' });
    expect(s.cluster.listed).toBe('bank');
    expect(await s.error()).toMatchObject({
      code: 'not-found',
      message: 'there is no experiment chaos-zzzzz on pods in namespace bank (agents looked for in every namespace)',
      hint: 'available: chaos-7f3k2; -A searches all namespaces',
    });
  });
});
