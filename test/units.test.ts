import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatDuration, formatQuantity, parseDuration, parsePercent, parseQuantity } from '../src/units.ts';

describe('parseDuration', () => {
  test.each([
    ['0s', 0],
    ['250ms', 250],
    ['90s', 90_000],
    ['1h30m', 5_400_000],
    ['1.5m', 90_000],
    ['.5s', 500],
    ['1.s', 1_000],
    // Go allows any order, and a unit twice.
    ['30m1h', 5_400_000],
    ['1s1s', 2_000],
    ['0.4ms', 0],
    ['1h0m1s', 3_601_000],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each([
    '',
    '5',
    '0',
    's',
    '.s',
    '-5s',
    '+5s',
    '5 s',
    ' 5s',
    '5s ',
    '1h30',
    '5S',
    '5d',
    '1us',
    '1ns',
    '1.2.3s',
    '1e3s',
    '5s\n',
    '٥s',
  ])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  test('any text gives a whole number of milliseconds or nothing', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9.hms]{1,12}$/)), (text) => {
        const ms = parseDuration(text);
        return ms === undefined || (Number.isSafeInteger(ms) && ms >= 0) || ms > Number.MAX_SAFE_INTEGER;
      }),
    );
  });

  test('what Go writes is read back exactly', () => {
    const part = fc.nat({ max: 59 });
    fc.assert(
      fc.property(fc.nat({ max: 9_999 }), part, part, fc.nat({ max: 999 }), (h, m, s, ms) => {
        expect(parseDuration(`${h}h${m}m${s}.${String(ms).padStart(3, '0')}s`)).toBe(
          ((h * 60 + m) * 60 + s) * 1_000 + ms,
        );
      }),
    );
  });
});

describe('formatDuration', () => {
  test.each([
    [0, '0ms'],
    [999.4, '999ms'],
    [999.6, '1s'],
    [1_500, '1.5s'],
    [59_960, '1m'],
    [119_960, '2m'],
    [3_599_999, '1h'],
    [5_400_000, '1h30m'],
    [3_601_000, '1h1s'],
    [86_400_000, '24h'],
  ])('%d ms is %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  test('is read back to the tenth of a second, below a second exactly', () => {
    fc.assert(
      fc.property(fc.nat({ max: 200_000_000 }), (ms) => {
        const back = parseDuration(formatDuration(ms));
        expect(back).toBe(ms < 1_000 ? ms : Math.round(ms / 100) * 100);
      }),
    );
  });

  test('never shows 60 of a unit', () => {
    fc.assert(fc.property(fc.nat({ max: 200_000_000 }), (ms) => !/(?<!\d)60[ms](?!s)/.test(formatDuration(ms))));
  });
});

describe('parseQuantity', () => {
  test.each([
    ['0', 0],
    ['512Mi', 512 * 2 ** 20],
    ['1G', 1e9],
    ['1Gi', 2 ** 30],
    ['1.5Gi', 1.5 * 2 ** 30],
    ['500m', 0.5],
    ['1E', 1e18],
    ['1E3', 1_000],
    ['1e9', 1e9],
    ['1e-3', 0.001],
    ['12e+2', 1_200],
    ['+1k', 1_000],
    ['.5G', 5e8],
    ['1.', 1],
    ['1Ei', 2 ** 60],
    ['100n', 1e-7],
    ['100u', 1e-4],
  ])('%s is %d', (text, value) => {
    expect(parseQuantity(text)).toBeCloseTo(value, 12);
  });

  test.each([
    '',
    '.',
    'Mi',
    '512MB',
    '512mb',
    '1 Gi',
    '1K',
    '1ki',
    '1gi',
    '-1',
    '1e',
    '1e3Ki',
    '1Kii',
    '0x10',
    '1,5G',
    '1e999',
    'Infinity',
    'NaN',
    '1G\n',
    'constructor',
  ])('%j is none', (text) => {
    expect(parseQuantity(text)).toBeUndefined();
  });

  test('every suffix multiplies', () => {
    const suffixes = { n: 1e-9, u: 1e-6, m: 1e-3, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18 };
    const binary = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60 };
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(...Object.entries({ ...suffixes, ...binary })), (n, [suffix, factor]) => {
        expect(parseQuantity(`${n}${suffix}`)).toBeCloseTo(n * factor, 6);
      }),
    );
  });
});

test.each([
  ['80%', 80],
  ['0.5%', 0.5],
  ['0%', 0],
])('parsePercent %s', (text, value) => {
  expect(parsePercent(text)).toBe(value);
});

test.each(['', '%', '80', '-5%', '80 %', '80%%', '.5%', '1e2%'])('parsePercent %j is none', (text) => {
  expect(parsePercent(text)).toBeUndefined();
});

describe('formatQuantity', () => {
  test.each([
    [0, '0'],
    [1, '1'],
    [4_096, '4Ki'],
    [1_000, '1k'],
    [1_536 * 2 ** 20, '1536Mi'],
    [2 ** 30, '1Gi'],
    [10 ** 9, '1G'],
    [10 ** 9 + 1, '1000000001'],
    [2 ** 50, '1Pi'],
  ])('%d is %s', (bytes, text) => {
    expect(formatQuantity(bytes)).toBe(text);
  });

  test('is read back as it was', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.nat(),
          fc.maxSafeNat(),
          fc.nat(2 ** 23).map((units) => units * 2 ** 20),
        ),
        (bytes) => {
          expect(parseQuantity(formatQuantity(bytes))).toBe(bytes);
        },
      ),
    );
  });
});
