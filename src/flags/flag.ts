import { formatDuration, formatQuantity } from '../units.ts';
import { choice, duration, integer, percentage, size } from './values.ts';

/**
 * Flags as commander hands them over, by their names in camelCase: every value a string, a repeated one a list. Under the name of an environment variable,
 * its value.
 */
export type FlagValues = Readonly<Record<string, string | string[] | boolean | undefined>>;

/** A flag: what help says of it, and how its value is read. */
export interface Flag<Value = unknown> {
  /** `--duration`. */
  readonly name: string;
  /** `-o`. */
  readonly short?: string;
  /** What help calls its value; absent: it takes none. */
  readonly value?: string;
  /** The heading that it stands under. */
  readonly group: string;
  readonly help: string;
  readonly isRepeatable?: true;
  readonly isHidden?: true;
  /** `kubectl chaos options` lists it, in place of the help of each verb. */
  readonly isRare?: true;
  /** No spelling hint leads to it: it takes a safeguard away, reaches further, or has the command run as somebody else. */
  readonly isNeverHinted?: true;
  /** It takes a safeguard away: whoever runs an experiment says so, and no file does. */
  readonly isAllowance?: true;
  /** Of a flag without a value: it takes a whole number as well, as kubectl's `-v 6` does. Any but 0 is true. */
  readonly level?: true;
  /** Another name of it. */
  readonly alias?: string;
  /** The value that it has without `=`; the next word is none of it then. */
  readonly bare?: string;
  /** Every value that it takes; absent: there are more than can be listed. */
  readonly choices?: readonly string[];
  /** Its value is a whole number of this range. */
  readonly whole?: { readonly min: number; readonly max: number };
  /** What its value is the name of; absent: of nothing that could be looked up. */
  readonly names?: Nameable;
  /** The environment variable that has its value where it is not given; an empty one counts as none. */
  readonly variable?: string;
  /** @throws ChaosError usage, one line that names the flag, the value, and what would be right. */
  read(values: FlagValues): Value;
}

/** What a flag's value can be the name of. `peer`: what packets go to or come from, of which objects of the API can be listed. */
export type Nameable = 'namespace' | 'node' | 'context' | 'cluster' | 'user' | 'container' | 'peer' | 'file';

/** `{default}`, `{min}`, `{max}` and `{choices}` in the help are what the flag's own fields say. */
interface Described {
  name: string;
  short?: string;
  group: string;
  help: string;
  isHidden?: true;
  isRare?: true;
  isNeverHinted?: true;
  isAllowance?: true;
  level?: true;
  alias?: string;
}

export interface Valued extends Described {
  value: string;
  variable?: string;
  /** As a user would write it. */
  default?: string;
  bare?: string;
  choices?: readonly string[];
  names?: Nameable;
}

type Read<Data, Value> = Data extends { default: string } ? Value : Value | undefined;

/** A flag without a value. */
export function toggle(data: Described): Flag<boolean> {
  return { ...data, read: (values) => values[keyOf(data.name)] === true };
}

/** A flag whose value is taken as it is. */
export function text<const Data extends Valued>(data: Data): Flag<Read<Data, string>> {
  return valued(data, (_name, value) => value);
}

/** A flag that may be given several times, each time with a comma-separated list. */
export function list(data: Valued): Flag<string[]> {
  const read = (values: FlagValues) => {
    const given = values[keyOf(data.name)];
    return Array.isArray(given) ? given.flatMap((value) => value.split(',')) : [];
  };
  return { ...data, help: filled(data.help, data), isRepeatable: true, read };
}

/** Whole milliseconds, `min` … `max`; `unit`: what a bare number probably means. */
export function time<const Data extends Valued & { min: number; max: number; unit?: 's' | 'ms' }>(
  data: Data,
): Flag<Read<Data, number>> {
  const range = { min: formatDuration(data.min), max: formatDuration(data.max) };
  return valued(data, (name, value) => duration(name, value, data.min, data.max, data.unit), range);
}

/** Whole bytes, `min` … `max`. */
export function bytes<const Data extends Valued & { min: number; max: number }>(data: Data): Flag<Read<Data, number>> {
  const range = { min: formatQuantity(data.min), max: formatQuantity(data.max) };
  return valued(data, (name, value) => size(name, value, data.min, data.max), range);
}

/** A whole number, `min` … `max`. */
export function count<const Data extends Valued & { min: number; max: number }>(data: Data): Flag<Read<Data, number>> {
  const { min, max } = data;
  const range = { min: String(min), max: String(max) };
  return { ...valued(data, (name, value) => integer(name, value, min, max), range), whole: { min, max } };
}

/** A percentage, of 100 at most. */
export function percent<const Data extends Valued>(data: Data): Flag<Read<Data, number>> {
  return valued(data, (name, value) => percentage(name, value));
}

/** One of the words that are given. `oldSpellings`: words that mean one of them, and that help says nothing of. */
export function oneOf<const Word extends string, const Data extends Valued & { choices: readonly Word[] }>(
  data: Data & { choices: readonly Word[]; oldSpellings?: Readonly<Record<string, Word>> },
): Flag<Read<Data, Word>> {
  const { choices, oldSpellings = {} } = data;
  const words = `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`;
  return valued(data, (name, value) => ownValue(oldSpellings, value) ?? choice(name, value, choices), {
    choices: words,
  });
}

function ownValue<Value>(record: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

/** A flag with a parser of its own. */
export function valued<const Data extends Valued, Value>(
  data: Data,
  parse: (name: string, value: string) => Value,
  words: Readonly<Record<string, string>> = {},
): Flag<Read<Data, Value>> {
  const { name, short, value, group, isHidden, isRare, isNeverHinted, bare, choices, names, variable } = data;
  return {
    ...{ name, value, group },
    ...(short === undefined ? {} : { short }),
    ...(isHidden ? { isHidden } : {}),
    ...(isRare ? { isRare } : {}),
    ...(isNeverHinted ? { isNeverHinted } : {}),
    ...(bare === undefined ? {} : { bare }),
    ...(choices === undefined ? {} : { choices }),
    ...(names === undefined ? {} : { names }),
    ...(variable === undefined ? {} : { variable }),
    help: filled(data.help, { ...words, ...(data.default === undefined ? {} : { default: data.default }) }),
    read: (values) => {
      const given = values[keyOf(name)];
      if (typeof given === 'string') return parse(name, given) as Read<Data, Value>;
      const inherited = variableOf(data, values);
      if (inherited !== undefined) return parse(`$${variable}`, inherited) as Read<Data, Value>;
      return (data.default === undefined ? undefined : parse(name, data.default)) as Read<Data, Value>;
    },
  };
}

function filled(help: string, words: { readonly [name: string]: unknown } | Valued): string {
  return help.replace(/\{(\w+)\}/g, (_all, name: string) => String((words as Record<string, unknown>)[name]));
}

/** The value of a flag's environment variable; undefined: it has none. */
export function variableOf({ variable }: { variable?: string }, values: FlagValues): string | undefined {
  const inherited = variable === undefined ? undefined : values[variable];
  return typeof inherited === 'string' && inherited !== '' ? inherited : undefined;
}

/** Whether it was given, whatever its value. */
export function isGiven({ name }: Pick<Flag, 'name'>, values: FlagValues): boolean {
  return values[keyOf(name)] !== undefined;
}

/** The name of a flag's value among those of a command line: `oomVictim` of `--oom-victim`. */
export function keyOf(name: string): string {
  return name.slice(2).replace(/-[a-z]/g, (letters) => letters.slice(1).toUpperCase());
}
