import { Command, CommanderError, type Option } from 'commander';
import { type ChaosError, usageError } from '../errors.ts';
import type { AttachRequest, ManageRequest, Request, SweepRequest } from '../faults/request.ts';
import { normalizeArgv } from './argv.ts';
import {
  attachFlags,
  connectionFlags,
  impersonate,
  ioFlags,
  listFlags,
  netFlags,
  runFlags,
  shapes,
  stopFlags,
  stressFlags,
  sweepFlags,
} from './flags.ts';
import { toIoRequest } from './io.ts';
import { toAttachRequest, toManageRequest } from './manage.ts';
import { nearest } from './nearest.ts';
import { toNetRequest } from './net.ts';
import { type FlagValues, toRunOptions } from './run-options.ts';
import { toStressRequest } from './stress.ts';
import { toSweepRequest } from './sweep.ts';

/** What a command line asks for. */
export type Invocation =
  | { kind: 'text'; text: string }
  | { kind: 'run'; request: Request }
  | { kind: 'attach'; request: AttachRequest }
  | { kind: 'sweep'; request: SweepRequest }
  | { kind: 'manage'; request: ManageRequest };

const targetArgument = [
  '[targets...]',
  'POD, pod/NAME, or a workload such as deploy/NAME: one of its running pods is chosen, and named',
] as const;

/** A verb of the plugin: what help says of it, and how its words and flags become a request. */
interface Verb {
  name: string;
  summary: string;
  usage: string;
  argument: readonly [name: string, description: string];
  flags(): Option[];
  examples: string;
  toInvocation(words: readonly string[], flags: FlagValues, passedOn: readonly string[] | undefined): Invocation;
}

const stress: Verb = {
  name: 'stress',
  summary: 'make a running container short of CPU, memory or processes',
  usage: 'TARGET [flags] [-- STRESS-NG ARGS]',
  argument: targetArgument,
  flags: () => [...stressFlags(), ...runFlags(), ...connectionFlags()],
  examples: `
Examples:
  # Two busy CPUs in the container for a minute
  kubectl chaos stress pod/web --cpu 2

  # 80% of the container's memory limit, in one pod of a deployment, for five minutes
  kubectl chaos stress deploy/web -c app --memory 80% --duration 5m

  # Anything else that stress-ng can do
  kubectl chaos stress web-0 --duration 30s -- --switch 4 --timer 2
`,
  toInvocation: (targets, flags, passedOn) => ({
    kind: 'run',
    request: { run: toRunOptions(targets, flags), fault: toStressRequest(flags, passedOn) },
  }),
};

const net: Verb = {
  name: 'net',
  summary: "make a running pod's network slow, lossy, narrow or broken",
  usage: 'TARGET [flags]',
  argument: targetArgument,
  flags: () => [...netFlags(), ...runFlags('net'), ...connectionFlags(), impersonate()],
  examples: `
Examples:
  # What the pod sends to a service is slow, and some of it is lost, for two minutes
  kubectl chaos net pod/api --delay 100ms --jitter 20ms --loss 2% --to svc/db --port 5432 --duration 2m

  # One pod of a deployment on a narrow line, both ways
  kubectl chaos net deploy/web --rate 1mbit --direction both

  # Nothing from there, and nothing to the cache
  kubectl chaos net pod/api --partition --from 10.0.0.0/8 --to deploy/cache
`,
  toInvocation: (targets, flags, passedOn) => ({
    kind: 'run',
    request: { run: toRunOptions(targets, flags), fault: toNetRequest(flags, passedOn) },
  }),
};

const io: Verb = {
  name: 'io',
  summary: 'make the disk that a running container uses busy, full or slow',
  usage: 'TARGET --path DIRECTORY [flags]',
  argument: targetArgument,
  flags: () => [...ioFlags(), ...runFlags('io'), ...connectionFlags()],
  examples: `
Examples:
  # Four writers on the volume of a database
  kubectl chaos io pod/db-0 -c postgres --path /var/lib/postgresql/data --mode write --workers 4 --size 1Gi

  # A volume that is almost full, for five minutes
  kubectl chaos io pod/db-0 --path /data --fill 95% --duration 5m

  # A slow disk
  kubectl chaos io pod/db-0 --path /data --throttle write=1Mi,read=4Mi,write-iops=50
`,
  toInvocation: (targets, flags, passedOn) => ({
    kind: 'run',
    request: { run: toRunOptions(targets, flags), fault: toIoRequest(flags, passedOn) },
  }),
};

const ls: Verb = {
  name: 'ls',
  summary: 'list running experiments, and what earlier ones have left',
  usage: '[flags]',
  argument: ['[words...]', ''],
  flags: () => [...listFlags(), ...connectionFlags('the agents')],
  examples: `
Examples:
  # Everything in the cluster
  kubectl chaos ls -A

  # With the reason, and where everything is
  kubectl chaos ls -o wide
`,
  toInvocation: (words, flags, passedOn) => ({
    kind: 'manage',
    request: toManageRequest('ls', [...words, ...(passedOn ?? [])], flags),
  }),
};

