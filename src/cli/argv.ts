import { usageError } from '../errors.ts';

/** How a flag is spelt: enough to read argv as pflag does. */
export interface FlagShape {
  long: string;
  short?: string;
  /** Takes no value; pflag still accepts `--flag=true` and `--flag=false`. */
  boolean: boolean;
  /** A boolean that takes a whole number as well, joined or as the next word: kubectl's `-v 6`. Any but 0 is true. */
  level?: true;
  /** Another name of it: kubectl's `--v`. */
  alias?: string;
  /** The value that it has without `=`: it takes no next word (pflag's NoOptDefVal). */
  bare?: string;
}

export interface NormalizedArgv {
  /** The operands, then the flags: cobra takes a flag before the verb as well as behind it, and commander does not. */
  words: string[];
  /** What stood behind `--`; undefined when there was none. */
  passedOn: string[] | undefined;
}

/**
 * Rewrites argv from what kubectl's flag parser (spf13/pflag) accepts into what commander accepts, up to `--`:
 * `-o json`, `-ojson` and `-o=json` become `--output=json`, `--all=true` becomes `--all`, `--all=false` takes an
 * earlier `--all` back, and `-v 6` becomes `--verbose`. Joined to its flag, a value is never read as a flag itself.
 * Unknown flags pass unchanged, so that they are reported as they were typed.
 * @throws ChaosError `usage` for a boolean flag with a value that is no boolean.
 */
export function normalizeArgv(argv: readonly string[], shapes: readonly FlagShape[]): NormalizedArgv {
  const operands: string[] = [];
  const flags: string[] = [];
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? '';
    if (word === '--') return { words: [...operands, ...flags], passedOn: argv.slice(index + 1) };
    const long = /^(--[^=]+)(?:=(.*))?$/s.exec(word);
    if (long) {
      const shape = shapes.find(({ long: name, alias }) => name === long[1] || alias === long[1]);
      if (!shape) flags.push(word);
      else if (shape.boolean && long[2] === undefined && isLevel(shape, argv[index + 1])) {
        setBoolean(shape, argv[++index] ?? '', flags);
      } else if (shape.boolean) setBoolean(shape, long[2] ?? 'true', flags);
      else if (long[2] !== undefined) flags.push(`${shape.long}=${long[2]}`);
      else if (shape.bare !== undefined) flags.push(`${shape.long}=${shape.bare}`);
      else index = pushWithNext(shape, argv, index, flags);
    } else if (/^-[^-]/s.test(word)) {
      index = shortFlags(argv, index, shapes, flags);
    } else {
      operands.push(word);
    }
  }
  return { words: [...operands, ...flags], passedOn: undefined };
}

/** The last one counts, as in pflag. */
function setBoolean(shape: FlagShape, value: string, flags: string[]): void {
  const before = flags.indexOf(shape.long);
  if (before >= 0) flags.splice(before, 1);
  if (isLevel(shape, value) ? Number(value) > 0 : /^(true|t|1)$/i.test(value)) flags.push(shape.long);
  else if (!isLevel(shape, value) && !/^(false|f|0)$/i.test(value)) {
    const right = shape.level ? 'a level such as 6, true or false' : 'true or false';
    throw usageError(`${shape.long} ${JSON.stringify(value)}: must be ${right}`);
  }
}

function isLevel(shape: FlagShape, value: string | undefined): boolean {
  return shape.level === true && value !== undefined && /^\d+$/.test(value);
}

/** A flag whose value is the next word, whatever that looks like; returns the index of the last word read. */
function pushWithNext(shape: FlagShape, argv: readonly string[], index: number, flags: string[]): number {
  const value = argv[index + 1];
  flags.push(value === undefined ? shape.long : `${shape.long}=${value}`);
  return value === undefined ? index : index + 1;
}

/**
 * `-n=x`, `-n x`, `-nx`, and groups of boolean letters ending in one that takes a value; returns the index of the last
 * word read.
 */
function shortFlags(argv: readonly string[], index: number, shapes: readonly FlagShape[], flags: string[]): number {
  const word = argv[index] ?? '';
  for (let at = 1; at < word.length; at++) {
    const shape = shapes.find((candidate) => candidate.short === `-${word[at]}`);
    const rest = word.slice(at + 1);
    if (!shape) {
      flags.push(`-${word.slice(at)}`);
      return index;
    }
    if (rest === '' && isLevel(shape, argv[index + 1])) {
      setBoolean(shape, argv[index + 1] ?? '', flags);
      return index + 1;
    }
    if (isLevel(shape, rest)) {
      setBoolean(shape, rest, flags);
      return index;
    }
    if (shape.boolean && !rest.startsWith('=')) {
      setBoolean(shape, 'true', flags);
      continue;
    }
    if (shape.boolean) setBoolean(shape, rest.slice(1), flags);
    else if (rest === '') return pushWithNext(shape, argv, index, flags);
    // pflag reads `-n=` as the value "=".
    else flags.push(`${shape.long}=${rest.length > 1 && rest.startsWith('=') ? rest.slice(1) : rest}`);
    return index;
  }
  return index;
}
