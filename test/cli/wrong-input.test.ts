import { expect, test } from 'vitest';
import { type MainPorts, main } from '../../src/main.ts';
import { FakeClock } from '../fakes/clock.ts';
import { BufferOutput } from '../fakes/output.ts';
import { FakeSignals } from '../fakes/signals.ts';

/** Ports of which none that leads out of the process may be used. */
function ports(): MainPorts & { stdout: BufferOutput; stderr: BufferOutput } {
  const forbidden = () => {
    throw new Error('a wrong command line must not get as far as this');
  };
  return {
    stdout: new BufferOutput(),
    stderr: new BufferOutput(),
    env: {},
    homeDirectory: '/home/ada',
    who: 'ada',
    clock: new FakeClock(),
    signals: new FakeSignals(),
    randomSuffix: forbidden,
    version: '1.2.3',
    defaultImage: 'tools:1',
    shim: forbidden,
    connect: forbidden,
    liveReporter: forbidden,
  };
}

const long = 'a'.repeat(254);

/** Words of the command line → the line that the user reads. */
const wrong: ReadonlyArray<[line: string | string[], message: string]> = [
  // Commands and flags that there are not.
  ['strss web --cpu 1', 'unknown command "strss"; did you mean stress?'],
  ['web --cpu 1', 'unknown command "web"'],
  ['help strss', 'unknown command "strss"; did you mean stress?'],
  ['help frobnicate', 'unknown command "frobnicate"'],
  ['stress web --cpuu 1', "unknown option '--cpuu'; did you mean --cpu?"],
  ['stress web --cup=1', "unknown option '--cup=1'; did you mean --cpu?"],
  ['stress web --cpu 1 --duraton 5s', "unknown option '--duraton'; did you mean --duration?"],
  ['stress web --cpu 1 --frobnicate', "unknown option '--frobnicate'"],
  ['stress web --cpu 1 -x', "unknown option '-x'"],
  ['stress web --cpu 1 -vx', "unknown option '-x'"],
  ['stress web --cpu 1 --verbose=maybe', '--verbose "maybe": takes no value but true or false'],
  [
    'stress web --cpu 1 --insecure-skip-tls-verify=2',
    '--insecure-skip-tls-verify "2": takes no value but true or false',
  ],
  ['stress web --cpu', "option '--cpu <workers>' argument missing"],
  ['stress web --cpu 1 -n', "option '-n, --namespace <name>' argument missing"],
  // TARGET.
  ['stress --cpu 1', 'TARGET is missing: name a pod, or a workload such as deploy/web'],
  ['stress web api --cpu 1', 'only one TARGET can be given, and there is also "api"'],
  [
    'stress deplyo/web --cpu 1',
    'TARGET "deplyo/web": "deplyo" is not a kind that leads to a pod; did you mean deploy/web?',
  ],
  ['stress service/web --cpu 1', 'TARGET "service/web": "service" is not a kind that leads to a pod'],
  ['stress __proto__/web --cpu 1', 'TARGET "__proto__/web": "__proto__" is not a kind that leads to a pod'],
  ['stress constructor/web --cpu 1', 'TARGET "constructor/web": "constructor" is not a kind that leads to a pod'],
  ['stress Web --cpu 1', 'TARGET "Web": "Web" is not a valid name of a Kubernetes object'],
  ['stress pod/ --cpu 1', 'TARGET "pod/": "" is not a valid name of a Kubernetes object'],
  ['stress pod/web/app --cpu 1', 'TARGET "pod/web/app": "web/app" is not a valid name of a Kubernetes object'],
  [`stress ${long} --cpu 1`, `TARGET "${long}": "${long}" is not a valid name of a Kubernetes object`],
  [['stress', '', '--cpu', '1'], 'TARGET "": "" is not a valid name of a Kubernetes object'],
  [
    ['stress', 'we\nb\u001b[2J', '--cpu', '1'],
    'TARGET "we\\nb\\u001b[2J": "we\\nb\\u001b[2J" is not a valid name of a Kubernetes object',
  ],
  [
    'stress web --cpu 1 -n Shop',
    '--namespace "Shop": not a valid name (lower-case letters, digits and "-", at most 63)',
  ],
  [
    ['stress', 'web', '--cpu', '1', '-n', ''],
    '--namespace "": not a valid name (lower-case letters, digits and "-", at most 63)',
  ],
  ['stress web --cpu 1 -c a.b', '--container "a.b": not a valid name (lower-case letters, digits and "-", at most 63)'],
  [
    `stress web --cpu 1 -c ${'a'.repeat(64)}`,
    `--container "${'a'.repeat(64)}": not a valid name (lower-case letters, digits and "-", at most 63)`,
  ],
  [
    'stress web --cpu 1 --agent-namespace a_b',
    '--agent-namespace "a_b": not a valid name (lower-case letters, digits and "-", at most 63)',
  ],
  // The fault.
  ['stress web', 'nothing to do: give --cpu, --memory, --processes, or arguments for stress-ng after --'],
  ['stress web --cpu 0', '--cpu "0": must be a whole number from 1 to 4096'],
  ['stress web --cpu -1', '--cpu "-1": must be a whole number from 1 to 4096'],
  ['stress web --cpu 1.5', '--cpu "1.5": must be a whole number from 1 to 4096'],
  ['stress web --cpu 4097', '--cpu "4097": must be a whole number from 1 to 4096'],
  ['stress web --cpu two', '--cpu "two": must be a whole number from 1 to 4096'],
  ['stress web --cpu --memory', '--cpu "--memory": must be a whole number from 1 to 4096'],
  [['stress', 'web', '--cpu', ''], '--cpu "": must be a whole number from 1 to 4096'],
  ['stress web --cpu-load 50', '--cpu-load needs --cpu'],
  ['stress web --cpu 1 --cpu-load 0', '--cpu-load "0": must be a whole percentage from 1 to 100'],
  ['stress web --cpu 1 --cpu-load 101%', '--cpu-load "101%": must be a whole percentage from 1 to 100'],
  ['stress web --cpu 1 --cpu-load 12.5', '--cpu-load "12.5": must be a whole percentage from 1 to 100'],
  [
    'stress web --memory 512MB',
    '--memory "512MB": not a size such as 512Mi or 1G, nor a percentage such as 80%; did you mean 512M?',
  ],
  [
    'stress web --memory 1gib',
    '--memory "1gib": not a size such as 512Mi or 1G, nor a percentage such as 80%; did you mean 1Gi?',
  ],
  [
    'stress web --memory 64K',
    '--memory "64K": not a size such as 512Mi or 1G, nor a percentage such as 80%; did you mean 64k?',
  ],
  ['stress web --memory lots', '--memory "lots": not a size such as 512Mi or 1G, nor a percentage such as 80%'],
  ['stress web --memory 512m', '--memory "512m": must be from 4Ki to 1Pi, or a percentage'],
  ['stress web --memory 4095', '--memory "4095": must be from 4Ki to 1Pi, or a percentage'],
  ['stress web --memory 2Pi', '--memory "2Pi": must be from 4Ki to 1Pi, or a percentage'],
  ['stress web --memory 0%', '--memory "0%": must be from 1% to 200%'],
  ['stress web --memory 201%', '--memory "201%": must be from 1% to 200%'],
  ['stress web --processes 0', '--processes "0": must be a whole number from 1 to 10000'],
  ['stress web --processes 10001', '--processes "10001": must be a whole number from 1 to 10000'],
  ['stress web --cpu 1 --oom-victim app', '--oom-victim needs --memory'],
  ['stress web --memory 1G --oom-victim me', '--oom-victim "me": must be stressor or app'],
  ['stress web --', '-- : arguments for stress-ng are missing behind it'],
  ['stress web -- --cpu 1 --timeout 1h', '-- --timeout: use --duration instead, which is kept to whatever happens'],
  ['stress web -- -t 60', '-- -t: use --duration instead, which is kept to whatever happens'],
  ['stress web -- -t60', '-- -t: use --duration instead, which is kept to whatever happens'],
  ['stress web -- --timeout=1h', '-- --timeout: use --duration instead, which is kept to whatever happens'],
  ['stress web -- --oom-avoid', '-- --oom-avoid: use --oom-victim instead, which is kept to whatever happens'],
  [['stress', 'web', '--', 'a\0b'], '-- : an argument holds a NUL character'],
  // How to run it.
  ['stress web --cpu 1 --duration 60', '--duration "60": not a duration such as 30s, 5m or 1h30m; did you mean 60s?'],
  ['stress web --cpu 1 --duration forever', '--duration "forever": not a duration such as 30s, 5m or 1h30m'],
  ['stress web --cpu 1 --duration -5s', '--duration "-5s": not a duration such as 30s, 5m or 1h30m'],
  ['stress web --cpu 1 --duration 999ms', '--duration "999ms": must be from 1s to 24h'],
  ['stress web --cpu 1 --duration 24h1s', '--duration "24h1s": must be from 1s to 24h'],
  ['stress web --cpu 1 --grace 11m', '--grace "11m": must be from 0ms to 10m'],
  ['stress web --cpu 1 --lease 4s', '--lease "4s": must be from 5s to 1h'],
  ['stress web --cpu 1 --lease 2h', '--lease "2h": must be from 5s to 1h'],
  ['stress web --cpu 1 --dry-run server', '--dry-run "server": must be client'],
  ['stress web --cpu 1 -o yaml', '--output "yaml": must be json or ndjson'],
  [['stress', 'web', '--cpu', '1', '--image', 'a b'], '--image "a b": not an image reference'],
  [['stress', 'web', '--cpu', '1', '--reason', 'x'.repeat(1_025)], '--reason: at most 1024 characters'],
  // Which cluster, and who asks.
  ['stress web --cpu 1 --as ada --as-user bob', '--as and --as-user both name a user to impersonate: give one of them'],
  ['stress web --cpu 1 --as-group admins', '--as-group and --as-uid need a user to impersonate: add --as-user'],
  ['stress web --cpu 1 --as root --as-uid 7', '--as-group and --as-uid need a user to impersonate: add --as-user'],
  [
    'stress web --cpu 1 --insecure-skip-tls-verify --certificate-authority ca.crt',
    '--insecure-skip-tls-verify and --certificate-authority exclude each other',
  ],
  [
    'stress web --cpu 1 --request-timeout soon',
    '--request-timeout "soon": not a number of seconds or a duration such as 5s',
  ],
  ['stress web --cpu 1 --request-timeout 600h', '--request-timeout "600h": at most 24h, or 0 for never'],
  [['stress', 'web', '--cpu', '1', '--context', ''], '--context: is empty'],
  // ls and stop.
  ['ls chaos-7f3k2', 'ls takes no argument, and there is "chaos-7f3k2"'],
  ['ls -n Shop', '--namespace "Shop": not a valid name (lower-case letters, digits and "-", at most 63)'],
  ['ls -A -n shop', '--namespace and --all-namespaces exclude each other'],
  ['ls -o yaml', '--output "yaml": must be wide or json or name'],
  ['ls --all', "unknown option '--all'; did you mean --as?"],
  ['list', 'unknown command "list"; did you mean ls?'],
  ['stop', 'ID is missing: name an experiment that "kubectl chaos ls" shows, or give --all'],
  ['stop -A', 'ID is missing: name an experiment that "kubectl chaos ls" shows, or give --all'],
  ['stop --all chaos-7f3k2', '--all stops every experiment, and there is also "chaos-7f3k2"'],
  ['stop web', 'ID "web": not an experiment\'s id, such as chaos-7f3k2'],
  ['stop chaos-7f3k2 chaos-7F3K2', 'ID "chaos-7F3K2": not an experiment\'s id, such as chaos-7f3k2'],
  ['stop chaos-7f3k2 -o wide', '--output "wide": must be json or name'],
  ['stop chaos-7f3k2 --duration 5s', "unknown option '--duration=5s'"],
  [['stress', 'web', '--cpu', '1', '--certificate-authority='], '--certificate-authority: is empty'],
];

test.each(wrong)('%j', async (line, message) => {
  const at = ports();
  const code = await main(typeof line === 'string' ? line.split(' ') : line, at);
  expect(at.stderr.text.split('\n')[0]).toBe(`error: ${message}`);
  // Besides the line itself at most a hint.
  expect(at.stderr.text.trimEnd().split('\n').length).toBeLessThanOrEqual(2);
  expect(at.stderr.text).not.toContain('State of the target');
  expect(at.stdout.text).toBe('');
  expect(code).toBe(2);
});
