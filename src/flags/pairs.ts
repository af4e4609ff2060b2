import { usageError } from '../errors.ts';
import { type Flag, keyOf, type Valued, variableOf } from './flag.ts';
import { isObjectName } from './names.ts';
import { quote } from './values.ts';

/** Flags whose values are KEY=VALUE. */

type Pairs = Readonly<Record<string, string>>;

/** How one kind of pairs is read. `check` throws a usage error; `flag` and `text` are what was given, for its message. */
interface Kind {
  /** Of several pairs in one value. */
  separator?: RegExp;
  /** In an environment variable. */
  variableSeparator: RegExp;
  such: string;
  check(flag: string, text: string, key: string, value: string): void;
}

/** A flag that may be given several times; what it is given is added to what its variable has, and counts more. */
export function pairs(data: Valued, kind: Kind): Flag<Pairs> {
  const { name, variable } = data;
  const read: Flag<Pairs>['read'] = (values) => {
    const given = values[keyOf(name)];
    const inherited = variableOf(data, values);
    const texts = (Array.isArray(given) ? given : []).flatMap((text) =>
      kind.separator ? text.split(kind.separator) : [text],
    );
    const lines = inherited?.split(kind.variableSeparator).filter((line) => line.trim() !== '') ?? [];
    return Object.fromEntries([
      ...lines.map((line) => pair(`$${variable}`, line.trim(), kind)),
      ...texts.map((text) => pair(name, text, kind)),
    ]);
  };
  return { ...data, isRepeatable: true, read };
}

function pair(flag: string, text: string, { such, check }: Kind): [key: string, value: string] {
  const at = text.indexOf('=');
  if (at <= 0) throw usageError(`${flag} ${quote(text)}: must be KEY=VALUE, such as ${such}`);
  const [key, value] = [text.slice(0, at), text.slice(at + 1)];
  check(flag, text, key, value);
  return [key, value];
}

/** The name part of a label's or an annotation's key, and a label's value: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/. */
const named = /^[A-Za-z0-9](?:[-\w.]{0,61}[A-Za-z0-9])?$/;

/** Whether it can be the key of a label or an annotation. */
export function isMetadataKey(key: string): boolean {
  const [name = '', prefix, ...more] = key.split('/').reverse();
  return named.test(name) && more.length === 0 && (prefix === undefined || isObjectName(prefix));
}

export function isLabelValue(value: string): boolean {
  return value === '' || named.test(value);
}
