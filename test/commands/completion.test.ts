import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { completionScript } from '../../src/cli/completion.ts';
import { parseCommandLine } from '../../src/cli/program.ts';
import { faultKinds } from '../../src/faults/registry.ts';
import { findNames } from '../../src/kubernetes/names.ts';
import { main } from '../../src/main.ts';
import { ApiServer, json, status, until } from '../fakes/api-server.ts';
import { FakeClock } from '../fakes/clock.ts';
import { commandPorts } from '../fakes/command-ports.ts';
import { BufferOutput } from '../fakes/output.ts';
import { forbidden } from '../fakes/recorded.ts';
import { certificate } from '../fakes/tls.ts';
import { runningPod, withOthers } from '../kubernetes/objects.ts';

let folder = '';
let server: ApiServer;
let clock: FakeClock;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'chaos-complete-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(async () => {
  clock = new FakeClock();
  server = await ApiServer.start();
  writeKubeconfig(server.url);
});
afterEach(() => server.stop());

/** The kubeconfig `config`, and another of another cluster, whose context has the namespace bank. */
function writeKubeconfig(
  url: string,
  user: Record<string, unknown> = { token: 'secret' },
  contexts: object[] = [],
): void {
  writeFileSync(
    join(folder, 'config'),
    JSON.stringify({
      'current-context': 'test',
      clusters: [
        {
          name: 'here',
          cluster: {
            server: url,
            // Credentials go over TLS alone.
            ...(url.startsWith('https:') ? { 'certificate-authority-data': btoa(certificate) } : {}),
          },
        },
      ],
      users: [
        { name: 'ada', user },
        { name: 'alan', user: {} },
      ],
      contexts: [
        { name: 'test', context: { cluster: 'here', user: 'ada', namespace: 'shop' } },
        { name: 'arn:aws:eks:eu:1:cluster/b', context: { cluster: 'here', user: 'ada', namespace: 'bank' } },
        ...contexts,
      ],
    }),
  );
}

interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** What kubectl gets from `kubectl_complete-chaos WORDS…`. */
async function complete(...words: string[]): Promise<Ran> {
  const [stdout, stderr] = [new BufferOutput(), new BufferOutput()];
  const world = { env: { KUBECONFIG: join(folder, 'config'), PATH: process.env.PATH }, homeDirectory: folder };
  const ports = commandPorts('completion does not need this', {
    ...{ ...world, stdout, stderr, clock },
    findNames: (query, options, signal) => findNames(query, options, world, signal),
  });
  const code = await main(['__complete', ...words], ports);
  return { code, stdout: stdout.text, stderr: stderr.text };
}

/** The lines, which are the candidates without what is said of them, and the directive. */
async function lines(line: string): Promise<string[]> {
  const { code, stdout, stderr } = await complete(...line.split(' '));
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.endsWith('\n')).toBe(true);
  return stdout
    .slice(0, -1)
    .split('\n')
    .map((one) => one.split('\t')[0] ?? '');
}

function named(...names: string[]) {
  return { items: names.map((name) => ({ metadata: { name } })) };
}

/** A cluster with something of everything. */
function furnish(): void {
  const answer = (path: string, body: unknown) =>
    server.on('GET', path, (_request, response) => json(response, 200, body));
  answer('/api/v1/namespaces', named('bank', 'shop', 'shelf'));
  answer('/api/v1/nodes', named('node-1', 'node-2'));
  answer('/api/v1/namespaces/shop/pods', named('web-0', 'web-1', 'db-0', 'steam'));
  answer('/api/v1/namespaces/bank/pods', named('vault'));
  answer('/api/v1/namespaces/shop/services', named('web', 'db'));
  answer('/api/v1/namespaces/bank/services', named('ledger'));
  answer('/apis/apps/v1/namespaces/shop/deployments', named('web', 'cart'));
  answer('/apis/apps/v1/namespaces/shop/statefulsets', named('db'));
  answer('/apis/apps/v1/namespaces/shop/daemonsets', named('log'));
  answer('/apis/apps/v1/namespaces/shop/replicasets', named('web-5d'));
  answer('/apis/batch/v1/namespaces/shop/jobs', named('load'));
  answer('/apis/batch/v1/namespaces/shop/cronjobs', named('nightly'));
  answer('/api/v1/namespaces/shop/replicationcontrollers', named('old'));
  answer('/api/v1/namespaces/shop/pods/web-0', runningPod());
}

