import { describe, expect, test } from 'vitest';
import { ChaosError } from '../../src/errors.ts';
import { main } from '../../src/main.ts';
import type { Agent, AgentUpdate, Attachment, Experiment, ExperimentAgent } from '../../src/ports.ts';
import type { FakeAttachment } from '../fakes/attachment.ts';
import { Channel } from '../fakes/channel.ts';
import { FakeClock, settle } from '../fakes/clock.ts';
import { FakeCluster } from '../fakes/cluster.ts';
import { commandPorts } from '../fakes/command-ports.ts';
import { BufferOutput } from '../fakes/output.ts';
import { experimentAgent } from '../fakes/samples.ts';
import { faultsOf } from '../support/documents.ts';

/** Agents with several shims each, that answer as the real one does unless they are told not to. */
class SeveralAgents extends FakeCluster {
  /** By the name of the pod: how its shims end, by their names. */
  readonly ends = new Map<string, Record<string, 'reverted' | 'unchanged' | 'unknown'>>();
  /** What each has been told, in order. */
  readonly told = new Map<string, string[]>();
  readonly updates = new Map<string, Channel<AgentUpdate>>();
  /** What is written before a shim has gone. */
  readonly words: object[] = [];
  /** What each says before it has heard anything, as to another client. */
  readonly first = new Map<string, object[]>();
  /** Pods whose agents do not get to their last word. */
  readonly overless = new Set<string>();
  /** Pods whose streams end before anything is said on them. */
  readonly broken = new Set<string>();

  override async attach(agent: Agent, container: string, signal: AbortSignal): Promise<Attachment> {
    const stream = (await super.attach(agent, container, signal)) as FakeAttachment;
    const told: string[] = [];
    this.told.set(agent.pod, told);
    const say = (event: object) => stream.stdout.push(JSON.stringify(event));
    const ends = Object.entries(this.ends.get(agent.pod) ?? {});
    stream.onLine = (line) => {
      told.push(line);
      if (line === 'beat') say({ event: 'agent', targets: ends.map(([name]) => ({ name, state: 'active' })) });
      if (line !== 'stop') return;
      for (const word of this.words) say(word);
      for (const [name, end] of ends) say({ event: 'gone', name, exit_code: 0, signal: 0, end });
      if (this.overless.has(agent.pod)) return;
      const unknown = ends.filter(([, end]) => end === 'unknown').length;
      say({ event: 'over', reason: 'stopped', targets: ends.length, unknown });
    };
    for (const event of this.first.get(agent.pod) ?? []) say(event);
    if (this.broken.has(agent.pod)) stream.drop('the container has ended');
    return stream;
  }

  override followAgent(agent: Agent, signal: AbortSignal): Channel<AgentUpdate> {
    const updates = new Channel<AgentUpdate>();
    this.updates.set(agent.pod, updates);
    this.watching(signal, updates);
    return updates;
  }
}

const agents = [
  several(0, 'node-1', ['web-0', 'web-2'], ['target-0', 'target-2']),
  several(1, 'node-2', ['web-1'], ['target-1']),
];

function several(place: number, node: string, pods: string[], shims: string[]): ExperimentAgent {
  return experimentAgent({
    ...{ pod: `chaos-aaaaa-${place}`, podUid: `uid-${place}`, node, container: 'agent' },
    targets: pods.map((pod, index) => ({ namespace: 'shop', pod, container: 'app', shim: shims[index] ?? '' })),
  });
}

function world(change: Partial<Experiment> = {}) {
  const cluster = new SeveralAgents();
  const clock = new FakeClock();
  const stdout = new BufferOutput();
  const ports = commandPorts('stop needs none of this', {
    ...{ stdout, stderr: new BufferOutput(), clock, randomSuffix: () => '7f3k2', connect: async () => cluster },
  });
  const found: Experiment = {
    ...{ id: 'chaos-aaaaa', namespace: 'shop', state: 'running', createdAt: new Date(0), graceMs: 32_000, agents },
    objects: ['pod/chaos-aaaaa-0', 'pod/chaos-aaaaa-1', 'configmap/chaos-aaaaa'],
    ...{ node: 'node-1,node-2', target: 'shop/web-0/app,shop/web-2/app,shop/web-1/app' },
    ...change,
  };
  cluster.experiments = { found: [found], unseen: [] };
  cluster.ends.set('chaos-aaaaa-0', { 'target-0': 'reverted', 'target-2': 'reverted' });
  cluster.ends.set('chaos-aaaaa-1', { 'target-1': 'reverted' });
  const targets = () => (JSON.parse(stdout.text) as { items: { targets: object[] }[] }).items[0]?.targets;
  return { cluster, clock, stdout, targets, run: (line: string) => main(line.split(' '), ports) };
}

