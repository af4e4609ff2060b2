import { describe, expect, it } from 'vitest';
import { differences, readSums } from '../../krew/sums.ts';

const [a, b] = ['a'.repeat(64), 'b'.repeat(64)];

describe('two builds', () => {
  it('are told by the lines of SHA256SUMS', () => {
    expect(readSums(`${a}  x.tar.gz\n${b}  y z\nnothing\n`)).toEqual(
      new Map([
        ['x.tar.gz', a],
        ['y z', b],
      ]),
    );
  });

  it('are the same when each file is', () => {
    expect(differences(new Map([['x', a]]), new Map([['x', a]]))).toEqual([]);
  });

  it('differ by a file that is another, or that only one of them has', () => {
    const one = new Map([
      ['x', a],
      ['only here', a],
    ]);
    const other = new Map([
      ['x', b],
      ['only there', a],
    ]);
    expect(differences(one, other)).toEqual([
      'only here was made only the first time',
      'only there was made only the second time',
      `x differs: ${a}, ${b}`,
    ]);
  });
});
