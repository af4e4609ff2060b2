import { describe, expect, test } from 'vitest';
import { main } from '../../../src/main.ts';
import { commandPorts } from '../../fakes/command-ports.ts';

const head = 'apiVersion: kubectl-chaos.io/v1\nkind: Experiment\n';
const net = `${head}fault: net\n`;
const web = 'targets: {names: web}\n';
/** Begins with line 5. */
const netWeb = `${net}${web}`;
const stressWeb = netWeb.replace('net', 'stress');
const ioWeb = netWeb.replace('net', 'io');

/** Runs a file whose text is this; nothing of the world but its text can be had. */
async function run(text: string, flags = '') {
  const at = commandPorts('a wrong file must not get as far as this', { readText: async () => text });
  const code = await main(['run', '-f', 'x.yaml', ...flags.split(' ').filter(Boolean)], at);
  return { code, stdout: at.stdout.text, lines: at.stderr.text.trimEnd().split('\n') };
}

type Wrong = [what: string, text: string, message: string, flags?: string];

const noYaml: readonly Wrong[] = [
  ['empty', '', 'x.yaml: is empty'],
  ['only comments and separators', '# nothing\n---\n---\n', 'x.yaml: is empty'],
  ['a word', 'experiment', 'x.yaml:1: the experiment must be a map of keys and values, not a text'],
  ['a list', '- a\n', 'x.yaml:1: the experiment must be a map of keys and values, not a list'],
  ['a tab', `${net}targets:\n\tnames: web\n`, 'x.yaml:5: is not YAML: Tabs are not allowed as indentation'],
  ['an open quote', `${net}targets: "web\n`, 'x.yaml:5: is not YAML: Missing closing "quote'],
  ['a binary file', '\0\u0001ELF', 'x.yaml:1: the experiment must be a map of keys and values, not a text'],
  [
    'two documents',
    `${netWeb}options: {delay: 5ms}\n---\n${netWeb}`,
    'x.yaml:7: is a second document: one file is one experiment',
  ],
  ['brackets without end', `a: ${'['.repeat(60_000)}`, 'x.yaml:1: is nested too deeply'],
  ['a map in a map in …', 'a: {'.repeat(15_000), 'x.yaml:1: is nested too deeply'],
  ['lists in lists', `a:\n${'- '.repeat(30_000)}`, 'x.yaml:2: is nested too deeply'],
];

const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefghi'].map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[index]}`)}]\n`).join('')}`;

const yamlOnly: readonly Wrong[] = [
  ['an alias', `${netWeb}options: {delay: &d 5ms, jitter: *d}\n`, 'x.yaml:5: aliases such as *d are not supported'],
  ['an alias as a key', `${net}targets: &t {names: web}\n*t : x\n`, 'x.yaml:5: aliases such as *t are not supported'],
  ['a list of aliases', `${net}targets: {names: [&w web, *w]}\n`, 'x.yaml:4: aliases such as *w are not supported'],
  ['aliases of aliases', `${netWeb}${bomb}`, 'x.yaml:5: unknown key "a"'],
  ['aliases of aliases in a list', `${net}x: ${'&x [*x,*x]'}\ntargets: {names: *x}\n`, 'x.yaml:4: unknown key "x"'],
  ['a merge', `${netWeb}options: &o {delay: 5ms}\n<<: *o\n`, 'x.yaml:6: unknown key "<<"'],
  ['a tag', `${netWeb}options: {delay: !ms 5}\n`, 'x.yaml:5: tags such as "!ms" are not supported'],
  [
    'a tag of YAML',
    `${netWeb}options: !!map {delay: 5ms}\n`,
    'x.yaml:5: tags such as "tag:yaml.org,2002:map" are not supported',
  ],
  ['a map as a key', `${netWeb}options: {? {a: b} : c}\n`, 'x.yaml:5: a key must be a word, not a map'],
  ['no key', `${netWeb}options: {~: c}\n`, 'x.yaml:5: a key must be a word, not nothing'],
];

