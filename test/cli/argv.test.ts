import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FlagShape, normalizeArgv } from '../../src/cli/argv.ts';
import { ChaosError } from '../../src/errors.ts';

const shapes: readonly FlagShape[] = [
  { long: '--name', short: '-n', boolean: false },
  { long: '--output', short: '-o', boolean: false },
  { long: '--reason', boolean: false },
  { long: '--all', short: '-a', boolean: true },
  { long: '--verbose', short: '-v', boolean: true },
];

interface Parsed {
  values: Record<string, string>;
  operands: string[];
  passedOn: string[] | undefined;
}

/** pflag's FlagSet.Parse, as in spf13/pflag flag.go (parseArgs, parseLongArg, parseSingleShortArg), for strings and booleans. */
function pflag(argv: readonly string[]): Parsed | 'error' {
  const parsed: Parsed = { values: {}, operands: [], passedOn: undefined };
  const args = [...argv];
  const set = (shape: FlagShape, value: string): boolean => {
    if (shape.boolean && !/^(1|t|T|true|TRUE|True|0|f|F|false|FALSE|False)$/.test(value)) return false;
    parsed.values[shape.long] = shape.boolean ? String(/^(1|t)/i.test(value)) : value;
    return true;
  };
  for (;;) {
    const word = args.shift();
    if (word === undefined) return parsed;
    if (word === '--') return { ...parsed, passedOn: args };
    if (word === '' || word[0] !== '-' || word === '-') {
      parsed.operands.push(word);
      continue;
    }
    if (word.startsWith('--')) {
      const [name = '', ...rest] = word.slice(2).split('=');
      const shape = shapes.find(({ long }) => long === `--${name}`);
      if (!shape) return 'error';
      const value = word.includes('=') ? rest.join('=') : shape.boolean ? 'true' : args.shift();
      if (value === undefined || !set(shape, value)) return 'error';
      continue;
    }
    let letters = word.slice(1);
    while (letters !== '') {
      const shape = shapes.find(({ short }) => short === `-${letters[0]}`);
      if (!shape) return 'error';
      const rest = letters.slice(1);
      let value: string | undefined;
      letters = '';
      if (rest.length > 1 && rest[0] === '=') value = rest.slice(1);
      else if (shape.boolean) {
        value = 'true';
        letters = rest;
      } else value = rest === '' ? args.shift() : rest;
      if (value === undefined || !set(shape, value)) return 'error';
    }
  }
}

/** Reads the normal form, in which there is only `--flag`, `--flag=value` and operands before them. */
function read(argv: readonly string[]): Parsed | 'error' {
  let normal: ReturnType<typeof normalizeArgv>;
  try {
    normal = normalizeArgv(argv, shapes);
  } catch (error) {
    if (error instanceof ChaosError && error.code === 'usage') return 'error';
    throw error;
  }
  const parsed: Parsed = { values: {}, operands: [], passedOn: normal.passedOn };
  for (const word of normal.words) {
    if (!/^-./.test(word)) {
      if (Object.keys(parsed.values).length > 0) throw new Error(`an operand behind a flag: ${word}`);
      parsed.operands.push(word);
      continue;
    }
    const [, long = '', value] = /^(--[^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    const shape = shapes.find((candidate) => candidate.long === long);
    if (!shape || shape.boolean === (value !== undefined)) return 'error';
    parsed.values[long] = value ?? 'true';
  }
  return parsed;
}

/** A boolean that is false is as good as not given. */
function withoutFalse(parsed: Parsed | 'error'): Parsed | 'error' {
  if (parsed === 'error') return parsed;
  const isBoolean = (name: string) => shapes.some(({ long, boolean }) => boolean && long === name);
  const values = Object.entries(parsed.values).filter(([name, value]) => !(isBoolean(name) && value === 'false'));
  return { ...parsed, values: Object.fromEntries(values) };
}

const word = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      '--name',
      '--output',
      '--reason',
      '--all',
      '--verbose',
      '-n',
      '-o',
      '-a',
      '-v',
      '-av',
      '-van',
      '-no',
      '--',
      '-',
      '',
    ),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      '--name=',
      '--name=x=y',
      '--all=true',
      '--all=false',
      '--all=F',
      '--all=junk',
      '-a=false',
      '-a=1',
      '-n=',
      '-n=x',
      '-nx',
      '-van=x',
      '-o=json',
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom('web', 'stress', 'true', 'false', '=', '-x', '--unknown', '--unknown=1', '-ax'),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 6 }) },
);

describe('normalizeArgv', () => {
  test('reads argv as pflag does', () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 7 }), (argv) => {
        // The one liberty taken: kubectl's -v with a level.
        fc.pre(!argv.some((text) => /^(-a?v=|--verbose=)/.test(text)));
        expect(withoutFalse(read(argv))).toEqual(withoutFalse(pflag(argv)));
      }),
      { numRuns: 1_000 },
    );
  });

  test('passes an unknown flag on as it was typed', () => {
    expect(normalizeArgv(['--nmae=x', 'web', '-q'], shapes).words).toEqual(['web', '--nmae=x', '-q']);
  });

  test('tells no `--` from one with nothing behind it', () => {
    expect(normalizeArgv(['web'], shapes).passedOn).toBeUndefined();
    expect(normalizeArgv(['web', '--'], shapes).passedOn).toEqual([]);
    expect(normalizeArgv(['--', '--', '-n'], shapes).passedOn).toEqual(['--', '-n']);
  });

  test('does not change what it is given', () => {
    const argv = Object.freeze(['-n', 'x', '--all=false', '--', 'y']);
    expect(() => normalizeArgv(argv, shapes)).not.toThrow();
  });
});
