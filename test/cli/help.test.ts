import { describe, expect, test } from 'vitest';
import { parseCommandLine } from '../../src/cli/program.ts';
import { faultKinds } from '../../src/faults/registry.ts';

function help(...argv: string[]): string {
  const invocation = parseCommandLine(argv, '1.2.3');
  if (invocation.kind !== 'text') throw new Error('not a text');
  return invocation.text;
}

const verbs = [...faultKinds.map(({ verb }) => verb), 'ls', 'attach', 'stop', 'sweep'];

/** What is said of a command line that is wrong; empty: it is right. */
function complaint(argv: readonly string[]): string {
  try {
    parseCommandLine([...argv], '1.2.3');
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('help', () => {
  test('of the plugin', () => {
    expect(help('--help')).toMatchSnapshot();
  });

  describe.each(verbs)('of %s', (verb) => {
    test('as a whole', () => {
      expect(help(verb, '--help')).toMatchSnapshot();
    });

    test('says nothing of a flag that is not read', () => {
      const said = help(verb, '-h')
        .split('Examples:')[0]
        ?.matchAll(/^\s+(?:-\w, )?(--[a-z-]+)/gm);
      const flags = [...(said ?? [])].map(([, name]) => name ?? '');
      expect(flags.length).toBeGreaterThan(10);
      expect(flags.filter((flag) => complaint([verb, flag]).includes('unknown flag'))).toEqual([]);
      expect(complaint([verb, '--nonsense'])).toContain('unknown flag');
    });

    test('its examples are commands that are read', () => {
      const lines = [...help(verb, '-h').matchAll(/^ {2}kubectl chaos (.*)$/gm)].map(([, line]) => line ?? '');
      expect(lines.length).toBeGreaterThanOrEqual(2);
      for (const line of lines) expect(parseCommandLine(line.split(' '), '1.2.3').kind, line).not.toBe('text');
    });

    test('stays within 120 columns', () => {
      for (const line of help(verb, '-h').split('\n')) expect(line.length, line).toBeLessThanOrEqual(120);
    });
  });

  test('is the same by every way to it', () => {
    expect(help()).toBe(help('--help'));
    expect(help('-h')).toBe(help('--help'));
    expect(help('help')).toBe(help('--help'));
    expect(help('help', 'stress')).toBe(help('stress', '--help'));
    // However wrong the rest is.
    expect(help('stress', '--cpu', '0', '-h')).toBe(help('stress', '--help'));
    expect(help('--help', 'stress')).toBe(help('stress', '--help'));
  });

  test('does not depend on the terminal', () => {
    expect(help('stress', '-h')).not.toContain('\u001b');
  });
});

test('--version', () => {
  expect(help('--version')).toBe('1.2.3\n');
});
