import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nearest } from '../../src/flags/nearest.ts';

const names = ['--duration', '--dry-run', '--cpu', '--cpu-load', '--context', '--container'];

describe('nearest', () => {
  test.each([
    ['--duraton', '--duration'],
    ['--duratoin', '--duration'],
    ['--cup', '--cpu'],
    ['--cpuload', '--cpu-load'],
    ['--contex', '--context'],
    ['--containers', '--container'],
    ['--dur', '--duration'],
    ['--duration-of', undefined],
    ['--conta', '--container'],
    ['--con', undefined],
  ])('%s is near %s', (word, name) => {
    expect(nearest(word, names)).toBe(name);
  });

  test.each(['--frobnicate', '', '-', 'x', '--dry'])('nothing is near %j', (word) => {
    expect(nearest(word, names)).toBeUndefined();
  });

  test('half of a short word is not a slip', () => {
    expect(nearest('get', ['net'])).toBe('net');
    expect(nearest('drop', ['from'])).toBeUndefined();
    expect(nearest('node', ['pod', 'svc'])).toBeUndefined();
  });

  test('takes the nearest, not the first', () => {
    expect(nearest('abcd', ['abxy', 'abcx'])).toBe('abcx');
  });

  const letters = fc.stringMatching(/^[a-c]{5,9}$/);

  test('finds a word after any one edit', () => {
    fc.assert(
      fc.property(letters, fc.nat(), fc.constantFrom('insert', 'delete', 'replace', 'swap'), (word, seed, edit) => {
        const at = seed % (word.length - 1);
        const [head, tail] = [word.slice(0, at), word.slice(at)];
        const changed = {
          insert: `${head}z${tail}`,
          delete: head + tail.slice(1),
          replace: `${head}z${tail.slice(1)}`,
          swap: head + (tail[1] ?? '') + (tail[0] ?? '') + tail.slice(2),
        }[edit];
        expect(nearest(changed, ['unrelated', word])).toBe(word);
      }),
    );
  });

  test('finds nothing three edits away', () => {
    fc.assert(fc.property(letters, (word) => nearest(`zzz${word}`, [word]) === undefined));
  });
});
