import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { CommandPorts } from '../src/commands/ports.ts';
import { ChaosError } from '../src/errors.ts';
import type { Reporter } from '../src/experiment/events.ts';
import { main } from '../src/main.ts';
import type { ConnectionOptions, Experiment } from '../src/ports.ts';
import { Scenario } from './experiment/scenario.ts';
import { settle } from './fakes/clock.ts';
import { BufferOutput } from './fakes/output.ts';
import { RecordingReporter } from './fakes/reporter.ts';
import { detachedExperiment, experimentAgent, request, target } from './fakes/samples.ts';

class ClosableReporter extends RecordingReporter {
  isClosed = false;

  close(): void {
    this.isClosed = true;
  }
}

interface World {
  scenario: Scenario;
  ports: CommandPorts;
  stdout: BufferOutput;
  stderr: BufferOutput;
  live: ClosableReporter;
  connections: ConnectionOptions[];
  /** How the live reporter was asked for: [verbose, colour]. */
  asked: Array<[boolean, boolean]>;
}

function world(change: { tty?: [stdout: boolean, stderr: boolean]; env?: CommandPorts['env'] } = {}): World {
  const scenario = new Scenario(request({}, { durationMs: 10_000 }));
  const [stdout, stderr] = (change.tty ?? [false, false]).map((isTTY) => new BufferOutput(isTTY)) as [
    BufferOutput,
    BufferOutput,
  ];
  const live = new ClosableReporter();
  const connections: ConnectionOptions[] = [];
  const asked: Array<[boolean, boolean]> = [];
  const { clock, signals, randomSuffix, who } = scenario.ports;
  const ports: CommandPorts = {
    stdout,
    stderr,
    env: { KUBECTL_CHAOS_IMAGE: 'tools:1', ...change.env },
    homeDirectory: '/home/ada',
    who,
    clock,
    signals,
    randomSuffix,
    version: '1.2.3',
    commit: 'c0ffee',
    nodeVersion: 'v22.19.0',
    shim: async () => new Uint8Array(),
    toolbox: async () => Promise.reject(new Error('an image is named')),
    readText: () => Promise.reject(new Error('no file is named')),
    connect: async (options) => {
      connections.push(options);
      return scenario.cluster;
    },
    examine: () => Promise.reject(new Error('nothing is examined')),
    findNames: () => Promise.reject(new Error('nothing is completed')),
    liveReporter: async (verbose, colour): Promise<Reporter & { close(): void }> => {
      asked.push([verbose, colour]);
      return live;
    },
  };
  return { scenario, ports, stdout, stderr, live, connections, asked };
}

/** Runs a whole command of ten seconds, with all that the fakes have to do for it. */
async function run(line: string, at: World): Promise<number> {
  const s = at.scenario;
  const code = main(line.split(' '), at.ports);
  await loaded(() => s.cluster.calls.includes('followTarget') || at.scenario.cluster.isClosed);
  await s.attach();
  await s.pass(200);
  s.cores = 0.99;
  await s.pass(10_000);
  await s.finish({ runMs: 10_000 });
  return code;
}

/** Parts of the program are imported when they are needed, which takes turns of the event loop. */
async function loaded(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { interval: 1 }).toBe(true);
  await settle();
}

const stress = 'stress web-7d4b9 --cpu 2 --duration 10s';

