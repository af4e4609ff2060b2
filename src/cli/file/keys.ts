import type { FaultKind } from '../../faults/fault.ts';
import { faultKinds } from '../../faults/registry.ts';
import { type Flag, keyOf } from '../../flags/flag.ts';
import { groups } from '../../flags/groups.ts';
import { connectionFlags, noCleanup, run, runFlags } from '../flags.ts';

/** What the file of an experiment can say: the flags of its fault, by their names in camelCase, but for those that are the caller's. README.md in src/cli explains it. */

export const kindName = 'Experiment';

export interface FileKeys {
  /** Which pods it is for, beside their names. */
  targets: readonly Flag[];
  /** All the rest. */
  options: readonly Flag[];
}

/** Whoever runs an experiment says how this command goes about it. */
const ofCommand: readonly Flag[] = [
  ...[run.detach, run.noAttach, run.yes, run.dryRun],
  { ...noCleanup, group: groups.run },
  ...[run.output, run.verbose],
];

/** Whoever runs an experiment says what it may reach there: a file knows nothing of the cluster that it will be run on. */
const allowances: readonly Flag[] = [
  ...new Map(
    faultKinds
      .flatMap(({ command }) => [...command.flags, ...runFlags(command)])
      .flatMap((flag) => (flag.isAllowance ? [[flag.name, flag] as const] : [])),
  ).values(),
];

const filename: Flag<readonly string[]> = {
  ...{ name: '--filename', short: '-f', value: 'file', group: groups.run, names: 'file', isRepeatable: true },
  help: 'file with the experiment, or - for standard input',
  read: ({ filename: given }) => (Array.isArray(given) ? given : []),
};

export const file = { filename, allowances };

/** Flags of `run`, whose help lists all of them. */
export const callerFlags: readonly Flag[] = [
  filename,
  ...ofCommand,
  ...allowances.map((flag) => ({ ...flag, group: 'Allowances:' })),
].map(({ isRare: _isRare, ...flag }) => flag);

const namespace = '--namespace';

const ofCaller: ReadonlyMap<string, Flag> = new Map(
  [...ofCommand, ...allowances, ...connectionFlags().filter(({ name }) => name !== namespace)].map((flag) => [
    keyOf(flag.name),
    flag,
  ]),
);

/** A flag that is the caller's, by its name in camelCase. */
export function callerFlag(key: string): Flag | undefined {
  return ofCaller.get(key);
}

export function keysOf({ command }: FaultKind): FileKeys {
  const all = [...command.flags, ...runFlags(command), ...connectionFlags()].filter(
    ({ name, isHidden }) => !isHidden && !callerFlag(keyOf(name)),
  );
  const isOfTargets = ({ name, group }: Flag) =>
    group === groups.targets || name === '--container' || name === namespace;
  return { targets: all.filter(isOfTargets), options: all.filter((flag) => !isOfTargets(flag)) };
}

/** A name of `names`; without a kind it is that of a pod, also where it is a word for a kind. */
export function withKind(name: string): string {
  return name.includes('/') ? name : `pod/${name}`;
}
