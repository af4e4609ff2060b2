import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { fileInvocation } from '../../../src/cli/file/invocation.ts';
import { parseCommandLine } from '../../../src/cli/program.ts';
import { main } from '../../../src/main.ts';
import { commandPorts } from '../../fakes/command-ports.ts';
import { fileFaultsOf } from '../../support/experiment-schema.ts';

const head = 'apiVersion: kubectl-chaos.io/v1\nkind: Experiment\n';

/** What a file asks for, beside these words of the command line. */
function requestOf(text: string, words = '', env: Record<string, string> = {}) {
  const invocation = parseCommandLine(['run', '-f', 'x.yaml', ...words.split(' ').filter(Boolean)], '1.2.3', env);
  if (invocation.kind !== 'file') throw new Error(invocation.kind);
  return fileInvocation(text, { name: 'x.yaml', flags: invocation.flags }, env);
}

const lineOf = (line: string, env: Record<string, string> = {}) => parseCommandLine(line.split(' '), '1.2.3', env);

describe('a file asks for what a command line asks for', () => {
  test.each<[what: string, text: string, line: string]>([
    ['one name, without a list', 'fault: net\ntargets: {names: web}\noptions: {delay: 5ms}', 'net web --delay 5ms'],
    [
      'names that are words for kinds',
      'fault: net\ntargets: {names: [pod, deploy, svc/web]}\noptions: {delay: 5ms}',
      'net pod/pod pod/deploy svc/web --delay 5ms',
    ],
    [
      'labels, and how many',
      'fault: net\ntargets: {selector: "app in (a,b)", percent: 30%, seed: 0123, maxFailed: 1}\noptions: {loss: 2%}',
      'net --selector=app\u00a0in\u00a0(a,b) --percent 30 --seed 0123 --max-failed 1 --loss 2%',
    ],
    [
      'lists, and one of a list',
      'fault: net\ntargets: {names: web}\noptions: {partition: true, to: [svc/db, "10.0.0.0/8,a.b"], port: 80}',
      'net web --partition --to svc/db,10.0.0.0/8,a.b --port 80',
    ],
    [
      'numbers as they are written',
      'fault: stress\ntargets: {names: [0123, 1e3]}\noptions: {cpu: 2, cpuLoad: 50, memory: 1e9}',
      'stress 0123 1e3 --cpu 2 --cpu-load 50 --memory 1e9',
    ],
    [
      'what is false',
      'fault: stress\ntargets: {names: web, all: false}\noptions: {cpu: 1, strict: false}',
      'stress web --cpu 1',
    ],
    ['arguments', 'fault: stress\ntargets: {names: web}\nargs: [--switch, 4, "yes"]', 'stress web -- --switch 4 yes'],
    [
      'the agent pod',
      'fault: stress\ntargets: {names: web, namespace: shop, container: app}\noptions: {cpu: 1, image: "t:1", agentLabel: [a=b, c=d], agentLimits: "cpu=1,memory=1Gi"}',
      'stress web -n shop -c app --cpu 1 --image t:1 --agent-label a=b --agent-label c=d --agent-limits cpu=1,memory=1Gi',
    ],
    ['JSON', '{"fault": "net", "targets": {"names": ["web"]}, "options": {"delay": "5ms"}}', 'net web --delay 5ms'],
    [
      'a document between separators',
      'fault: net\ntargets: {names: web}\noptions: {delay: 5ms}\n---\n# no more',
      'net web --delay 5ms',
    ],
  ])('%s', (_what, text, line) => {
    const json = text.startsWith('{');
    const whole = json
      ? text.replace('{', '{"apiVersion": "kubectl-chaos.io/v1", "kind": "Experiment", ')
      : `---\n${head}${text}\n`;
    const words = line.split(' ').map((word) => word.replaceAll('\u00a0', ' '));
    expect(requestOf(whole)).toEqual(parseCommandLine(words, '1.2.3'));
  });

  const web = `${head}fault: io\ntargets: {names: web}\noptions: {path: /data, fill: 50%}\n`;

  test('and what is for the caller to say stands beside it', () => {
    const flags =
      '--context prod -n shop --as ada --yes --detach --no-cleanup --allow-node-disk --allow-system -v -o json --dry-run=server';
    expect(requestOf(web, flags)).toEqual(lineOf(`io web --path /data --fill 50% ${flags}`));
  });

  test('an old spelling of a flag is told of as ever', () => {
    expect(requestOf(web, '--dry-run=true')).toMatchObject({ notes: [expect.stringContaining('is an old spelling')] });
  });

  test('the namespace may be said twice, if it is the same', () => {
    const inShop = web.replace('names: web', 'names: web, namespace: shop');
    expect(requestOf(inShop, '-n shop')).toEqual(lineOf('io web -n shop --path /data --fill 50%'));
    expect(requestOf(inShop)).toEqual(requestOf(inShop, '-n shop'));
  });

  test('variables stand for flags that the file has not', () => {
    const env = { KUBECTL_CHAOS_IMAGE: 'tools:1', KUBECTL_CHAOS_PRIORITY_CLASS: 'high' };
    expect(requestOf(web.replace('path:', 'image: other:2, path:'), '', env)).toMatchObject({
      request: { run: { image: 'other:2', shape: { priorityClass: 'high' } } },
    });
    expect(() => requestOf(web, '', { KUBECTL_CHAOS_IMAGE: 'a b' })).toThrow(/^\$KUBECTL_CHAOS_IMAGE "a b": must be/);
  });
});

