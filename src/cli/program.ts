import { Command, CommanderError } from 'commander';
import { type ChaosError, usageError } from '../errors.ts';
import type { FaultKind } from '../faults/fault.ts';
import { faultKinds } from '../faults/registry.ts';
import type { Flag, FlagValues } from '../flags/flag.ts';
import { nearest } from '../flags/nearest.ts';
import type {
  AttachRequest,
  CompletionRequest,
  DoctorRequest,
  FaultRequest,
  ManageRequest,
  RbacRequest,
  Request,
  RunOptions,
  SweepRequest,
  VersionRequest,
} from '../requests.ts';
import { joinWords } from '../text.ts';
import { normalizeArgv } from './argv.ts';
import { completionScript, type Operands, toCompletion } from './completion.ts';
import { doctorFlags, toDoctorRequest } from './doctor.ts';
import { toAttachRequest, toManageRequest } from './experiments.ts';
import { type ExperimentFile, toExperimentFile } from './file/document.ts';
import { callerFlags, file } from './file/keys.ts';
import {
  attachFlags,
  connectionFlags,
  dryRunNotes,
  listFlags,
  run as ofRun,
  outputs,
  runFlags,
  stopFlags,
  sweepFlags,
  versionFlags,
} from './flags.ts';
import { type Helped, helpWidth, optionsHelp, programHelp, verbHelp } from './help.ts';
import { shapes, toOption } from './options.ts';
import { rbacFlags, toRbacRequest } from './rbac.ts';
import { refuseWords, toRunOptions } from './run-options.ts';
import { toSweepRequest } from './sweep.ts';

/** What a command line asks for. */
export type Invocation =
  | { kind: 'text'; text: string }
  | { kind: 'complete'; request: CompletionRequest }
  /** `notes`: what the user is to be told of how it was spelt, a sentence each. */
  | { kind: 'run'; request: Request; notes: readonly string[] }
  /** A fault whose flags stand in a file, which is to be read first; `flags`: what stands on the command line. */
  | { kind: 'file'; path: string; flags: FlagValues }
  /** To be printed as a file. */
  | { kind: 'experiment'; file: ExperimentFile; notes: readonly string[] }
  | { kind: 'attach'; request: AttachRequest }
  | { kind: 'sweep'; request: SweepRequest }
  | { kind: 'version'; request: VersionRequest }
  | { kind: 'rbac'; request: RbacRequest }
  | { kind: 'doctor'; request: DoctorRequest }
  | { kind: 'list' | 'stop'; request: ManageRequest };

const programRest = `
Examples:
  # Keep two CPUs of a container busy for a minute
  kubectl chaos stress pod/web --cpu 2

  # Delay packets to a service
  kubectl chaos net deploy/web --delay 200ms --to svc/db --port 5432

  # Fill a volume up to 95%
  kubectl chaos io pod/db-0 --path /data --fill 95%

Exit codes:
  0  the fault was effective, and is reverted where there is something to revert
  1  the fault could not be injected; nothing was changed
  2  wrong command line
  3  the fault was not effective, could not be measured, or ended early
  4  the revert could not be confirmed
  129, 130, 143  stopped by a signal and reverted

TARGET is a pod, or a workload such as deploy/web, or -l app=web: one of its ready pods is chosen.
Use "kubectl chaos COMMAND --help" for the flags of a command.
Use "kubectl chaos options" for the flags that all commands take.
`;

/** What the words and flags of a fault ask for. */
export type FaultInvocation = Extract<Invocation, { kind: 'run' | 'experiment' }>;

/** A verb of the plugin: what help says of it, and how its words and flags become a request. */
interface Verb extends Helped {
  /** What commander calls its words. */
  argument: string;
  /** What the operands name, for the shell's completion; absent: nothing that could be looked up. */
  operands?: Operands;
  /** `columns`: of the terminal, for what prints help. */
  toInvocation(
    words: readonly string[],
    flags: FlagValues,
    passedOn: readonly string[] | undefined,
    columns?: number,
  ): Invocation;
}

interface FaultVerb extends Verb {
  toInvocation(...given: Parameters<Verb['toInvocation']>): FaultInvocation;
}

