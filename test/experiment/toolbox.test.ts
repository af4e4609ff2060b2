import { describe, expect } from 'vitest';
import { ChaosError } from '../../src/errors.ts';
import { settle } from '../fakes/clock.ts';
import { ioRequest, netRequest, request, requestFor, shimError } from '../fakes/samples.ts';
import { toolbox } from '../fakes/toolbox-shim.ts';
import { experiment, type Scenario } from './scenario.ts';

/** Tools are sent to the agent, whose image is nobody's choice. */
async function launch(s: Scenario): Promise<void> {
  s.request.run.image = undefined;
  await s.launch();
  await s.attach();
}

const args = (s: Scenario) => s.cluster.launched?.containers[0]?.args ?? [];
const verbs = (s: Scenario) => s.sent.map((line) => line.split(' ', 1)[0]);
const told = (s: Scenario) => s.reporter.of('tools');
const size = toolbox().archive.length;

/** The fault is in force, and ends well. */
async function checkGoesOn(s: Scenario): Promise<void> {
  await s.pass(1_000);
  expect(s.reporter.of('active'), s.reporter.kinds.join(' ')).toHaveLength(1);
  s.cores = 0.99;
  await s.pass(5_000);
  await s.finish();
  expect(await s.outcome()).toMatchObject({ reverted: true, problems: [] });
}

/** The stream ends when so much has come; the next one is whole. */
function cutAt(s: Scenario, bytes: number): void {
  s.toolbox.onOffset = (offset) => {
    if (offset < bytes) return;
    s.toolbox.onOffset = undefined;
    s.stream?.drop('reset by peer');
  };
}

describe('tools that an image has not', () => {
  experiment('are sent, after the shim has found the target and before the fault begins', async (s) => {
    await launch(s);
    await checkGoesOn(s);
    expect(args(s).slice(0, 11)).toContain('--toolbox');
    expect(args(s)).toContain('stress-ng');
    expect(s.toolbox).toMatchObject({ offset: size, offers: 1 });
    const order = verbs(s).filter((verb, index, all) => verb !== all[index - 1]);
    expect(order.slice(0, 3)).toEqual(['beat', 'tools', 'chunk']);
    expect(verbs(s).lastIndexOf('chunk')).toBeLessThan(verbs(s).indexOf('start'));
    expect(told(s).at(-1)).toMatchObject({ tools: 'stress-ng', sentBytes: size, bytes: size, readyMs: 0 });
  });

  experiment(
    'are there before the network is asked by them',
    async (s) => {
      s.toolbox.isQuick = false;
      await launch(s);
      expect(args(s).join(' ')).toMatch(/ --toolbox --tool tc --tool ip$/);
      expect(verbs(s)).not.toContain('ask');
      s.stream?.say(s.toolbox.unpack());
      await settle();
      expect(verbs(s)).toContain('ask');
      expect(s.reporter.of('active')).toHaveLength(1);
      await s.interrupt();
      await s.outcome();
    },
    netRequest(),
  );

  experiment(
    'are sent for a load of a disk',
    async (s) => {
      await launch(s);
      await s.pass(1_000);
      expect(s.toolbox.offset).toBe(size);
      expect(s.reporter.of('active')).toHaveLength(1);
      await s.interrupt();
      await s.outcome();
    },
    ioRequest(),
  );

  experiment(
    'are not sent for a fault without any',
    async (s) => {
      await launch(s);
      await s.pass(1_000);
      expect(args(s)).not.toContain('--toolbox');
      expect(verbs(s)).not.toContain('tools');
      expect(s.reporter.of('active')).toHaveLength(1);
      await s.interrupt();
      await s.outcome();
    },
    ioRequest({ action: { kind: 'fill', percent: 50 } } as never),
  );

  experiment('are not sent to an image that is named', async (s) => {
    await s.activate();
    expect(args(s)).not.toContain('--toolbox');
    expect(verbs(s)).not.toContain('tools');
    await s.interrupt();
    await s.outcome();
  });

  experiment('are not there: nothing is created', async (s) => {
    s.request.run.image = undefined;
    const missing = new ChaosError('toolbox-missing', 'the tools are not beside the plugin');
    await s.launch({ toolbox: () => Promise.reject(missing) });
    expect(await s.error()).toBe(missing);
    expect(s.cluster.count('launch')).toBe(0);
  });

  experiment('cannot be sent to who may not attach: nothing is created', async (s) => {
    const attachBarred = 'you are not allowed to get pods/attach';
    s.cluster.target = { ...s.cluster.target, attachBarred };
    s.request.run.image = undefined;
    await s.launch();
    expect(await s.error()).toMatchObject({
      ...{ code: 'forbidden', exitCode: 1, message: attachBarred, state: 'nothing was changed' },
      hint: 'Without an attach stress-ng cannot be sent to the agent: name an image with stress-ng in it: --image.',
    });
    expect(s.cluster.count('launch')).toBe(0);
    expect(s.reporter.of('warning')).toEqual([]);
  });

  for (const [what, asked] of [
    ['stress', request()],
    ['io --mode', ioRequest()],
  ] as const) {
    experiment(
      `are not there where a proxy swallows the attach: ${what} ends with that, and nothing is left`,
      async (s) => {
        const error = new ChaosError('unreachable', 'the proxy drops the upgrade', {
          ...{ isPermanent: true, barsAttach: true },
        });
        s.cluster.failNext('attach', error);
        await launch(s);
        await s.status({ state: 'running' });
        expect(await s.error()).toMatchObject({ code: 'unreachable', message: error.message, exitCode: 1 });
        expect(s.cluster.count('followLog')).toBe(0);
        expect(s.cluster.count('replace')).toBe(0);
        expect(s.cluster.removed).toMatchObject({ id: 'chaos-7f3k2' });
        expect(s.reporter.of('warning')).toEqual([]);
      },
      asked,
    );
  }
});

