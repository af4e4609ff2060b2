import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { ChaosError } from '../../src/errors.ts';
import { main } from '../../src/main.ts';
import type { ConnectionOptions, Experiment } from '../../src/ports.ts';
import { FakeClock } from '../fakes/clock.ts';
import { FakeCluster } from '../fakes/cluster.ts';
import { commandPorts } from '../fakes/command-ports.ts';
import { BufferOutput } from '../fakes/output.ts';
import { ended, experimentAgent, lastWords, reverted, shimError } from '../fakes/samples.ts';
import { FakeSignals } from '../fakes/signals.ts';
import { faultsOf } from '../support/documents.ts';

function world() {
  const cluster = new FakeCluster();
  const clock = new FakeClock();
  const signals = new FakeSignals();
  const connections: ConnectionOptions[] = [];
  const stdout = new BufferOutput();
  const stderr = new BufferOutput();
  const ports = commandPorts('neither ls nor stop needs this', {
    ...{ stdout, stderr, clock, signals, randomSuffix: () => '7f3k2' },
    connect: async (options) => {
      connections.push(options);
      return cluster;
    },
  });
  const experiment = (id: string, change: Partial<Experiment> = {}): Experiment => ({
    ...{ id, namespace: 'shop', state: 'running', objects: [`pod/${id}-0`, `configmap/${id}`], graceMs: 32_000 },
    createdAt: new Date(clock.date().getTime() - 12_400),
    endsAt: new Date(clock.date().getTime() + 47_600),
    ...{ node: 'node-3', fault: '2 busy CPUs', target: 'shop/web-0/app', who: 'ada' },
    ...change,
  });
  const run = (line: string) => main(line.split(' '), ports);
  return { cluster, signals, clock, connections, stdout, stderr, experiment, run };
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
    expect(stderr.text).toBe(
      'No experiments on pods in namespace shop (agents looked for in every namespace); -A looks in all namespaces.\n',
    );
    cluster.experiments = { found: [], unseen: ['you may not list configmaps'] };
    expect(await run('ls')).toBe(0);
    expect(stderr.text).toMatch(/note: leftovers without a pod are not shown: you may not list configmaps\n$/);
    expect(stderr.text.match(/No experiments/g)).toHaveLength(1);
    expect(stdout.text).toBe('');
  });

  test('says where it looked: in all namespaces, or in the one alone where it may', async () => {
    const { cluster, stdout, stderr, run } = world();
    await run('ls -A');
    expect(stderr.text).toBe('No experiments in any namespace.\n');
    stderr.text = '';
    cluster.experiments = { found: [], unseen: [], elsewhere: 'you may not list pods in all namespaces' };
    expect(await run('ls')).toBe(0);
    expect(stderr.text.split('\n')).toEqual([
      'No experiments on pods in namespace shop (agents looked for in namespace shop alone).',
      'note: experiments whose agents are in other namespaces are not shown: you may not list pods in all namespaces',
      '',
    ]);
    await run('ls -o json');
    expect(JSON.parse(stdout.text)).toMatchObject({ items: [], unseen: ['you may not list pods in all namespaces'] });
    stderr.text = '';
    expect(await run('stop chaos-zzzzz')).toBe(1);
    expect(stderr.text).toContain('Available: none; -n takes the namespace of the agent\n');
  });

  test('-o json and -o name are for programs', async () => {
    const { cluster, stdout, experiment, run } = world();
    const found = [experiment('chaos-aaaaa', { agents: [experimentAgent({ plan: 'for attach alone' })] })];
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

describe('what a killed command has left', () => {
  const agents = [experimentAgent({ state: 'ended', lastWords: lastWords(ended(), reverted()) })];
  const past = { state: 'ended', deadline: new Date(0), agents } as const;
  const left = (id: string): Partial<Experiment> => ({
    ...past,
    remains: [{ kind: 'pod', name: `${id}-0`, uid: `uid-of-${id}` }],
  });

  test.each(['ls', 'ls -o name', 'ls -o json', 'stop chaos-bbbbb'])('%s removes it, and says nothing', async (line) => {
    const { cluster, stdout, stderr, experiment, run } = world();
    const over = experiment('chaos-aaaaa', left('chaos-aaaaa'));
    cluster.experiments = { found: [over, experiment('chaos-bbbbb')], unseen: [] };
    expect(await run(line)).toBe(0);
    expect(cluster.discarded.map(({ remains }) => remains)).toEqual([over.remains]);
    // Once more it is shown: who did what, and when, is not gone before anybody has seen it.
    if (line.startsWith('ls')) expect(stdout.text).toContain('chaos-aaaaa');
    expect(stderr.text.replace('stopping chaos-bbbbb\n', '')).toBe('');
  });

  test('-v says what was removed, or why not', async () => {
    const { cluster, stderr, experiment, run } = world();
    cluster.experiments = { found: [experiment('chaos-aaaaa', left('chaos-aaaaa'))], unseen: [] };
    expect(await run('ls -v')).toBe(0);
    expect(stderr.text).toContain(
      'note: removed pod/chaos-aaaaa-0 and configmap/chaos-aaaaa of experiment chaos-aaaaa',
    );
    cluster.failNext('discard', new ChaosError('forbidden', 'you may not delete pods'));
    expect(await run('ls -v')).toBe(0);
    expect(stderr.text).toContain('could not be removed: you may not delete pods\n');
  });

  test.each(['ls', 'stop chaos-bbbbb'])('%s --no-cleanup keeps it', async (line) => {
    const { cluster, experiment, run } = world();
    const found = [experiment('chaos-aaaaa', left('chaos-aaaaa')), experiment('chaos-bbbbb')];
    cluster.experiments = { found, unseen: [] };
    expect(await run(`${line} --no-cleanup`)).toBe(0);
    expect(cluster.count('discard')).toBe(0);
  });

  test('stop removes what is named itself, and tells of it', async () => {
    const { cluster, stdout, experiment, run } = world();
    cluster.experiments = { found: [experiment('chaos-aaaaa', left('chaos-aaaaa'))], unseen: [] };
    expect(await run('stop --all')).toBe(0);
    expect(stdout.text).toContain('had ended, removed');
    expect(cluster.count('discard')).toBe(0);
  });

  test.each([
    ['', 1],
    [' --dry-run', 0],
    [' --no-cleanup', 0],
  ])('a run%s', async (flags, discards) => {
    const { cluster, experiment, run } = world();
    const experiments = [experiment('chaos-aaaaa', left('chaos-aaaaa'))];
    cluster.around = { protectedBy: [], experiments, nodeTroubles: [], unchecked: [] };
    cluster.failNext('launch', new ChaosError('forbidden', 'you may not create pods'));
    await run(`stress web --cpu 1 --image tools:1${flags}`);
    expect(cluster.count('discard')).toBe(discards);
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
      found: [experiment('chaos-aaaaa', { agents: [experimentAgent()] })],
      unseen: [],
    };
    cluster.onAttach = (attachment) => {
      attachment.onLine = (line) => line === 'stop' && attachment.say(ended({ reason: 'stopped' }), reverted());
    };
    expect(await run('stop chaos-aaaaa')).toBe(0);
    expect(cluster.removed).toMatchObject({ id: 'chaos-aaaaa', reverted: true });
    expect(cluster.attachment.isClosed).toBe(true);
    // A line that another command left unfinished must not swallow it.
    expect(cluster.attachment.sent).toEqual(['', 'stop']);
  });

  const failed = shimError({ code: 'undo', message: 'read-only', state: 'unknown: something may be left' });

  test('a shim that had not begun has nothing to revert', async () => {
    const { cluster, experiment, run } = world();
    cluster.experiments = {
      found: [experiment('chaos-aaaaa', { agents: [experimentAgent()] })],
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
      found: [experiment('chaos-aaaaa', { agents: [experimentAgent()] })],
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
    const gone = { state: 'ended', agents: [experimentAgent({ state: 'ended', lastWords })] } as const;
    cluster.experiments = { found: [experiment('chaos-aaaaa', gone)], unseen: [] };
    expect(await run('stop chaos-aaaaa')).toBe(code);
    expect(cluster.removed).toMatchObject({ reverted: code === 0 });
  });

  test('a shim that cannot be attached to is left to the kubelet', async () => {
    const { cluster, experiment, run } = world();
    cluster.experiments = {
      found: [experiment('chaos-aaaaa', { agents: [experimentAgent()] })],
      unseen: [],
    };
    cluster.failNext('attach', new ChaosError('forbidden', 'pods/attach', { barsAttach: true }));
    expect(await run('stop chaos-aaaaa')).toBe(0);
    expect(cluster.removed).toMatchObject({ reverted: false });
  });

  describe('a shim that ends by itself at that moment, so that it can be told nothing', () => {
    const stopping = () => {
      const at = world();
      at.cluster.experiments = {
        found: [at.experiment('chaos-aaaaa', { agents: [experimentAgent()] })],
        unseen: [],
      };
      at.cluster.failNext('attach', new ChaosError('api', 'container target-0 not found in pod chaos-aaaaa-0'));
      return { ...at, code: at.run('stop chaos-aaaaa') };
    };

    test('its kubelet is waited for, which has its last words', async () => {
      const { cluster, clock, code } = stopping();
      await clock.advance(1_200);
      expect(cluster.count('remove')).toBe(0);
      const message = `${JSON.stringify(ended())}\n${JSON.stringify(reverted())}\n`;
      const state = { state: 'terminated', exitCode: 0, reason: 'Completed', message } as const;
      cluster.agentUpdates.push({
        ...{ kind: 'status', phase: 'Succeeded', reason: '', message: '' },
        containers: { 'target-0': state },
      });
      expect(await code).toBe(0);
      expect(cluster.removed).toMatchObject({ reverted: true });
      expect(cluster.watches).toBe(0);
    });

    test('but not for long', async () => {
      const { cluster, clock, code } = stopping();
      await clock.advance(5_000);
      expect(await code).toBe(0);
      expect(cluster.removed).toMatchObject({ reverted: false });
      expect(cluster.watches).toBe(0);
    });

    test('nor where its pod may not be watched', async () => {
      const { cluster, clock, code } = stopping();
      cluster.agentUpdates.fail(new ChaosError('forbidden', 'you may not watch pods'));
      await clock.advance(4_999);
      expect(cluster.count('remove')).toBe(0);
      await clock.advance(1);
      expect(await code).toBe(0);
    });
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
      'error: there is no experiment chaos-zzzzz on pods in namespace shop (agents looked for in every namespace)\nAvailable: chaos-aaaaa; -A searches all namespaces\nState of the target: nothing was changed by this command; a fault that is in force goes on.\n',
    );
    expect(cluster.count('remove')).toBe(0);
  });

  test.each(['stop --all', 'attach chaos-aaaaa', 'ls'])(
    '%s that cannot look says that a fault goes on',
    async (words) => {
      const { cluster, stderr, run } = world();
      cluster.failNext('listExperiments', new ChaosError('unreachable', 'no answer'));
      expect(await run(words)).toBe(1);
      expect(stderr.text).toBe(
        'error: no answer\nState of the target: nothing was changed by this command; a fault that is in force goes on.\n',
      );
    },
  );

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
    expect(stderr.text).toBe(
      'No experiments on pods in namespace shop (agents looked for in every namespace); -A looks in all namespaces.\n',
    );
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

describe('ls --watch', () => {
  const watched = async (line: string) => {
    const at = world();
    const code = at.run(line);
    await expect.poll(() => at.cluster.calls, { timeout: 30_000 }).toContain('followExperiments');
    const shows = (text: string) =>
      expect.poll(() => at.stdout.text + at.stderr.text, { timeout: 30_000 }).toContain(text);
    const listed = (...found: Experiment[]) =>
      at.cluster.experimentUpdates.push({ kind: 'listed', experiments: { found, unseen: [] } });
    const change = (experiment: Experiment, isGone = false) =>
      at.cluster.experimentUpdates.push({ kind: 'experiment', experiment, isGone });
    const fields = () =>
      at.stdout.text
        .trimEnd()
        .split('\n')
        .map((row) => row.split(/ {2,}/));
    return { ...at, code, shows, listed, change, fields };
  };

  test('shows what there is, then a line for each that begins, changes or ends; Ctrl-C ends it: 130', async () => {
    const at = await watched('list -w -n bank');
    const { endsAt: _, ...starting } = at.experiment('chaos-bbbbb', {
      state: 'starting',
      target: 'a-long-namespace/web-0/app',
    });
    at.listed(at.experiment('chaos-aaaaa'));
    at.change(starting);
    at.change(at.experiment('chaos-aaaaa', { state: 'stopping' }));
    at.change(at.experiment('chaos-aaaaa', { state: 'stopping' }), true);
    await at.shows('gone');
    expect(at.fields()).toEqual([
      ['ID', 'FAULT', 'TARGET', 'NODE', 'WHO', 'STATE', 'SINCE', 'LEFT'],
      ['chaos-aaaaa', '2 busy CPUs', 'shop/web-0/app', 'node-3', 'ada', 'running', '12s', '47s'],
      ['chaos-bbbbb', '2 busy CPUs', 'a-long-namespace/web-0/app', 'node-3', 'ada', 'starting', '12s', '-'],
      ['chaos-aaaaa', '2 busy CPUs', 'shop/web-0/app', 'node-3', 'ada', 'stopping', '12s', '47s'],
      ['chaos-aaaaa', '2 busy CPUs', 'shop/web-0/app', 'node-3', 'ada', 'gone', '12s', '-'],
    ]);
    expect(at.cluster.listed).toBe('bank');
    at.signals.send('SIGINT');
    expect(await at.code).toBe(130);
    expect(at.cluster.isClosed).toBe(true);
    expect(at.signals.listeners).toBe(0);
    expect(at.stderr.text).toBe('');
  });

  test.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s ends it: %i', async (signal, exitCode) => {
    const at = await watched('ls --watch');
    at.signals.send(signal);
    expect(await at.code).toBe(exitCode);
  });

  test('says that there is none, and the heading with the first', async () => {
    const at = await watched('ls -w');
    at.listed();
    await at.shows(
      'No experiments on pods in namespace shop (agents looked for in every namespace); -A looks in all namespaces.\n',
    );
    expect(at.stdout.text).toBe('');
    at.change(at.experiment('chaos-aaaaa'));
    await at.shows('chaos-aaaaa');
    expect(at.fields().map(([first]) => first)).toEqual(['ID', 'chaos-aaaaa']);
    at.signals.send('SIGINT');
    await at.code;
  });

  test('says once that the watch broke, and that it goes on', async () => {
    const at = await watched('ls -w');
    for (const problem of ['connection refused', 'connection refused', undefined])
      at.cluster.experimentUpdates.push({ kind: 'contact', problem });
    await at.shows('goes on');
    expect(at.stderr.text).toBe('note: the watch broke, trying again: connection refused\nnote: the watch goes on\n');
    at.signals.send('SIGINT');
    await at.code;
  });

  test('ends when nobody reads on', async () => {
    const at = await watched('ls -w');
    at.stdout.isGone = true;
    at.listed(at.experiment('chaos-aaaaa'));
    expect(await at.code).toBe(0);
    expect(at.stdout.text).toBe('');
  });

  test('a watch that is refused is an error, and with -o json a document', async () => {
    const at = await watched('ls -w -o json');
    at.cluster.experimentUpdates.fail(new ChaosError('forbidden', 'pods may not be watched'));
    expect(await at.code).toBe(1);
    expect(JSON.parse(at.stdout.text)).toMatchObject({ kind: 'error', code: 'forbidden' });
    expect(at.signals.listeners).toBe(0);
  });

  test('-o ndjson, json and yaml are a document for each', async () => {
    const seen: Record<string, unknown[]> = {};
    for (const [format, read] of [
      [
        'ndjson',
        (text: string) =>
          text
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line)),
      ],
      ['json', (text: string) => text.split(/^(?=\{)/m).map((one) => JSON.parse(one))],
      ['yaml', (text: string) => parseAllDocuments(text).map((one) => one.toJS())],
    ] as const) {
      const at = await watched(`ls -w -o ${format}`);
      at.listed(at.experiment('chaos-aaaaa'));
      at.change(at.experiment('chaos-aaaaa'), true);
      await at.shows(format === 'yaml' ? 'gone: true' : '"gone":'.concat(format === 'json' ? ' true' : 'true'));
      at.signals.send('SIGINT');
      await at.code;
      seen[format] = read(at.stdout.text);
    }
    expect(seen.ndjson).toMatchObject([
      { kind: 'experiment', id: 'chaos-aaaaa', gone: false, targets: [{ pod: 'web-0' }] },
      { kind: 'experiment', id: 'chaos-aaaaa', gone: true },
    ]);
    for (const document of seen.ndjson ?? []) expect(faultsOf(document as Record<string, unknown>)).toEqual([]);
    expect(seen.json).toEqual(seen.ndjson);
    expect(seen.yaml).toEqual(seen.ndjson);
  });

  test('-o name is the ids', async () => {
    const at = await watched('ls -w -o name');
    at.listed(at.experiment('chaos-aaaaa'));
    at.change(at.experiment('chaos-bbbbb'));
    await at.shows('chaos-bbbbb');
    expect(at.stdout.text).toBe('chaos-aaaaa\nchaos-bbbbb\n');
    at.signals.send('SIGINT');
    await at.code;
  });
});