/** The verb of a fault: its own flags, then those of every run. */
function faultVerb(kind: FaultKind): FaultVerb {
  const { verb: name, command } = kind;
  const { summary, usage, examples, parse } = command;
  return {
    ...{ name, summary, usage, examples, argument: '[TARGET...]', operands: 'target' },
    flags: [...command.flags, ...runFlags(command), ...connectionFlags()],
    toInvocation: (targets, values, passedOn) => {
      refuseNumberFlag(targets, command.flags);
      const asked = toRunOptions(targets, values);
      if (kind.isOfPod && asked.selection.allContainers) {
        throw usageError(`--all-containers: not possible for ${name}, which affects all containers of a pod together`);
      }
      const fault = parse(values, passedOn);
      const run = command.settle?.(fault, asked, values) ?? asked;
      if (run.noAttach) checkWithoutAttach(kind, fault, run);
      const notes = dryRunNotes(values);
      if (!isToBePrinted(values, run)) return { kind: 'run', request: { run, fault }, notes };
      return { kind: 'experiment', file: toExperimentFile(kind, targets, values, passedOn), notes };
    },
  };
}

/** `-9`, which commander takes for a number, and so for an operand. */
function refuseNumberFlag(words: readonly string[], flags: readonly Flag[]): void {
  const number = words.find((word) => /^-\d/.test(word));
  if (number === undefined) return;
  const meant = flags.some(({ name }) => name === '--signal') ? `; did you mean --signal ${number.slice(1)}?` : '';
  throw usageError(`unknown flag ${number}${meant}`);
}

/** Whether the command line is wanted as a file: not asking the cluster anything, since nothing of the cluster is in it. */
function isToBePrinted(values: FlagValues, { dryRun }: RunOptions): boolean {
  if (ofRun.output.read(values) !== 'experiment') return false;
  if (dryRun === 'client') return true;
  throw usageError(
    dryRun === 'server'
      ? '--output experiment and --dry-run=server are mutually exclusive: the file says nothing of the cluster'
      : '--output experiment requires --dry-run: it prints a file for "kubectl chaos run -f", and starts nothing',
  );
}

function checkWithoutAttach({ verb, asksShim, tools }: FaultKind, fault: FaultRequest, run: RunOptions): void {
  if (asksShim) {
    throw usageError(`--no-attach: not possible for ${verb}, which asks its agent questions over the attach`);
  }
  if (run.image !== undefined || !tools.needed(fault)) return;
  const names = tools.names(fault);
  throw usageError(
    `--no-attach requires --image: without an attach ${names} cannot be sent to the agent, and has to be in its image`,
  );
}

const runFile: Verb = {
  name: 'run',
  summary: 'run an experiment that a file describes',
  usage: '-f FILE [flags]',
  argument: '[words...]',
  flags: [...callerFlags, ...connectionFlags()],
  examples: `
Examples:
  # Write down what flags say, to be reviewed and kept
  kubectl chaos net deploy/web --delay 200ms --dry-run -o experiment > slow.yaml

  # Show what it would do, and run it
  kubectl chaos run -f slow.yaml --dry-run
  kubectl chaos run -f slow.yaml
`,
  toInvocation: (words, flags, passedOn = []) => {
    const { name } = file.filename;
    const paths = file.filename.read(flags);
    const [path] = paths;
    const [word] = [...words, ...passedOn];
    if (word !== undefined) {
      const meant = path === undefined ? `; did you mean -f ${word}?` : ': what is hit, and how, stands in the file';
      throw usageError(`run takes no arguments, got ${JSON.stringify(word)}${meant}`);
    }
    if (path === undefined)
      throw usageError(`${name} is required: the file of the experiment, or - for standard input`);
    if (paths.length > 1)
      throw usageError(`${name}: expected one file, got ${paths.length}: one run is one experiment`);
    if (path === '') throw usageError(`${name}: must not be empty`);
    if (/^https?:\/\//i.test(path)) {
      throw usageError(`${name} ${JSON.stringify(path)}: must be a file, not a URL: download it, and look at it first`);
    }
    return { kind: 'file', path, flags };
  },
};

const ls: Verb = {
  name: 'ls',
  aliases: ['list'],
  summary: 'list running experiments and leftovers of earlier ones',
  usage: '[flags]',
  argument: '[words...]',
  flags: [...listFlags, ...connectionFlags('the targets or of their agents')],
  examples: `
Examples:
  # List the experiments of the whole cluster
  kubectl chaos ls -A

  # Show namespaces, objects and reasons as well
  kubectl chaos ls -o wide

  # Go on, with a line for each experiment that begins, changes or ends
  kubectl chaos ls -w
`,
  toInvocation: (words, flags, passedOn) => ({
    kind: 'list',
    request: toManageRequest('ls', [...words, ...(passedOn ?? [])], flags),
  }),
};

