import { expect, it } from 'vitest';
import { warningsOf } from '../../src/kubernetes/warnings.ts';

it.each([
  [undefined, []],
  ['299 - "one"', ['one']],
  ['299 - "one, with \\"quotes\\" and a \\\\", 299 kube "two"', ['one, with "quotes" and a \\', 'two']],
  ['299 - "one", 299 - "one"', ['one']],
  ['110 proxy "stale", 299 - "one"', ['one']],
  ['nonsense', []],
])('%j', (header, texts) => {
  expect(warningsOf(header)).toEqual(texts);
});
