import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  figure,
  fold,
  formatBytes,
  formatCount,
  formatElapsed,
  formatMegabytes,
  formatPercent,
  formatScaled,
  formatShortCount,
  joinWords,
} from '../src/text.ts';
import { parseDuration, parseQuantity } from '../src/units.ts';

test.each([
  [0, 0],
  [0.004, 0],
  [0.937, 0.94],
  [0.996, 1],
  [9.94, 9.9],
  [9.96, 10],
  [101.5, 102],
  [-2.34, -2.3],
])('figure(%d) is %d', (value, rounded) => {
  expect(figure(value)).toBe(rounded);
});

describe('formatBytes', () => {
  test.each([
    [0, '0 bytes'],
    [1, '1 byte'],
    [1_023, '1,023 bytes'],
    [1_024, '1Ki'],
    [1_536, '1.5Ki'],
    [1_023.6 * 1_024, '1Mi'],
    [1_000 * 2 ** 20, '1000Mi'],
    [41 * 2 ** 20, '41Mi'],
    [2 ** 40, '1Ti'],
    [-2 * 2 ** 20, '-2Mi'],
  ])('%d is %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  test('has at most four digits, and is a quantity within 5% of the value', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (bytes) => {
        const [text = ''] = formatBytes(bytes).replace(',', '').split(' ');
        expect(text.replace(/\D/g, '').length).toBeLessThanOrEqual(4);
        const back = parseQuantity(text) ?? Number.NaN;
        expect(Math.abs(back - bytes)).toBeLessThanOrEqual(Math.max(1, 0.055 * bytes));
      }),
    );
  });
});

describe('formatElapsed', () => {
  test.each([
    [0, '0ms'],
    [0.034, '0.03ms'],
    [0.25, '0.25ms'],
    [2.34, '2.3ms'],
    [48.2, '48ms'],
    [999.4, '999ms'],
    [999.6, '1s'],
    [1_004, '1s'],
    [1_550, '1.6s'],
    [9_960, '10s'],
    [12_345, '12s'],
    [59_960, '1m'],
    [65_400, '1m5s'],
    [5_400_000, '1h30m'],
  ])('%d ms is %s', (ms, text) => {
    expect(formatElapsed(ms)).toBe(text);
  });

  test('is a duration as one may type it, within 6% of the value', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200_000_000 }), (ms) => {
        expect(Math.abs((parseDuration(formatElapsed(ms)) ?? Number.NaN) - ms)).toBeLessThanOrEqual(0.06 * ms);
      }),
    );
  });
});

test.each([
  [0, '0%'],
  [2.14, '2.1%'],
  [50, '50%'],
  [99.96, '100%'],
])('formatPercent %d', (value, text) => {
  expect(formatPercent(value)).toBe(text);
});

test.each([
  [0, '0 packets'],
  [1, '1 packet'],
  [1_204, '1,204 packets'],
])('formatCount %d', (value, text) => {
  expect(formatCount(value, 'packet')).toBe(text);
});

test.each([
  [7, '7'],
  [640_000, '640k'],
  [1_240_000, '1.2M'],
  [5e12, '5000G'],
])('formatShortCount %d', (value, text) => {
  expect(formatShortCount(value)).toBe(text);
});

test('formatScaled rounds as it is told to', () => {
  expect(formatScaled(1_234_000, 1_000, ['bit', 'kbit', 'mbit'], (value) => Math.round(value * 100) / 100)).toBe(
    '1.23mbit',
  );
});

test.each([
  [[], ''],
  [['a'], 'a'],
  [['a', 'b'], 'a and b'],
  [['a', 'b', 'c'], 'a, b and c'],
])('joinWords %j', (parts, text) => {
  expect(joinWords(parts)).toBe(text);
});

test.each([
  [0, 11_000_000, '0 of 11 MB'],
  [4_096_000, 11_200_000, '4.1 of 11 MB'],
  [940_000, 1_510_000, '0.94 of 1.5 MB'],
  [11_200_000, 11_200_000, '11 MB'],
])('%d of %d bytes are %s', (bytes, whole, text) => {
  expect(formatMegabytes(bytes, whole)).toBe(text);
});

test.each([
  ['short', 80, ['short']],
  ['a line of words, folded', 20, ['a line of words,', 'folded']],
  ['exactly twenty wide, and', 20, ['exactly twenty wide,', 'and']],
  ['a-word-that-is-longer-than-the-line is', 20, ['a-word-that-is-longer-than-the-line', 'is']],
  ['where there is hardly any room at all', 19, ['where there is hardly any room at all']],
])('fold(%j, %d)', (text, width, lines) => {
  expect(fold(text, width)).toEqual(lines);
});