describe('stop of several targets', () => {
  test('tells every agent at once, and hears of every target that it has reverted', async () => {
    const { cluster, stdout, targets, run } = world();
    expect(await run('stop chaos-aaaaa -o json')).toBe(0);
    expect([...cluster.told.values()]).toEqual([
      ['', 'beat', 'stop'],
      ['', 'beat', 'stop'],
    ]);
    expect(cluster.removed).toMatchObject({ id: 'chaos-aaaaa', reverted: true });
    expect(cluster.watches).toBe(0);
    expect(cluster.attachments.every(({ isClosed }) => isClosed)).toBe(true);
    expect(targets()).toEqual(
      ['web-0', 'web-2', 'web-1'].map((pod) => ({ namespace: 'shop', pod, container: 'app', reverted: true })),
    );
    expect(faultsOf(JSON.parse(stdout.text))).toEqual([]);
  });

  test('is one line', async () => {
    const { stdout, run } = world();
    expect(await run('stop chaos-aaaaa')).toBe(0);
    expect(stdout.text).toBe('chaos-aaaaa (shop/web-0/app and 2 more): reverted, nothing left\n');
  });

  test('names those that are not known to have reverted, with the reason, and what makes certain', async () => {
    const { cluster, stdout, run } = world();
    cluster.ends.set('chaos-aaaaa-0', { 'target-0': 'reverted', 'target-2': 'unknown' });
    const error = { event: 'error', at_ms: 1, code: 'undo', message: 'read-only', state: 'unknown: x' };
    cluster.words.push({ target: 'target-2', ...error });
    expect(await run('stop chaos-aaaaa')).toBe(4);
    expect(cluster.removed).toMatchObject({ reverted: false });
    expect(stdout.text.split('\n')).toEqual([
      'chaos-aaaaa (shop/web-0/app and 2 more): not confirmed to be reverted, 1 of 3 targets:',
      '  shop/web-2/app: the shim failed: read-only (undo)',
      'To be certain: kubectl chaos sweep node-1 -n shop',
      '',
    ]);
  });

  test('of which a shim was killed, and nobody has said anything of it, is not called reverted', async () => {
    const { cluster, targets, run } = world();
    cluster.ends.set('chaos-aaaaa-1', { 'target-1': 'unknown' });
    expect(await run('stop chaos-aaaaa -o json')).toBe(4);
    expect(targets()?.[2]).toMatchObject({
      pod: 'web-1',
      reverted: false,
      why: expect.stringContaining('nobody has said'),
    });
  });

  test('counts one that the annotations do not name', async () => {
    const { cluster, run } = world();
    cluster.ends.set('chaos-aaaaa-1', { 'target-1': 'reverted', 'target-9': 'unknown' });
    expect(await run('stop chaos-aaaaa')).toBe(4);
  });

  test('has nothing to revert where its agent has begun nothing', async () => {
    const { cluster, run } = world();
    cluster.ends.set('chaos-aaaaa-1', {});
    expect(await run('stop chaos-aaaaa')).toBe(0);
    expect(cluster.removed).toMatchObject({ reverted: true });
  });

  test('does not take what another client has heard before it began a shim for the end of all', async () => {
    const { cluster, targets, run } = world();
    cluster.first.set('chaos-aaaaa-1', [{ event: 'agent', targets: [] }]);
    cluster.ends.set('chaos-aaaaa-1', { 'target-1': 'unknown' });
    expect(await run('stop chaos-aaaaa -o json')).toBe(4);
    expect(targets()?.[2]).toMatchObject({ pod: 'web-1', reverted: false });
  });

  test('waits for one that was begun meanwhile, in the place of one that had ended too', async () => {
    const { cluster, targets, run } = world();
    const gone = { name: 'target-0', state: 'gone', end: 'reverted' };
    const begun = ['target-0', 'target-2'].map((name) => ({ event: 'begun', name, pid: 7 }));
    cluster.first.set('chaos-aaaaa-0', [{ event: 'agent', targets: [] }, ...begun]);
    cluster.first.set('chaos-aaaaa-1', [{ event: 'agent', targets: [gone, { name: 'target-1', state: 'begun' }] }]);
    cluster.ends.set('chaos-aaaaa-0', { 'target-0': 'unknown', 'target-2': 'reverted' });
    expect(await run('stop chaos-aaaaa -o json')).toBe(4);
    expect(targets()).toMatchObject([{ reverted: false }, { reverted: true }, { reverted: true }]);
  });

  test('that has none, by its word, is not believed before it has ended', async () => {
    const { cluster, clock, targets, run } = world();
    cluster.ends.set('chaos-aaaaa-1', {});
    cluster.overless.add('chaos-aaaaa-1');
    const code = run('stop chaos-aaaaa -o json');
    await settle();
    for (let second = 0; second < 60; second++) await clock.advance(1_000);
    expect(await code).toBe(0);
    // Its pod is gone only after its shims have ended; what they would have said is not known.
    expect(cluster.removed).toMatchObject({ reverted: false });
    expect(targets()?.[2]).toMatchObject({ pod: 'web-1', reverted: true });
  });

  test('leaves an agent that may not be attached to to its kubelet', async () => {
    const { cluster, targets, run } = world();
    const barred = new ChaosError('forbidden', 'pods/attach', { barsAttach: true });
    cluster.failNext('attach', barred, barred);
    expect(await run('stop chaos-aaaaa -o json')).toBe(0);
    expect(cluster.removed).toMatchObject({ reverted: false });
    // Its pod is gone only after its shims have ended.
    expect(targets()).toEqual([0, 1, 2].map(() => expect.objectContaining({ reverted: true })));
  });

  test('hears from the kubelet of an agent that ends at that moment, those of whom there was no room among them', async () => {
    const { cluster, clock, targets, run } = world();
    cluster.broken.add('chaos-aaaaa-0');
    const code = run('stop chaos-aaaaa -o json');
    await settle();
    await clock.advance(1_000);
    expect(cluster.count('remove')).toBe(0);
    const message = `${JSON.stringify({ event: 'over', reason: 'lease', targets: 2, unknown: 0, unchanged: 0, reverted: 2 })}\n{"target":"target-0","end":"reverted"}\n`;
    cluster.updates.get('chaos-aaaaa-0')?.push({
      ...{ kind: 'status', phase: 'Succeeded', reason: '', message: '' },
      containers: { agent: { state: 'terminated', exitCode: 0, reason: 'Completed', message } },
    });
    expect(await code).toBe(0);
    expect(cluster.removed).toMatchObject({ reverted: true });
    expect(targets()).toEqual([0, 1, 2].map(() => expect.objectContaining({ reverted: true })));
    expect(cluster.watches).toBe(0);
  });

  test('reads the last words of agents that have ended', async () => {
    const ended = (place: number, words: object[]): ExperimentAgent => ({
      ...(agents[place] as ExperimentAgent),
      ...{ state: 'ended', lastWords: words.map((word) => `${JSON.stringify(word)}\n`).join('') },
    });
    const over = { event: 'over', reason: 'over', targets: 2, unknown: 1, unchanged: 0, reverted: 1 };
    const failed = { target: 'target-2', end: 'unknown', code: 'undo', message: 'read-only' };
    const { cluster, targets, run } = world({
      state: 'ended',
      agents: [
        ended(0, [over, failed, { target: 'target-0', end: 'reverted' }]),
        ended(1, [
          { ...over, targets: 1, unknown: 0 },
          { target: 'target-1', end: 'reverted' },
        ]),
      ],
    });
    expect(await run('stop chaos-aaaaa -o json')).toBe(4);
    expect(cluster.count('attach')).toBe(0);
    expect(targets()).toMatchObject([
      { pod: 'web-0', reverted: true },
      { pod: 'web-2', reverted: false, why: 'the shim failed: read-only (undo)' },
      { pod: 'web-1', reverted: true },
    ]);
  });
});