const stop: Verb = {
  name: 'stop',
  summary: 'end experiments, and remove what earlier ones have left',
  usage: 'ID... | --all [flags]',
  argument: ['[ids...]', 'experiments, as "kubectl chaos ls" shows them'],
  flags: () => [...stopFlags(), ...connectionFlags('the agents')],
  examples: `
Examples:
  # One experiment: its fault is reverted, and everything of it removed
  kubectl chaos stop chaos-7f3k2

  # All of them, wherever they are
  kubectl chaos stop --all -A
`,
  toInvocation: (words, flags, passedOn) => ({
    kind: 'manage',
    request: toManageRequest('stop', [...words, ...(passedOn ?? [])], flags),
  }),
};

const attach: Verb = {
  name: 'attach',
  summary: 'follow a detached experiment; Ctrl-C ends the following, not the fault',
  usage: 'ID [flags]',
  argument: ['[ids...]', 'a detached experiment, as "kubectl chaos ls" shows it'],
  flags: () => [...attachFlags(), ...connectionFlags('the agents')],
  examples: `
Examples:
  # What it does now, and at its end the verdict
  kubectl chaos attach chaos-7f3k2

  # Wherever it is, for a program
  kubectl chaos attach chaos-7f3k2 -A -o ndjson
`,
  toInvocation: (words, flags, passedOn) => ({
    kind: 'attach',
    request: toAttachRequest([...words, ...(passedOn ?? [])], flags),
  }),
};

const sweep: Verb = {
  name: 'sweep',
  summary: 'look for what faults have left on nodes, without any record, and remove it',
  usage: 'NODE... | --all-nodes [flags]',
  argument: ['[nodes...]', 'names of nodes'],
  flags: () => [...sweepFlags(), ...connectionFlags('the agents')],
  examples: `
Examples:
  # What is left on one node; asks before it removes anything
  kubectl chaos sweep node-3

  # Everywhere, without a question
  kubectl chaos sweep --all-nodes -A --yes
`,
  toInvocation: (words, flags, passedOn) => ({
    kind: 'sweep',
    request: toSweepRequest([...words, ...(passedOn ?? [])], flags),
  }),
};

const verbs: readonly Verb[] = [stress, net, io, ls, attach, stop, sweep];

/**
 * Reads the words after `kubectl chaos`. Pure: no environment, no output, no exit.
 * @throws ChaosError `usage`, one line that names the flag or the argument.
 */
export function parseCommandLine(argv: readonly string[], version: string): Invocation {
  let invocation: Invocation | undefined;
  let output = '';
  const all = verbs.flatMap((verb) => verb.flags());
  const { words, passedOn } = normalizeArgv(argv, [...shapes(all), { long: '--help', short: '-h', boolean: true }]);

  const program = new Command('kubectl chaos');
  const quiet = (command: Command) =>
    command
      .exitOverride()
      .showSuggestionAfterError(false)
      .configureOutput({ writeOut: (text) => (output += text), writeErr: () => undefined });
  quiet(program)
    .description(
      'Ask a running pod "what if?": a bounded fault, its measured effect, and everything as it was afterwards.',
    )
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command');
  for (const verb of verbs) {
    const command = quiet(program.command(verb.name))
      .summary(verb.summary)
      .description(`${verb.summary[0]?.toUpperCase()}${verb.summary.slice(1)}.`)
      .usage(verb.usage)
      .helpOption('-h, --help', 'print this help')
      .argument(...verb.argument)
      .addHelpText('after', verb.examples)
      .action((given: string[], flags: FlagValues) => {
        invocation = verb.toInvocation(given, flags, passedOn);
      });
    for (const option of verb.flags()) command.addOption(option);
  }

  try {
    if (words.length === 0) return { kind: 'text', text: program.helpInformation() };
    program.parse(words, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: 'text', text: output };
    throw commandError(error, program, words);
  }
  return invocation ?? { kind: 'text', text: output || program.helpInformation() };
}

/** Commander's complaint in our words: one line, with the nearest name there is. */
function commandError(error: CommanderError, program: Command, words: readonly string[]): ChaosError {
  const message = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
  const verb = program.commands.find((command) => command.name() === words[0]);
  // `help WORD`: commander prints its help for a word that it does not know, and says no more.
  if (error.code === 'commander.help') return unknownCommand(words[1] ?? '', program);
  const named = /'([^']*)'/.exec(message)?.[1] ?? '';
  if (error.code === 'commander.unknownCommand') return unknownCommand(named, program);
  const candidates = (verb ?? program).options.flatMap((option) => option.long ?? []);
  const near = error.code === 'commander.unknownOption' ? nearest(named.split('=')[0] ?? '', candidates) : undefined;
  return usageError(
    `${message}${near ? `; did you mean ${near}?` : ''}`,
    `See "kubectl chaos ${verb ? `${verb.name()} ` : ''}--help".`,
  );
}

function unknownCommand(name: string, program: Command): ChaosError {
  const names = program.commands.map((command) => command.name());
  const near = nearest(name, names);
  return usageError(
    `unknown command ${JSON.stringify(name)}${near ? `; did you mean ${near}?` : ''}`,
    'See "kubectl chaos --help".',
  );
}
