import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatPorts, joinRanges, maskedPorts } from '../../../src/faults/net/ports.ts';

describe('ports', () => {
  const range = fc
    .tuple(fc.integer({ min: 1, max: 65_535 }), fc.integer({ min: 1, max: 65_535 }))
    .map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));

  test('under masks are those of the range, each once', () => {
    fc.assert(
      fc.property(range, fc.integer({ min: 0, max: 65_535 }), ({ from, to }, port) => {
        const masked = maskedPorts({ from, to });
        expect(masked.length).toBeLessThanOrEqual(30);
        const matching = (each: number) => masked.filter(({ value, mask }) => (each & mask) === value).length;
        for (const each of [port, from, to, from - 1, to + 1])
          expect(matching(each)).toBe(from <= each && each <= to ? 1 : 0);
      }),
    );
  });

  test('in one piece where they touch', () => {
    const ranges = [
      { from: 90, to: 90 },
      { from: 80, to: 89 },
      { from: 85, to: 86 },
      { from: 443, to: 443 },
    ];
    expect(joinRanges(ranges)).toEqual([
      { from: 80, to: 90 },
      { from: 443, to: 443 },
    ]);
    expect(formatPorts(joinRanges(ranges))).toBe('80-90 and 443');
  });
});
