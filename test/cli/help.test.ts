import { describe, expect, test } from 'vitest';
import {
  attachFlags,
  connectionFlags,
  impersonate,
  ioFlags,
  listFlags,
  netFlags,
  runFlags,
  stopFlags,
  stressFlags,
  sweepFlags,
} from '../../src/cli/flags.ts';
import { parseCommandLine } from '../../src/cli/program.ts';

function help(...argv: string[]): string {
  const invocation = parseCommandLine(argv, '1.2.3');
  if (invocation.kind !== 'text') throw new Error('not a text');
  return invocation.text;
}

const verbs = {
  stress: [...stressFlags(), ...runFlags(), ...connectionFlags()],
  net: [...netFlags(), ...runFlags('net'), ...connectionFlags(), impersonate()],
  io: [...ioFlags().filter(({ hidden }) => !hidden), ...runFlags('io'), ...connectionFlags()],
  ls: [...listFlags(), ...connectionFlags()],
  attach: [...attachFlags(), ...connectionFlags()],
  stop: [...stopFlags(), ...connectionFlags()],
  sweep: [...sweepFlags(), ...connectionFlags()],
};

describe('help', () => {
  test('of the plugin', () => {
    expect(help('--help')).toMatchSnapshot();
  });

  describe.each(Object.entries(verbs))('of %s', (verb, flags) => {
    test('as a whole', () => {
      expect(help(verb, '--help')).toMatchSnapshot();
    });

    test.each(flags.map((flag) => flag.flags))('has %s', (spelling) => {
      expect(help(verb, '-h')).toMatch(new RegExp(`^  ${spelling.replace(/[<>]/g, '.')}( |$)`, 'm'));
    });

    test('says nothing of a flag that is not read', () => {
      const read = new Set(['--help', ...flags.map(({ long }) => long)]);
      const said = help(verb, '-h')
        .split('Examples:')[0]
        ?.matchAll(/^\s+(?:-\w, )?(--[a-z-]+)/gm);
      expect([...(said ?? [])].map(([, name]) => name).filter((name) => !read.has(name ?? ''))).toEqual([]);
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