function furnishExperiments(): void {
  const object = (id: string, namespace: string, about: Record<string, string>) => ({
    metadata: {
      name: `${id}-0`,
      namespace,
      labels: { 'app.kubernetes.io/managed-by': 'kubectl-chaos', 'kubectl-chaos.io/experiment': id },
      annotations: about,
    },
  });
  const said = { 'kubectl-chaos.io/verb': 'stress', 'kubectl-chaos.io/target': 'shop/web-0/app' };
  const [one, two, far] = [
    object('chaos-11111', 'shop', said),
    object('chaos-22222', 'shop', {}),
    object('chaos-33333', 'bank', {}),
  ];
  server
    .on('GET', '/api/v1/namespaces/shop/pods', (_request, response) => json(response, 200, { items: [one] }))
    .on('GET', '/api/v1/namespaces/shop/configmaps', (_request, response) => json(response, 200, { items: [two] }))
    .on('GET', '/api/v1/pods', (_request, response) => json(response, 200, { items: [one, far] }))
    .on('GET', '/api/v1/configmaps', (_request, response) => json(response, 200, { items: [two] }));
}

const faults = faultKinds.map(({ verb }) => verb);
const kindWords = ['pod/', 'deploy/', 'sts/', 'ds/', 'svc/', 'rs/', 'job/', 'cronjob/', 'rc/'];

