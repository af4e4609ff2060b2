import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Cidr } from '../src/ip.ts';
import { contains, formatAddress, formatCidr, parseAddress, parseCidr, withoutContained } from '../src/ip.ts';

describe('addresses', () => {
  // RFC 5952's own examples among them.
  test.each([
    ['2001:0DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['::', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['fe80:0:0:0:0:0:0:0', 'fe80::'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['255.255.255.255', '255.255.255.255'],
  ])('%s is %s', (text, canonical) => {
    const address = parseAddress(text);
    expect(address && formatAddress(address)).toBe(canonical);
  });

  test.each([
    '',
    '10.0.0',
    '10.0.0.0.0',
    '010.0.0.1',
    '256.0.0.1',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    ':1',
    '1:2:3:4:5:6:7::8',
    '12345::',
    'g::',
    '::1.2.3',
    'db',
  ])('%j is none', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  test('every one is read as it is written', () => {
    const address = fc.oneof(
      fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }).map((value) => ({ family: 4 as const, value })),
      // Groups of which many are zero.
      fc
        .array(fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 0xffffn })), { minLength: 8, maxLength: 8 })
        .map((groups) => ({ family: 6 as const, value: groups.reduce((value, group) => value * 65_536n + group, 0n) })),
    );
    fc.assert(
      fc.property(address, (each) => {
        expect(parseAddress(formatAddress(each))).toEqual(each);
      }),
    );
  });
});

const cidr = (text: string): Cidr => {
  const parsed = parseCidr(text);
  if (!parsed) throw new Error(text);
  return parsed.cidr;
};

describe('ranges', () => {
  test.each([
    ['10.1.2.3/8', '10.0.0.0/8', false],
    ['10.0.0.0/8', '10.0.0.0/8', true],
    ['10.0.0.1', '10.0.0.1', true],
    ['10.0.0.1/32', '10.0.0.1', true],
    ['fd00::1/64', 'fd00::/64', false],
    ['::/0', '::/0', true],
  ])('%s is %s', (text, canonical, exact) => {
    expect(formatCidr(cidr(text))).toBe(canonical);
    expect(parseCidr(text)?.exact).toBe(exact);
  });

  test.each(['10.0.0.0/33', 'fd00::/129', '10.0.0.0/', '/8', '10.0.0.0/8/8', '10.0.0.0/-1'])('%s is none', (text) => {
    expect(parseCidr(text)).toBeUndefined();
  });

  test('contain each other or not', () => {
    expect(contains(cidr('10.0.0.0/8'), cidr('10.255.0.0/16'))).toBe(true);
    expect(contains(cidr('10.255.0.0/16'), cidr('10.0.0.0/8'))).toBe(false);
    expect(contains(cidr('0.0.0.0/0'), cidr('::/0'))).toBe(false);
    expect(contains(cidr('fd00::/8'), cidr('fd12::1'))).toBe(true);
  });

  test('that are contained in others are left out', () => {
    const texts = ['10.1.0.0/16', '10.0.0.0/8', '::1', '10.1.2.3', '192.0.2.1', '192.0.2.1', '::1'];
    expect(withoutContained(texts.map(cidr)).map(formatCidr)).toEqual(['10.0.0.0/8', '::1', '192.0.2.1']);
  });
});
