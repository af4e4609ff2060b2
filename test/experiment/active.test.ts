import { describe, expect } from 'vitest';
import { ChaosError } from '../../src/errors.ts';
import type { TargetUpdate } from '../../src/ports.ts';
import { settle } from '../fakes/clock.ts';
import { active, ended, lastWords, request, resolved, reverted, shimError } from '../fakes/samples.ts';
import { experiment } from './scenario.ts';

const targetEnds: ReadonlyArray<[name: string, update: TargetUpdate, said: string]> = [
  [
    'restarted',
    { kind: 'restarted', reason: 'Error', exitCode: 1, message: '' },
    'the target shop/web-7d4b9 (app) was restarted during the experiment (Error, exit code 1); the new container has no fault',
  ],
  [
    'OOM-killed',
    { kind: 'terminated', reason: 'OOMKilled', exitCode: 137, message: '' },
    'the target shop/web-7d4b9 (app) ended during the experiment (OOMKilled, exit code 137)',
  ],
  [
    'deleted',
    { kind: 'deleted', message: '' },
    'the target pod of shop/web-7d4b9 (app) was deleted during the experiment',
  ],
  [
    'evicted',
    { kind: 'evicted', message: 'node was low on memory' },
    'the target pod of shop/web-7d4b9 (app) was evicted during the experiment: node was low on memory',
  ],
  [
    'on a lost node',
    { kind: 'node-lost', message: 'node-3 is not ready' },
    "the target's node was lost during the experiment: node-3 is not ready",
  ],
];

describe('the target while the fault is active', () => {
  for (const [name, update, said] of targetEnds) {
    experiment(`${name}: stopped, reverted, reported as what it was, exit 3`, async (s) => {
      await s.activate();
      await s.pass(5_000);
      s.cluster.targetUpdates.push(update);
      await settle();
      expect(s.sent).toContain('stop');
      expect(await s.outcome()).toMatchObject({ exitCode: 3, reverted: true, problems: [said] });
    });

    experiment(`${name}, heard from the shim first: waits for the reason`, async (s) => {
      await s.activate();
      await s.pass(5_000);
      await s.finish({ reason: 'target-gone', signal: 9, runMs: 5_000 });
      await s.pass(1_000);
      expect(s.isOver).toBe(false);
      s.cluster.targetUpdates.push(update);
      expect(await s.outcome()).toMatchObject({ exitCode: 3, reverted: true, problems: [said] });
    });
  }

  experiment('gone for a reason that nobody tells: said within 2 s', async (s) => {
    await s.activate();
    await s.pass(5_000);
    await s.finish({ reason: 'target-gone', runMs: 5_000 });
    await s.clock.advance(2_000);
    expect(await s.outcome()).toMatchObject({ exitCode: 3, problems: ["the target's process ended after 5s"] });
  });
});

experiment('a sample that the shim takes before it has heard `start` is not of the fault', async (s) => {
  s.answers.delete('start');
  await s.launch();
  await s.attach();
  await s.pass(200);
  expect(s.sent).toContain('start');
  s.counters = { cpuUsageUs: 1_000_000 };
  s.stream?.say({ event: 'sample', atMs: 1, ...s.sample() });
  s.stream?.say(active());
  s.counters = {};
  s.cores = 0.99;
  await s.pass(1);
  s.stream?.say({ event: 'sample', atMs: 1, ...s.sample() });
  await s.pass(999);
  s.stream?.say({ event: 'sample', atMs: 1, ...s.sample() });
  await s.finish({ runMs: 1_000 });
  const { verdict } = await s.outcome();
  expect(verdict?.effective).toBe(true);
  expect(verdict?.document).toMatchObject({ during: { seconds: 0.999 } });
});

