import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { CommandPorts } from '../../src/commands/ports.ts';
import { ChaosError } from '../../src/errors.ts';
import { main } from '../../src/main.ts';
import type { ConnectionOptions, Experiment } from '../../src/ports.ts';
import { FakeClock } from '../fakes/clock.ts';
import { FakeCluster } from '../fakes/cluster.ts';
import { BufferOutput } from '../fakes/output.ts';
import { ended, reverted, shimError } from '../fakes/samples.ts';
import { FakeSignals } from '../fakes/signals.ts';

function world() {
  const cluster = new FakeCluster();
  const clock = new FakeClock();
  const connections: ConnectionOptions[] = [];
  const stdout = new BufferOutput();
  const stderr = new BufferOutput();
  const forbidden = () => {
    throw new Error('neither ls nor stop needs this');
  };
  const ports: CommandPorts = {
    ...{ stdout, stderr, clock, env: {}, homeDirectory: '/home/ada', who: 'ada', signals: new FakeSignals() },
    ...{
      randomSuffix: forbidden,
      version: '1.2.3',
      defaultImage: 'tools:1',
      shim: forbidden,
      liveReporter: forbidden,
      findNames: forbidden,
    },
    connect: async (options) => {
      connections.push(options);
      return cluster;
    },
  };
  const experiment = (id: string, change: Partial<Experiment> = {}): Experiment => ({
    ...{ id, namespace: 'shop', state: 'running', objects: [`pod/${id}-0`, `configmap/${id}`], graceMs: 32_000 },
    createdAt: new Date(clock.date().getTime() - 12_400),
    endsAt: new Date(clock.date().getTime() + 47_600),
    ...{ node: 'node-3', fault: '2 busy CPUs', target: 'shop/web-0/app', who: 'ada' },
    ...change,
  });
  const run = (line: string) => main(line.split(' '), ports);
  return { cluster, connections, stdout, stderr, experiment, run };
}

describe('ls', () => {
  test('shows what runs and what is left', async () => {
    const { cluster, stdout, experiment, run } = world();
    const { endsAt: _, target: __, ...leftover } = experiment('chaos-bbbbb', { state: 'leftover' });
    cluster.experiments = { found: [experiment('chaos-aaaaa'), leftover], unseen: [] };
    expect(await run('ls')).toBe(0);
    expect(stdout.text.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['ID', 'FAULT', 'TARGET', 'NODE', 'WHO', 'STATE', 'SINCE', 'LEFT'],
      ['chaos-aaaaa', '2 busy CPUs', 'shop/web-0/app', 'node-3', 'ada', 'running', '12s', '47s'],
      ['chaos-bbbbb', '2 busy CPUs', '-', 'node-3', 'ada', 'leftover', '12s', '-'],
      [''],
    ]);
    expect(cluster.listed).toBe('shop');
    expect(cluster.isClosed).toBe(true);
  });

  test('-o wide adds where everything is, and why', async () => {
    const { cluster, stdout, experiment, run } = world();
    cluster.experiments = { found: [experiment('chaos-aaaaa', { reason: 'game day' })], unseen: [] };
    await run('ls -o wide');
    expect(stdout.text).toMatch(/NAMESPACE +OBJECTS +REASON/);
    expect(stdout.text).toMatch(/shop +pod\/chaos-aaaaa-0 configmap\/chaos-aaaaa +game day\n$/);
  });

  test('looks in all namespaces, or in the one that is named, as the user that is named', async () => {
    const { cluster, connections, run } = world();
    await run('ls -A');
    expect(cluster.listed).toBeUndefined();
    await run('ls -n bank --as root --context prod');
    expect(cluster.listed).toBe('bank');
    expect(connections.at(-1)).toEqual({ namespace: 'bank', as: 'root', context: 'prod' });
  });

  test('says on stderr that there is nothing, or what could not be seen', async () => {
    const { cluster, stdout, stderr, run } = world();
    await run('ls');
    expect(stderr.text).toBe('No experiments found in namespace shop.\n');
    cluster.experiments = { found: [], unseen: ['you may not list configmaps'] };
    expect(await run('ls')).toBe(0);
    expect(stderr.text).toMatch(/note: leftovers without a pod are not shown: you may not list configmaps\n$/);
    expect(stderr.text.match(/No experiments/g)).toHaveLength(1);
    expect(stdout.text).toBe('');
  });

  test('-o json and -o name are for programs', async () => {
    const { cluster, stdout, experiment, run } = world();
    const found = [experiment('chaos-aaaaa', { plan: 'for attach alone', pod: 'chaos-aaaaa-0', podUid: 'agent-uid' })];
    cluster.experiments = { found, unseen: [] };
    await run('ls -o name');
    expect(stdout.text).toBe('chaos-aaaaa\n');
    await run('ls -o json');
    expect(JSON.parse(stdout.text.slice('chaos-aaaaa\n'.length))).toMatchObject({
      kind: 'experiments',
      items: [{ id: 'chaos-aaaaa', state: 'running', ends_at: expect.stringMatching(/Z$/), grace_ms: 32_000 }],
    });
    const document = JSON.parse(stdout.text.slice('chaos-aaaaa\n'.length));
    stdout.text = '';
    await run('ls -o yaml');
    expect(parse(stdout.text)).toEqual(document);
    expect(stdout.text).not.toContain('for attach alone');
  });

  test('an annotation cannot move the cursor, nor make a line of its own', async () => {
    const { cluster, stdout, experiment, run } = world();
    const found = [experiment('chaos-aaaaa', { who: '\u001b[2Jmallory\nchaos-zzzzz', reason: 'a\u009bb' })];
    cluster.experiments = { found, unseen: [] };
    await run('ls -o wide');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
    expect(stdout.text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    expect(stdout.text.trimEnd().split('\n')).toHaveLength(2);
  });
});

