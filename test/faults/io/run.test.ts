import { describe, expect } from 'vitest';
import type { FillRequest, LoadRequest, ThrottleRequest } from '../../../src/faults/io/types.ts';
import type { Request } from '../../../src/requests.ts';
import type { PathFacts } from '../../../src/shim/protocol.ts';
import { experiment, type Scenario } from '../../experiment/scenario.ts';
import { settle } from '../../fakes/clock.ts';
import {
  ended,
  GiB,
  ioRequest,
  lastWords,
  MiB,
  pathFacts,
  requestFor,
  resolved,
  reverted,
  shimError,
  volumes,
} from '../../fakes/samples.ts';

type Body = (scenario: Scenario) => Promise<void>;

function ioExperiment(name: string, body: Body, asked: Request = ioRequest()): void {
  experiment(name, body, asked);
}

const fill: FillRequest = { kind: 'fill', space: { bytes: GiB }, leaveBytes: 64 * MiB };
const inodes: FillRequest = { kind: 'fill', inodes: { count: 500_000 }, leaveBytes: 64 * MiB };
const throttle: ThrottleRequest = {
  kind: 'throttle',
  limits: { writeBytesPerSecond: MiB, readBytesPerSecond: 4 * MiB },
};
const reading: LoadRequest = { kind: 'load', mode: 'read', workers: 2, sizeBytes: 64 * MiB };

const verbs = (s: Scenario, from = 0) => s.sent.slice(from).map((line) => line.split(' ', 1)[0]);

/** Until the fault is in force; the disk is busy from then on. */
async function activate(s: Scenario): Promise<void> {
  await s.activate();
  s.io.writesPerSecond = 200 * MiB;
  s.io.found = { writeUs: 48_000, availableBytes: 7 * GiB, freeBytes: 7 * GiB + 512 * MiB };
}

async function run(s: Scenario, ms = 5_000): Promise<void> {
  await activate(s);
  await s.pass(ms);
}

/** The disk is as it was. */
function calm(s: Scenario): void {
  s.io.writesPerSecond = 0;
  s.io.found = {};
}

/** A shim that ends by itself, after these words of the workload's. */
async function endWith(s: Scenario, ...said: string[]): Promise<void> {
  for (const text of said) s.cluster.attachment.stderr.push(text);
  await settle();
  await s.finish({ reason: 'exited', exitCode: 1, signal: 0, runMs: 5_000 });
}

