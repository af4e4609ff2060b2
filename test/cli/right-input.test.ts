import { describe, expect, test } from 'vitest';
import { parseCommandLine } from '../../src/cli/program.ts';
import type { StressRequest } from '../../src/faults/stress/types.ts';
import type { Selection, TargetName } from '../../src/ports.ts';
import type { Request } from '../../src/requests.ts';
import { noShape, selection } from '../fakes/samples.ts';

function requestOf(line: string | readonly string[]): { stress: StressRequest; run: Request['run'] } {
  const invocation = parseCommandLine(typeof line === 'string' ? line.split(' ') : line, '1.2.3');
  if (invocation.kind !== 'run') throw new Error(`not a run: ${JSON.stringify(invocation)}`);
  const { fault, run } = invocation.request;
  if (fault.fault !== 'stress') throw new Error(`not stress: ${fault.fault}`);
  return { stress: fault as StressRequest, run };
}

test('the defaults', () => {
  expect(requestOf('stress web --cpu 2')).toEqual({
    stress: { fault: 'stress', cpu: { workers: 2, loadPercent: 100 }, stressNgArgs: [], oomVictim: 'stressor' },
    run: {
      selection: selection({ kind: 'pod', name: 'web' }),
      policy: { maxFailed: undefined, armMs: 300_000 },
      connection: {},
      durationMs: 60_000,
      graceMs: 2_000,
      detached: false,
      leaseMs: 15_000,
      noAttach: false,
      runAs: 'target',
      strict: false,
      image: undefined,
      imagePullSecret: undefined,
      agentNamespace: undefined,
      shape: noShape,
      reason: undefined,
      yes: false,
      output: 'human',
      verbose: false,
      cleanup: true,
    },
  });
});

test.each([
  '--cache-dir /tmp/cache',
  '--cache-dir=/tmp/cache',
  '--disable-compression',
  '--disable-compression=false',
  '--match-server-version',
  '--warnings-as-errors',
  '--warnings-as-errors=true',
  '--log-flush-frequency 5s',
  '--profile cpu',
  '--profile-output=p.pprof',
  '--vmodule rest=9',
])('%s of an alias for kubectl changes nothing', (flags) => {
  expect(requestOf(`${flags} stress web --cpu 1`)).toEqual(requestOf('stress web --cpu 1'));
  for (const line of ['ls', 'stop --all', 'sweep node-1', 'attach chaos-7f3k2']) {
    expect(parseCommandLine(`${line} ${flags}`.split(' '), '1.2.3')).toEqual(
      parseCommandLine(line.split(' '), '1.2.3'),
    );
  }
});

test.each([
  ['500m', 1, 50],
  ['10m', 1, 1],
  ['999m', 1, 100],
  ['1000m', 1, 100],
  ['1500m', 2, 75],
  ['1001m', 2, 50],
  ['2500m', 3, 83],
  ['4000m --cpu-load 50', 4, 50],
  ['2', 2, 100],
])('--cpu %s', (text, workers, loadPercent) => {
  expect(requestOf(`stress web --cpu ${text}`).stress.cpu).toEqual({ workers, loadPercent });
});

test.each([
  ['pod web', 'pod', 'web'],
  ['po web', 'pod', 'web'],
  ['Deployment web', 'deployment', 'web'],
  ['deployments.apps web', 'deployment', 'web'],
  ['pod pod', 'pod', 'pod'],
  ['svc web', 'service', 'web'],
  ['pod', 'pod', 'pod'],
])('TYPE NAME as two words: %s', (words, kind, name) => {
  expect(requestOf(`stress ${words} --cpu 1`).run.selection.from).toEqual([{ kind, name }]);
});