describe('a run', () => {
  test('without an attach and an image that has its tools: 2, and nothing is asked', async () => {
    const at = world({ env: { KUBECTL_CHAOS_IMAGE: '' } });
    expect(await main(`${stress} --no-attach`.split(' '), at.ports)).toBe(2);
    expect(at.stderr.text).toContain('--no-attach requires --image: ');
    expect(at.connections).toEqual([]);
    expect(at.scenario.cluster.calls).toEqual([]);
  });

  test('for people, off a terminal: 0, and never an escape code', async () => {
    const at = world();
    expect(await run(stress, at)).toBe(0);
    expect(at.stdout.text).toContain('ok: active after');
    expect(at.stdout.text).toContain('Effective.');
    expect(at.stdout.text + at.stderr.text).not.toContain('\u001b');
    expect(at.scenario.cluster.isClosed).toBe(true);
    expect(at.asked).toEqual([]);
  });

  test('with -o json: one document on stdout, nothing on stderr', async () => {
    const at = world({ tty: [true, true] });
    expect(await run(`${stress} -o json`, at)).toBe(0);
    expect(JSON.parse(at.stdout.text)).toMatchObject({ kind: 'outcome', exit_code: 0, targets: [{ effective: true }] });
    expect(at.stderr.text).toBe('');
    expect(at.asked).toEqual([]);
  });

  test.each<[what: string, env: CommandPorts['env'], colour: boolean]>([
    ['', {}, true],
    ['NO_COLOR=1', { NO_COLOR: '1' }, false],
    ['NO_COLOR empty', { NO_COLOR: '' }, true],
  ])('on a terminal: live, and closed afterwards. %s', async (_what, env, colour) => {
    const at = world({ tty: [true, true], env });
    expect(await run(`${stress} -v`, at)).toBe(0);
    expect(at.asked).toEqual([[true, colour]]);
    expect(at.live.kinds.at(-1)).toBe('outcome');
    expect(at.live.isClosed).toBe(true);
    expect(at.stdout.text + at.stderr.text).toBe('');
  });

  test.each<[what: string, change: Parameters<typeof world>[0]]>([
    ['stdout is no terminal', { tty: [false, true] }],
    ['stderr is no terminal', { tty: [true, false] }],
    ['the terminal is dumb', { tty: [true, true], env: { TERM: 'dumb' } }],
  ])('plain when %s', async (_what, change) => {
    const at = world(change);
    await run(stress, at);
    expect(at.asked).toEqual([]);
    expect(at.stdout.text + at.stderr.text).not.toContain('\u001b');
  });

  test('hands the connection flags down', async () => {
    const at = world();
    await run(`${stress} --context prod -n shop`, at);
    expect(at.connections).toEqual([{ context: 'prod', namespace: 'shop' }]);
  });
});

describe('a protected target', () => {
  const listed = { KUBECTL_CHAOS_PROTECTED: 'prod,stag*' };

  test('is refused where nobody can answer: 1', async () => {
    const at = world({ env: listed });
    expect(await main(stress.split(' '), at.ports)).toBe(1);
    expect(at.stderr.text).toMatch(/error: pod\/web-7d4b9 in namespace shop is protected: context staging .*\n.*--yes/);
    expect(at.scenario.cluster.launched).toBeUndefined();
  });

  test.each(['json', 'yaml', 'ndjson'])('is refused with -o %s without a question', async (format) => {
    const at = world({ tty: [true, true], env: listed });
    const ask = () => Promise.reject(new Error('nobody is to be asked'));
    expect(await main(`${stress} -o ${format}`.split(' '), { ...at.ports, ask })).toBe(1);
    expect(at.stdout.text).toContain('protected');
    expect(at.scenario.cluster.launched).toBeUndefined();
  });

  test.each([
    ['y', 1],
    ['', 0],
  ])('on a terminal is asked about: %j', async (answer, launches) => {
    const at = world({ tty: [true, true], env: listed });
    const questions: string[] = [];
    const ask = async (question: string) => {
      questions.push(question);
      return answer;
    };
    const code = main(stress.split(' '), { ...at.ports, ask });
    const { cluster } = at.scenario;
    await loaded(() => cluster.calls.includes('followTarget') || cluster.isClosed);
    expect(questions).toEqual(['Run the experiment all the same? [y/N] ']);
    expect(cluster.count('launch')).toBe(launches);
    if (launches > 0) await at.scenario.interrupt();
    expect(await code).toBe(launches > 0 ? 130 : 1);
  });

  test('is run on with --yes', async () => {
    const at = world({ env: listed });
    expect(await run(`${stress} --yes`, at)).toBe(0);
    expect(at.stderr.text).toContain('note: the target is protected: context staging is listed');
  });
});