describe('an io fault that goes as asked', () => {
  ioExperiment('tells which disk, measures, starts, and is proven', async (s) => {
    await run(s, 10_000);
    calm(s);
    await s.finish();
    const outcome = await s.outcome();
    expect(outcome).toMatchObject({ exitCode: 0, reverted: true, revertedBy: 'shim', problems: [] });
    expect(outcome.verdict).toMatchObject({
      effective: true,
      document: {
        io: {
          writeUsBefore: 2_000,
          writeUsDuring: 48_000,
          availableBytesBefore: 8 * GiB,
          availableBytesDuring: 7 * GiB,
          availableBytesAfter: 8 * GiB,
        },
      },
    });
    expect(s.reporter.kinds).toEqual(
      'selecting selected impact planned launching resolved announced active sample ended reverted removing removed outcome'.split(
        ' ',
      ),
    );
    expect(s.reporter.of('sample').at(-1)).toMatchObject({
      live: { row: expect.arrayContaining(['2ms → 48ms']) },
      document: { kind: 'io-sample', path: { writeUs: 48_000 } },
      leftMs: 50_000,
    });
    expect(s.sent.slice(0, 3)).toEqual(['beat', 'beat', 'start']);
  });

  ioExperiment(
    'fills a disk that a neighbour deletes from: what the fill says that it holds is what counts',
    async (s) => {
      await s.activate();
      s.cluster.attachment.stderr.push('filled 1 GiB by fallocate: 7 GiB are left\n');
      s.io.found = { availableBytes: 7.5 * GiB, freeBytes: 8 * GiB };
      await s.pass(5_000);
      s.io.found = { availableBytes: 8.5 * GiB, freeBytes: 9 * GiB };
      await s.finish();
      const { exitCode, verdict } = await s.outcome();
      expect(exitCode).toBe(0);
      expect(verdict?.proofs[0]?.sentence).toMatch(/took 1Gi, .* since others released 512Mi meanwhile$/);
    },
    ioRequest({ action: fill }),
  );

  ioExperiment('whose path cannot be measured for a while says so once', async (s) => {
    await run(s, 2_000);
    s.io.found = { problem: 'write: Read-only file system' };
    await s.pass(3_000);
    s.io.found = { writeUs: 48_000 };
    await s.pass(1_000);
    const told = ['the path could not be measured: write: Read-only file system'];
    expect(s.reporter.of('warning').map(({ message }) => message)).toEqual(told);
    expect(s.reporter.of('sample').at(-2)?.document).toMatchObject({
      path: { problem: 'write: Read-only file system' },
    });
    await s.finish();
    await s.outcome();
  });

  ioExperiment('says in one line what the path is, before anything is changed', async (s) => {
    await run(s);
    const [found] = s.reporter.of('announced');
    expect(found?.lines).toHaveLength(1);
    const [line] = found?.lines ?? [];
    expect(found?.document).toMatchObject({ path: { type: 'ext4', disk: '8:16' }, volume: { detail: 'data-web-0' } });
    for (const part of ['/data', 'ext4', '/dev/sdb', 'data-web-0']) expect(line).toContain(part);
    expect(line).not.toContain('\n');
    await s.finish();
    await s.outcome();
  });

  ioExperiment(
    'of a path that a symlink leads elsewhere tells the volume that it leads to',
    async (s) => {
      s.io.expect({ path: '/home/link', mountPoint: '/data' });
      await run(s);
      expect(s.reporter.of('announced')[0]?.document).toMatchObject({ volume: { name: 'data' } });
      await s.finish();
      await s.outcome();
    },
    ioRequest({ path: '/home/link' }),
  );

  ioExperiment('waits for a second probe, on a slow disk not for long', async (s) => {
    s.io.isProbing = false;
    await s.launch();
    await s.attach();
    await s.pass(1_400);
    expect(s.sent).not.toContain('start');
    await s.pass(300);
    expect(s.sent.at(-1)).toBe('start');
    s.io.isProbing = true;
    s.io.writesPerSecond = 200 * MiB;
    await s.pass(5_000);
    await s.finish();
    const { verdict } = await s.outcome();
    expect(verdict?.document.io).not.toHaveProperty('writeUsBefore');
  });

  ioExperiment(
    'that limits the disk says how before start, and the disk when it is in force',
    async (s) => {
      await run(s);
      const told = s.sent.slice(s.sent.indexOf('clear'), s.sent.indexOf('start') + 1);
      expect(told[0]).toBe('clear');
      expect(told.slice(1, -1)).toEqual([expect.stringMatching(/^setting io\.max 8:16 /)]);
      expect(told.join()).toContain('wbps=1048576');
      expect(told.join()).toContain('rbps=4194304');
      expect(s.reporter.of('active')[0]?.where).toContain('disk sdb');
      expect(s.cluster.launched?.containers[0]?.args[0]).toBe('hold');
      await s.finish();
      await s.outcome();
    },
    ioRequest({ action: throttle }),
  );

  ioExperiment(
    'that limits the disk on v1 does so by its files, one for each limit',
    async (s) => {
      const facts = pathFacts();
      const cgroups = [{ hierarchy: 'blkio', version: 1, path: '/kubepods/pod1/app', joined: true } as const];
      s.cluster.onAttach = (attachment) => {
        attachment.onLine = (line) => {
          const found = { path: facts, cgroupMode: 'v1', cgroups } as const;
          if (line === 'beat') attachment.say(resolved(s.sample(), found), ...s.io.probes(0));
          if (line === 'stop') attachment.say(shimError({ code: 'not-started' }));
        };
      };
      await s.launch();
      await s.attach();
      await s.pass(200);
      expect(s.sent.filter((line) => line.startsWith('setting')).sort()).toEqual([
        'setting blkio.throttle.read_bps_device 8:16 4194304',
        'setting blkio.throttle.write_bps_device 8:16 1048576',
      ]);
      await s.interrupt();
      expect((await s.outcome()).exitCode).toBe(130);
    },
    ioRequest({ action: throttle }),
  );
});