const stop: Verb = {
  name: 'stop',
  aliases: ['delete'],
  summary: 'stop experiments and remove leftovers of earlier ones',
  usage: 'ID... | --all [flags]',
  argument: '[ID...]',
  operands: 'experiments',
  flags: [...stopFlags, ...connectionFlags('the targets or of their agents')],
  examples: `
Examples:
  # Stop one experiment: revert its fault and remove its agent
  kubectl chaos stop chaos-7f3k2

  # Stop all experiments in all namespaces
  kubectl chaos stop --all -A
`,
  toInvocation: (words, flags, passedOn) => ({
    kind: 'stop',
    request: toManageRequest('stop', [...words, ...(passedOn ?? [])], flags),
  }),
};

const attach: Verb = {
  name: 'attach',
  summary: 'follow a detached experiment (Ctrl-C stops following; the fault continues)',
  usage: 'ID [flags]',
  argument: '[ID...]',
  operands: 'experiment',
  flags: [...attachFlags, ...connectionFlags('the targets or of their agents')],
  examples: `
Examples:
  # Show the live measurement, and the verdict at the end
  kubectl chaos attach chaos-7f3k2

  # Print its events as JSON, whatever its namespace
  kubectl chaos attach chaos-7f3k2 -A -o ndjson
`,
  toInvocation: (words, flags, passedOn) => ({
    kind: 'attach',
    request: toAttachRequest([...words, ...(passedOn ?? [])], flags),
  }),
};

const sweep: Verb = {
  name: 'sweep',
  summary: 'find and remove leftovers of faults on nodes',
  usage: 'NODE... | --all-nodes [flags]',
  argument: '[NODE...]',
  operands: 'nodes',
  flags: [...sweepFlags, ...connectionFlags('the agents')],
  examples: `
Examples:
  # Show the leftovers on one node, and ask before removing them
  kubectl chaos sweep node-3

  # Sweep all nodes without asking
  kubectl chaos sweep --all-nodes -A --yes
`,
  toInvocation: (words, flags, passedOn) => ({
    kind: 'sweep',
    request: toSweepRequest([...words, ...(passedOn ?? [])], flags),
  }),
};

const doctor: Verb = {
  name: 'doctor',
  summary: 'say what would stop a fault here, and change nothing',
  usage: '[TARGET | --node NAME] [flags]',
  argument: '[TARGET...]',
  operands: 'target',
  flags: [...doctorFlags, ...connectionFlags('the target and of the agents')],
  examples: `
Examples:
  # Everything that can be known of a target without a look at its node
  kubectl chaos doctor deploy/web

  # The cluster alone, or with one of its nodes
  kubectl chaos doctor --agent-namespace chaos
  kubectl chaos doctor --node node-3

  # With a look from the node, by an agent that is removed again
  kubectl chaos doctor pod/web --on-node
`,
  toInvocation: (words, flags, passedOn) => ({
    kind: 'doctor',
    request: toDoctorRequest([...words, ...(passedOn ?? [])], flags),
  }),
};

const rbac: Verb = {
  name: 'rbac',
  summary: 'print the roles that a user of this plugin needs, for "kubectl apply -f -"',
  usage: '[--user NAME | --group NAME | --serviceaccount NAMESPACE:NAME] [flags]',
  argument: '[words...]',
  flags: rbacFlags,
  examples: `
Examples:
  # Everything, for a user
  kubectl chaos rbac --user ada

  # Targets of one namespace, and agents in another, for a group
  kubectl chaos rbac --group on-call -n shop --agent-namespace chaos
`,
  toInvocation: (words, flags, passedOn) => ({
    kind: 'rbac',
    request: toRbacRequest([...words, ...(passedOn ?? [])], flags),
  }),
};

const faults = faultKinds.map(faultVerb);
const toOptions = connectionFlags('the target or of the agents');

const options: Verb = {
  name: 'options',
  summary: 'list the flags that the help of the commands leaves out',
  usage: '',
  argument: '[words...]',
  flags: toOptions,
  examples: `
Examples:
  # List the flags of the connection, and the rarer ones of a fault
  kubectl chaos options
`,
  toInvocation: (words, _flags, passedOn, columns) => {
    refuseWords('options', [...words, ...(passedOn ?? [])]);
    return { kind: 'text', text: optionsHelp(faults, toOptions, helpWidth(columns)) };
  },
};