describe('the workload', () => {
  experiment('killed by the OOM killer is said, after the target could have been the reason', async (s) => {
    await s.activate();
    await s.pass(5_000);
    await s.finish({ reason: 'killed', signal: 9, runMs: 5_000, oomKills: 1 });
    await s.clock.advance(2_000);
    expect((await s.outcome()).problems).toEqual(['the stressor was killed by signal 9 after 5s, by the OOM killer']);
  });

  experiment('that fails is said with its exit code', async (s) => {
    await s.activate();
    await s.pass(2_000);
    await s.finish({ reason: 'exited', exitCode: 2, signal: 0, runMs: 2_000 });
    const outcome = await s.outcome();
    expect(outcome.exitCode).toBe(3);
    expect(outcome.problems[0]).toContain('stress-ng ended after 2s with exit code 2');
  });

  experiment('that ends by itself before its time is said', async (s) => {
    await s.activate();
    await s.pass(5_000);
    await s.finish({ reason: 'exited', exitCode: 0, signal: 0, runMs: 5_000 });
    expect(await s.outcome()).toMatchObject({ exitCode: 3, problems: ['stress-ng ended on its own after 5s'] });
  });

  for (const [reason, said] of [
    ['lease', 'did not hear from this command for 15s'],
    ['signal', 'terminated externally'],
  ] as const) {
    experiment(`ended by ${reason} is no success`, async (s) => {
      await s.activate();
      await s.pass(5_000);
      await s.finish({ reason, runMs: 5_000 });
      await s.clock.advance(2_000);
      const outcome = await s.outcome();
      expect(outcome).toMatchObject({ exitCode: 3, problems: [expect.stringContaining(said)] });
    });
  }
});

describe('the shim', () => {
  experiment('that dies without a word is reported, with what the kubelet knows', async (s) => {
    await s.activate();
    await s.pass(5_000);
    await s.status({ state: 'terminated', exitCode: 137, reason: 'Error', message: '' });
    const outcome = await s.outcome();
    expect(outcome).toMatchObject({ exitCode: 3, reverted: true });
    expect(outcome.problems).toEqual(['the shim was killed and did not report its end (exit code 137, Error)']);
    expect(s.reporter.of('reverted')[0]?.confirmedBy).toBe('container');
  });

  experiment('whose stream is lost at the end is heard by its termination message', async (s) => {
    await s.activate();
    await s.pass(10_000);
    s.cluster.attachment.silent = true;
    await s.status(
      {
        state: 'terminated',
        exitCode: 143,
        reason: 'Error',
        message: lastWords(ended({ runMs: 60_000 }), reverted()),
      },
      { phase: 'Failed' },
    );
    expect(await s.outcome()).toMatchObject({
      exitCode: 0,
      reverted: true,
      problems: [],
      ended: { reason: 'deadline' },
    });
  });

  experiment('that is over its time is stopped, and that is no success', async (s) => {
    await s.activate();
    for (let i = 0; i < 71; i++) await s.pass(1_000);
    expect(s.sent).not.toContain('stop');
    await s.pass(1_000);
    const outcome = await s.outcome();
    expect(outcome.exitCode).toBe(3);
    expect(outcome.problems[0]).toContain('missed its deadline');
  });

  experiment('that fails while active is quoted', async (s) => {
    await s.activate();
    await s.pass(5_000);
    s.cluster.attachment.say(shimError({ code: 'internal', message: 'poll failed', state: 'reverted' }));
    expect(await s.outcome()).toMatchObject({ exitCode: 3, problems: ['the shim failed: poll failed (internal)'] });
  });
});