describe('without a cluster', () => {
  test('a verb, with what help says of it', async () => {
    const { stdout } = await complete('str');
    expect(stdout).toBe('stress\tuse up CPU, memory or processes of a running container\n:4\n');
  });

  test.each<[line: string, candidates: string[], directive: string]>([
    ['st', ['stress', 'stop'], ':4'],
    ['sw', ['sweep'], ':4'],
    ['-n shop sw', ['sweep'], ':4'],
    ['help s', ['stress', 'stop', 'sweep'], ':4'],
    ['help stress ', [], ':4'],
    ['nonsense', [], ':4'],
    ['nonsense ', [], ':4'],
    ['--vers', ['--version'], ':4'],
    ['--conte', ['--context'], ':4'],
    ['stress --cpu', ['--cpu', '--cpu-load'], ':4'],
    ['stress web-0 --mem', ['--memory'], ':4'],
    // What is given already is offered again only when it can be given again.
    ['stress --cpu 2 --cpu', ['--cpu-load'], ':4'],
    ['net --to svc/db --to', ['--to', '--token'], ':4'],
    ['stress --dry-run --dry', [], ':4'],
    ['stress -n', ['-n'], ':4'],
    // What alone aliases carry is not offered.
    ['stress --cache', [], ':4'],
    ['stress -o ', ['json', 'yaml', 'ndjson', 'experiment'], ':4'],
    ['stress -o y', ['yaml'], ':4'],
    ['stress -o=y', ['yaml'], ':4'],
    ['stress -yo y', ['yaml'], ':4'],
    ['stress --output=', ['json', 'yaml', 'ndjson', 'experiment'], ':4'],
    ['stress --output=nd', ['ndjson'], ':4'],
    ['ls -o ', ['wide', 'json', 'yaml', 'ndjson', 'name'], ':4'],
    ['stop -o n', ['name'], ':4'],
    ['sweep -o ', ['json', 'yaml'], ':4'],
    ['stress --run-as ', ['target', 'root'], ':4'],
    ['stress --dry-run=', ['none', 'client', 'server'], ':4'],
    ['stress --oom-victim ', ['stressor', 'app'], ':4'],
    ['net --direction ', ['egress', 'ingress', 'both'], ':4'],
    ['net --distribution p', ['pareto', 'paretonormal'], ':4'],
    ['net --protocol ', ['tcp', 'udp', 'icmp'], ':4'],
    ['io --mode ', ['read', 'write', 'mixed', 'metadata', 'sync'], ':4'],
    ['stress --duration ', [], ':4'],
    ['stress --nonsense=', [], ':4'],
    // The directory is one in the container.
    ['io --path ', [], ':4'],
    // Flags of a file: the shell's own completion.
    ['stress --kubeconfig ', [], ':0'],
    ['--kubeconfig=', [], ':0'],
    ['stress --certificate-authority ', [], ':0'],
    ['stress --client-certificate ', [], ':0'],
    ['stress --client-key=/et', [], ':0'],
    ['run -f ', [], ':0'],
    ['run --filename=slo', [], ':0'],
    ['run --allow-node-d', ['--allow-node-disk'], ':4'],
    ['run ', [], ':4'],
    ['net --to ', kindWords, ':6'],
    ['net --to 10.0.0.0/8,sv', ['10.0.0.0/8,svc/'], ':6'],
    ['net --to 10.', [], ':4'],
    ['net --to 10.0.0.0/', [], ':4'],
    // Behind -- everything is stress-ng's.
    ['stress web -- --cpu', [], ':4'],
    ['stress web -- ', [], ':4'],
    ['ls ', [], ':4'],
    ['completion ', [], ':4'],
    // A line that is wrong.
    ['stress --strict=maybe ', [], ':4'],
    ['stress --context= ', [], ':4'],
    ['stress --as-group a ', [], ':4'],
    // The words of kubeconfig.
    ['stress --context ', ['test', 'arn:aws:eks:eu:1:cluster/b'], ':4'],
    ['stress --context=arn:', ['arn:aws:eks:eu:1:cluster/b'], ':4'],
    ['--context t', ['test'], ':4'],
    ['ls --cluster ', ['here'], ':4'],
    ['ls --user al', ['alan'], ':4'],
  ])('kubectl chaos %s', async (line, candidates, directive) => {
    expect(await lines(line)).toEqual([...candidates, directive]);
    expect(server.received).toEqual([]);
  });

  test('every verb, when nothing is typed', async () => {
    const verbs = ['ls', 'attach', 'stop', 'sweep', 'completion', 'help'];
    expect(await lines('')).toEqual(expect.arrayContaining([...faults, ...verbs, ':4']));
    expect((await complete()).stdout).toBe((await complete('')).stdout);
  });

  test('every flag of a verb, long and short, but none that is hidden', async () => {
    const flags = await lines('stress -');
    expect(flags).toEqual(
      expect.arrayContaining(['--cpu', '--namespace', '-n', '--output', '-o', '--as', '--help', '-h']),
    );
    expect(flags).not.toContain('--cache-dir');
    expect(flags).not.toContain('--password');
    expect(await lines('ls --')).not.toContain('--cpu');
    expect(await lines('--')).toEqual(expect.arrayContaining(['--namespace', '--kubeconfig', '--help', '--version']));
    expect(await lines('--')).not.toContain('--cpu');
  });

  test('each value that a flag is said to have is one that it takes', async () => {
    for (const { verb, command } of faultKinds) {
      for (const { name, choices = [], read } of command.flags) {
        const key = name.slice(2).replace(/-(.)/g, (_all, letter: string) => letter.toUpperCase());
        for (const value of choices) expect(read({ [key]: value }), `${verb} ${name}`).toBe(value);
      }
    }
  });
});