describe('-o experiment', () => {
  async function print(line: string) {
    const at = commandPorts('to print a file, nothing is asked');
    const code = await main(line.split(' '), at);
    return { code, stdout: at.stdout.text, stderr: at.stderr.text };
  }

  test('prints what flags say, as they say it, and asks nothing', async () => {
    const line =
      'net deploy/web api -n shop --delay 200ms --loss 2.5% --to svc/db,fd00::1 --port 5432 --protocol TCP --seed 007 --allow-host-network --yes --detach --context prod --reason yes --agent-label a=b,c=d --dry-run -o experiment';
    expect(await print(line)).toEqual({ code: 0, stdout: expect.any(String), stderr: '' });
    expect((await print(line)).stdout).toMatchInlineSnapshot(`
      "# kubectl chaos run -f FILE --allow-host-network --detach

      apiVersion: kubectl-chaos.io/v1
      kind: Experiment
      fault: net
      targets:
        names:
          - deploy/web
          - pod/api
        seed: "007"
        namespace: shop
      options:
        delay: 200ms
        loss: 2.5%
        to:
          - svc/db
          - fd00::1
        port:
          - 5432
        protocol: tcp
        reason: "yes"
        agentLabel:
          - a=b,c=d
      "
    `);
  });

  test('prints arguments, and labels in place of names', async () => {
    const { stdout } = await print('stress pods -l app=web --all --dry-run=client -o experiment -- --switch 4');
    expect(stdout).toMatchInlineSnapshot(`
      "# kubectl chaos run -f FILE

      apiVersion: kubectl-chaos.io/v1
      kind: Experiment
      fault: stress
      targets:
        selector: app=web
        all: true
      args:
        - --switch
        - "4"
      "
    `);
  });

  test('of a file prints it as it would be printed, without what flags allowed', async () => {
    const { stdout } = await print('io web --path /a --fill 5% --allow-node-disk --dry-run -o experiment');
    const at = commandPorts('to print a file, nothing is asked', { readText: async () => stdout });
    await main('run -f x.yaml --dry-run -o experiment'.split(' '), at);
    expect(at.stdout.text).toBe(stdout.replace(' --allow-node-disk', ''));
  });

  test('says an old spelling of --dry-run on stderr', async () => {
    const { stdout, stderr } = await print('net web --delay 5ms --dry-run=true -o experiment');
    expect(stderr).toBe('note: --dry-run=true is an old spelling: use --dry-run=client\n');
    expect(parse(stdout)).toMatchObject({ kind: 'Experiment' });
  });
});

test('a file that is shown somewhere is one that is read', () => {
  const page = readFileSync(new URL('../../../src/cli/README.md', import.meta.url), 'utf8');
  const shown = [...page.matchAll(/(?:^ {4}.*\n)*^ {4}kind: Experiment\n(?:^ {4}.*\n)*/gm)].map(([block]) => block);
  const example = readFileSync(new URL('../../../krew/experiment.yaml', import.meta.url), 'utf8');
  expect(shown.length).toBeGreaterThan(0);
  for (const text of [example, ...shown.map((block) => block.replace(/^ {4}/gm, ''))]) {
    expect(requestOf(text).kind).toBe('run');
    expect(fileFaultsOf(parse(text))).toEqual([]);
  }
});

test('the schema takes no key that the command does not take', () => {
  const right = {
    apiVersion: 'kubectl-chaos.io/v1',
    kind: 'Experiment',
    fault: 'net',
    targets: { names: 'web' },
    options: { delay: '5ms' },
  };
  expect(fileFaultsOf(right)).toEqual([]);
  for (const wrong of [
    { ...right, fault: 'nett' },
    { ...right, apiVersion: 'v1' },
    { ...right, targets: undefined },
    { ...right, args: ['a'] },
    { ...right, options: { delay: '5ms', yes: true } },
    { ...right, options: { delay: '5ms', allowHostNetwork: true } },
    { ...right, options: { delay: ['5ms'] } },
    { ...right, options: { partition: 'yes' } },
    { ...right, options: { to: [] } },
    { ...right, targets: { names: 'web', count: 0 } },
    { ...right, options: { protocol: 'sctp' } },
  ])
    expect(fileFaultsOf(wrong), JSON.stringify(wrong)).not.toEqual([]);
});