describe('an error', () => {
  const notFound = new ChaosError('not-found', 'there is no pod web-7d4b9', { hint: 'Look at kubectl get pods.' });

  test('is told on stderr with the state of the target', async () => {
    const at = world();
    at.scenario.cluster.failNext('findTargets', notFound);
    expect(await main(stress.split(' '), at.ports)).toBe(1);
    expect(at.stderr.text).toBe(
      'cluster  staging (https://cluster.test:6443)\nerror: there is no pod web-7d4b9\nLook at kubectl get pods.\nState of the target: nothing was changed.\n',
    );
    expect(at.scenario.cluster.isClosed).toBe(true);
  });

  test.each(['json', 'ndjson'])('with -o %s is a document', async (format) => {
    const at = world();
    at.scenario.cluster.failNext('findTargets', notFound);
    expect(await main(`${stress} -o ${format}`.split(' '), at.ports)).toBe(1);
    const last = format === 'json' ? at.stdout.text : (at.stdout.text.trimEnd().split('\n').at(-1) ?? '');
    expect(JSON.parse(last)).toMatchObject({ kind: 'error', code: 'not-found', exit_code: 1 });
    expect(at.stderr.text).toBe('');
  });

  test('with --dry-run and -o json is a document too', async () => {
    const at = world();
    at.scenario.cluster.failNext('findTargets', notFound);
    expect(await main(`${stress} -o json --dry-run=client`.split(' '), at.ports)).toBe(1);
    expect(JSON.parse(at.stdout.text)).toMatchObject({ kind: 'error', code: 'not-found' });
  });

  test('on a terminal comes after the reporter is closed', async () => {
    const at = world({ tty: [true, true] });
    at.scenario.cluster.failNext('findTargets', notFound);
    const { write } = at.stderr;
    let closedBefore: boolean | undefined;
    at.stderr.write = (text) => {
      closedBefore ??= at.live.isClosed;
      write.call(at.stderr, text);
    };
    expect(await main(stress.split(' '), at.ports)).toBe(1);
    expect(closedBefore).toBe(true);
    expect(at.stderr.text).toContain('there is no pod');
  });

  test('that doctor has a line for ends with its command', async () => {
    const at = world();
    at.scenario.cluster.failNext('findTargets', new ChaosError('forbidden', 'you may not', { hint: 'ask for it' }));
    expect(await main(`${stress} -n shop`.split(' '), at.ports)).toBe(1);
    expect(at.stderr.text).toContain(
      'error: you may not\nAsk for it; more in the line "rights" of: kubectl chaos doctor pod/web-7d4b9 -n shop\n',
    );
  });

  test('of connecting is one of the command', async () => {
    const at = world();
    at.ports.connect = async () => {
      throw new ChaosError('kubeconfig', 'no such context');
    };
    expect(await main(stress.split(' '), at.ports)).toBe(1);
    expect(at.stderr.text).toContain('error: no such context');
  });

  test('that is a defect is shown with its stack', async () => {
    const at = world();
    at.scenario.cluster.failNext('findTargets', new TypeError('x is not a function'));
    expect(await main(stress.split(' '), at.ports)).toBe(1);
    expect(at.stderr.text).toContain(
      'This is a defect of kubectl chaos 1.2.3:\nTypeError: x is not a function\n    at ',
    );
  });
});

describe('run -f', () => {
  const text = `
apiVersion: kubectl-chaos.io/v1
kind: Experiment
fault: stress
targets: {names: [web-7d4b9]}
options: {cpu: 2, duration: 10s}
`;
  /** A world with one file. */
  const withFile = (content: string, env: CommandPorts['env'] = {}): World => {
    const at = world({ env });
    const readText = async (flag: string, path: string) => (path === 'x.yaml' ? content : `${flag} ${path}`);
    return { ...at, ports: { ...at.ports, readText } };
  };

  test('does what the flags do that the file stands for', async () => {
    const at = withFile(text);
    expect(await run('run -f x.yaml -o json --context prod -n shop', at)).toBe(0);
    expect(JSON.parse(at.stdout.text)).toMatchObject({ kind: 'outcome', exit_code: 0, targets: [{ effective: true }] });
    expect(at.connections).toEqual([{ context: 'prod', namespace: 'shop' }]);
    const flags = world();
    await run(`${stress} -o json --context prod -n shop`, flags);
    expect(at.scenario.cluster.calls).toEqual(flags.scenario.cluster.calls);
    expect(at.scenario.cluster.selection).toEqual(flags.scenario.cluster.selection);
  });

  test('shows what would be, and prints the objects alone for kubectl', async () => {
    const at = withFile(text);
    expect(await main('run -f x.yaml --dry-run -o yaml'.split(' '), at.ports)).toBe(0);
    expect(parseAllDocuments(at.stdout.text).map((each) => each.toJS())).toMatchObject([{ kind: 'Pod' }]);
    expect(at.scenario.cluster.calls).toEqual(['findTargets', 'surroundings', 'memberships']);
  });

  test('that is wrong: 2, and nothing is asked', async () => {
    const at = withFile(text.replace('cpu', 'cpus'));
    expect(await main('run -f x.yaml -o json'.split(' '), at.ports)).toBe(2);
    expect(at.stderr.text).toBe('error: x.yaml:6: unknown key "cpus" under options; did you mean cpu?\n');
    expect(at.stdout.text).toBe('');
    expect(at.connections).toEqual([]);
  });

  test('does not say yes for a protected target: whoever runs it does', async () => {
    const env = { KUBECTL_CHAOS_PROTECTED: 'stag*' };
    const at = withFile(text, env);
    expect(await main('run -f x.yaml'.split(' '), at.ports)).toBe(1);
    expect(at.stderr.text).toContain('is protected: context staging');
    expect(at.scenario.cluster.launched).toBeUndefined();
    expect(await run('run -f x.yaml --yes', withFile(text, env))).toBe(0);
  });
});

