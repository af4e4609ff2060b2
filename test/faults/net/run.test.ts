import { describe, expect } from 'vitest';
import { ChaosError } from '../../../src/errors.ts';
import type { NetRequest } from '../../../src/faults/net/types.ts';
import type { Experiment, NetworkProbe } from '../../../src/ports.ts';
import type { Request, RunOptions } from '../../../src/requests.ts';
import { experiment, type Scenario } from '../../experiment/scenario.ts';
import type { FakeAttachment } from '../../fakes/attachment.ts';
import { settle } from '../../fakes/clock.ts';
import { answer, lastWords, netRequest, podNetwork, reverted } from '../../fakes/samples.ts';

type Body = (scenario: Scenario) => Promise<void>;

function netExperiment(name: string, body: Body, asked: Request = netRequest()): void {
  experiment(name, body, asked);
}

/** A shim that answers, and does not start. */
function onLines(s: Scenario, also: (line: string, attachment: FakeAttachment) => void = () => undefined): void {
  s.cluster.onAttach = (attachment) => {
    attachment.onLine = (line) => {
      const answer = s.net.hear(line);
      if (answer) attachment.say(answer);
      if (line === 'beat') s.answerBeat(attachment);
      also(line, attachment);
    };
  };
}

/** The first word of each line since `from`. */
const verbs = (s: Scenario, from = 0) => s.sent.slice(from).map((line) => line.split(' ', 1)[0]);
const times = (s: Scenario, verb: string) => verbs(s).filter((each) => each === verb).length;

/** Until the fault is in force; packets are affected from then on. */
async function activate(s: Scenario): Promise<void> {
  await s.launch();
  await s.attach();
  expect(s.reporter.of('active'), 'the fault should be active').toHaveLength(1);
  s.net.roundTripUs = 100_900;
}

async function sendPackets(s: Scenario, seconds = 5): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    s.net.packets += 20;
    await s.pass(1_000);
  }
}

const host: NetRequest['to'][number] = { kind: 'host', text: 'db.example.com', name: 'db.example.com' };
const byName = netRequest({ to: [host] });
function knowName(s: Scenario, ...addresses: string[]): void {
  s.net.addresses.set('db.example.com', addresses);
}

/** Everything is dropped, both ways. */
function partition(run: Partial<RunOptions> = {}) {
  const asked = netRequest({ to: [], ports: [], block: 'drop', direction: 'both' }, run);
  delete asked.fault.shaping;
  return asked;
}

