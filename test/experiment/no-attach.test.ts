import { describe, expect } from 'vitest';
import { ChaosError } from '../../src/errors.ts';
import { readPlans } from '../../src/experiment/plan-record.ts';
import { settle } from '../fakes/clock.ts';
import { ioRequest, lastWords, netRequest, request, shimError } from '../fakes/samples.ts';
import { experiment, type Scenario } from './scenario.ts';

const unattached = (change: Parameters<typeof request>[1] = {}) => request({}, { noAttach: true, ...change });

/** Until the second agent has begun the fault. */
async function begin(s: Scenario): Promise<void> {
  await s.attach();
  await s.pass(1_000);
  await s.attach();
  s.cores = 0.99;
}

async function activate(s: Scenario): Promise<void> {
  await s.launch();
  await begin(s);
  expect(s.reporter.of('active'), 'the fault should be active').toHaveLength(1);
}

describe('a run without an attach', () => {
  experiment(
    'is measured by a first agent, begun by a second, heard by their logs, and never attached to',
    async (s) => {
      await activate(s);
      await s.pass(10_000);
      await s.finish();
      expect(await s.outcome()).toMatchObject({
        exitCode: 0,
        reverted: true,
        problems: [],
        verdict: { effective: true },
      });
      expect(s.cluster.calls).toEqual([
        ...[
          'findTargets',
          'surroundings',
          'memberships',
          'launch',
          'followAgent',
          'followTarget',
          'followNode',
          'followLog',
        ],
        ...['replace', 'followAgent', 'followLog', 'recordEvent', 'remove', 'recordEvent'],
      ]);
      expect(s.cluster.ended).toEqual([]);
      expect(s.cluster.removed?.reverted).toBe(true);
    },
    unattached(),
  );

  experiment(
    'gives the second agent its orders, no lease, and a name of its own; the first waits for a word',
    async (s) => {
      await activate(s);
      await s.finish();
      await s.outcome();
      expect(s.cluster.launched?.containers[0]?.args).toEqual(expect.not.arrayContaining(['--order']));
      expect(s.cluster.launched?.containers[0]?.args.join(' ')).toContain('--lease-ms 15000');
      const { pod, containers } = s.cluster.replacement ?? {};
      expect(pod).toBe('chaos-7f3k2-1');
      expect(containers?.[0]?.args.join(' ')).toContain('--lease-ms 0 --order start --sample-ms');
      expect(containers?.[0]?.args.slice(0, 2)).toEqual(['run', '--container']);
    },
    unattached(),
  );

  experiment(
    'works a percentage out of what the first agent has read',
    async (s) => {
      await activate(s);
      await s.finish();
      await s.outcome();
      expect(s.orders).toEqual([expect.stringMatching(/^workload stress-ng .*--vm-bytes 67108864 /), 'start']);
    },
    request({ memory: { percent: 50 } }, { noAttach: true }),
  );

  experiment(
    'refuses what the first agent finds, and no second one is created',
    async (s) => {
      s.counters = { memoryLimitBytes: -1 };
      await s.launch();
      await s.attach();
      expect(await s.error()).toMatchObject({ code: 'target-unsuitable' });
      expect(s.cluster.replacement).toBeUndefined();
    },
    request({ memory: { percent: 50 } }, { noAttach: true }),
  );

  experiment(
    'keeps what the second agent says before the fault is active out of the measurement',
    async (s) => {
      await activate(s);
      s.log?.stderr.push('');
      await s.pass(2_000);
      await s.finish();
      const { verdict } = await s.outcome();
      expect(verdict?.document).toMatchObject({ during: { seconds: 1 } });
    },
    unattached(),
  );

  experiment(
    "is stopped by the deletion of its pod, which is nobody else's doing",
    async (s) => {
      await activate(s);
      await s.pass(5_000);
      await s.interrupt();
      expect(s.cluster.ended).toEqual(['chaos-7f3k2-1']);
      await s.agent({ kind: 'deleting' });
      await s.finish({ reason: 'signal', signal: 0, runMs: 5_000 });
      expect(await s.outcome()).toMatchObject({ exitCode: 130, reverted: true, revertedBy: 'shim', problems: [] });
    },
    unattached(),
  );

  experiment(
    'is reverted when its deleted pod is gone, though its log broke off before the last word',
    async (s) => {
      await activate(s);
      await s.interrupt();
      s.cluster.failNext('followLog', ...Array.from({ length: 9 }, () => new ChaosError('not-found', 'no such pod')));
      s.log?.drop('cut');
      await s.agent({ kind: 'deleting' });
      await s.agent({ kind: 'deleted' });
      expect(await s.outcome()).toMatchObject({ exitCode: 130, reverted: true, revertedBy: 'container' });
    },
    unattached(),
  );

  experiment(
    'ends when somebody else deletes its pod, and says so',
    async (s) => {
      await activate(s);
      await s.agent({ kind: 'deleting' });
      await s.finish({ reason: 'signal', runMs: 1_000 });
      const { problems, exitCode } = await s.outcome();
      expect(exitCode).toBe(3);
      expect(problems).toContain('the agent pod was deleted by somebody else');
    },
    unattached(),
  );

  experiment(
    'reads on where its log broke off',
    async (s) => {
      await activate(s);
      await s.pass(3_000);
      const before = s.log;
      before?.drop('the connection was cut');
      await s.pass(1_000);
      expect(s.log).not.toBe(before);
      expect(s.reporter.of('progress').map(({ message }) => message)).toEqual([
        "the agent's log broke off (the connection was cut): reading on",
      ]);
      await s.pass(3_000);
      await s.finish();
      expect(await s.outcome()).toMatchObject({ exitCode: 0, problems: [] });
    },
    unattached(),
  );

  experiment(
    'leaves its fault to its own time when its log can no longer be read',
    async (s) => {
      await activate(s);
      s.cluster.failNext('followLog', ...Array.from({ length: 99 }, () => new ChaosError('unreachable', 'gone')));
      s.log?.drop('cut');
      await s.pass(80_000);
      const { problems } = await s.outcome();
      expect(problems).toContain('the shim missed its deadline');
      expect(s.cluster.ended).toEqual(['chaos-7f3k2-1']);
    },
    unattached(),
  );

  experiment(
    'returns at active when it is detached',
    async (s) => {
      await s.launch();
      await begin(s);
      expect(await s.detached()).toMatchObject({ id: 'chaos-7f3k2' });
    },
    unattached({ detached: true }),
  );

  experiment(
    'can be followed from elsewhere, detached or not: its record says how',
    async (s) => {
      await activate(s);
      await s.finish();
      await s.outcome();
      const record = s.cluster.replacement?.annotations['kubectl-chaos.io/plan'] ?? '';
      expect(readPlans(record)?.targets[0]).toMatchObject({
        noAttach: true,
        detached: true,
        leaseMs: 0,
        durationMs: 60_000,
      });
    },
    unattached(),
  );

  experiment(
    'of io is told its limits, once what stood there before is forgotten',
    async (s) => {
      await activate(s);
      await s.pass(3_000);
      await s.finish();
      await s.outcome();
      expect(s.orders).toEqual(['clear', expect.stringMatching(/^setting io\.max /), 'start']);
    },
    ioRequest({ action: { kind: 'throttle', limits: { writeBytesPerSecond: 1_048_576 } } }, { noAttach: true }),
  );

  experiment(
    'tells what the workload wrote, which comes in events',
    async (s) => {
      await activate(s);
      s.log?.say({ event: 'output', atMs: 1, text: 'stress-ng: info: dispatching\n' });
      await s.pass(3_000);
      await s.finish();
      await s.outcome();
      expect(s.reporter.of('output').map(({ text }) => text)).toEqual(['stress-ng: info: dispatching\n']);
    },
    unattached(),
  );
});

