import { usageError } from '../errors.ts';
import { isLabelValue, isMetadataKey } from './pairs.ts';
import { quote } from './values.ts';

/** Label selectors, as the API server and kubectl read them: k8s.io/apimachinery/pkg/labels, `Parse`. */

type Operator = '=' | '==' | '!=' | 'in' | 'notin' | '>' | '<';

/** One requirement of a selector; all of them have to be met. Without an operator only the key's being there counts. */
export interface Requirement {
  key: string;
  operator: Operator | 'exists' | '!';
  /** Of `=`, `==`, `!=`, `>` and `<` one; of `in` and `notin` at least one. */
  values: readonly string[];
}

interface Token {
  /** Empty: the end of the text. */
  text: string;
  /** From 1, in characters. */
  at: number;
}

const operators: readonly string[] = ['=', '==', '!=', 'in', 'notin', '>', '<'] satisfies Operator[];

/**
 * The requirements of a selector. One that is empty selects everything for kubectl, and is refused: it is as a rule a variable that is not set.
 * @throws ChaosError usage, one line that names the flag, the value, and the character where it is wrong.
 */
export function parseSelector(flag: string, text: string): Requirement[] {
  if (text.trim() === '') {
    throw usageError(`${flag} ${quote(text)}: must not be empty: it would select every pod of the namespace`);
  }
  const tokens = new Tokens(flag, text);
  const requirements = [requirement(tokens)];
  for (;;) {
    const next = tokens.take();
    if (next.text === '') return requirements;
    if (next.text !== ',') throw tokens.unexpected(next, '"," or the end');
    requirements.push(requirement(tokens));
  }
}

/** The words of a selector, one after the other. `in` and `notin` are words like any other but where an operator stands. */
class Tokens {
  readonly #flag: string;
  readonly #text: string;
  readonly #tokens: Token[];
  #next = 0;

  constructor(flag: string, text: string) {
    this.#flag = flag;
    this.#text = text;
    const found = [...text.matchAll(/==|!=|[=!(),<>]|[^\s=!(),<>]+/g)];
    const end = { text: '', at: [...text].length + 1 };
    this.#tokens = [...found.map((match) => ({ text: match[0], at: [...text.slice(0, match.index)].length + 1 })), end];
  }

  /** The next one, which stays; of the end there is one more each time. */
  get next(): Token {
    return this.#tokens[this.#next] as Token;
  }

  take(): Token {
    const { next } = this;
    if (next.text !== '') this.#next++;
    return next;
  }

  unexpected({ text, at }: Token, expected: string): Error {
    return this.wrong(`expected ${expected} at character ${at}, found ${text === '' ? 'the end' : quote(text)}`);
  }

  wrong(why: string): Error {
    return usageError(`${this.#flag} ${quote(this.#text)}: ${why}`);
  }
}

function isWord({ text }: Token): boolean {
  return /^[^=!(),<>]/.test(text);
}

function requirement(tokens: Tokens): Requirement {
  const isNot = tokens.next.text === '!';
  if (isNot) tokens.take();
  const key = tokens.take();
  if (!isWord(key)) throw tokens.unexpected(key, "a label's key");
  if (!isMetadataKey(key.text)) {
    throw tokens.wrong(
      `${quote(key.text)} at character ${key.at} is not a label's key, such as app or example.com/app`,
    );
  }
  if (isNot) return { key: key.text, operator: '!', values: [] };
  if (['', ','].includes(tokens.next.text)) return { key: key.text, operator: 'exists', values: [] };
  const operator = tokens.take();
  if (!operators.includes(operator.text)) throw tokens.unexpected(operator, '=, ==, !=, in, notin, > or <');
  const isSet = operator.text === 'in' || operator.text === 'notin';
  const values = isSet ? set(tokens) : [exactValue(tokens)];
  const isNumeric = operator.text === '>' || operator.text === '<';
  for (const value of values) checkValue(tokens, value, isNumeric);
  return { key: key.text, operator: operator.text as Operator, values: values.map(({ text }) => text) };
}

function checkValue(tokens: Tokens, { text, at }: Token, isNumeric: boolean): void {
  // It is compared as an int64, and has to be a label's value as well, which has no sign.
  if (isNumeric && !(/^\d+$/.test(text) && BigInt(text) < 2n ** 63n)) {
    throw tokens.wrong(`${quote(text)} at character ${at} must be a whole number below 2^63`);
  }
  if (isLabelValue(text)) return;
  throw tokens.wrong(
    `${quote(text)} at character ${at} is not a label's value (letters, digits, "-", "_" and ".", at most 63 characters)`,
  );
}

/** Nothing is the empty value. */
function exactValue(tokens: Tokens): Token {
  const { next } = tokens;
  if (next.text === '' || next.text === ',') return { text: '', at: next.at };
  tokens.take();
  if (!isWord(next)) throw tokens.unexpected(next, "a label's value");
  return next;
}

/** `(a,b)`; nothing at all, and nothing before, between or after the commas is the empty value. */
function set(tokens: Tokens): Token[] {
  const open = tokens.take();
  if (open.text !== '(') throw tokens.unexpected(open, '"("');
  const values: Token[] = [];
  for (;;) {
    const { next } = tokens;
    values.push(isWord(next) ? tokens.take() : { text: '', at: next.at });
    const after = tokens.take();
    if (after.text === ')') return values;
    if (after.text !== ',') throw tokens.unexpected(after, '"," or ")"');
  }
}
