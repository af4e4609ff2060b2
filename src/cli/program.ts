import { Command, CommanderError } from 'commander';
import { type ChaosError, usageError } from '../errors.ts';
import type { FaultKind } from '../faults/fault.ts';
import { faultKinds } from '../faults/registry.ts';
import type { Flag, FlagValues } from '../flags/flag.ts';
import { nearest } from '../flags/nearest.ts';
import type { AttachRequest, ManageRequest, Request, SweepRequest } from '../requests.ts';
import { normalizeArgv } from './argv.ts';
import { toAttachRequest, toManageRequest } from './experiments.ts';
import { attachFlags, connectionFlags, impersonate, listFlags, runFlags, stopFlags, sweepFlags } from './flags.ts';
import { shapes, toOption } from './options.ts';
import { toRunOptions } from './run-options.ts';
import { toSweepRequest } from './sweep.ts';

/** What a command line asks for. */
export type Invocation =
  | { kind: 'text'; text: string }
  | { kind: 'run'; request: Request }
  | { kind: 'attach'; request: AttachRequest }
  | { kind: 'sweep'; request: SweepRequest }
  | { kind: 'list' | 'stop'; request: ManageRequest };

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
  flags: readonly Flag[];
  examples: string;
  toInvocation(words: readonly string[], flags: FlagValues, passedOn: readonly string[] | undefined): Invocation;
}

/** The verb of a fault: its own flags, then those of every run. */
function faultVerb({ verb: name, command, tools }: FaultKind): Verb {
  const { summary, usage, examples, parse, workload } = command;
  return {
    ...{ name, summary, usage, examples, argument: targetArgument },
    flags: [...command.flags, ...runFlags(command, tools), ...connectionFlags(), ...(workload ? [] : [impersonate])],
    toInvocation: (targets, values, passedOn) => ({
      kind: 'run',
      request: { run: toRunOptions(targets, values), fault: parse(values, passedOn) },
    }),
  };
}

const ls: Verb = {
  name: 'ls',
  summary: 'list running experiments, and what earlier ones have left',
  usage: '[flags]',
  argument: ['[words...]', ''],
  flags: [...listFlags, ...connectionFlags('the agents')],
  examples: `
Examples:
  # Everything in the cluster
  kubectl chaos ls -A

  # With the reason, and where everything is
  kubectl chaos ls -o wide
`,
  toInvocation: (words, flags, passedOn) => ({
    kind: 'list',
    request: toManageRequest('ls', [...words, ...(passedOn ?? [])], flags),
  }),
};

const stop: Verb = {
  name: 'stop',
  summary: 'end experiments, and remove what earlier ones have left',
  usage: 'ID... | --all [flags]',
  argument: ['[ids...]', 'experiments, as "kubectl chaos ls" shows them'],
  flags: [...stopFlags, ...connectionFlags('the agents')],
  examples: `
Examples:
  # One experiment: its fault is reverted, and everything of it removed
  kubectl chaos stop chaos-7f3k2

  # All of them, wherever they are
  kubectl chaos stop --all -A
`,
  toInvocation: (words, flags, passedOn) => ({
    kind: 'stop',
    request: toManageRequest('stop', [...words, ...(passedOn ?? [])], flags),
  }),
};

const attach: Verb = {
  name: 'attach',
  summary: 'follow a detached experiment; Ctrl-C ends the following, not the fault',
  usage: 'ID [flags]',
  argument: ['[ids...]', 'a detached experiment, as "kubectl chaos ls" shows it'],
  flags: [...attachFlags, ...connectionFlags('the agents')],
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
  flags: [...sweepFlags, ...connectionFlags('the agents')],
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

const verbs: readonly Verb[] = [...faultKinds.map(faultVerb), ls, attach, stop, sweep];

/**
 * Reads the words after `kubectl chaos`. Pure: no environment, no output, no exit.
 * @throws ChaosError `usage`, one line that names the flag or the argument.
 */
export function parseCommandLine(argv: readonly string[], version: string): Invocation {
  let invocation: Invocation | undefined;
  let output = '';
  const all = verbs.flatMap((verb) => verb.flags);
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
    for (const flag of verb.flags) command.addOption(toOption(flag));
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
