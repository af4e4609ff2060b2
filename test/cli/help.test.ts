import { describe, expect, test } from 'vitest';
import { verbs as allVerbs, parseCommandLine } from '../../src/cli/program.ts';
import { faultKinds } from '../../src/faults/registry.ts';

function help(...argv: string[]): string {
  const invocation = parseCommandLine(argv, '1.2.3');
  if (invocation.kind !== 'text') throw new Error('not a text');
  return invocation.text;
}

const verbs = [
  ...faultKinds.map(({ verb }) => verb),
  'run',
  'ls',
  'attach',
  'stop',
  'sweep',
  'doctor',
  'rbac',
  'version',
];

/** The flags that a help lists. */
function listed(text: string): string[] {
  return [...text.matchAll(/^ {2}(?:-\w, )?(--[a-z0-9-]+)/gm)].map(([, name]) => name ?? '');
}

/** What is said of a command line that is wrong; empty: it is right. */
function complaint(argv: readonly string[]): string {
  try {
    parseCommandLine([...argv], '1.2.3');
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('help on a terminal that is not wide', () => {
  const on = (columns: number | undefined, ...argv: string[]) => {
    const invocation = parseCommandLine(argv, '1.2.3', {}, columns);
    return invocation.kind === 'text' ? invocation.text : '';
  };

  test.each([['--help'], ['options'], ...verbs.map((verb) => [verb, '--help'])])('%s is as wide as it', (...argv) => {
    const lines = on(80, ...argv).split('\n');
    const commands = (line: string) => /^ {2}(?:kubectl|#) /.test(line);
    expect(lines.filter((line) => line.length > 80 && !commands(line))).toEqual([]);
    expect(lines.join(' ').split(/\s+/)).toEqual(on(undefined, ...argv).split(/\s+/));
  });

  test.each([
    [undefined, 100],
    [300, 100],
    [20, 60],
  ])('%s columns are taken for %s', (columns, width) => {
    expect(on(columns, 'net', '-h')).toBe(on(width, 'net', '-h'));
  });
});

describe('help', () => {
  test('of the plugin', () => {
    expect(help('--help')).toMatchSnapshot();
  });

  describe.each(verbs)('of %s', (verb) => {
    test('as a whole', () => {
      expect(help(verb, '--help')).toMatchSnapshot();
    });

    test('says nothing of a flag that is not read', () => {
      const flags = listed(help(verb, '-h'));
      expect(flags.length).toBeGreaterThan(0);
      expect(flags.filter((flag) => complaint([verb, flag]).includes('unknown flag'))).toEqual([]);
      expect(complaint([verb, '--nonsense'])).toContain('unknown flag');
    });

    test('its examples are commands that are read', () => {
      const lines = [...help(verb, '-h').matchAll(/^ {2}kubectl chaos (.*)$/gm)].map(([, line]) => line ?? '');
      expect(lines.length).toBeGreaterThanOrEqual(2);
      for (const line of lines) {
        const words = line.replace(/ > \S+$/, '').split(' ');
        expect(parseCommandLine(words, '1.2.3').kind, line).not.toBe('text');
      }
    });

    test('fits on a screen: 45 lines of 100 columns', () => {
      const lines = help(verb, '-h').trimEnd().split('\n');
      expect(lines.length).toBeLessThanOrEqual(45);
      for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(100);
    });

    test('leaves to "options" what it does not list, and nothing is listed nowhere', () => {
      const own = listed(help(verb, '-h'));
      const others = listed(help('options'));
      const flags = allVerbs.find(({ name }) => name === verb)?.flags.filter(({ isHidden }) => !isHidden) ?? [];
      expect(flags.length).toBeGreaterThan(10);
      expect(flags.map(({ name }) => name).filter((name) => ![...own, ...others].includes(name))).toEqual([]);
      expect(help(verb, '-h')).toContain('Use "kubectl chaos options" for all other flags');
    });
  });

  test('is the same by every way to it', () => {
    expect(help()).toBe(help('--help'));
    expect(help('-h')).toBe(help('--help'));
    expect(help('help')).toBe(help('--help'));
    expect(help('help', 'stress')).toBe(help('stress', '--help'));
    // However wrong the rest is.
    expect(help('stress', '--cpu', '0', '-h')).toBe(help('stress', '--help'));
    expect(help('stress', 'web', '-h', '--nonsense')).toBe(help('stress', '--help'));
    expect(help('--help', 'stress')).toBe(help('stress', '--help'));
  });

  test('does not depend on the terminal', () => {
    expect(help('stress', '-h')).not.toContain('\u001b');
  });
});

test.each([
  ['list', 'ls'],
  ['delete', 'stop'],
])('%s is another name of %s', (alias, verb) => {
  expect(help(alias, '-h')).toBe(help(verb, '-h'));
  expect(help('help', alias)).toBe(help(verb, '-h'));
  expect(help(verb, '-h')).toContain(`Aliases: ${verb}, ${alias}\n`);
  expect(parseCommandLine([alias, '-A', ...(verb === 'stop' ? ['--all'] : [])], '1')).toEqual(
    parseCommandLine([verb, '-A', ...(verb === 'stop' ? ['--all'] : [])], '1'),
  );
});

test('options', () => {
  expect(help('options')).toMatchSnapshot();
  for (const line of help('options').split('\n')) expect(line.length, line).toBeLessThanOrEqual(100);
  expect(help('options', '--context', 'prod')).toBe(help('options'));
});

test('--version', () => {
  expect(help('--version')).toBe('1.2.3\n');
});
