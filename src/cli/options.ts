import { Option } from 'commander';
import type { Flag } from '../flags/flag.ts';
import type { FlagShape } from './argv.ts';

/** A flag as commander takes it; its value stays text, and is read by the flag itself. */
export function toOption({ name, short, value, group, help, isRepeatable, isHidden, bare }: Flag): Option {
  const given = value === undefined ? '' : bare === undefined ? ` <${value}>` : ` [${value}]`;
  const spelling = `${short === undefined ? '' : `${short}, `}${name}${given}`;
  const option = new Option(spelling, help).helpGroup(group);
  // To commander, `--no-x` takes back an `--x`; it is a flag like any other here.
  option.negate = false;
  if (isHidden) option.hideHelp();
  if (isRepeatable) option.argParser((one: string, previous: string[] | undefined) => [...(previous ?? []), one]);
  return option;
}

/** What argv's pre-pass needs to know of the flags. */
export function shapes(flags: readonly Flag[]): FlagShape[] {
  return flags.map(({ name, short, value, level, alias, bare }) => ({
    long: name,
    ...(short === undefined ? {} : { short }),
    boolean: value === undefined,
    ...(level ? { level } : {}),
    ...(alias === undefined ? {} : { alias }),
    ...(bare === undefined ? {} : { bare }),
  }));
}