describe('an io fault that is refused', () => {
  const refusals: ReadonlyArray<[what: string, change: Partial<PathFacts>, words: RegExp, asked?: Request]> = [
    ['a mount for reading only', { readOnly: true, options: 'ro,relatime', writable: false }, /read-only/],
    ['a directory that its user may not write to', { writable: false }, /may not|not writable|cannot write/i],
    ['the disk of the node', { onNode: true }, /node/],
    ['less room than asked', { availableBytes: 100 * MiB, freeBytes: 600 * MiB }, /Mi/, ioRequest({ action: fill })],
    [
      'a limit where there is no disk',
      { type: 'nfs4', source: 'nas:/export', device: '', disk: '', diskName: '' },
      /nfs4|NFS/,
      ioRequest({ action: throttle }),
    ],
  ];
  for (const [what, change, words, asked] of refusals) {
    ioExperiment(
      `by ${what}: told what it is, and nothing is started`,
      async (s) => {
        s.io.expect(change);
        await s.launch();
        await s.attach();
        const error = await s.error();
        expect(error).toMatchObject({ code: 'target-unsuitable', exitCode: 1, state: 'nothing was changed' });
        expect(error.message).toMatch(words);
        expect(error.hint).not.toBe('');
        expect(s.reporter.of('announced')).toHaveLength(1);
        expect(verbs(s)).toEqual(['beat', 'stop']);
      },
      asked,
    );
  }

  ioExperiment(
    'not for the disk of the node where that is allowed, and says what it risks',
    async (s) => {
      s.io.expect({ onNode: true });
      await run(s);
      expect(s.reporter.of('warning').map(({ message }) => message)).toEqual([expect.stringContaining('node')]);
      await s.finish();
      await s.outcome();
    },
    ioRequest({ allowNodeDisk: true }),
  );

  ioExperiment('by the shim, that cannot open it', async (s) => {
    s.answers.clear();
    await s.launch();
    await s.attach();
    const message = '/data: the server of this mount is gone (ENOTCONN)';
    s.cluster.attachment.say(shimError({ code: 'path', message, state: 'unchanged' }));
    const error = await s.error();
    expect(error).toMatchObject({ code: 'shim', exitCode: 1, state: 'nothing was changed' });
    expect(error.message).toContain(message);
    expect(error.hint).toContain('--path');
  });

  ioExperiment('by a shim that says nothing of the path', async (s) => {
    s.io.facts = undefined;
    await s.launch();
    await s.attach();
    expect((await s.error()).message).toContain('/data');
    expect(s.sent).not.toContain('start');
  });

  ioExperiment('by what another experiment has left, and how to get rid of it', async (s) => {
    s.answers.delete('start');
    await s.launch();
    await s.attach();
    await s.pass(200);
    s.cluster.attachment.say(shimError({ code: 'foreign', message: 'somebody else is at work', state: 'unchanged' }));
    const error = await s.error();
    expect(error.hint).toContain('kubectl chaos sweep node-3 -n shop');
    expect(error.exitCode).toBe(1);
  });
});

describe('a limit that somebody else overwrites', () => {
  ioExperiment(
    'ends the fault: said what stands there now and who it may have been, exit 3',
    async (s) => {
      await run(s);
      const message = "`io.max` of the target's cgroup says `wbps=max` of device 8:16 now and not `wbps=1048576`";
      s.cluster.attachment.say({ event: 'warning', atMs: 0, code: 'setting', message });
      await s.finish({ reason: 'overwritten', signal: 0, runMs: 5_000 });
      const outcome = await s.outcome();
      expect(s.reporter.of('warning').map((fact) => fact.message)).toContain(message);
      expect(outcome).toMatchObject({ exitCode: 3, reverted: true });
      expect(outcome.problems).toEqual([
        expect.stringMatching(
          /^somebody else overwrote the limit on the target's cgroup after 5s.*systemctl daemon-reload/,
        ),
      ]);
    },
    ioRequest({ action: throttle }),
  );
});

describe('the stream of an io fault', () => {
  ioExperiment(
    'that took `start` with it: the limits are said again before the next',
    async (s) => {
      s.answers.delete('start');
      await s.launch();
      await s.attach();
      await s.pass(200);
      const first = s.cluster.attachment;
      expect(first.sent.at(-1)).toBe('start');
      // The shim has not heard it.
      s.cluster.onAttach = (attachment) => {
        attachment.onLine = (line) => {
          if (line === 'beat') attachment.say(resolved(s.sample(), { path: pathFacts() }));
        };
      };
      first.drop('reset by peer');
      await s.pass(1_000);
      expect(verbs(s, first.sent.length)).toEqual(['', 'beat', 'clear', 'setting', 'start']);
      await s.interrupt();
      s.cluster.attachment.say(reverted());
      await s.outcome();
    },
    ioRequest({ action: throttle }),
  );

  ioExperiment('lost before start: what was measured is kept, and the disk told once', async (s) => {
    s.io.isProbing = false;
    await s.launch();
    await s.attach();
    s.cluster.attachment.drop('reset by peer');
    s.io.isProbing = true;
    await s.pass(2_000);
    expect(s.reporter.of('announced')).toHaveLength(1);
    expect(s.reporter.of('active')).toHaveLength(1);
    s.io.writesPerSecond = 200 * MiB;
    await s.pass(5_000);
    await s.finish();
    await s.outcome();
  });
});