describe('from the cluster', () => {
  beforeEach(furnish);

  test.each<[line: string, candidates: string[], directive: string]>([
    ['stress ', ['web-0', 'web-1', 'db-0', 'steam', ...kindWords], ':4'],
    ['stress w', ['web-0', 'web-1'], ':4'],
    ['stress --cpu 2 w', ['web-0', 'web-1'], ':4'],
    ['stress st', ['steam', 'sts/'], ':4'],
    ['stress dep', ['deploy/'], ':6'],
    ['stress deployment', ['deployment/'], ':6'],
    ['stress deployments', ['deployments/'], ':6'],
    ['stress s', ['steam', 'sts/', 'svc/'], ':4'],
    ['stress serv', ['service/'], ':6'],
    ['stress pod/', ['pod/web-0', 'pod/web-1', 'pod/db-0', 'pod/steam'], ':4'],
    ['stress po/d', ['po/db-0'], ':4'],
    ['stress deploy/', ['deploy/web', 'deploy/cart'], ':4'],
    ['stress DEPLOY/w', ['DEPLOY/web'], ':4'],
    ['stress deployments.apps/c', ['deployments.apps/cart'], ':4'],
    ['stress sts/', ['sts/db'], ':4'],
    ['stress ds/', ['ds/log'], ':4'],
    ['stress rs/', ['rs/web-5d'], ':4'],
    ['stress job/', ['job/load'], ':4'],
    ['stress cj/', ['cj/nightly'], ':4'],
    ['stress rc/', ['rc/old'], ':4'],
    ['stress svc/', ['svc/web', 'svc/db'], ':4'],
    ['stress deploy c', ['cart'], ':4'],
    ['stress nonsense/w', [], ':4'],
    // More than one.
    ['stress web-0 w', ['web-1'], ':4'],
    ['stress web-0 svc/w', ['svc/web'], ':4'],
    ['stress deploy web ', ['cart'], ':4'],
    ['stress web-0 deploy/', ['deploy/web', 'deploy/cart'], ':4'],
    ['stress web-0 -c ', ['app', 'proxy'], ':4'],
    ['stress -n shop pod/web-0 --container=p', ['proxy'], ':4'],
    ['stress pod web-0 -c p', ['proxy'], ':4'],
    // Of what has not been named there are none.
    ['stress -c ', [], ':4'],
    ['stress gone -c ', [], ':4'],
    ['stress -n sh', ['shop', 'shelf'], ':4'],
    ['stress --namespace=b', ['bank'], ':4'],
    ['--namespace b', ['bank'], ':4'],
    ['stress --agent-namespace b', ['bank'], ':4'],
    // What stands on the line already.
    ['stress -n bank ', ['vault', ...kindWords], ':4'],
    ['-n bank stress v', ['vault'], ':4'],
    ['stress -nbank v', ['vault'], ':4'],
    ['stress --namespace=bank v', ['vault'], ':4'],
    ['stress --context=arn:aws:eks:eu:1:cluster/b v', ['vault'], ':4'],
    ['stress --context nowhere v', [], ':4'],
    ['stress --kubeconfig /nowhere v', [], ':4'],
    ['net web-0 --to svc/', ['svc/web', 'svc/db'], ':4'],
    ['net web-0 --except=pod/d', ['pod/db-0'], ':4'],
    ['net web-0 --from 10.0.0.0/8,svc/w', ['10.0.0.0/8,svc/web'], ':4'],
    ['net web-0 --to bank/svc/', ['bank/svc/ledger'], ':4'],
    ['doctor deploy/c', ['deploy/cart'], ':4'],
    ['doctor web-0 -c ', ['app', 'proxy'], ':4'],
    ['doctor --node ', ['node-1', 'node-2'], ':4'],
    ['rbac -n sh', ['shop', 'shelf'], ':4'],
    ['rbac --agent-namespace=b', ['bank'], ':4'],
    // Of its own --user a cluster lists no names.
    ['rbac --user ', [], ':4'],
    ['sweep ', ['node-1', 'node-2'], ':4'],
    ['sweep node-1 ', ['node-2'], ':4'],
  ])('kubectl chaos %s', async (line, candidates, directive) => {
    expect(await lines(line)).toEqual([...candidates, directive]);
    expect(server.received.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  test('of pods those that run, and of a list no more than the metadata, from the cache', async () => {
    await lines('stress ');
    const [{ query, headers } = { query: new URLSearchParams(), headers: {} }] = server.received;
    expect(Object.fromEntries(query)).toEqual({ fieldSelector: 'status.phase=Running', resourceVersion: '0' });
    expect(headers.accept).toMatch(/^application\/json;as=PartialObjectMetadataList;/);
    // For servers that cannot leave the rest out.
    expect(headers.accept).toMatch(/,application\/json$/);
  });

  test('containers of the pod that a workload would be taken from', async () => {
    const path = '/apis/apps/v1/namespaces/shop/deployments/web';
    const selector = { matchLabels: { app: 'web' } };
    server
      .on('GET', path, (_request, response) => json(response, 200, { spec: { selector } }))
      .on('GET', '/api/v1/namespaces/shop/pods', (_request, response) =>
        json(response, 200, { items: [runningPod(withOthers)] }),
      );
    expect(await lines('io deploy/web --path /data -c ')).toEqual(['app', 'proxy', 'mesh', 'debug', ':4']);
  });

  test('containers of a pod with the labels', async () => {
    server.on('GET', '/api/v1/namespaces/shop/pods', ({ query }, response) =>
      json(response, 200, { items: query.get('labelSelector') === 'app=web' ? [runningPod(withOthers)] : [] }),
    );
    expect(await lines('stress -l app=web -c m')).toEqual(['mesh', ':4']);
    expect(await lines('stress -l app=none -c ')).toEqual([':4']);
  });

  test('as whom the flags say', async () => {
    await lines('stress --as grace --token other w');
    expect(server.received[0]?.headers).toMatchObject({
      'impersonate-user': 'grace',
      authorization: 'Bearer other',
    });
  });
});

describe('experiments', () => {
  beforeEach(furnishExperiments);

  test.each<[line: string, candidates: string[]]>([
    ['stop ', ['chaos-11111', 'chaos-22222']],
    ['stop chaos-1', ['chaos-11111']],
    ['stop chaos-11111 ', ['chaos-22222']],
    ['stop -A ', ['chaos-11111', 'chaos-22222', 'chaos-33333']],
    ['attach ', ['chaos-11111', 'chaos-22222']],
    ['attach chaos-11111 ', []],
  ])('kubectl chaos %s', async (line, candidates) => {
    expect((await lines(line)).toSorted()).toEqual([':4', ...candidates]);
  });

  test('are told apart by what they do', async () => {
    expect((await complete('stop', 'chaos-1')).stdout).toBe('chaos-11111\tstress shop/web-0/app\n:4\n');
  });

  test('of those who may not see ConfigMaps', async () => {
    server.on('GET', /^\/api\/v1\/(namespaces\/shop\/)?configmaps$/, (_request, response) =>
      json(response, 403, forbidden('list', 'configmaps', 'shop')),
    );
    expect(await lines('stop ')).toEqual(['chaos-11111', ':4']);
  });
});

describe('names and words from elsewhere keep to the protocol', () => {
  test('what has more than plain characters is not offered', async () => {
    const names = ['ok', 'a\tb', 'a\nb', ':0', 'a\u001b[2J', '$(reboot)', '`id`', "a'b", 'a b', 'a;b', '', 'ö-1'];
    server.on('GET', '/api/v1/namespaces', (_request, response) => json(response, 200, named(...names)));
    expect(await lines('ls -n ')).toEqual(['ok', ':0', 'ö-1', ':4']);
    writeKubeconfig(server.url, {}, [
      { name: 'x\n:0', context: {} },
      { name: 'ok', context: {} },
    ]);
    expect(await lines('ls --context ')).toEqual(['test', 'arn:aws:eks:eu:1:cluster/b', 'ok', ':4']);
  });

  test('what is said of an experiment stays on its line', async () => {
    const annotations = { 'kubectl-chaos.io/verb': 'net', 'kubectl-chaos.io/target': 'a\n:0\n\u001b[2J\tb' };
    const metadata = { name: 'chaos-11111-0', labels: { 'kubectl-chaos.io/experiment': 'chaos-11111' }, annotations };
    server.on('GET', '/api/v1/pods', (_request, response) => json(response, 200, { items: [{ metadata }] }));
    server.on('GET', '/api/v1/configmaps', (_request, response) => json(response, 200, { items: [] }));
    expect((await complete('stop', '-A', '')).stdout).toBe('chaos-11111\tnet a :0 b\n:4\n');
  });

  test('what is not what it should be', async () => {
    const bodies = ['null', '[]', '{}', '{"items":null}', '{"items":[null]}', '{"items":[{}]}', 'no JSON'];
    for (const body of bodies) {
      server.on('GET', /./, (_request, response) => response.end(body));
      for (const line of ['stress w', 'stress web -c ', 'stress deploy/web -c ', 'stop ', 'sweep ', 'ls -n ']) {
        expect(await lines(line), `${line}: ${body}`).toEqual([':4']);
      }
    }
  });
});

describe('never an error', () => {
  test.each([401, 403, 404, 500])('a refusal: %d', async (code) => {
    server.on('GET', /./, (_request, response) => json(response, code, status(code, 'Failure', 'no')));
    for (const line of ['stress w', 'stress web -c ', 'stress deploy/', 'stop ', 'sweep ', 'ls -n ']) {
      expect(await lines(line), line).toEqual([':4']);
    }
  });

  test('nobody listens', async () => {
    const gone = await ApiServer.start();
    writeKubeconfig(gone.url);
    await gone.stop();
    expect(await lines('stress w')).toEqual([':4']);
    expect(await lines('stress dep')).toEqual(['deploy/', ':6']);
  });

  test.each([
    ['no YAML', '{'],
    ['no kubeconfig', '[1]'],
    ['empty', ''],
    ['of a context that is not there', '{"current-context": "gone"}'],
  ])('a kubeconfig that is broken: %s', async (_how, text) => {
    writeFileSync(join(folder, 'config'), text);
    expect(await lines('stress w')).toEqual([':4']);
    expect(await lines('stress --context ')).toEqual([':4']);
    expect(await lines('stress --cp')).toEqual(['--cpu', '--cpu-load', ':4']);
  });

  test.each(['connects and is silent', 'begins an answer and is silent'])('a server that %s', async (how) => {
    server.on('GET', /./, (_request, response) => {
      if (how !== 'connects and is silent') response.writeHead(200).write('{"items":[{"metadata":{"name":"web"}}');
    });
    const answer = lines('stress dep');
    await until('the request has come', () => server.received.length > 0, 30_000);
    await clock.advance(1_999);
    expect(await answer).toEqual(['deploy/', ':6']);
    await until('the connection is closed', () => server.open === 0, 30_000);
  });

  test('a credential plugin cannot ask or tell anything, and is ended when it is slow', async () => {
    const exec = (script: string) => ({
      exec: {
        ...{ apiVersion: 'client.authentication.k8s.io/v1', interactiveMode: 'IfAvailable' },
        ...{ command: 'sh', args: ['-c', script] },
      },
    });
    furnish();
    const seen = join(folder, 'seen');
    const credential =
      '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"t"}}';
    writeKubeconfig(
      server.url,
      exec(`echo noise >&2; readlink /proc/$$/fd/0 /proc/$$/fd/2 >${seen}; echo '${credential}'`),
    );
    expect(await lines('stress w')).toEqual(['web-0', 'web-1', ':4']);
    expect(readFileSync(seen, 'utf8')).toBe('/dev/null\n/dev/null\n');

    const pid = join(folder, 'pid');
    writeKubeconfig(server.url, exec(`echo $$ >${pid}.new; mv ${pid}.new ${pid}; exec sleep 600`));
    const answer = lines('stress w');
    await until('the plugin runs', () => existsSync(pid), 30_000);
    await clock.advance(1_999);
    expect(await answer).toEqual([':4']);
    const isThere = () => existsSync(`/proc/${readFileSync(pid, 'utf8').trim()}/cmdline`);
    await until('the plugin has ended', () => !isThere(), 30_000);
  });
});

describe('the script', () => {
  test('is for the shells of kubectl, and finds the plugin where kubectl does', () => {
    expect(parseCommandLine(['completion'], '1.2.3')).toEqual({ kind: 'text', text: completionScript });
    expect(completionScript).toMatch(/^#!\/bin\/sh\n/);
    expect(completionScript).toMatch(/\nexec kubectl-chaos __complete "\$@"\n$/);
  });

  test.each([
    ['completion', 'bash'],
    ['completion', '--', 'bash'],
  ])('is the same for all shells: %s %s', (...argv) => {
    expect(() => parseCommandLine(argv, '1.2.3')).toThrow(
      'completion takes no arguments, got "bash": the script is the same for all shells',
    );
  });
});

describe('the program itself', () => {
  const root = new URL('../../', import.meta.url).pathname;
  const names = "globalThis.CHAOS_VERSION='1.2.3';globalThis.CHAOS_COMMIT='c0ffee';";

  /** As kubectl runs it, by a name on PATH, in bash: what `kubectl chaos completion` printed is the program. */
  function run(before: string, ...words: string[]) {
    const bin = join(folder, 'bin');
    mkdirSync(bin, { recursive: true });
    const preload = join(folder, 'before.mjs');
    writeFileSync(preload, names);
    const launcher = `exec '${process.execPath}' --disable-warning=ExperimentalWarning --import '${preload}' '${root}src/bin.ts' "$@"`;
    writeFileSync(join(bin, 'kubectl-chaos'), `#!/bin/sh\n${launcher}\n`, { mode: 0o755 });
    const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}`, KUBECONFIG: join(folder, 'config') };
    const file = join(bin, 'kubectl_complete-chaos');
    const printed = spawnSync('kubectl-chaos', ['completion'], { env, encoding: 'utf8', timeout: 30_000 });
    writeFileSync(preload, `${names}${before}`);
    writeFileSync(file, printed.stdout);
    chmodSync(file, 0o755);
    const command = `kubectl_complete-chaos ${words.map((word) => `'${word}'`).join(' ')}`;
    const { status, signal, stdout, stderr } = spawnSync('bash', ['-c', command], {
      env,
      encoding: 'utf8',
      timeout: 30_000,
    });
    return { status, signal, stdout, stderr };
  }

  test('is what the script runs', { timeout: 60_000 }, () => {
    const stdout = 'stress\tuse up CPU, memory or processes of a running container\n:4\n';
    expect(run('', 'str')).toEqual({ status: 0, signal: null, stdout, stderr: '' });
    expect(run('', 'stress', '--run-as', '')).toMatchObject({ status: 0, stdout: 'target\nroot\n:4\n', stderr: '' });
  });

  test('ends in time, also while a look-up in DNS goes on that cannot be called off', { timeout: 60_000 }, () => {
    spawnSync('mkfifo', [join(folder, 'pipe')]);
    // A pipe that nobody writes to holds a thread as such a look-up does.
    const held = `import{open}from'node:fs';open('${join(folder, 'pipe')}','r',()=>undefined);`;
    const silent = `import dns from'node:dns';import{syncBuiltinESMExports}from'node:module';dns.lookup=()=>undefined;syncBuiltinESMExports();`;
    writeKubeconfig('http://api.test:1');
    expect(run(`${held}${silent}`, 'stress', 'dep')).toEqual({
      status: 0,
      signal: null,
      stdout: 'deploy/\n:6\n',
      stderr: '',
    });
  });
});