describe('a net fault that goes as asked', () => {
  netExperiment('asks, plans, tells, measures, starts, counts, and is proven', async (s) => {
    await activate(s);
    await sendPackets(s, 10);
    await s.finish();
    const outcome = await s.outcome();
    expect(outcome).toMatchObject({ exitCode: 0, reverted: true, revertedBy: 'shim', problems: [] });
    expect(outcome.verdict).toMatchObject({
      effective: true,
      document: {
        net: {
          packets: 200,
          dropped: 0,
          roundTripsBefore: { sent: 5, lost: 0, medianUs: 800 },
          roundTripsDuring: { lost: 0, medianUs: 100_900 },
        },
      },
    });
    expect(s.reporter.kinds).toEqual(
      'selecting selected impact planned launching resolved announced active sample ended reverted removing removed outcome'.split(
        ' ',
      ),
    );
    expect(s.reporter.of('announced')[0]?.lines.join()).toContain('10.0.0.7');
    expect(s.reporter.of('active')[0]?.where).toEqual(['network namespace of pod/web-7d4b9']);
    expect(s.reporter.of('sample').at(-1)).toMatchObject({
      document: { kind: 'net-sample', counters: { packets: 200 } },
      leftMs: 50_000,
    });
  });

  netExperiment('changes nothing before everything is known, and the undo goes before what it undoes', async (s) => {
    await activate(s);
    const order = verbs(s).filter((verb, index, all) => verb !== all[index - 1]);
    expect(order.slice(0, 3)).toEqual(['beat', 'ask', 'fresh']);
    expect(order.slice(3)).toEqual(['connect', 'clear', 'undo', 'compare', 'count', 'apply', 'start']);
    expect(s.sent).toContain('undo qdisc eth0 c4a0:');
    await sendPackets(s);
    await s.finish();
    await s.outcome();
  });

  netExperiment('runs `hold` with the tools, and no stressor', async (s) => {
    await activate(s);
    const args = s.cluster.launched?.containers[0]?.args ?? [];
    expect(args[0]).toBe('hold');
    expect(args.join(' ')).toMatch(/--tool tc --tool ip$/);
    expect(s.sent.filter((line) => /\bnft\b/.test(line))).toEqual([]);
    expect(args).not.toContain('--');
    expect(s.cluster.launched?.annotations).toMatchObject({ 'kubectl-chaos.io/verb': 'net' });
    await sendPackets(s);
    await s.finish();
    await s.outcome();
  });

  netExperiment(
    'asks for nft only where it blocks',
    async (s) => {
      await s.launch();
      await s.attach();
      expect(s.cluster.launched?.containers[0]?.args.join(' ')).toMatch(/--tool tc --tool ip --tool nft$/);
      expect(s.sent).toContain('ask tables nft list tables');
      await s.interrupt();
    },
    partition(),
  );

  netExperiment('that affects nothing ends with 3 and says so', async (s) => {
    await activate(s);
    await s.pass(5_000);
    await s.finish();
    const outcome = await s.outcome();
    expect(outcome).toMatchObject({ exitCode: 3, reverted: true, verdict: { effective: false } });
    expect(outcome.verdict?.proofs[0]?.sentence).toContain('No packet matched');
  });

  netExperiment('that somebody else removes is noticed, told once, and no effect: 3', async (s) => {
    await activate(s);
    await sendPackets(s);
    const noqueue = JSON.stringify([{ kind: 'noqueue', handle: '0:', dev: 'eth0', root: true }]);
    s.net.instead.set('counters', { stdout: noqueue });
    await s.pass(3_000);
    const warnings = s.reporter.of('warning').map(({ message }) => message);
    expect(warnings).toEqual([
      "Somebody else has removed the fault from the target's network after 6s: it has no effect any more, or not all of it",
    ]);
    await s.finish();
    const outcome = await s.outcome();
    expect(outcome).toMatchObject({ exitCode: 3, reverted: true, verdict: { effective: false } });
    expect(outcome.verdict?.proofs[0]?.sentence).toContain('Somebody else has removed the fault');
  });

  netExperiment('whose counters cannot be asked for once is not taken for removed', async (s) => {
    await activate(s);
    await sendPackets(s);
    s.net.instead.set('counters', { exitCode: 124, stdout: '' });
    await s.pass(2_000);
    s.net.instead.delete('counters');
    await sendPackets(s);
    await s.finish();
    expect(await s.outcome()).toMatchObject({ exitCode: 0, verdict: { effective: true } });
    expect(s.reporter.of('warning')).toEqual([]);
  });

  netExperiment('whose network reads otherwise afterwards is told, with 3 and not with 4', async (s) => {
    await activate(s);
    await sendPackets(s);
    await s.finish({}, { differs: ['qdiscs'] });
    const outcome = await s.outcome();
    expect(outcome).toMatchObject({ exitCode: 3, reverted: true, left: [] });
    expect(outcome.problems).toEqual([expect.stringContaining('tc qdisc show')]);
  });

  netExperiment(
    'measures no round trip where no peer is known',
    async (s) => {
      await activate(s);
      await sendPackets(s);
      await s.finish();
      await s.outcome();
      expect(times(s, 'connect')).toBe(0);
    },
    netRequest({ to: [] }),
  );

  netExperiment('does not wait long for a peer that does not answer', async (s) => {
    s.net.roundTripUs = undefined;
    await activate(s);
    expect(times(s, 'connect')).toBe(2);
    await sendPackets(s);
    await s.finish();
    await s.outcome();
  });

  netExperiment('connects one at a time', async (s) => {
    await activate(s);
    const before = times(s, 'connect');
    s.net.silentTo.add('round-trip:1');
    await sendPackets(s, 5);
    expect(times(s, 'connect')).toBe(before + 1);
    await sendPackets(s, 6);
    expect(times(s, 'connect')).toBeGreaterThan(before + 1);
    await s.finish();
    await s.outcome();
  });
});

