import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ChaosError } from '../../src/errors.ts';
import { parseSelector, type Requirement } from '../../src/flags/selector.ts';

const long = 'a'.repeat(64);

function problem(text: string): string {
  try {
    parseSelector('-l', text);
  } catch (error) {
    expect(error).toBeInstanceOf(ChaosError);
    expect((error as ChaosError).code).toBe('usage');
    return (error as Error).message;
  }
  throw new Error(`${text} is taken`);
}

describe('a label selector', () => {
  test.each<[text: string, ...requirements: Requirement[]]>([
    ['app=web', { key: 'app', operator: '=', values: ['web'] }],
    ['app==web', { key: 'app', operator: '==', values: ['web'] }],
    ['app!=web', { key: 'app', operator: '!=', values: ['web'] }],
    [' app = web\t', { key: 'app', operator: '=', values: ['web'] }],
    ['app', { key: 'app', operator: 'exists', values: [] }],
    ['!app', { key: 'app', operator: '!', values: [] }],
    ['! app', { key: 'app', operator: '!', values: [] }],
    ['app=', { key: 'app', operator: '=', values: [''] }],
    ['app=,b', { key: 'app', operator: '=', values: [''] }, { key: 'b', operator: 'exists', values: [] }],
    ['example.com/app in (web, api)', { key: 'example.com/app', operator: 'in', values: ['web', 'api'] }],
    ['app in (web)', { key: 'app', operator: 'in', values: ['web'] }],
    ['app in(web)', { key: 'app', operator: 'in', values: ['web'] }],
    ['app notin (,web,)', { key: 'app', operator: 'notin', values: ['', 'web', ''] }],
    ['app in ()', { key: 'app', operator: 'in', values: [''] }],
    ['app in (,)', { key: 'app', operator: 'in', values: ['', ''] }],
    ['in in (in, notin)', { key: 'in', operator: 'in', values: ['in', 'notin'] }],
    ['in=notin', { key: 'in', operator: '=', values: ['notin'] }],
    ['rank>3,rank<10', { key: 'rank', operator: '>', values: ['3'] }, { key: 'rank', operator: '<', values: ['10'] }],
    [
      'app=web,tier in (a),!old,x',
      { key: 'app', operator: '=', values: ['web'] },
      { key: 'tier', operator: 'in', values: ['a'] },
      { key: 'old', operator: '!', values: [] },
      { key: 'x', operator: 'exists', values: [] },
    ],
  ])('%s', (text, ...requirements) => {
    expect(parseSelector('-l', text)).toEqual(requirements);
  });

  test.each([
    ['', '-l "": must not be empty: it would select every pod of the namespace'],
    [' ', '-l " ": must not be empty: it would select every pod of the namespace'],
    [',', '-l ",": expected a label\'s key at character 1, found ","'],
    ['app=web,', '-l "app=web,": expected a label\'s key at character 9, found the end'],
    ['app=web,,b', '-l "app=web,,b": expected a label\'s key at character 9, found ","'],
    ['app=web b', '-l "app=web b": expected "," or the end at character 9, found "b"'],
    ['!app=web', '-l "!app=web": expected "," or the end at character 5, found "="'],
    ['!!app', '-l "!!app": expected a label\'s key at character 2, found "!"'],
    ['!', '-l "!": expected a label\'s key at character 2, found the end'],
    ['=web', '-l "=web": expected a label\'s key at character 1, found "="'],
    ['app===web', '-l "app===web": expected a label\'s value at character 6, found "="'],
    ['app=!web', '-l "app=!web": expected a label\'s value at character 5, found "!"'],
    ['app is web', '-l "app is web": expected =, ==, !=, in, notin, > or < at character 5, found "is"'],
    ['app(web)', '-l "app(web)": expected =, ==, !=, in, notin, > or < at character 4, found "("'],
    ['app in web', '-l "app in web": expected "(" at character 8, found "web"'],
    ['app in (web', '-l "app in (web": expected "," or ")" at character 12, found the end'],
    ['app in (web api)', '-l "app in (web api)": expected "," or ")" at character 13, found "api"'],
    ['app in (web))', '-l "app in (web))": expected "," or the end at character 13, found ")"'],
    ['rank>-1', '-l "rank>-1": "-1" at character 6 must be a whole number below 2^63'],
    ['rank>many', '-l "rank>many": "many" at character 6 must be a whole number below 2^63'],
    ['rank>', '-l "rank>": "" at character 6 must be a whole number below 2^63'],
    [
      'rank<9223372036854775808',
      '-l "rank<9223372036854775808": "9223372036854775808" at character 6 must be a whole number below 2^63',
    ],
    ['/app=web', '-l "/app=web": "/app" at character 1 is not a label\'s key, such as app or example.com/app'],
    ['ä=b', '-l "ä=b": "ä" at character 1 is not a label\'s key, such as app or example.com/app'],
    [
      'app=a/b',
      '-l "app=a/b": "a/b" at character 5 is not a label\'s value (letters, digits, "-", "_" and ".", at most 63 characters)',
    ],
    [
      `app in (b,${long})`,
      `-l "app in (b,${long})": "${long}" at character 11 is not a label's value (letters, digits, "-", "_" and ".", at most 63 characters)`,
    ],
  ])('that is wrong: %s', (text, message) => {
    expect(problem(text)).toBe(message);
  });

  test('is read back from what it means, however it is spaced', () => {
    const word = fc.stringMatching(/^[a-z0-9]([-a-z0-9_.]{0,8}[a-z0-9])?$/);
    const one = fc.oneof(
      fc.record({ key: word, operator: fc.constantFrom('exists' as const, '!' as const), values: fc.constant([]) }),
      fc.record({
        key: word,
        operator: fc.constantFrom('=' as const, '==' as const, '!=' as const),
        values: fc.tuple(word),
      }),
      fc.record({
        key: word,
        operator: fc.constantFrom('in' as const, 'notin' as const),
        values: fc.array(word, { minLength: 1, maxLength: 4 }),
      }),
    );
    const written = ({ key, operator, values }: Requirement, space: string): string => {
      if (operator === 'exists') return key;
      if (operator === '!') return `!${space}${key}`;
      if (operator === 'in' || operator === 'notin') return `${key} ${operator}${space}(${values.join(`${space},`)})`;
      return `${key}${space}${operator}${space}${values[0]}`;
    };
    fc.assert(
      fc.property(
        fc.array(one, { minLength: 1, maxLength: 4 }),
        fc.constantFrom('', ' ', '\t '),
        (requirements, space) => {
          const text = requirements.map((each) => written(each, space)).join(`${space},${space}`);
          expect(parseSelector('-l', text)).toEqual(requirements);
        },
      ),
    );
  });

  test('never fails otherwise than by a usage error that names the flag', () => {
    const part = fc.constantFrom('app', 'in', 'notin', '=', '==', '!=', '!', '(', ')', ',', ' ', '<', '3', 'é', '-');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 10 }), (parts) => {
        const text = parts.join('');
        try {
          expect(parseSelector('--selector', text).length).toBeGreaterThan(0);
        } catch (error) {
          expect((error as ChaosError).code).toBe('usage');
          expect((error as Error).message.startsWith('--selector "')).toBe(true);
        }
      }),
    );
  });
});