const version: Verb = {
  name: 'version',
  summary: 'print version, commit and checksums; asks no cluster',
  usage: '[flags]',
  argument: '[words...]',
  flags: [...versionFlags, ...toOptions],
  examples: `
Examples:
  # Say which build this is
  kubectl chaos version

  # The same for programs
  kubectl chaos version -o json
`,
  toInvocation: (words, flags, passedOn) => {
    refuseWords('version', [...words, ...(passedOn ?? [])]);
    return { kind: 'version', request: { output: outputs.version.read(flags) ?? 'human' } };
  },
};

const completion: Verb = {
  name: 'completion',
  summary: 'print the script with which kubectl completes "kubectl chaos" in the shell',
  usage: '',
  argument: '[words...]',
  flags: [],
  examples: `
Examples:
  # Write it to a folder on PATH; kubectl 1.26 and later runs it, in every shell that "kubectl completion" is set up for
  kubectl chaos completion > ~/.local/bin/kubectl_complete-chaos
  chmod +x ~/.local/bin/kubectl_complete-chaos
`,
  toInvocation: ([word], _flags, passedOn = []) => {
    const other = word ?? passedOn[0];
    if (other === undefined) return { kind: 'text', text: completionScript };
    throw usageError(
      `completion takes no arguments, got ${JSON.stringify(other)}: the script is the same for all shells`,
    );
  },
};

/** What words and flags ask for that a file has said, as if they stood on the command line of this fault. @throws ChaosError `usage`. */
export function faultInvocation(
  fault: string,
  words: readonly string[],
  flags: FlagValues,
  passedOn: readonly string[] | undefined,
  env: Readonly<Record<string, string | undefined>>,
): FaultInvocation {
  const verb = faults.find(({ name }) => name === fault);
  if (!verb) throw new Error(`${fault} is no fault`);
  return verb.toInvocation(words, { ...variablesOf(verb, env), ...flags }, passedOn);
}

/** Those of the environment that the flags of a verb name. */
function variablesOf({ flags }: Verb, env: Readonly<Record<string, string | undefined>>): FlagValues {
  return Object.fromEntries(
    flags.flatMap(({ variable }) => (variable === undefined ? [] : [[variable, env[variable]]])),
  );
}

/** All verbs, in the order of help. */
export const verbs: readonly Verb[] = [
  ...faults,
  runFile,
  ls,
  attach,
  stop,
  sweep,
  doctor,
  rbac,
  options,
  version,
  completion,
];

const description = 'Inject a time-bounded fault into a running pod, measure its effect, and revert it.';

/**
 * Reads the words after `kubectl chaos`. Pure: no output, no exit. `env`: of its variables those that flags name are read, in place of flags that are not given. `columns`: of the terminal that help is for; undefined: it is for none.
 * @throws ChaosError `usage`, one line that names the flag or the argument.
 */
export function parseCommandLine(
  argv: readonly string[],
  versionText: string,
  env: Readonly<Record<string, string | undefined>> = {},
  columns?: number,
): Invocation {
  const width = helpWidth(columns);
  let invocation: Invocation | undefined;
  let output = '';
  const all = verbs.flatMap((verb) => verb.flags);
  const spelt = [...shapes(all), { long: '--help', short: '-h', boolean: true }];
  if (argv[0] === '__complete') return { kind: 'complete', request: toCompletion(argv.slice(1), verbs, spelt) };
  const { words, passedOn } = normalizeArgv(argv, spelt);

  const program = new Command('kubectl chaos');
  const quiet = (command: Command) =>
    command
      .exitOverride()
      .showSuggestionAfterError(false)
      .configureOutput({ writeOut: (text) => (output += text), writeErr: () => undefined });
  quiet(program)
    .version(versionText, '--version')
    .helpOption('-h, --help')
    .helpCommand('help [command]')
    .configureHelp({ formatHelp: () => programHelp(description, verbs, programRest, width) });
  for (const verb of verbs) {
    const command = quiet(program.command(verb.name))
      .aliases(verb.aliases ?? [])
      .helpOption('-h, --help')
      .argument(verb.argument)
      .configureHelp({ formatHelp: () => verbHelp(verb, width) })
      .action((given: string[], flags: FlagValues) => {
        invocation = verb.toInvocation(given, { ...variablesOf(verb, env), ...flags }, passedOn, columns);
      });
    // Of the verbs that are named at all: to make all options takes as long as to load them.
    if ([verb.name, ...(verb.aliases ?? [])].some((name) => words.includes(name)))
      for (const flag of verb.flags) command.addOption(toOption(flag));
  }

  try {
    if (words.length === 0) program.outputHelp();
    else program.parse(words, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: 'text', text: output };
    throw commandError(error, program, words);
  }
  if (!invocation && output === '') program.outputHelp();
  return invocation ?? { kind: 'text', text: output };
}