describe('a net fault that may affect probes', () => {
  const probes: NetworkProbe[] = [
    {
      ...{ container: 'app', kind: 'liveness', by: 'http', port: 8080, path: '/healthz' },
      ...{ periodSeconds: 10, timeoutSeconds: 1, failureThreshold: 3 },
    },
  ];
  netExperiment(
    'looks who sends them before it plans, and excludes that',
    async (s) => {
      s.cluster.network = podNetwork({ probes });
      s.net.sources = ['169.254.7.127 8080 kube-probe'];
      await activate(s);
      expect(s.sent).toContain('listen probes 11000 8080');
      expect(s.reporter.of('progress').map(({ message }) => message)).toEqual([
        "looking for up to 11s who probes port 8080 of the target, to exclude the kubelet's address",
      ]);
      const [announced] = s.reporter.of('announced');
      expect(announced?.lines.join('\n')).toContain("169.254.7.127 (Istio's ambient mode): seen probing port 8080");
      expect(announced?.notes.join()).not.toContain('liveness');
      const table = s.sent.find((line) => line.startsWith('apply nft'));
      expect(decodeURIComponent(table ?? '')).toContain('169.254.7.127');
      await sendPackets(s);
      await s.finish();
      await s.outcome();
    },
    partition(),
  );

  netExperiment(
    'waits for the answer as long as that takes, and says that nobody was seen',
    async (s) => {
      s.cluster.network = podNetwork({ probes });
      s.net.silentTo.add('probes');
      await s.launch();
      await s.attach();
      await s.pass(20_000);
      expect(s.isOver).toBe(false);
      expect(verbs(s)).not.toContain('start');
      s.cluster.attachment.say(answer({ id: 'probes', stdout: '' }));
      await settle();
      expect(s.reporter.of('announced')[0]?.notes[0]).toContain('who sends it was not seen within 11s');
      expect(s.reporter.of('active')).toHaveLength(1);
      await sendPackets(s);
      await s.finish();
      await s.outcome();
    },
    partition(),
  );
});

describe('a net fault that listens for the kubelet', () => {
  const liveness = { container: 'app', kind: 'liveness', by: 'http', port: 8080 } as const;
  const probes = [{ ...liveness, periodSeconds: 10, timeoutSeconds: 1, failureThreshold: 1 }];
  const listen = async (s: Scenario) => {
    s.cluster.network = podNetwork({ probes });
    s.net.silentTo.add('probes');
    await s.launch();
    await s.attach();
    expect(s.sent.at(-1)).toMatch(/^listen probes /);
  };

  netExperiment(
    'and loses its stream meanwhile: what is asked then is answered only after that',
    async (s) => {
      await listen(s);
      const asked = ['links', 'routes', 'qdiscs', 'tables', 'trial:shaper', 'trial:ifb', 'trial:redirect', 'trial:nft'];
      for (const id of asked) s.net.silentTo.add(id);
      s.cluster.attachment.drop('reset by peer');
      await s.pass(13_000);
      expect(s.isOver).toBe(false);
      await s.pass(10_000);
      expect((await s.error()).message).toContain('"ask ip -j -d link show" within 10s');
    },
    partition(),
  );

  netExperiment(
    'and is stopped meanwhile ends at once',
    async (s) => {
      await listen(s);
      await s.interrupt();
      await s.pass(1_000);
      expect(s.sent.at(-1)).toBe('stop');
      expect(s.isOver).toBe(true);
      expect(verbs(s)).not.toContain('start');
    },
    partition(),
  );

  netExperiment(
    'detached, not for as long as its shim waits for `start`',
    async (s) => {
      await listen(s);
      expect(s.sent).toContain('listen probes 3000 8080');
      await s.interrupt();
      await s.pass(1_000);
    },
    partition({ detached: true, durationMs: 6_000 }),
  );
});