describe('which pods', () => {
  const web = { kind: 'deployment', name: 'web' };
  const api = { kind: 'pod', name: 'api' };

  test.each<[words: string, from: Selection['from']]>([
    ['deploy/web api', [web, api] as TargetName[]],
    ['pod web api', [{ kind: 'pod', name: 'web' }, api] as TargetName[]],
    [
      'web server',
      [
        { kind: 'pod', name: 'web' },
        { kind: 'pod', name: 'server' },
      ],
    ],
    ['deploy/web deployment.apps/web', [web] as TargetName[]],
    ['-l app=web', { labels: 'app=web' }],
    ['--selector=app!=web,!old', { labels: 'app!=web,!old' }],
    ['-lapp', { labels: 'app' }],
    ['pods -l app', { labels: 'app' }],
    ['-l app po', { labels: 'app' }],
  ])('%s', (words, from) => {
    expect(requestOf(`stress ${words} --cpu 1`).run.selection.from).toEqual(from);
  });

  test('a selector with blanks', () => {
    const { selection: asked } = requestOf(['stress', '-l', ' app in (web, api) ', '--cpu', '1']).run;
    expect(asked.from).toEqual({ labels: 'app in (web, api)' });
  });

  test.each<[flags: string, take: Selection['take']]>([
    ['--all', 'all'],
    ['--all=false', 'one'],
    ['--count 3', { count: 3 }],
    ['--count=10000', { count: 10_000 }],
    ['--percent 25', { percent: 25 }],
    ['--percent 100%', { percent: 100 }],
  ])('%s', (flags, take) => {
    expect(requestOf(`stress deploy/web --cpu 1 ${flags}`).run.selection.take).toEqual(take);
  });

  test('all the rest', () => {
    const flags = '--seed 7f3k2 --all-containers --skip-unsuitable --allow-system -A=false';
    expect(requestOf(`stress deploy/web --cpu 1 ${flags}`).run.selection).toMatchObject({
      ...{ seed: '7f3k2', allContainers: true, skipUnsuitable: true, allowSystem: true },
    });
  });
});

test('the OOM killer has a first victim whatever is asked for', () => {
  expect(requestOf('stress web --cpu 1 --oom-victim app').stress.oomVictim).toBe('app');
});

test("the node's memory may be taken where that is said", () => {
  expect(requestOf('stress web --memory 80% --allow-node-memory').stress.allowNodeMemory).toBe(true);
});

test('everything at once', () => {
  const { stress, run } = requestOf([
    ...'stress deploy/web -n shop -c app --cpu 3 --cpu-load 40% --memory 80% --processes 5 --oom-victim app'.split(' '),
    ...'--duration 1h30m --grace 0s --lease 1m --run-as root --image r/i@sha256:0a --image-pull-secret s'.split(' '),
    ...'--agent-namespace chaos --max-failed 25% --arm-timeout 90s --dry-run=client -o ndjson -v -y --reason'.split(
      ' ',
    ),
    'game day',
    '--',
    '--switch',
    '4',
  ]);
  expect(stress).toEqual({
    fault: 'stress',
    cpu: { workers: 3, loadPercent: 40 },
    memory: { percent: 80 },
    processes: 5,
    stressNgArgs: ['--switch', '4'],
    oomVictim: 'app',
  });
  expect(run).toEqual({
    selection: selection({ kind: 'deployment', name: 'web' }, { namespace: 'shop', container: 'app' }),
    policy: { maxFailed: { percent: 25 }, armMs: 90_000 },
    connection: { namespace: 'shop' },
    durationMs: 5_400_000,
    graceMs: 0,
    detached: false,
    leaseMs: 60_000,
    noAttach: false,
    runAs: 'root',
    strict: false,
    image: 'r/i@sha256:0a',
    imagePullSecret: 's',
    agentNamespace: 'chaos',
    shape: noShape,
    reason: 'game day',
    yes: true,
    dryRun: 'client',
    output: 'ndjson',
    verbose: true,
    cleanup: true,
  });
});

test('the connection flags as kubectl takes them', () => {
  const line =
    'stress web --cpu 1 --kubeconfig k --context c --cluster l --user u -s https://a:6443 --token t --as ada --as-group g1 --as-group=g2 --as-uid 7 --client-certificate cc --client-key ck --tls-server-name n --certificate-authority ca --request-timeout 1m';
  expect(requestOf(line).run.connection).toEqual({
    kubeconfig: 'k',
    context: 'c',
    cluster: 'l',
    user: 'u',
    server: 'https://a:6443',
    token: 't',
    as: 'ada',
    asGroup: ['g1', 'g2'],
    asUid: '7',
    clientCertificate: 'cc',
    clientKey: 'ck',
    tlsServerName: 'n',
    certificateAuthority: 'ca',
    requestTimeoutMs: 60_000,
  });
  expect(requestOf('stress web --cpu 1 --insecure-skip-tls-verify').run.connection).toEqual({
    insecureSkipTlsVerify: true,
  });
});

describe('--run-as is who the workload is, --as who asks', () => {
  test.each([
    ['--run-as root', 'root', undefined],
    ['--run-as=target', 'target', undefined],
    ['--as ada', 'target', 'ada'],
    ['--as system:serviceaccount:a:b', 'target', 'system:serviceaccount:a:b'],
    ['--as root', 'target', 'root'],
    ['--as target', 'target', 'target'],
    ['--run-as root --as ada', 'root', 'ada'],
    ['--as root --run-as target', 'target', 'root'],
  ])('%s', (flags, runAs, user) => {
    const { run } = requestOf(`stress web --cpu 1 ${flags}`);
    expect(run.runAs).toBe(runAs);
    expect(run.connection.as).toBe(user);
  });
});