describe('while tools are sent', () => {
  for (let tenth = 0; tenth <= 10; tenth++) {
    experiment(`the stream breaks at ${tenth}/10, and the next one goes on there`, async (s) => {
      cutAt(s, (size * tenth) / 10);
      await launch(s);
      const there = s.toolbox.offset;
      await s.pass(1_000);
      expect(s.cluster.attachments).toHaveLength(2);
      expect(s.toolbox.offset).toBe(size);
      const [, second] = s.cluster.attachments;
      const again = second?.sent.find((line) => line.startsWith('chunk '));
      if (again !== undefined) expect(Number(again.split(' ')[1])).toBe(there);
      await checkGoesOn(s);
    });
  }

  experiment('a stream that cannot be made anew is given up, and nothing is left', async (s) => {
    cutAt(s, size / 2);
    s.cluster.failNext('attach');
    await launch(s);
    s.cluster.failNext('attach', ...Array.from({ length: 6 }, () => new ChaosError('connection-lost', 'no route')));
    await s.pass(20_000);
    expect(await s.error()).toMatchObject({ message: 'no route', exitCode: 1, state: 'nothing was changed' });
  });

  experiment('the shim is elsewhere than we think: it is sent what it lacks', async (s) => {
    s.toolbox.isSilent = true;
    await launch(s);
    // It has thrown all away.
    s.stream?.say(s.toolbox.says({ offset: 240_000 }), s.toolbox.says({ offset: 0 }));
    s.toolbox.isSilent = false;
    await settle();
    expect(s.sent.filter((line) => line.startsWith('chunk 0 ')).length).toBeGreaterThan(0);
    await checkGoesOn(s);
  });

  experiment('a line is spoiled: it is found out with a beat or two', async (s) => {
    const hear = s.toolbox.hear.bind(s.toolbox);
    s.toolbox.hear = (line) => (line.startsWith('chunk 120000 ') && s.toolbox.offers === 1 ? [] : hear(line));
    await launch(s);
    expect(s.toolbox.offset).toBe(120_000);
    await s.pass(7_000);
    expect(s.toolbox).toMatchObject({ offset: size, offers: 2 });
    await checkGoesOn(s);
  });

  experiment('nothing is taken for ours that is not', async (s) => {
    s.toolbox.isSilent = true;
    await launch(s);
    s.stream?.say(s.toolbox.says({ sha256: 'f'.repeat(64), ready: true }), s.toolbox.says({ offset: size + 1 }));
    await s.pass(1_000);
    expect(s.reporter.of('active')).toEqual([]);
    expect(verbs(s)).not.toContain('chunk');
    await s.interrupt();
    expect(await s.outcome()).toMatchObject({ exitCode: 130, reverted: true });
  });

  experiment('Ctrl-C ends it, and the shim is told at once', async (s) => {
    s.toolbox.isQuick = false;
    s.toolbox.onOffset = (offset) => {
      s.toolbox.isSilent = offset > size / 2;
    };
    await launch(s);
    await s.interrupt();
    expect(s.sent.at(-1)).toBe('stop');
    expect(await s.outcome()).toMatchObject({ exitCode: 130, reverted: true, problems: [] });
    expect(verbs(s)).not.toContain('start');
  });

  experiment(
    'a fault that must not begin is refused before they have arrived',
    async (s) => {
      s.toolbox.isSilent = true;
      s.counters = { memoryLimitBytes: -1 };
      await launch(s);
      expect(await s.error()).toMatchObject({ code: 'target-unsuitable' });
      expect(s.sent.at(-1)).toBe('stop');
    },
    requestFor({ memory: { percent: 50 } }),
  );

  experiment('that they do not arrive any more is given up after two minutes of silence', async (s) => {
    s.toolbox.onOffset = (offset) => {
      s.toolbox.isSilent = offset > size / 2;
    };
    await launch(s);
    await s.pass(119_000);
    expect(s.isOver).toBe(false);
    await s.pass(2_000);
    expect(await s.error()).toMatchObject({
      code: 'connection-lost',
      exitCode: 1,
      state: 'nothing was changed',
      message:
        'the tools sent to node node-3 (stress-ng) arrive no more (0.24 of 0.5 MB): nothing was heard of them for 2m',
      hint: 'Run the command again, or name an image with stress-ng in it: --image.',
    });
    expect(s.sent.at(-1)).toBe('stop');
  });

  experiment('a slow line is given all the time it needs', async (s) => {
    s.toolbox.isSilent = true;
    await launch(s);
    // 12 kB in a minute: an hour nearly, with a beat every three seconds.
    for (let offset = 0; offset < size; offset += 12_000) {
      s.stream?.say(s.toolbox.says({ offset, ready: false }));
      await s.pass(60_000);
      expect(s.isOver, `after ${offset} bytes`).toBe(false);
    }
    s.toolbox.isSilent = false;
    s.stream?.say(s.toolbox.says());
    await checkGoesOn(s);
    expect(told(s).at(-1)?.readyMs).toBeGreaterThan(40 * 60_000);
  });

  experiment('a watch that does not get through beside them is waited for', async (s) => {
    s.toolbox.isQuick = false;
    await launch(s);
    await s.agent({ kind: 'contact', problem: 'timed out' });
    await s.pass(40_000);
    expect(s.isOver).toBe(false);
    await s.agent({ kind: 'contact', problem: undefined });
    s.stream?.say(s.toolbox.unpack());
    await checkGoesOn(s);
  });

  experiment('a node without CPU to spare is given the time to unpack', async (s) => {
    s.toolbox.isQuick = false;
    await launch(s);
    s.answers.delete('beat');
    await s.pass(100_000);
    expect(s.isOver).toBe(false);
    expect(told(s).at(-1)).toMatchObject({ sentBytes: size, bytes: size });
    expect(told(s).at(-1)).not.toHaveProperty('readyMs');
    s.answers.add('beat');
    s.stream?.say(s.toolbox.unpack());
    await checkGoesOn(s);
  });

  experiment('that are never ready are given up', async (s) => {
    s.toolbox.isQuick = false;
    await launch(s);
    await s.pass(121_000);
    expect((await s.error()).message).toBe(
      'the tools sent to node node-3 (stress-ng) have arrived but are not ready: nothing was heard of them for 2m',
    );
  });

  for (const [what, spoil, why] of [
    [
      'a byte that is not what was sent',
      (s: Scenario) => (s.toolbox.sent = { ...toolbox(), sha256: 'a'.repeat(64) }),
      'its SHA-256 is another',
    ],
    [
      'a file system that is full',
      (s: Scenario) => (s.toolbox.problem = 'write lib/libc.so.6: No space left on device'),
      'write lib/libc.so.6: No space left on device',
    ],
  ] as const)
    experiment(`${what} is told, and nothing is begun`, async (s) => {
      spoil(s);
      await launch(s);
      expect(await s.error()).toMatchObject({
        code: 'shim',
        exitCode: 1,
        state: 'nothing was changed',
        message: `the tools sent to node node-3 (stress-ng) could not be made ready: ${why}`,
      });
      expect(verbs(s)).not.toContain('start');
      expect(s.sent.at(-1)).toBe('stop');
    });

  experiment("the shim's own failure is told as it is", async (s) => {
    s.toolbox.isSilent = true;
    await launch(s);
    s.stream?.say(shimError({ code: 'target-gone', message: 'the target has ended' }));
    expect(await s.error()).toMatchObject({ code: 'shim', message: 'the target has ended' });
  });

  experiment('a shim that is killed is told as any', async (s) => {
    s.toolbox.isSilent = true;
    await launch(s);
    await s.status({ state: 'terminated', exitCode: 137, reason: 'OOMKilled', message: '' });
    expect((await s.error()).message).toContain('exit code 137: OOMKilled');
  });

  experiment(
    'for a network: its stream breaks after they have arrived, and they are not sent again',
    async (s) => {
      s.net.silentTo.add('links');
      await launch(s);
      s.net.silentTo.clear();
      s.stream?.drop('reset by peer');
      await s.pass(1_000);
      expect(s.toolbox.offers).toBe(1);
      expect(s.reporter.of('active')).toHaveLength(1);
      await s.interrupt();
      await s.outcome();
    },
    netRequest(),
  );

  experiment('the user is told how much has arrived, at most twice a second', async (s) => {
    s.toolbox.isSilent = true;
    await launch(s);
    for (let offset = 0; offset < size; offset += 1_000) {
      s.stream?.say(s.toolbox.says({ offset, ready: false }));
      await s.pass(10);
    }
    expect(told(s).map(({ sentBytes }) => sentBytes)).toHaveLength(9);
    await s.interrupt();
    await s.outcome();
  });
});

describe('a detached fault', () => {
  experiment(
    'has its tools sent before it is left alone',
    async (s) => {
      await launch(s);
      await s.pass(1_000);
      await s.detached();
      expect(s.toolbox.offset).toBe(size);
    },
    request({}, { detached: true }),
  );
});