const headWrong: readonly Wrong[] = [
  ['no kind', 'apiVersion: kubectl-chaos.io/v1\n', 'x.yaml:1: kind is required'],
  [
    'another kind',
    'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n',
    'x.yaml:2: kind "Deployment": must be Experiment',
  ],
  ['no apiVersion', 'kind: Experiment\n', 'x.yaml:1: apiVersion is required'],
  [
    'a later apiVersion',
    'kind: Experiment\napiVersion: kubectl-chaos.io/v2\n',
    'x.yaml:2: apiVersion "kubectl-chaos.io/v2": must be kubectl-chaos.io/v1',
  ],
  ['no fault', head, 'x.yaml:1: fault is required'],
  [
    'another fault',
    `${head}fault: nett\n`,
    'x.yaml:3: fault "nett": must be one of: stress, net, io, kill, pause; did you mean net?',
  ],
  ['no fault by its key', `${head}fault:\n`, 'x.yaml:3: fault: must be a text or a number, not nothing'],
];

const keys: readonly Wrong[] = [
  ['at the top', `${netWeb}option: {delay: 5ms}\n`, 'x.yaml:5: unknown key "option"; did you mean options?'],
  [
    'in options',
    `${netWeb}options:\n  dealy: 5ms\n`,
    'x.yaml:6: unknown key "dealy" under options; did you mean delay?',
  ],
  ['in targets', `${net}targets: {name: web}\n`, 'x.yaml:4: unknown key "name" under targets; did you mean names?'],
  ['like nothing', `${netWeb}options: {frobnicate: 5}\n`, 'x.yaml:5: unknown key "frobnicate" under options'],
  [
    'as the flag is spelt',
    `${netWeb}options: {loss-model: gemodel 1%}\n`,
    'x.yaml:5: unknown key "loss-model" under options; did you mean lossModel?',
  ],
  ['of another fault', `${stressWeb}options: {partition: true}\n`, 'x.yaml:5: unknown key "partition" under options'],
  ['that help hides', `${ioWeb}options: {rate: 1M}\n`, 'x.yaml:5: unknown key "rate" under options'],
  ['of an object', `${netWeb}options: {constructor: 1}\n`, 'x.yaml:5: unknown key "constructor" under options'],
  [
    'of another section',
    `${net}targets: {names: web, duration: 5s}\n`,
    'x.yaml:4: "duration" does not stand under targets, but under options',
  ],
  [
    'of a section, at the top',
    `${netWeb}duration: 5s\n`,
    'x.yaml:5: "duration" does not stand at the top, but under options',
  ],
  [
    'of the top, in a section',
    `${netWeb}options: {args: [a]}\n`,
    'x.yaml:5: "args" does not stand under options, but at the top',
  ],
  ['twice', `${netWeb}options:\n  delay: 5ms\n  delay: 6ms\n`, 'x.yaml:7: "delay" is there twice: on line 6 as well'],
  ['twice, in quotes', `${netWeb}"fault": io\n`, 'x.yaml:5: "fault" is there twice: on line 3 as well'],
  [
    '--yes',
    `${netWeb}options: {yes: true}\n`,
    'x.yaml:5: "yes" is not for a file to say: add --yes to the command line',
  ],
  [
    '--context',
    `${netWeb}context: prod\n`,
    'x.yaml:5: "context" is not for a file to say: add --context to the command line',
  ],
  [
    '--as',
    `${net}targets: {names: web, as: admin}\n`,
    'x.yaml:4: "as" is not for a file to say: add --as to the command line',
  ],
  [
    '--dry-run',
    `${netWeb}options: {dry-run: client}\n`,
    'x.yaml:5: "dry-run" is not for a file to say: add --dry-run to the command line',
  ],
  [
    '--detach',
    `${netWeb}options: {detach: true}\n`,
    'x.yaml:5: "detach" is not for a file to say: add --detach to the command line',
  ],
  [
    '--allow-system',
    `${net}targets: {names: web, allowSystem: true}\n`,
    'x.yaml:4: "allowSystem" takes a safeguard away, which no file can: add --allow-system to the command line',
  ],
  [
    '--allow-node-disk',
    `${ioWeb}options: {allowNodeDisk: false}\n`,
    'x.yaml:5: "allowNodeDisk" takes a safeguard away, which no file can: add --allow-node-disk to the command line',
  ],
];