describe('a net fault that is refused', () => {
  netExperiment('by what the target says of its network: nothing is started', async (s) => {
    const foreign = [{ kind: 'cake', handle: '8001:', dev: 'eth0', root: true }];
    s.net.instead.set('qdiscs', { stdout: JSON.stringify(foreign) });
    await s.launch();
    await s.attach();
    const error = await s.error();
    expect(error).toMatchObject({ code: 'target-unsuitable', exitCode: 1, state: 'nothing was changed' });
    expect(error.message).toContain('cake');
    expect(verbs(s)).not.toContain('start');
    expect(verbs(s)).not.toContain('apply');
  });

  netExperiment('by a question that nobody answers, which is named', async (s) => {
    s.net.silentTo.add('qdiscs');
    await s.launch();
    await s.attach();
    await s.pass(9_000);
    expect(s.isOver).toBe(false);
    await s.pass(1_000);
    const error = await s.error();
    expect(error).toMatchObject({
      code: 'shim',
      message: expect.stringContaining('"ask tc -j qdisc show" within 10s'),
    });
    expect(verbs(s)).not.toContain('start');
  });

  netExperiment('by an answer that is cut', async (s) => {
    s.net.instead.set('links', { truncated: true });
    await s.launch();
    await s.attach();
    expect((await s.error()).message).toContain('"ask ip -j -d link show" is longer');
  });

  netExperiment('by the cluster, before anything is created', async (s) => {
    s.cluster.failNext('addressesOf', new ChaosError('not-found', 'there is no service "db"'));
    await s.launch();
    expect(await s.error()).toMatchObject({ code: 'not-found' });
    expect(s.cluster.count('launch')).toBe(0);
  });

  netExperiment('on the network of the node, before anything is created', async (s) => {
    s.cluster.network = podNetwork({ hostNetwork: true });
    await s.launch();
    expect(await s.error()).toMatchObject({
      code: 'target-unsuitable',
      hint: expect.stringContaining('--allow-host-network'),
    });
    expect(s.cluster.count('launch')).toBe(0);
  });

  for (const [what, asked, needs] of [
    ['a delay', undefined, 'with iproute2 in it'],
    ['a partition', partition(), 'with iproute2 and nftables in it'],
  ] as const)
    netExperiment(
      `by a shim without its tools, with what the image needs for ${what}`,
      async (s) => {
        s.answers.clear();
        await s.launch();
        await s.attach();
        s.cluster.attachment.say({ event: 'error', atMs: 1, code: 'exec', message: 'no tool', state: 'unchanged' });
        expect((await s.error()).hint).toContain(needs);
      },
      asked,
    );

  const other: Experiment = {
    id: 'chaos-first',
    namespace: 'shop',
    state: 'running',
    objects: ['pod/chaos-first-0'],
    createdAt: new Date('2026-01-02T03:00:00Z'),
    graceMs: 2_000,
    verb: 'net',
    fault: 'partition on egress',
    target: 'shop/web-7d4b9/proxy',
    who: 'grace',
  };

  for (const state of ['starting', 'running', 'stopping'] as const) {
    netExperiment(`for a pod that another net fault is at (${state}), naming it`, async (s) => {
      s.cluster.experiments = { found: [{ ...other, state }], unseen: [] };
      await s.launch();
      const error = await s.error();
      expect(error).toMatchObject({ code: 'target-unsuitable', exitCode: 1 });
      expect(error.message).toContain('chaos-first');
      expect(error.message).toContain('partition on egress, by grace');
      expect(error.hint).toContain('kubectl chaos stop chaos-first -n shop');
      expect(s.cluster.listed).toBe('shop');
      expect(s.cluster.count('launch')).toBe(0);
    });
  }

  const beside: ReadonlyArray<[string, Partial<Experiment>]> = [
    ['a stress on the same pod', { verb: 'stress' }],
    ['a net fault on another pod', { target: 'shop/web-7d4b9x/app' }],
    ['a net fault of another namespace', { target: 'prod/web-7d4b9/app' }],
    ['one that has ended', { state: 'ended' }],
    ['what is left of one', { state: 'leftover' }],
  ];
  for (const [name, change] of beside) {
    netExperiment(`not for ${name}`, async (s) => {
      s.cluster.experiments = { found: [{ ...other, ...change }], unseen: [] };
      await activate(s);
      await sendPackets(s);
      await s.finish();
      expect((await s.outcome()).exitCode).toBe(0);
    });
  }
});