describe('the agent pod while the fault is active', () => {
  experiment('being deleted: the shim is told to stop, however late its kubelet is', async (s) => {
    await s.activate();
    await s.pass(5_000);
    await s.agent({ kind: 'deleting' });
    expect(s.sent.at(-1)).toBe('stop');
    expect(await s.outcome()).toMatchObject({
      exitCode: 3,
      reverted: true,
      problems: ['the agent pod was deleted by somebody else'],
    });
  });

  experiment('deleted by force: exit 3, confirmed by what the stream still brings', async (s) => {
    await s.activate();
    await s.pass(5_000);
    s.answers.delete('stop');
    await s.agent({ kind: 'deleted' });
    expect(s.isOver).toBe(false);
    expect(s.sent.at(-1)).toBe('stop');
    await s.finish({ reason: 'signal' });
    expect(await s.outcome()).toMatchObject({
      exitCode: 3,
      reverted: true,
      problems: ['the agent pod was deleted by somebody else'],
    });
  });

  for (const kind of ['deleting', 'deleted'] as const) {
    experiment(`${kind}, when its shim has told of its TERM first: the same sentence, and no other`, async (s) => {
      await s.activate();
      await s.pass(5_000);
      await s.finish({ reason: 'signal', runMs: 5_000 });
      await s.clock.advance(1_000);
      expect(s.isOver).toBe(false);
      await s.agent({ kind });
      expect(await s.outcome()).toMatchObject({
        exitCode: 3,
        reverted: true,
        problems: ['the agent pod was deleted by somebody else'],
      });
    });
  }

  experiment('deleted by force, and the shim silent: exit 4, although no pod is there', async (s) => {
    await s.activate();
    await s.pass(5_000);
    s.answers.clear();
    await s.agent({ kind: 'deleted' });
    s.cluster.attachment.drop('the container is gone');
    await s.pass(13_000);
    const outcome = await s.outcome();
    expect(outcome).toMatchObject({ exitCode: 4, reverted: false, left: [] });
    expect(outcome.problems).toContain('the agent pod was deleted by somebody else');
  });

  experiment('deleted, after its shim had said that the fault ended: confirmed', async (s) => {
    await s.activate();
    await s.pass(5_000);
    s.cluster.attachment.say(ended({ reason: 'signal' }));
    await s.agent({ kind: 'deleted' });
    expect(await s.outcome()).toMatchObject({ exitCode: 3, reverted: true });
  });

  experiment('failed without the status of its container is over', async (s) => {
    await s.activate();
    await s.pass(5_000);
    await s.status(undefined, { phase: 'Failed', reason: 'Evicted', message: 'node was low on memory' });
    const outcome = await s.outcome();
    expect(outcome.exitCode).toBe(3);
    expect(outcome.problems[0]).toContain('Evicted: node was low on memory');
  });

  experiment('is not called unseen once it was attached to', async (s) => {
    await s.activate();
    await s.pass(8_000);
    await s.finish();
    await s.outcome();
    expect(s.reporter.of('progress')).toEqual([]);
  });

  experiment('warned about is passed on', async (s) => {
    await s.activate();
    await s.agent({ kind: 'warning', reason: 'NodeNotReady', message: 'Node is not ready' });
    await s.pass(5_000);
    await s.finish();
    await s.outcome();
    expect(s.reporter.of('warning')[0]?.message).toBe('NodeNotReady: Node is not ready');
  });
});