/** Commander's complaint in our words: one line, with the nearest name there is. */
function commandError(error: CommanderError, program: Command, words: readonly string[]): ChaosError {
  const message = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
  const verb = program.commands.find((command) => [command.name(), ...command.aliases()].includes(words[0] ?? ''));
  // `help WORD`: commander prints its help for a word that it does not know, and says no more.
  if (error.code === 'commander.help') return unknownCommand(words[1] ?? '', program);
  const named = /'([^']*)'/.exec(message)?.[1] ?? '';
  if (error.code === 'commander.unknownCommand') return unknownCommand(named, program);
  const flag = /--[\w-]+/.exec(named)?.[0] ?? named;
  const own =
    error.code === 'commander.unknownOption'
      ? (ofAnotherPlace(flag, verb?.name()) ?? ofAnotherFault(flag, verb?.name()))
      : undefined;
  if (own) return own;
  const near = error.code === 'commander.unknownOption' ? hint(flag, verb?.name()) : undefined;
  const said =
    error.code === 'commander.unknownOption'
      ? `unknown flag ${flag}`
      : error.code === 'commander.optionMissingArgument'
        ? `${flag} requires a value`
        : message;
  return usageError(
    `${said}${near ? `; did you mean ${near}?` : ''}`,
    `See "kubectl chaos ${verb ? `${verb.name()} ` : ''}--help".`,
  );
}

/** A flag that there is, but not of this verb: what a file says, or says all of. */
function ofAnotherPlace(flag: string, verb: string | undefined): ChaosError | undefined {
  if (flag === file.filename.name) return usageError(`unknown flag ${flag}`, 'Use "kubectl chaos run -f FILE".');
  if (verb !== runFile.name || !faults.some(({ flags }) => flags.some(({ name }) => name === flag))) return undefined;
  return usageError(`${flag} cannot be used with ${file.filename.name}: the file says what is hit, and how`);
}

/** A flag of other faults than the one that is asked for. */
function ofAnotherFault(flag: string, verb: string | undefined): ChaosError | undefined {
  const others = faults.filter(({ flags }) => flags.some(({ name, isHidden }) => name === flag && !isHidden));
  const [other] = others;
  if (other === undefined || !faults.some(({ name }) => name === verb)) return undefined;
  const names = joinWords(others.map(({ name }) => name));
  return usageError(`unknown flag ${flag}; it is a flag of ${names}`, `See "kubectl chaos ${other.name} --help".`);
}

/** The flag of the verb that was probably meant. Compared without the dashes: between two short names they would count as likeness. */
function hint(flag: string, verb: string | undefined): string | undefined {
  const flags = verbs.find(({ name }) => name === verb)?.flags ?? [];
  const near = nearest(
    flag.replace(/^-+/, ''),
    flags.flatMap(({ name, isHidden, isNeverHinted }) => (isHidden || isNeverHinted ? [] : name.slice(2))),
  );
  return near === undefined ? undefined : `--${near}`;
}

/** What kubectl and other tools call it. */
const otherWords: ReadonlyMap<string, string> = new Map([
  ...['get', 'status', 'ps'].map((word) => [word, ls.name] as const),
  ...['undo', 'revert', 'end'].map((word) => [word, stop.name] as const),
  ...['clean', 'cleanup'].map((word) => [word, sweep.name] as const),
]);

/** The verb and the flag that a word is the name of: `stress --cpu` of `cpu`. One without a value, such as `--pod`, does too much to be hinted at. */
function flagAsCommand(word: string): string | undefined {
  const [found, another] = faults.flatMap((verb) =>
    verb.flags.some(({ name, value }) => name === `--${word}` && value !== undefined) ? [`${verb.name} --${word}`] : [],
  );
  return another === undefined ? found : undefined;
}

function unknownCommand(name: string, program: Command): ChaosError {
  const names = program.commands.flatMap((command) => [command.name(), ...command.aliases()]);
  const near = otherWords.get(name) ?? nearest(name, names) ?? flagAsCommand(name);
  return usageError(
    `unknown command ${JSON.stringify(name)}${near ? `; did you mean ${near}?` : ''}`,
    'See "kubectl chaos --help".',
  );
}