describe('a fault without an attach that another command has started', () => {
  experiment(
    'is followed by its log from now on, to its end',
    async (s) => {
      await s.attachTo();
      await s.pass(3_000);
      await s.finish();
      expect(await s.outcome()).toMatchObject({ exitCode: 0, reverted: true });
      expect(s.cluster.logStreams).toMatchObject([{ fromNow: true }]);
      expect(s.cluster.count('attach')).toBe(0);
    },
    unattached(),
  );

  experiment(
    'goes on when nobody follows it any more',
    async (s) => {
      await s.attachTo();
      await s.pass(3_000);
      await s.interrupt();
      await s.detached();
      expect(s.cluster.ended).toEqual([]);
    },
    unattached(),
  );

  experiment(
    'is stopped by the deletion of its pod when its node is in trouble',
    async (s) => {
      await s.attachTo();
      await s.pass(3_000);
      s.cluster.nodeUpdates.push({ kind: 'trouble', trouble: 'is under memory pressure' });
      await settle();
      expect(s.cluster.ended).toEqual(['chaos-7f3k2-0']);
      await s.finish({ reason: 'signal', runMs: 13_000 });
      expect(await s.outcome()).toMatchObject({ exitCode: 3, reverted: true });
    },
    unattached(),
  );
});

describe('the agents of a run without an attach', () => {
  experiment(
    'a first one that has waited for its lease has told in its log what it found',
    async (s) => {
      await s.launch();
      const words = lastWords(shimError({ code: 'not-started', message: 'no `start` came', state: 'unchanged' }));
      await s.status({ state: 'terminated', exitCode: 125, reason: 'Error', message: words });
      await s.pass(1_000);
      expect(s.cluster.count('replace')).toBe(1);
      await s.attach();
      await s.finish();
      await s.outcome();
    },
    unattached(),
  );

  experiment(
    'a second one that is still to start has no log that breaks off',
    async (s) => {
      await s.launch();
      await s.attach();
      s.cluster.failNext('followLog', new ChaosError('api', 'container "target-0" is waiting to start'));
      await s.pass(1_000);
      await s.attach();
      await s.pass(1_000);
      expect(s.reporter.of('active')).toHaveLength(1);
      expect(s.reporter.of('progress').filter(({ message }) => message.includes('broke off'))).toEqual([]);
      await s.finish();
      await s.outcome();
    },
    unattached(),
  );

  experiment(
    'a second one that is refused leaves nothing, and says why',
    async (s) => {
      s.cluster.failNext('replace', new ChaosError('quota', 'exceeded quota'));
      await s.launch();
      await s.attach();
      await s.pass(1_000);
      expect(await s.error()).toMatchObject({ code: 'quota' });
      expect(s.cluster.removed?.reverted).toBe(false);
    },
    unattached(),
  );

  experiment(
    'a second one that cannot start is named, without a wait',
    async (s) => {
      await s.launch();
      await s.attach();
      await s.pass(1_000);
      await s.status({ state: 'waiting', reason: 'ErrImagePull', message: 'no such image' }, { phase: 'Pending' });
      expect(await s.error()).toMatchObject({ code: 'image' });
    },
    unattached(),
  );

  experiment(
    'a second one that never starts is given up like any other',
    async (s) => {
      await s.launch();
      await s.attach();
      await s.pass(1_000);
      await s.pass(400_000);
      expect(await s.error()).toMatchObject({ message: 'the agent pod has not started within 5m' });
    },
    unattached(),
  );

  experiment(
    'what the shim of a second one has to say of its own failure is said',
    async (s) => {
      await s.launch();
      await s.attach();
      await s.pass(1_000);
      const words = lastWords(shimError({ code: 'target-gone', message: 'the target has ended', state: 'unchanged' }));
      await s.status({ state: 'terminated', exitCode: 125, reason: 'Error', message: words });
      expect(await s.error()).toMatchObject({ code: 'shim', message: 'the target has ended' });
    },
    unattached(),
  );

  experiment(
    'an interrupt while the second one is created deletes it when it is there',
    async (s) => {
      const release = s.cluster.hold('replace');
      await s.launch();
      await s.attach();
      await s.pass(1_000);
      await s.interrupt();
      expect(s.cluster.ended).toEqual([]);
      release();
      await settle();
      expect(s.cluster.ended).toEqual(['chaos-7f3k2-1']);
      await s.agent({ kind: 'deleting' });
      await s.agent({ kind: 'deleted' });
      expect(await s.outcome()).toMatchObject({ exitCode: 130, reverted: true });
    },
    unattached(),
  );

  experiment(
    'what a first one still says is of no interest once the second one is on its way',
    async (s) => {
      const release = s.cluster.hold('replace');
      await s.launch();
      await s.attach();
      await s.pass(1_000);
      s.cluster.logStreams[0]?.say(shimError({ code: 'not-started', message: 'no `start` came', state: 'unchanged' }));
      await s.agent({ kind: 'deleted' });
      release();
      await settle();
      await s.attach();
      s.cores = 0.99;
      await s.pass(3_000);
      await s.finish();
      expect(await s.outcome()).toMatchObject({ exitCode: 0, problems: [] });
    },
    unattached(),
  );
});