const values: readonly Wrong[] = [
  ['out of range', `${netWeb}options:\n  to: svc/db\n  delay: 5h\n`, 'x.yaml:7: --delay "5h": must be from 1ms to 4m'],
  [
    'without a unit',
    `${netWeb}options: {delay: 5}\n`,
    'x.yaml:5: --delay "5": must be a duration such as 20ms or 1.5s; did you mean 5ms?',
  ],
  [
    'a number that is not decimal',
    `${net}targets: {names: web, count: 0x2}\n`,
    'x.yaml:4: --count "0x2": must be a whole number from 1 to 10000',
  ],
  ['nothing', `${netWeb}options:\n  delay:\n`, 'x.yaml:6: delay: must be a text or a number, not nothing'],
  [
    'a boolean',
    `${netWeb}options: {delay: true}\n`,
    'x.yaml:5: delay: must be a text or a number, not true without quotes',
  ],
  ['a list for one', `${netWeb}options: {delay: [5ms]}\n`, 'x.yaml:5: delay: must be a text or a number, not a list'],
  ['a map', `${netWeb}options: {agentLabel: {a: b}}\n`, 'x.yaml:5: agentLabel: must be a text or a number, not a map'],
  [
    'a list in a list',
    `${netWeb}options:\n  to:\n    - a\n    - [b]\n`,
    'x.yaml:8: to: must be a text or a number, not a list',
  ],
  ['an empty list', `${ioWeb}options: {path: /a, throttle: []}\n`, 'x.yaml:5: throttle: must not be an empty list'],
  [
    'an empty text',
    `${net}targets: {selector: ""}\n`,
    'x.yaml:4: --selector "": must not be empty: it would select every pod of the namespace',
  ],
  ['a NUL', `${netWeb}options: {reason: "a\\0b"}\n`, 'x.yaml:5: reason: must not contain NUL characters'],
  [
    'yes',
    `${netWeb}options: {partition: yes}\n`,
    'x.yaml:5: partition "yes": must be true or false; did you mean true?',
  ],
  [
    'yes of YAML 1.1',
    `%YAML 1.1\n---\n${netWeb}options: {partition: yes}\n`,
    'x.yaml:7: partition "yes": must be true or false; did you mean true?',
  ],
  [
    'off',
    `${netWeb}options: {partition: Off}\n`,
    'x.yaml:5: partition "Off": must be true or false; did you mean false?',
  ],
  [
    'true in quotes',
    `${netWeb}options: {partition: "true"}\n`,
    'x.yaml:5: partition "true": must be true or false; did you mean true?',
  ],
  ['a number for a boolean', `${netWeb}options: {partition: 1}\n`, 'x.yaml:5: partition "1": must be true or false'],
  ['a list for a boolean', `${netWeb}options: {partition: [true]}\n`, 'x.yaml:5: partition: must be true or false'],
  [
    'a list of options',
    `${netWeb}options: [delay]\n`,
    'x.yaml:5: options must be a map of keys and values, not a list',
  ],
  ['options of nothing', `${netWeb}options:\n`, 'x.yaml:5: options must be a map of keys and values, not nothing'],
  [
    'no options',
    netWeb,
    'x.yaml:1: no fault specified: use --delay, --loss, --loss-model, --corrupt, --duplicate, --rate, --partition or --reject',
  ],
  [
    'one of a list',
    `${netWeb}options:\n  partition: true\n  port:\n    - 80\n    - 70000\n`,
    'x.yaml:9: --port "70000": must be a number from 1 to 65535, or a range such as 8000-8080',
  ],
  [
    'options that need another',
    `${netWeb}options:\n  loss: 5%\n  jitter: 5ms\n`,
    'x.yaml:7: --jitter requires --delay',
  ],
  [
    'options that exclude each other',
    `${netWeb}options:\n  delay: 5ms\n  reject: true\n`,
    'x.yaml:7: --reject and --delay are mutually exclusive: packets that are dropped or rejected cannot be shaped',
  ],
  [
    'an option that is missing',
    `${ioWeb}options:\n  mode: read\n`,
    'x.yaml:5: --path is required: name a directory in the container, such as /data',
  ],
  [
    'a fault that says nothing',
    `${netWeb}options: {partition: false}\n`,
    'x.yaml:5: no fault specified: use --delay, --loss, --loss-model, --corrupt, --duplicate, --rate, --partition or --reject',
  ],
];