describe('stop', () => {
  test('ends the one that is named, and waits as long as its grace period', async () => {
    const { cluster, stdout, experiment, run } = world();
    cluster.experiments = { found: [experiment('chaos-aaaaa'), experiment('chaos-bbbbb')], unseen: [] };
    expect(await run('stop chaos-aaaaa')).toBe(0);
    expect(cluster.count('remove')).toBe(1);
    expect(cluster.removed).toEqual({ id: 'chaos-aaaaa', namespace: 'shop', timeoutMs: 52_000, reverted: false });
    expect(stdout.text).toBe('chaos-aaaaa (shop/web-0/app): reverted, nothing left\n');
  });

  test('hears the shim itself, and then waits for no kubelet', async () => {
    const { cluster, experiment, run } = world();
    cluster.experiments = {
      found: [experiment('chaos-aaaaa', { pod: 'chaos-aaaaa-0', podUid: 'agent-uid', node: 'node-3' })],
      unseen: [],
    };
    cluster.onAttach = (attachment) => {
      attachment.onLine = (line) => line === 'stop' && attachment.say(ended({ reason: 'stopped' }), reverted());
    };
    expect(await run('stop chaos-aaaaa')).toBe(0);
    expect(cluster.removed).toMatchObject({ id: 'chaos-aaaaa', reverted: true });
    expect(cluster.attachment.isClosed).toBe(true);
  });

  const failed = shimError({ code: 'undo', message: 'read-only', state: 'unknown: something may be left' });

  test('a shim that had not begun has nothing to revert', async () => {
    const { cluster, experiment, run } = world();
    cluster.experiments = {
      found: [experiment('chaos-aaaaa', { pod: 'chaos-aaaaa-0', podUid: 'agent-uid', node: 'node-3' })],
      unseen: [],
    };
    cluster.onAttach = (attachment) => {
      attachment.onLine = () => attachment.say(shimError({ state: 'unchanged' }));
    };
    expect(await run('stop chaos-aaaaa')).toBe(0);
    expect(cluster.removed).toMatchObject({ reverted: true });
  });

  test('a shim that cannot revert: not confirmed, with what makes certain of it', async () => {
    const { cluster, stdout, experiment, run } = world();
    cluster.experiments = {
      found: [experiment('chaos-aaaaa', { pod: 'chaos-aaaaa-0', podUid: 'agent-uid', node: 'node-3' })],
      unseen: [],
    };
    cluster.onAttach = (attachment) => {
      attachment.onLine = () => attachment.say(failed);
    };
    expect(await run('stop chaos-aaaaa')).toBe(4);
    expect(cluster.removed).toMatchObject({ reverted: false });
    expect(stdout.text).toBe(
      'chaos-aaaaa (shop/web-0/app): not confirmed to be reverted: the shim failed: read-only (undo)\nTo be certain: kubectl chaos sweep node-3 -n shop\n',
    );
  });

  test.each([
    ['reverted', reverted(), 0],
    ['failed to', failed, 4],
  ])('one that has ended, and %s: by the last words of its shim', async (_what, word, code) => {
    const { cluster, experiment, run } = world();
    const lastWords = `${JSON.stringify(ended())}\n${JSON.stringify(word)}\n`;
    const gone = { state: 'ended', pod: 'chaos-aaaaa-0', podUid: 'agent-uid', node: 'node-3', lastWords } as const;
    cluster.experiments = { found: [experiment('chaos-aaaaa', gone)], unseen: [] };
    expect(await run('stop chaos-aaaaa')).toBe(code);
    expect(cluster.removed).toMatchObject({ reverted: code === 0 });
  });

  test('a shim that cannot be attached to is left to the kubelet', async () => {
    const { cluster, experiment, run } = world();
    cluster.experiments = {
      found: [experiment('chaos-aaaaa', { pod: 'chaos-aaaaa-0', podUid: 'agent-uid' })],
      unseen: [],
    };
    cluster.failNext('attach', new ChaosError('forbidden', 'pods/attach'));
    expect(await run('stop chaos-aaaaa')).toBe(0);
    expect(cluster.removed).toMatchObject({ reverted: false });
  });

  test('--all ends every one, each in its own namespace', async () => {
    const { cluster, stdout, experiment, run } = world();
    const found = [
      experiment('chaos-aaaaa'),
      experiment('chaos-bbbbb', { state: 'leftover', objects: ['configmap/chaos-bbbbb'] }),
      experiment('chaos-ccccc', { state: 'ended', namespace: 'bank' }),
      // The kubelet has not said yet that it runs.
      experiment('chaos-ddddd', { state: 'starting' }),
    ];
    cluster.experiments = { found, unseen: [] };
    expect(await run('stop --all -A')).toBe(0);
    expect(cluster.listed).toBeUndefined();
    expect(stdout.text.split('\n')).toEqual([
      'chaos-aaaaa (shop/web-0/app): reverted, nothing left',
      'chaos-bbbbb (shop/web-0/app): removed, nothing left',
      'chaos-ccccc (shop/web-0/app): had ended, removed, nothing left',
      'chaos-ddddd (shop/web-0/app): reverted, nothing left',
      '',
    ]);
  });

  test('one that is not there: named, with those that are, and none is touched', async () => {
    const { cluster, stderr, experiment, run } = world();
    cluster.experiments = { found: [experiment('chaos-aaaaa')], unseen: [] };
    expect(await run('stop chaos-aaaaa chaos-zzzzz')).toBe(1);
    expect(stderr.text).toBe(
      'error: there is no experiment chaos-zzzzz in namespace shop\navailable: chaos-aaaaa; -A searches all namespaces\nState of the target: nothing was changed.\n',
    );
    expect(cluster.count('remove')).toBe(0);
  });

  test('one that cannot be confirmed: exit 4, what is left, why, and the command that removes it', async () => {
    const { cluster, stdout, experiment, run } = world();
    cluster.experiments = { found: [experiment('chaos-aaaaa'), experiment('chaos-bbbbb')], unseen: [] };
    cluster.removals.set('chaos-bbbbb', { left: ['pod/chaos-bbbbb-0'], why: 'the kubelet is silent' });
    expect(await run('stop --all --context prod')).toBe(4);
    expect(stdout.text).toContain('chaos-aaaaa (shop/web-0/app): reverted, nothing left\n');
    expect(stdout.text).toContain(
      'chaos-bbbbb (shop/web-0/app): not confirmed to be gone: pod/chaos-bbbbb-0 (the kubelet is silent)\n' +
        'Remove by hand: kubectl --context prod -n shop delete pod,configmap -l kubectl-chaos.io/experiment=chaos-bbbbb\n',
    );
  });

  test('-o json: one document', async () => {
    const { cluster, stdout, experiment, run } = world();
    cluster.experiments = { found: [experiment('chaos-aaaaa')], unseen: [] };
    cluster.removal = { left: ['pod/chaos-aaaaa-0'], why: 'silence' };
    expect(await run('stop --all -o json')).toBe(4);
    expect(JSON.parse(stdout.text)).toMatchObject({
      kind: 'stopped',
      items: [{ id: 'chaos-aaaaa', was_in_state: 'running', gone: false, left: ['pod/chaos-aaaaa-0'], why: 'silence' }],
    });
  });

  test.each(['ls -v', 'ls -v 6 -o json', 'stop --all --v=6'])('%s tells of the requests, on stderr', async (line) => {
    const { stderr, stdout, run } = world();
    expect(await run(line)).toBe(0);
    expect(stderr.text).toMatch(/note: 2 API requests: 1 create pods, 1 delete pods\n$/);
    expect(stdout.text).not.toContain('API requests');
  });

  test('nothing to stop is said, and is no failure', async () => {
    const { stderr, run } = world();
    expect(await run('stop --all')).toBe(0);
    expect(stderr.text).toBe('No experiments found in namespace shop.\n');
  });

  test('what could not be seen is not called nothing', async () => {
    const { cluster, stderr, run } = world();
    cluster.experiments = { found: [], unseen: ['you may not list configmaps'] };
    expect(await run('stop --all')).toBe(0);
    expect(stderr.text).toBe('note: leftovers without a pod are not shown: you may not list configmaps\n');
  });

  test.each(['ls -o json', 'stop --all -o json'])('%s: an error is a document too, and nothing but', async (line) => {
    const { cluster, stdout, stderr, run } = world();
    cluster.failNext('listExperiments', new ChaosError('forbidden', 'you may not list pods'));
    expect(await run(line)).toBe(1);
    expect(JSON.parse(stdout.text)).toMatchObject({ kind: 'error', code: 'forbidden', exit_code: 1 });
    expect(stderr.text).toBe('');
  });

  test.each(['ls -o wide', 'ls -o name', 'stop --all -o name'])('%s: an error is text', async (line) => {
    const { cluster, stderr, run } = world();
    cluster.failNext('listExperiments', new ChaosError('forbidden', 'you may not list pods'));
    expect(await run(line)).toBe(1);
    expect(stderr.text).toContain('error: you may not list pods\n');
  });

  test('a cluster that refuses is an error like any other', async () => {
    const { cluster, stderr, run } = world();
    cluster.failNext('listExperiments', new ChaosError('forbidden', 'you may not list pods'));
    expect(await run('stop --all')).toBe(1);
    expect(stderr.text).toContain('error: you may not list pods\n');
    expect(cluster.isClosed).toBe(true);
  });
});