describe('--dry-run=client', () => {
  test('prints the plan, says how to see what would be created, and touches nothing', async () => {
    const at = world({ tty: [true, true] });
    expect(await main(`${stress} --memory 50% --dry-run=client`.split(' '), at.ports)).toBe(0);
    expect(at.stdout.text).toMatchSnapshot();
    expect(at.stdout.text.split('\n').length).toBeLessThan(50);
    expect(at.stderr.text).toMatch(/^note: the objects of the agent: -o yaml; all of the plan: -o json$/m);
    expect(at.scenario.cluster.calls).toEqual(['findTargets', 'surroundings', 'memberships']);
    expect(at.asked).toEqual([]);
    expect(at.scenario.cluster.isClosed).toBe(true);
  });

  test('of several pods shows them all, what it may have chosen, and an agent a node', async () => {
    const at = world();
    at.scenario.cluster.otherTargets = [target({ pod: 'web-2', podUid: 'uid-2' })];
    at.scenario.cluster.skipped = [{ pod: 'web-3', why: 'it is not ready (Running, not ready)' }];
    const line = 'stress -l app=web --all --seed x --cpu 1 -o json';
    expect(await main(`${line} --dry-run=client`.split(' '), at.ports)).toBe(0);
    expect(at.scenario.cluster.selection).toMatchObject({ from: { labels: 'app=web' }, take: 'all', seed: 'x' });
    expect(JSON.parse(at.stdout.text)).toMatchObject({
      kind: 'plan',
      targets: [{ target: { pod: 'web-7d4b9' } }, { target: { pod: 'web-2' } }],
      selection: { seed: 'x', skipped: [{ pod: 'web-3' }] },
      impact: { pods: 2 },
      objects: [{ kind: 'Pod', metadata: { name: 'chaos-7f3k2-0' } }],
    });
  });

  test('prints with -o yaml what would be created, and no note', async () => {
    const at = world();
    expect(await main(`${stress} --dry-run -o yaml`.split(' '), at.ports)).toBe(0);
    expect(at.stdout.text).toContain('kind: Pod\n');
    expect(at.stderr.text).not.toContain('note: the objects');
  });

  test('with --detach has no lease', async () => {
    const at = world();
    expect(await main(`${stress} --detach --dry-run=client`.split(' '), at.ports)).toBe(0);
    expect(at.stdout.text).toContain('lease: none (detached)');
  });

  test('with -o yaml is the objects alone, as kubectl apply reads them', async () => {
    const at = world();
    expect(await main(`${stress} --dry-run -o yaml`.split(' '), at.ports)).toBe(0);
    expect(at.stdout.text).toMatch(/^# In place of the shim there is a placeholder: .* injects nothing\./);
    expect(parseAllDocuments(at.stdout.text).map((each) => each.toJS())).toMatchObject([
      { kind: 'Pod', metadata: { name: 'chaos-7f3k2-0' } },
    ]);
    expect(at.scenario.cluster.calls).not.toContain('rehearse');
  });

  test('of the server asks it, says what it answers, and creates nothing', async () => {
    const at = world();
    at.scenario.cluster.agentFacts = { changes: ['added init container wait'], warnings: ['hostPID'] };
    expect(await main(`${stress} --dry-run=server`.split(' '), at.ports)).toBe(0);
    expect(at.scenario.cluster.calls).toEqual(['findTargets', 'surroundings', 'memberships', 'rehearse']);
    expect(at.stderr.text).toContain(
      'note: a webhook or policy would change the agent pod: added init container wait\n',
    );
    expect(at.stderr.text).toContain('note: the API server warns: hostPID\n');
    expect(at.stderr.text).toContain('note: the API server accepts every object; nothing was created\n');
    expect(at.stdout.text).toContain('kind: plan');
  });

  test('of the server fails as the run would', async () => {
    const at = world();
    at.scenario.cluster.failNext('rehearse', new ChaosError('admission', 'quota exceeded'));
    expect(await main(`${stress} --dry-run=server`.split(' '), at.ports)).toBe(1);
    expect(at.stderr.text).toContain('error: quota exceeded');
    expect(at.stdout.text).toBe('');
  });

  test('with -o json is one document', async () => {
    const at = world();
    expect(await main(`${stress} --dry-run=client -o json`.split(' '), at.ports)).toBe(0);
    const document = JSON.parse(at.stdout.text);
    expect(document).toMatchObject({
      kind: 'plan',
      id: 'chaos-7f3k2',
      targets: [{ target: { pod: 'web-7d4b9' }, fault: '2 busy CPUs' }],
      objects: [{ kind: 'Pod', metadata: { name: 'chaos-7f3k2-0' } }],
    });
  });
});

describe('attach', () => {
  const found = (at: World, change: Partial<Experiment> = {}) => {
    const experiment = detachedExperiment(at.scenario.clock.date(), request(), change);
    at.scenario.cluster.experiments = { found: [experiment], unseen: [] };
  };

  test('follows, and leaves the fault in force: 0', async () => {
    const at = world();
    found(at);
    const code = main('attach chaos-7f3k2 --context prod'.split(' '), at.ports);
    await loaded(() => at.scenario.cluster.attachments.length > 0);
    at.scenario.signals.send('SIGINT');
    expect(await code).toBe(0);
    expect(at.stdout.text).toContain('kubectl chaos stop chaos-7f3k2 -n shop --context prod\n');
    expect(at.connections).toEqual([{ context: 'prod' }]);
    expect(at.scenario.cluster.isClosed).toBe(true);
    expect(at.scenario.cluster.count('remove')).toBe(0);
    expect(at.scenario.signals.listeners).toBe(0);
  });

  test('with -o json an error is a document', async () => {
    const at = world();
    found(at, { agents: [experimentAgent({ plan: 'not of ours' })] });
    expect(await main('attach chaos-7f3k2 -o json'.split(' '), at.ports)).toBe(1);
    expect(JSON.parse(at.stdout.text)).toMatchObject({ kind: 'error', code: 'target-unsuitable', exit_code: 1 });
  });

  test('on a terminal is live', async () => {
    const at = world({ tty: [true, true] });
    found(at);
    const code = main('attach chaos-7f3k2 -v'.split(' '), at.ports);
    await loaded(() => at.scenario.cluster.attachments.length > 0);
    at.scenario.signals.send('SIGINT');
    expect(await code).toBe(0);
    expect(at.asked).toEqual([[true, true]]);
    expect(at.live.kinds.at(-1)).toBe('detached');
    expect(at.live.isClosed).toBe(true);
  });
});

test('--detach returns while the fault continues: 0, and one document', async () => {
  const at = world();
  const code = main(`${stress} --detach -o json`.split(' '), at.ports);
  await loaded(() => at.scenario.cluster.calls.includes('followTarget'));
  await at.scenario.attach();
  await at.scenario.pass(200);
  expect(await code).toBe(0);
  expect(JSON.parse(at.stdout.text)).toMatchObject({ kind: 'detached', id: 'chaos-7f3k2', left_ms: 10_000 });
  expect(at.stderr.text).toBe('');
});

test('help and version need no cluster', async () => {
  const at = world();
  expect(await main(['--version'], at.ports)).toBe(0);
  expect(await main([], at.ports)).toBe(0);
  expect(at.stdout.text).toMatch(/^1\.2\.3\nInject a time-bounded fault .*\n\nUsage: kubectl chaos COMMAND/);
  expect(at.connections).toEqual([]);
});

test('an old spelling of --dry-run is said, and does what it does in kubectl', async () => {
  const at = world();
  expect(await main(`${stress} --dry-run=true -o json`.split(' '), at.ports)).toBe(0);
  expect(at.stderr.text).toBe('note: --dry-run=true is an old spelling: use --dry-run=client\n');
  expect(JSON.parse(at.stdout.text)).toMatchObject({ kind: 'plan' });
});