test.each([
  ['web', 'pod', 'web'],
  ['pod/web', 'pod', 'web'],
  ['po/web.example.com', 'pod', 'web.example.com'],
  ['Pods/web', 'pod', 'web'],
  ['deploy/web', 'deployment', 'web'],
  ['deployment.apps/web', 'deployment', 'web'],
  ['deployments.v1.apps/web', 'deployment', 'web'],
  ['rs/web', 'replicaset', 'web'],
  ['sts/db', 'statefulset', 'db'],
  ['ds/log', 'daemonset', 'log'],
  ['job/j', 'job', 'j'],
  ['cronjobs.batch/j', 'cronjob', 'j'],
  ['rc/web', 'replicationcontroller', 'web'],
  ['svc/web', 'service', 'web'],
  ['Services/web', 'service', 'web'],
])('TARGET %s', (text, kind, name) => {
  expect(requestOf(`stress ${text} --cpu 1`).run.selection.from).toEqual([{ kind, name }]);
});

test.each([
  ['stress web --cpu 1 -o json', 'json'],
  ['stress web --cpu 1 -ojson', 'json'],
  ['stress web --cpu 1 -o yaml', 'yaml'],
  ['stress web --cpu 1 -o=json', 'json'],
  ['stress web --cpu 1 --output=ndjson', 'ndjson'],
  ['-o json stress web --cpu 1', 'json'],
  ['stress -vo ndjson web --cpu 1', 'ndjson'],
])('%s', (line, output) => {
  expect(requestOf(line).run).toMatchObject({ output, selection: { from: [{ name: 'web' }] } });
});

test.each([
  ['512Mi', 512 * 2 ** 20],
  ['1G', 1e9],
  ['1.5Gi', 1.5 * 2 ** 30],
  ['4Ki', 4096],
  ['1e9', 1e9],
])('--memory %s', (text, bytes) => {
  expect(requestOf(`stress web --memory ${text}`).stress.memory).toEqual({ bytes });
});

test.each([
  ['--verbose=true', true],
  ['--verbose=false', false],
  ['--verbose --verbose=false', false],
  ['-v=false -v', true],
  ['-v=6', true],
  ['-v=0', false],
  ['-v 6', true],
  ['-v6', true],
  ['-v9', true],
  ['-v10', true],
  ['-v 0', false],
  ['-v0', false],
  ['--v=6', true],
  ['--v 6', true],
  ['--v=0', false],
  ['--v', true],
  ['--verbose=6', true],
  ['--verbose 6', true],
  ['-yv6', true],
  ['-v 6 -v=0', false],
  ['-v99', true],
])('%s', (flags, verbose) => {
  expect(requestOf(`stress web --cpu 1 ${flags}`).run.verbose).toBe(verbose);
});

test.each([
  'ls',
  'stop --all',
  'sweep node-1',
  'attach chaos-7f3k2',
  'doctor web',
  'stress web --cpu 1',
  'net web --loss 1%',
])('%s takes a level of -v', (line) => {
  for (const [flags, verbose] of [
    ['-v 6', true],
    ['-v=6', true],
    ['--v=6', true],
    ['-v6', true],
    ['-v 0', false],
    ['', false],
  ] as const) {
    for (const words of [`${flags} ${line}`, `${line} ${flags}`]) {
      const invocation = parseCommandLine(words.trim().split(' '), '1.2.3');
      if (!('request' in invocation)) throw new Error(words);
      const request = invocation.kind === 'run' ? invocation.request.run : invocation.request;
      expect(request, words).toMatchObject({ verbose });
    }
  }
});

test.each(['--version', '-h', '--', '--cpu=9', '-n', 'help', ''])('the value %j of a flag is its value', (value) => {
  const { run, stress } = requestOf(['stress', 'web', '--cpu', '1', '--reason', value]);
  expect(run.reason).toBe(value);
  expect(stress.cpu?.workers).toBe(1);
});

test.each([
  ['0', 0],
  ['5', 5_000],
  ['1m', 60_000],
])('--request-timeout %s', (text, ms) => {
  expect(requestOf(`stress web --cpu 1 --request-timeout ${text}`).run.connection.requestTimeoutMs).toBe(ms);
});

