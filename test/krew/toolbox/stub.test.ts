import { describe, expect, it } from 'vitest';
import { sourceOf, versionsOf } from '../../../krew/toolbox/stub.ts';

describe('the source of a stub', () => {
  it('has a function for each symbol, which says what is missing', () => {
    const source = sourceOf(
      'libkmod.so.2',
      ['kmod_new@LIBKMOD_5', 'kmod_unref@LIBKMOD_5'],
      "stress-ng's module stressor",
    );
    expect(source).toContain(
      "libkmod.so.2 is needed for stress-ng's module stressor, and is not in the toolbox of kubectl chaos: name an image that has it with --image\\n",
    );
    expect([...source.matchAll(/^void (\w+) \(void\)/gm)].map((match) => match[1])).toEqual(['kmod_new', 'kmod_unref']);
  });

  it('cannot have one symbol in two versions', () => {
    expect(() => sourceOf('libkmod.so.2', ['kmod_new@A', 'kmod_new@B'], 'it')).toThrow('a symbol in two versions');
  });
});

describe('the version script of a stub', () => {
  it.each([
    [['b@V_2', 'a@V_1', 'c@V_2'], 'V_2 { global: b; c; local: *; };\nV_1 { global: a; };\n'],
    [['a', 'b'], ' { global: a; b; local: *; };\n'],
    [[], '{ local: *; };\n'],
  ])('of %j', (symbols, script) => {
    expect(versionsOf(symbols)).toBe(script);
  });

  it('cannot have versions for some symbols alone', () => {
    expect(() => versionsOf(['a', 'b@V_1'])).toThrow('with and without a version');
  });
});
