import { expect, it } from 'vitest';
import { partsOf } from './parts.ts';

it.each([
  [[], ['check', 'unit']],
  [['all'], ['check', 'unit', 'native', 'e2e']],
  [
    ['native', 'all'],
    ['check', 'unit', 'native', 'e2e'],
  ],
  [
    ['native', 'check', 'native'],
    ['check', 'native'],
  ],
  [['e2e'], ['e2e']],
])('%j are the parts %j', (words, meant) => {
  expect(partsOf(words)).toEqual(meant);
});

it('a word that names none is refused with those there are', () => {
  expect(() => partsOf(['check', 'units', 'vm'])).toThrow(
    'unknown part units, vm: the parts are check, unit, native, e2e, and all of them: all',
  );
});