describe('the stream of a net fault', () => {
  netExperiment('lost before start: all is asked again, and told once', async (s) => {
    s.net.silentTo.add('round-trip-before:1');
    await s.launch();
    await s.attach();
    expect(s.reporter.of('announced')).toHaveLength(1);
    s.cluster.attachment.drop('reset by peer');
    await s.pass(1_000);
    expect(s.cluster.attachments).toHaveLength(2);
    const [empty, ...again] = s.cluster.attachment.sent;
    expect(empty).toBe('');
    expect(again[0]).toBe('beat');
    expect(again[1]).toMatch(/^ask links /);
    expect(again).toContain('start');
    expect(s.reporter.of('announced')).toHaveLength(1);
    await sendPackets(s);
    await s.finish();
    expect((await s.outcome()).verdict?.document).toMatchObject({ net: { roundTripsBefore: { sent: 5 } } });
  });

  netExperiment('lost in the midst of the questions: begun again', async (s) => {
    s.net.silentTo.add('qdiscs');
    await s.launch();
    await s.attach();
    s.cluster.attachment.drop('reset by peer');
    s.net.silentTo.clear();
    await s.pass(1_000);
    expect(s.reporter.of('active')).toHaveLength(1);
    s.net.roundTripUs = 100_900;
    await sendPackets(s);
    await s.finish();
    expect((await s.outcome()).exitCode).toBe(0);
  });

  netExperiment('that took `start` with it: the whole plan is said again before the next', async (s) => {
    s.answers.delete('start');
    await s.launch();
    onLines(s);
    await s.attach();
    const first = s.cluster.attachment;
    expect(first.sent.at(-1)).toBe('start');
    first.drop('reset by peer');
    await s.pass(1_000);
    expect(verbs(s, first.sent.length)).toEqual([
      '',
      'beat',
      'clear',
      'undo',
      'compare',
      'compare',
      'count',
      'apply',
      'start',
    ]);
    await s.interrupt();
    s.cluster.attachment.say(reverted());
    await s.outcome();
  });

  netExperiment('that ended before `start` could be said, with its shim: nothing was changed', async (s) => {
    await s.launch();
    onLines(s, (line, attachment) => {
      // The shim was killed while the plan was worked out: what is said from here on is not heard.
      if (line === 'clear') attachment.isClosed = true;
    });
    await s.attach();
    await s.status({ state: 'terminated', exitCode: 137, reason: 'Error', message: '' });
    const error = await s.error();
    expect(error).toMatchObject({ exitCode: 1, code: 'agent-failed', state: 'nothing was changed' });
    expect(error.message).toContain('before the fault began');
  });

  netExperiment('answers to a beat from before `start` do not say it all again', async (s) => {
    await activate(s);
    const lines = s.sent.length;
    s.answerBeat(s.cluster.attachment);
    await settle();
    expect(s.sent).toHaveLength(lines);
    await sendPackets(s);
    await s.finish();
    await s.outcome();
  });

  netExperiment('lost while active: goes on after the next attach, and nothing is applied twice', async (s) => {
    await activate(s);
    await sendPackets(s, 3);
    s.cluster.attachment.drop('reset by peer');
    await s.pass(1_000);
    await sendPackets(s, 3);
    expect(s.cluster.attachments).toHaveLength(2);
    expect(s.cluster.attachment.sent.filter((line) => /^(?:apply|start|clear)/.test(line))).toEqual([]);
    expect(s.cluster.attachment.sent.some((line) => line.startsWith('connect'))).toBe(true);
    await s.finish();
    expect((await s.outcome()).exitCode).toBe(0);
  });
});

describe('names', () => {
  netExperiment(
    'that get new addresses are followed, once',
    async (s) => {
      knowName(s, '10.0.0.7');
      await activate(s);
      await sendPackets(s, 9);
      expect(times(s, 'lookup')).toBe(1);
      s.net.addresses.set('db.example.com', ['10.0.0.7', '10.0.0.9']);
      await sendPackets(s, 2);
      expect(times(s, 'lookup')).toBe(2);
      const extensions = s.sent.slice(s.sent.indexOf('start')).filter((line) => line.startsWith('apply'));
      expect(extensions).toHaveLength(1);
      expect(decodeURIComponent(extensions[0] ?? '')).toContain('10.0.0.9');
      expect(s.reporter.of('warning').at(-1)?.message).toContain('10.0.0.9');
      await sendPackets(s, 20);
      expect(times(s, 'lookup')).toBe(4);
      expect(s.sent.slice(s.sent.indexOf('start')).filter((line) => line.startsWith('apply'))).toHaveLength(1);
      await s.finish();
      expect((await s.outcome()).exitCode).toBe(0);
    },
    byName,
  );

  netExperiment(
    'whose new address was lost with the stream is sent again',
    async (s) => {
      knowName(s, '10.0.0.7');
      await activate(s);
      s.net.silentTo.add('extended:1');
      s.net.addresses.set('db.example.com', ['10.0.0.9']);
      await sendPackets(s, 21);
      const applied = s.sent.slice(s.sent.indexOf('start')).filter((line) => line.startsWith('apply'));
      expect(applied).toHaveLength(2);
      expect(applied[0]).toBe(applied[1]);
      await s.finish();
      await s.outcome();
    },
    byName,
  );

  netExperiment(
    'that the target cannot resolve are refused',
    async (s) => {
      knowName(s);
      s.net.addresses.clear();
      await s.launch();
      await s.attach();
      expect(await s.error()).toMatchObject({
        code: 'target-unsuitable',
        message: expect.stringContaining('db.example.com'),
      });
    },
    byName,
  );
});