describe('the stream while the fault is active', () => {
  experiment('lost is made again; the beat goes on and the run to its own end', async (s) => {
    await s.activate();
    await s.pass(5_000);
    s.cluster.attachment.drop('reset by peer');
    await s.pass(1_000);
    expect(s.cluster.attachments).toHaveLength(2);
    // The empty line ends what the shim has of a line that broke with the first stream.
    expect(s.cluster.attachment.sent.slice(0, 2)).toEqual(['', 'beat']);
    // Longer than lease, grace and slack together: a stream that came back must not be given up later.
    for (let i = 0; i < 40; i++) await s.pass(1_000);
    expect(s.cluster.attachment.sent.length).toBeGreaterThan(12);
    expect(s.isOver).toBe(false);
    await s.finish();
    expect(await s.outcome()).toMatchObject({ exitCode: 0, problems: [] });
  });

  experiment('lost for good is given up after lease, grace and slack', async (s) => {
    await s.activate();
    await s.pass(3_000);
    s.cluster.failNext('attach', ...Array.from({ length: 100 }, () => new ChaosError('unreachable', 'no route')));
    s.cluster.attachment.drop('reset by peer');
    await s.clock.advance(26_999);
    expect(s.isOver).toBe(false);
    await s.clock.advance(1);
    const outcome = await s.outcome();
    expect(outcome).toMatchObject({ exitCode: 3, reverted: true });
    expect(outcome.problems[0]).toContain('can no longer be reached');
    expect(s.cluster.removed?.reverted).toBe(false);
    expect(s.cluster.count('attach')).toBeLessThan(25);
  });

  experiment('lost for good with an API server that does not answer ends with 4 and the undo', async (s) => {
    await s.activate();
    await s.pass(3_000);
    s.cluster.failNext('attach', ...Array.from({ length: 100 }, () => new ChaosError('unreachable', 'no route')));
    s.cluster.failNext('remove', new ChaosError('unreachable', 'no route'));
    s.cluster.attachment.drop('reset by peer');
    await s.clock.advance(27_000);
    const outcome = await s.outcome();
    expect(outcome).toMatchObject({
      exitCode: 4,
      reverted: false,
      left: ['pod/chaos-7f3k2-0', 'configmap/chaos-7f3k2'],
    });
    expect(s.reporter.of('removed')[0]?.why).toBe('no route');
  });

  experiment('that took `active` with it does not make the fault one that never was', async (s) => {
    s.answers.delete('start');
    await s.launch();
    await s.attach();
    await s.pass(200);
    s.cluster.attachment.drop('reset by peer');
    await s.pass(400);
    s.cores = 1;
    s.cluster.attachment.say({ event: 'sample', atMs: 1, ...s.sample() });
    await s.pass(4_000);
    s.cluster.attachment.say({ event: 'sample', atMs: 1, ...s.sample() });
    await s.finish();
    const outcome = await s.outcome();
    expect(outcome.exitCode).toBe(3);
    expect(outcome.problems[0]).toContain('was lost');
  });

  experiment('that took `start` with it is followed by another `start`', async (s) => {
    await s.launch();
    await s.attach();
    // Handed to a socket that leads nowhere any more.
    await s.clock.advance(199);
    const first = s.cluster.attachment;
    first.onLine = (line) => {
      if (line === 'beat') first.say(resolved(s.sample()));
    };
    await s.clock.advance(1);
    expect(first.sent.at(-1)).toBe('start');
    first.drop('reset by peer');
    await s.pass(1_000);
    expect(s.cluster.attachment.sent).toContain('start');
    s.cores = 1;
    await s.pass(5_000);
    await s.finish();
    expect((await s.outcome()).exitCode).toBe(0);
  });
});

describe('the end', () => {
  experiment('a removal that fails exits 4, though the fault is reverted', async (s) => {
    await s.activate();
    await s.pass(10_000);
    s.cluster.failNext('remove', new ChaosError('forbidden', 'you may not delete pods'));
    await s.finish();
    expect(await s.outcome()).toMatchObject({
      exitCode: 4,
      reverted: true,
      left: ['pod/chaos-7f3k2-0', 'configmap/chaos-7f3k2'],
      undo: expect.stringContaining('delete pod,configmap'),
    });
  });

  experiment('a watch broken by lost rights ends the fault', async (s) => {
    await s.activate();
    await s.pass(3_000);
    s.cluster.targetUpdates.fail(new ChaosError('forbidden', 'you may not watch pods'));
    await settle();
    expect(s.sent.at(-1)).toBe('stop');
    const outcome = await s.outcome();
    expect(outcome.exitCode).toBe(3);
    expect(outcome.problems).toEqual(['the experiment could no longer be watched: you may not watch pods']);
  });

  experiment(
    'of a run too short to be measured is no success',
    async (s) => {
      await s.activate();
      await s.finish({ runMs: 900 });
      const outcome = await s.outcome();
      expect(outcome.exitCode).toBe(3);
      expect(outcome.verdict?.proofs[0]?.sentence).toContain('too short');
    },
    request({}, { durationMs: 1_000 }),
  );
});