const targets: readonly Wrong[] = [
  [
    'none',
    `${net}options: {delay: 5ms}\n`,
    'x.yaml:1: targets: names, such as [deploy/web], or a selector is required',
  ],
  ['nothing', `${net}targets:\n`, 'x.yaml:4: targets must be a map of keys and values, not nothing'],
  [
    'no names',
    `${net}targets: {count: 2}\n`,
    'x.yaml:4: targets: names, such as [deploy/web], or a selector is required',
  ],
  [
    'an unknown kind',
    `${net}targets:\n  count: 1\n  names:\n    - web\n    - deplyo/web\n`,
    'x.yaml:8: TARGET "deplyo/web": "deplyo" is not a supported kind; did you mean deploy/web?',
  ],
  [
    'names and labels',
    `${net}targets:\n  selector: a=b\n  names: web\noptions: {delay: 5ms}\n`,
    'x.yaml:5: --selector and TARGET ("pod/web") are mutually exclusive: the labels are those of pods',
  ],
  [
    'two numbers of them',
    `${net}targets:\n  names: web\n  count: 1\n  all: true\noptions: {delay: 5ms}\n`,
    'x.yaml:7: --all and --count are mutually exclusive',
  ],
  [
    'a namespace that is none',
    `${net}targets: {names: web, namespace: A}\n`,
    'x.yaml:4: --namespace "A": must be a valid name (lower-case letters, digits and "-", at most 63 characters)',
  ],
  [
    'another namespace',
    `${net}targets:\n  names: web\n  namespace: shop\noptions: {delay: 5ms}\n`,
    'x.yaml:6: namespace "shop" does not match --namespace "bank"',
    '-n bank',
  ],
  [
    'all containers of a pod',
    `${net}targets: {names: web, allContainers: true}\noptions: {delay: 5ms}\n`,
    'x.yaml:4: --all-containers: not possible for net, which affects all containers of a pod together',
  ],
];

const args: readonly Wrong[] = [
  [
    'of a fault that takes none',
    `${netWeb}options: {delay: 5ms}\nargs: [a]\n`,
    'x.yaml:6: args: net takes no arguments',
  ],
  ['none', `${stressWeb}args: []\n`, 'x.yaml:5: args: must not be an empty list'],
  [
    'that are ours',
    `${stressWeb}options: {duration: 5s}\nargs: [--cpu, 1, -t, 5]\n`,
    'x.yaml:6: "-t" is not allowed after "--": use --duration',
  ],
];