describe('Ctrl-C', () => {
  netExperiment('while the cluster is asked creates nothing', async (s) => {
    const release = s.cluster.hold('addressesOf');
    await s.launch();
    await s.interrupt();
    expect(await s.error()).toMatchObject({ code: 'interrupted', exitCode: 130 });
    release();
    await settle();
    expect(s.cluster.count('launch')).toBe(0);
  });

  netExperiment('in the midst of the questions starts nothing', async (s) => {
    s.net.silentTo.add('qdiscs');
    await s.launch();
    await s.attach();
    await s.interrupt();
    expect(await s.outcome()).toMatchObject({ exitCode: 130, reverted: true });
    expect(s.sent.at(-1)).toBe('stop');
    expect(verbs(s)).not.toContain('start');
  });

  netExperiment('between the round trips starts nothing', async (s) => {
    s.net.silentTo.add('round-trip-before:3');
    await s.launch();
    await s.attach();
    await s.interrupt();
    expect((await s.outcome()).exitCode).toBe(130);
    expect(verbs(s)).not.toContain('start');
  });

  netExperiment('between start and active is followed by stop', async (s) => {
    s.answers.delete('start');
    await s.launch();
    await s.attach();
    await s.interrupt();
    expect(s.sent.slice(-2)).toEqual(['start', 'stop']);
    expect(await s.outcome()).toMatchObject({ exitCode: 130, reverted: true });
  });

  netExperiment('while active stops, and nothing is asked any more', async (s) => {
    s.answers.delete('stop');
    await activate(s);
    await sendPackets(s);
    await s.interrupt();
    const lines = s.sent.length;
    await s.pass(2_000);
    expect(s.sent.slice(lines).filter((line) => line !== 'beat')).toEqual([]);
    await s.finish({ reason: 'stopped' });
    expect(await s.outcome()).toMatchObject({ exitCode: 130, reverted: true, verdict: { effective: true } });
  });
});

describe('a shim that is killed', () => {
  const killed = (message: string) => ({ state: 'terminated', exitCode: 137, reason: 'Error', message }) as const;

  netExperiment('is undone by its guardian, which is said', async (s) => {
    await activate(s);
    await sendPackets(s);
    await s.status(killed(lastWords(reverted({ by: 'guardian' }))));
    const outcome = await s.outcome();
    expect(outcome).toMatchObject({ exitCode: 3, reverted: true, revertedBy: 'guardian' });
    expect(outcome.problems).toEqual([expect.stringContaining('its guardian undid the fault')]);
  });

  netExperiment('is undone by its guardian, whose word the kubelet finds only later', async (s) => {
    await activate(s);
    await sendPackets(s);
    await s.status(killed(''));
    await s.pass(2_000);
    await s.status(killed(lastWords(reverted({ by: 'guardian' }))));
    expect(await s.outcome()).toMatchObject({ exitCode: 3, reverted: true, revertedBy: 'guardian' });
  });

  netExperiment(
    'without a word of the guardian is not called reverted: a network keeps what was done to it',
    async (s) => {
      await activate(s);
      await sendPackets(s);
      await s.status(killed(''));
      await s.pass(4_900);
      expect(s.isOver).toBe(false);
      await s.pass(100);
      const outcome = await s.outcome();
      expect(outcome).toMatchObject({ exitCode: 4, reverted: false, left: [] });
      expect(outcome.problems.join()).toContain('delete pod web-7d4b9');
    },
  );
});

describe('the target of a net fault', () => {
  netExperiment('that is restarted ends it, and the new container is not called free of a fault', async (s) => {
    await activate(s);
    await sendPackets(s);
    s.cluster.targetUpdates.push({ kind: 'restarted', reason: 'Error', exitCode: 1, message: '' });
    await settle();
    expect(await s.outcome()).toMatchObject({
      exitCode: 3,
      reverted: true,
      problems: ['the target shop/web-7d4b9 (app) was restarted during the experiment (Error, exit code 1)'],
    });
  });
});