test.each([
  ['--dry-run', 'client'],
  ['--dry-run=client', 'client'],
  ['--dry-run=server', 'server'],
  ['--dry-run=none', undefined],
  // As kubectl 1.36 takes them.
  ['--dry-run=unchanged', 'client'],
  ['--dry-run=true', 'client'],
  ['--dry-run=T', 'client'],
  ['--dry-run=1', 'client'],
  ['--dry-run=false', undefined],
  ['--dry-run=F', undefined],
  ['--dry-run=0', undefined],
  ['', undefined],
])('%j', (flags, dryRun) => {
  expect(requestOf(`stress ${flags} web --cpu 1`.replace('  ', ' ')).run.dryRun).toBe(dryRun);
});

test('what stands behind -- is passed on as it is', () => {
  const args = ['--vm', '1', '-n5s', '--', '-o=json', '$(HOME)', ''].filter((arg) => arg !== '-n5s');
  expect(requestOf(['stress', 'web', '--', ...args]).stress.stressNgArgs).toEqual(args);
});

test('--detach has no lease', () => {
  expect(requestOf('stress web --cpu 2 --detach').run.detached).toBe(true);
  expect(requestOf('stress web --cpu 2 --no-attach --image tools:1').run).toMatchObject({
    ...{ noAttach: true, detached: false },
  });
  expect(requestOf('stress web --cpu 2 --no-attach=false').run).toMatchObject({ noAttach: false });
  expect(requestOf('stress web --cpu 2 --detach=false').run).toMatchObject({ detached: false, leaseMs: 15_000 });
});

test('--no-attach needs no image for what needs no tools', () => {
  const invocation = parseCommandLine('io web --path /data --fill 50% --no-attach'.split(' '), '1.2.3');
  expect(invocation).toMatchObject({ request: { run: { noAttach: true, image: undefined } } });
});

test('attach', () => {
  const attach = (line: string) => parseCommandLine(line.split(' '), '1.2.3');
  const defaults = {
    id: 'chaos-7f3k2',
    namespace: undefined,
    allNamespaces: false,
    output: 'human',
    verbose: false,
    cleanup: true,
  };
  expect(attach('attach chaos-7f3k2')).toEqual({ kind: 'attach', request: { ...defaults, connection: {} } });
  expect(attach('attach pod/chaos-7f3k2-0 -n shop --as root --context prod -o ndjson -v')).toEqual({
    kind: 'attach',
    request: {
      ...{ ...defaults, namespace: 'shop', output: 'ndjson', verbose: true },
      connection: { namespace: 'shop', as: 'root', context: 'prod' },
    },
  });
  expect(attach('attach chaos-7f3k2 -A')).toMatchObject({ request: { allNamespaces: true } });
});

test.each(['stress web --cpu 1', 'ls', 'stop --all', 'attach chaos-7f3k2', 'sweep node-1'])(
  '%s: --no-cleanup keeps what killed commands have left',
  (line) => {
    for (const [flags, cleanup] of [
      ['', true],
      [' --no-cleanup', false],
      [' --no-cleanup=true', false],
      [' --no-cleanup=false', true],
    ] as const) {
      const invocation = parseCommandLine(`${line}${flags}`.split(' '), '1.2.3');
      if (!('request' in invocation)) throw new Error('nothing is asked for');
      const request = invocation.kind === 'run' ? invocation.request.run : invocation.request;
      expect(request, flags).toMatchObject({ cleanup });
    }
  },
);

describe('doctor', () => {
  const requestOf = (line: string) => {
    const invocation = parseCommandLine(line.split(' '), '1.2.3');
    if (invocation.kind !== 'doctor') throw new Error(invocation.kind);
    return invocation.request;
  };
  const agent = { image: undefined, imagePullSecret: undefined, agentNamespace: undefined, shape: noShape };

  test('needs no target', () => {
    expect(requestOf('doctor')).toEqual({
      ...{ target: undefined, node: undefined, namespace: undefined, connection: {}, ...agent },
      ...{ output: 'human', verbose: false, onNode: false, yes: false },
    });
  });

  test.each(['doctor deploy web -c app -n shop', 'doctor deploy/web -n shop --container=app'])('%s', (line) => {
    const target = { kind: 'deployment', name: 'web', namespace: 'shop', container: 'app' };
    expect(requestOf(line)).toMatchObject({ target, namespace: 'shop', connection: { namespace: 'shop' } });
  });

  test('looks from the node, with a question or without', () => {
    expect(requestOf('doctor web --on-node')).toMatchObject({ onNode: true, yes: false });
    expect(requestOf('doctor web --on-node -y')).toMatchObject({ onNode: true, yes: true });
  });

  test('looks at a node alone, with the agent as a run would have it', () => {
    expect(requestOf('doctor --node node-1.example.org --image t:1 -o yaml')).toMatchObject({
      ...{ node: 'node-1.example.org', target: undefined, image: 't:1', output: 'yaml' },
    });
  });
});