const beside: readonly Wrong[] = [
  [
    'an allowance of another fault',
    `${netWeb}options: {delay: 5ms}\n`,
    '--allow-node-disk: not a flag of net, which is the fault of x.yaml',
    '--allow-node-disk',
  ],
  [
    'one that needs another',
    `${stressWeb}options: {cpu: 1}\n`,
    '--allow-node-memory requires --memory',
    '--allow-node-memory',
  ],
  [
    'a namespace that is none',
    `${netWeb}options: {delay: 5ms}\n`,
    '--namespace "A": must be a valid name (lower-case letters, digits and "-", at most 63 characters)',
    '-n A',
  ],
  [
    '--lease of the file',
    `${stressWeb}options:\n  cpu: 1\n  lease: 20s\n`,
    'x.yaml:7: --detach and --lease are mutually exclusive: nothing renews the lease of a detached fault',
    '--detach',
  ],
  [
    'what the fault needs',
    `${netWeb}options: {delay: 5ms}\n`,
    '--no-attach: not possible for net, which asks its agent questions over the attach',
    '--no-attach',
  ],
  [
    'a flag of the fault',
    netWeb,
    '--delay cannot be used with --filename: the file says what is hit, and how',
    '--delay 5ms',
  ],
  [
    'a flag of each fault',
    netWeb,
    '--duration cannot be used with --filename: the file says what is hit, and how',
    '--duration=5s',
  ],
  ['a selector', netWeb, '--selector cannot be used with --filename: the file says what is hit, and how', '-l app=web'],
  ['a target', netWeb, 'run takes no arguments, got "pod/web": what is hit, and how, stands in the file', 'pod/web'],
  [
    'arguments',
    stressWeb,
    'run takes no arguments, got "--cpu": what is hit, and how, stands in the file',
    '-- --cpu 1',
  ],
  ['a second file', netWeb, '--filename: expected one file, got 2: one run is one experiment', '-f y.yaml'],
  ['no such flag', netWeb, 'unknown flag --detahc; did you mean --detach?', '--detahc'],
  [
    'impersonation without a user',
    `${netWeb}options: {delay: 5ms}\n`,
    '--as-group and --as-uid require a user to impersonate: add --as',
    '--as-group x',
  ],
];

describe.each([
  ['not one YAML document', noYaml],
  ['what YAML has beyond data', yamlOnly],
  ['the head', headWrong],
  ['a key', keys],
  ['a value', values],
  ['targets', targets],
  ['args', args],
  ['beside the file', beside],
])('%s', (_group, wrong) => {
  test.each(wrong)('%s', async (_what, text, message, flags) => {
    const { code, stdout, lines } = await run(text, flags);
    expect(lines[0]).toBe(`error: ${message}`);
    expect(lines.length).toBeLessThanOrEqual(2);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });
});

test('an error is text as that of a wrong command line is, also where a document was asked for', async () => {
  const { code, stdout, lines } = await run(`${netWeb}option: 1\n`, '-o json');
  expect({ code, stdout, lines }).toEqual({
    ...{ code: 2, stdout: '' },
    lines: ['error: x.yaml:5: unknown key "option"; did you mean options?'],
  });
});

test.each([
  ['run', '--filename is required: the file of the experiment, or - for standard input'],
  ['run x.yaml', 'run takes no arguments, got "x.yaml"; did you mean -f x.yaml?'],
  ['run -f', '--filename requires a value'],
  ['run -f=', '--filename "=": not read'],
  ['run --filename=', '--filename: must not be empty'],
  [
    'run -f https://example.com/x.yaml',
    '--filename "https://example.com/x.yaml": must be a file, not a URL: download it, and look at it first',
  ],
  ['net -f x.yaml', 'unknown flag --filename'],
  ['apply -f x.yaml', 'unknown command "apply"'],
  [
    'net web --delay 5ms -o experiment',
    '--output experiment requires --dry-run: it prints a file for "kubectl chaos run -f", and starts nothing',
  ],
  [
    'net web --delay 5ms -o experiment --dry-run=none',
    '--output experiment requires --dry-run: it prints a file for "kubectl chaos run -f", and starts nothing',
  ],
  [
    'net web --delay 5ms -o experiment --dry-run=server',
    '--output experiment and --dry-run=server are mutually exclusive: the file says nothing of the cluster',
  ],
  [
    'net web --delay 5 -o experiment --dry-run',
    '--delay "5": must be a duration such as 20ms or 1.5s; did you mean 5ms?',
  ],
  ['ls -o experiment', '--output "experiment": must be one of: wide, json, yaml, ndjson, name'],
])('%s', async (line, message) => {
  const at = commandPorts('a wrong command line must not get as far as this', {
    readText: async (flag, path) => {
      throw new (await import('../../../src/errors.ts')).ChaosError(
        'usage',
        `${flag} ${JSON.stringify(path)}: not read`,
      );
    },
  });
  expect(await main(line.split(' '), at)).toBe(2);
  expect(at.stderr.text.split('\n')[0]).toBe(`error: ${message}`);
  expect(at.stdout.text).toBe('');
});
