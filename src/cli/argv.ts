/** How a flag is spelt: enough to read argv as pflag does. */
export interface FlagShape {
  long: string;
  short?: string;
  /** Takes no value; pflag still accepts `--flag=true` and `--flag=false`. */
  boolean: boolean;
}

export interface NormalizedArgv {
  words: string[];
  /** What stood behind `--`; undefined when there was none. */
  passedOn: string[] | undefined;
}

/**
 * Rewrites argv from what kubectl's flag parser (spf13/pflag) accepts into what commander accepts, up to `--`:
 * `-o=json` becomes `-o json`, `--all=true` becomes `--all`, `--all=false` disappears, `--v=6` for a boolean becomes the flag. Unknown flags pass unchanged, so that they are reported as they were typed.
 */
export function normalizeArgv(argv: readonly string[], flags: readonly FlagShape[]): NormalizedArgv {
  const result: string[] = [];
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? '';
    if (word === '--') return { words: result, passedOn: argv.slice(index + 1) };
    const long = /^(--[^=]+)(?:=(.*))?$/s.exec(word);
    const short = /^-([^-])(.*)$/s.exec(word);
    if (long) {
      const flag = flags.find((candidate) => candidate.long === long[1]);
      if (flag?.boolean && long[2] !== undefined) result.push(...booleanWords(flag.long, long[2], word));
      else result.push(word);
      // The value of a flag is never read as a flag, `--` included.
      if (flag && !flag.boolean && long[2] === undefined && index + 1 < argv.length) result.push(argv[++index] ?? '');
    } else if (short) {
      index = shortWords(argv, index, flags, result);
    } else {
      result.push(word);
    }
  }
  return { words: result, passedOn: undefined };
}

function booleanWords(long: string, value: string, word: string): string[] {
  if (/^(true|t|1|[2-9]|10)$/i.test(value)) return [long];
  if (/^(false|f|0)$/i.test(value)) return [];
  return [word];
}

/** `-n=x`, `-n x`, `-nx`, and groups of boolean letters ending in one that takes a value; returns the index of the last word read. */
function shortWords(argv: readonly string[], index: number, flags: readonly FlagShape[], result: string[]): number {
  const word = argv[index] ?? '';
  for (let at = 1; at < word.length; at++) {
    const flag = flags.find((candidate) => candidate.short === `-${word[at]}`);
    const rest = word.slice(at + 1);
    if (!flag) {
      result.push(`-${word.slice(at)}`);
      return index;
    }
    if (flag.boolean) {
      if (rest.startsWith('=')) {
        result.push(...booleanWords(flag.long, rest.slice(1), word));
        return index;
      }
      result.push(flag.long);
      continue;
    }
    if (rest !== '') {
      result.push(flag.long, rest.replace(/^=/, ''));
    } else {
      result.push(flag.long);
      if (index + 1 < argv.length) {
        result.push(argv[index + 1] ?? '');
        return index + 1;
      }
    }
    return index;
  }
  return index;
}