const barred = () =>
  new ChaosError('unreachable', 'the proxy drops the upgrade', { isPermanent: true, barsAttach: true });

describe('an attach that is barred', () => {
  experiment('is done without, by the same agent', async (s) => {
    s.cluster.failNext('attach', barred());
    await s.launch();
    await s.attach();
    await s.status({ state: 'running' });
    await s.pass(1_000);
    await s.attach();
    s.cores = 0.99;
    await s.pass(5_000);
    await s.finish();
    expect(await s.outcome()).toMatchObject({ exitCode: 0, problems: [], verdict: { effective: true } });
    expect(s.cluster.count('launch')).toBe(1);
    expect(s.reporter.of('warning').map(({ message }) => message)).toEqual([
      'no attach through https://cluster.test:6443: going on without it (the proxy drops the upgrade)',
    ]);
  });

  experiment('by a stream through which nothing comes, too', async (s) => {
    s.answers.clear();
    await s.launch();
    await s.attach();
    s.cluster.attachment.drop('nothing came', false, barred());
    await settle();
    await s.status({ state: 'running' });
    await s.pass(1_000);
    expect(s.cluster.count('replace')).toBe(1);
    await s.attach();
    await s.finish();
    await s.outcome();
  });

  experiment('is the reason, where the log cannot be read either', async (s) => {
    s.cluster.failNext('attach', barred());
    s.cluster.failNext('followLog', new ChaosError('forbidden', 'you may not get pods/log', { isPermanent: true }));
    await s.launch();
    await s.attach();
    await s.status({ state: 'running' });
    expect(await s.error()).toMatchObject({ message: 'the proxy drops the upgrade' });
  });

  experiment(
    'ends a fault that asks its shim',
    async (s) => {
      s.cluster.failNext('attach', barred());
      await s.launch();
      await s.attach();
      expect(await s.error()).toMatchObject({ message: 'the proxy drops the upgrade' });
      expect(s.cluster.count('followLog')).toBe(0);
    },
    netRequest(),
  );

  experiment('is not done without once the fault may have begun', async (s) => {
    await s.activate();
    s.cluster.failNext('attach', barred());
    s.cluster.attachment.drop('cut');
    await s.pass(3_000);
    await s.finish();
    await s.outcome();
    expect(s.cluster.count('followLog')).toBe(0);
  });

  experiment('by the rights of the user is known before anything is created', async (s) => {
    s.cluster.target = { ...s.cluster.target, attachBarred: 'you are not allowed to get pods/attach' };
    await activate(s);
    await s.finish();
    await s.outcome();
    expect(s.cluster.count('attach')).toBe(0);
    expect(s.reporter.of('warning').map(({ message }) => message)).toEqual([
      'no attach through https://cluster.test:6443: going on without it (you are not allowed to get pods/attach)',
    ]);
  });
});