describe('a workload that ends by itself', () => {
  const cases: ReadonlyArray<[what: string, said: string[], words: string, asked?: Request]> = [
    [
      'stress-ng on a full disk',
      [
        'stress-ng: info:  [7] dispatching hogs: 1 hdd\nstress-ng: fail:  [8] hdd: write failed, errno=28 ',
        '(No space left on device)\n',
      ],
      'stress-ng ended after 5s with exit code 1: the file system was full (stress-ng: info:  [7] dispatching hogs: 1 hdd; stress-ng: fail:  [8] hdd: write failed, errno=28 (No space left on device))',
    ],
    [
      'a fill that meets a quota',
      ['nsexec: fallocate: Disk quota exceeded\n'],
      'the process that fills the file system ended after 5s with exit code 1: a quota was reached (nsexec: fallocate: Disk quota exceeded)',
      ioRequest({ action: fill }),
    ],
    ['one that says something else', ['oops\n'], 'stress-ng ended after 5s with exit code 1: oops'],
    ['one that says nothing', [], 'stress-ng ended after 5s with exit code 1: it wrote no output'],
  ];
  for (const [what, said, words, asked] of cases) {
    ioExperiment(
      `${what}: the reason is among the problems`,
      async (s) => {
        await run(s);
        await endWith(s, ...said);
        await s.pass(said.length > 0 ? 0 : 1_000);
        expect(await s.outcome()).toMatchObject({ exitCode: 3, reverted: true, problems: [words] });
      },
      asked,
    );
  }

  ioExperiment('whose words come after the word of its end is heard', async (s) => {
    await run(s);
    await endWith(s);
    expect(s.isOver).toBe(false);
    s.cluster.attachment.stderr.push('late\n');
    await s.pass(1_000);
    expect((await s.outcome()).problems).toEqual(['stress-ng ended after 5s with exit code 1: late']);
  });

  ioExperiment('keeps of a long output the end', async (s) => {
    await run(s);
    await endWith(s, `${'x'.repeat(5_000)}\n`, 'one\n', 'two\n', 'three\n\n');
    expect((await s.outcome()).problems).toEqual([expect.stringMatching(/: one; two; three$/)]);
  });

  ioExperiment(
    'killed by somebody else, what fills the disk is called so',
    async (s) => {
      await run(s);
      await s.finish({ reason: 'killed', signal: 9, exitCode: 137, runMs: 5_000 });
      await s.pass(2_000);
      expect((await s.outcome()).problems).toEqual([
        'the process that fills the file system was killed by signal 9 after 5s',
      ]);
    },
    ioRequest({ action: fill }),
  );
});

