import fc from 'fast-check';
import { expect, test } from 'vitest';
import { median } from '../src/median.ts';

test.each([
  [[], undefined],
  [[7], 7],
  [[10, 9], 9],
  [[100, 9, 10], 10],
  [[4, 3, 2, 1], 2],
])('median of %j is %s', (values, expected) => {
  expect(median(values)).toBe(expected);
});

test('more than half of the values are at least the median', () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
      const middle = median(values) ?? Number.NaN;
      expect(values.filter((value) => value >= middle).length * 2).toBeGreaterThan(values.length);
    }),
  );
});