describe('the revert of an io fault', () => {
  ioExperiment(
    'may take a minute, since there may be a million files',
    async (s) => {
      await run(s, 60_000);
      s.cluster.attachment.say(ended());
      await s.pass(60_000);
      expect(s.isOver).toBe(false);
      s.cluster.attachment.say(reverted({ elapsedMs: 60_000 }));
      expect(await s.outcome()).toMatchObject({ reverted: true, problems: [] });
    },
    ioRequest({ action: inodes }),
  );

  ioExperiment('that fails is not confirmed, and says once what is left', async (s) => {
    await run(s);
    const left = shimError({
      code: 'undo',
      message: '/data/.kubectl-chaos-7f3k2-aaaaaaaa could not be removed: read-only file system',
      state: 'unknown: it is still there',
    });
    s.cluster.attachment.say(ended(), left);
    await settle();
    await s.status({ state: 'terminated', exitCode: 125, reason: 'Error', message: lastWords(ended(), left) });
    await s.pass(5_000);
    const outcome = await s.outcome();
    expect(outcome).toMatchObject({ exitCode: 4, reverted: false });
    expect(outcome.problems).toEqual([
      'the shim failed: /data/.kubectl-chaos-7f3k2-aaaaaaaa could not be removed: read-only file system (undo)',
      expect.stringContaining('the guardian did not confirm'),
    ]);
    expect(outcome.sweep).toBe('kubectl chaos sweep node-3 -n shop');
  });

  const killed = (message: string) => ({ state: 'terminated', exitCode: 137, reason: 'Error', message }) as const;

  ioExperiment('is done by the guardian of a shim that is killed', async (s) => {
    await run(s);
    await s.status(killed(lastWords(reverted({ by: 'guardian' }))));
    expect(await s.outcome()).toMatchObject({ exitCode: 3, reverted: true, revertedBy: 'guardian' });
  });

  const unsaid: ReadonlyArray<[what: string, ms: number, words: string, asked?: Request]> = [
    ['a directory', 5_000, '.kubectl-chaos-7f3k2-aaaaaaaa in /data of pod web-7d4b9 is gone'],
    [
      'a directory full of files',
      65_000,
      '.kubectl-chaos-7f3k2-aaaaaaaa in /data of pod web-7d4b9 is gone',
      ioRequest({ action: inodes }),
    ],
    [
      'a limit',
      5_000,
      "the limits of the container's cgroup were restored; to be certain, delete pod web-7d4b9",
      ioRequest({ action: throttle }),
    ],
  ];
  for (const [what, ms, words, asked] of unsaid) {
    ioExperiment(
      `of ${what} that no guardian has told of is not confirmed`,
      async (s) => {
        await run(s);
        await s.status(killed(''));
        await s.pass(ms - 100);
        expect(s.isOver).toBe(false);
        await s.pass(100);
        const outcome = await s.outcome();
        expect(outcome).toMatchObject({ exitCode: 4, reverted: false });
        expect(outcome.problems.at(-1)).toBe(`the guardian did not confirm that ${words}`);
      },
      asked,
    );
  }
});

describe('the target of an io fault', () => {
  ioExperiment('that is evicted for its disk: the fault may be why', async (s) => {
    await run(s);
    s.cluster.targetUpdates.push({ kind: 'evicted', message: 'The node was low on resource: ephemeral-storage.' });
    await settle();
    expect((await s.outcome()).problems).toEqual([
      expect.stringMatching(/evicted during the experiment: The node was low.*; the fault may be the reason$/),
    ]);
  });

  ioExperiment('that is evicted for its memory: it is not', async (s) => {
    await run(s);
    s.cluster.targetUpdates.push({ kind: 'evicted', message: 'The node was low on resource: memory.' });
    await settle();
    expect((await s.outcome()).problems).toEqual([expect.stringMatching(/low on resource: memory\.$/)]);
  });

  ioExperiment('that is restarted has no fault any more', async (s) => {
    await run(s);
    s.cluster.targetUpdates.push({ kind: 'restarted', reason: 'Error', exitCode: 1, message: '' });
    await settle();
    expect((await s.outcome()).problems).toEqual([expect.stringContaining('the new container has no fault')]);
  });
});

describe('a detached io fault', () => {
  ioExperiment('that is attached to is measured from then on', async (s) => {
    await s.attachTo();
    s.io.writesPerSecond = 200 * MiB;
    s.io.found = { writeUs: 48_000 };
    await s.pass(45_000);
    await s.finish();
    const outcome = await s.outcome();
    expect(outcome).toMatchObject({ reverted: true, watchedMs: expect.any(Number) });
    expect(outcome.verdict?.document.io).toMatchObject({ writeUsDuring: 48_000 });
    expect(outcome.verdict?.document.io).not.toHaveProperty('writeUsBefore');
  });
});

describe('Ctrl-C', () => {
  ioExperiment('before start changes nothing', async (s) => {
    s.io.isProbing = false;
    await s.launch();
    await s.attach();
    await s.interrupt();
    expect(await s.outcome()).toMatchObject({ exitCode: 130, reverted: true });
    expect(s.sent).not.toContain('start');
  });

  ioExperiment(
    'while active stops and is judged',
    async (s) => {
      await run(s, 10_000);
      await s.interrupt();
      expect(await s.outcome()).toMatchObject({ exitCode: 130, reverted: true });
      expect(s.sent.at(-1)).toBe('stop');
    },
    ioRequest({ action: reading }),
  );
});

experiment(
  'a stress is told nothing of volumes',
  async (s) => {
    s.cluster.mounted = volumes({ readOnly: true });
    await s.activate();
    await s.pass(5_000);
    await s.finish();
    await s.outcome();
    expect(s.cluster.count('volumes')).toBe(0);
  },
  requestFor({ cpu: { workers: 2, loadPercent: 100 } }),
);
