import { type Flag, type FlagValues, keyOf, type Nameable } from '../flags/flag.ts';
import { kindNames, serviceWords, targetKind } from '../flags/names.ts';
import type { NameQuery, TargetQuery } from '../ports.ts';
import type { Candidate, CompletionRequest } from '../requests.ts';
import { type FlagShape, normalizeArgv } from './argv.ts';
import { toConnection } from './run-options.ts';

/** What a verb's operands name; `experiment`: one of them. */
export type Operands = 'target' | 'experiment' | 'experiments' | 'nodes';

/** What completion has to know of a verb. */
export interface CompletedVerb {
  name: string;
  aliases?: readonly string[];
  summary: string;
  flags: readonly Flag[];
  operands?: Operands;
}

/** kubectl 1.26 and later runs this with the words after `kubectl chaos`, the last one being completed: kubectl's pkg/cmd/plugin/plugin_completion.go. */
export const completionScript = `#!/bin/sh
# Completes the arguments of "kubectl chaos": kubectl runs this file, which must be executable and on PATH as kubectl_complete-chaos.
exec kubectl-chaos __complete "$@"
`;

/** What stands for the word at the cursor while the others are read: no argument of a process can contain it. */
const cursor = '\0';

const nothing: CompletionRequest = { word: '', candidates: [] };

/**
 * Finds out what is being completed: `words` are those after `kubectl chaos`, the last one up to the cursor and so possibly empty. Never throws: a
 * line that is wrong has no completion.
 */
export function toCompletion(
  words: readonly string[],
  verbs: readonly CompletedVerb[],
  shapes: readonly FlagShape[],
): CompletionRequest {
  try {
    return complete(words.slice(0, -1), words.at(-1) ?? '', verbs, shapes);
  } catch {
    return nothing;
  }
}

function complete(
  before: readonly string[],
  word: string,
  verbs: readonly CompletedVerb[],
  shapes: readonly FlagShape[],
): CompletionRequest {
  const { words, passedOn } = normalizeArgv([...before, cursor], shapes);
  if (passedOn) return nothing;
  const firstFlag = words.findIndex((one) => /^-./.test(one));
  const [name, ...operands] = words.slice(0, firstFlag < 0 ? words.length : firstFlag).filter((one) => one !== cursor);
  const given = firstFlag < 0 ? [] : words.slice(firstFlag);
  const verb = verbs.find((one) => one.name === name || one.aliases?.includes(name ?? ''));
  const flags = verb?.flags ?? everywhere(verbs);
  const values = valuesOf(given, flags);
  const line = { verb, operands, values };

  const asked = given.find((one) => one.endsWith(`=${cursor}`));
  if (asked !== undefined) return flagValue(flagNamed(asked, flags), word, line);
  const [, spelling, value] = /^(-[^=]*)=(.*)$/s.exec(word) ?? [];
  if (spelling !== undefined) return flagValue(flagNamed(spelling, flags), value ?? '', line);
  if (word.startsWith('-')) return flagNames(word, flags, values, name === undefined);
  if (name === undefined || (name === 'help' && operands.length === 0)) return verbNames(word, verbs, name);
  return verb ? operand(word, line) : nothing;
}

/** What stands on the line already. */
interface Line {
  verb: CompletedVerb | undefined;
  operands: readonly string[];
  values: FlagValues;
}

/** Flags that every verb has can stand before it. */
function everywhere(verbs: readonly CompletedVerb[]): Flag[] {
  const [first, ...others] = verbs.filter(({ flags }) => flags.length > 0);
  return (first?.flags ?? []).filter(({ name }) =>
    others.every(({ flags }) => flags.some((flag) => flag.name === name)),
  );
}

/** Values as commander would have them; of flags that are read. */
function valuesOf(given: readonly string[], flags: readonly Flag[]): FlagValues {
  const values: Record<string, string | string[] | boolean> = {};
  for (const one of given) {
    const [, name, value = true] = /^(--[^=]+)(?:=(.*))?$/s.exec(one) ?? [];
    const flag = flags.find((candidate) => candidate.name === name);
    if (!flag || value === cursor) continue;
    const key = keyOf(flag.name);
    const earlier = values[key];
    values[key] = flag.isRepeatable ? [...(Array.isArray(earlier) ? earlier : []), String(value)] : value;
  }
  return values;
}

/** Of `--flag=…`, or of the last letter of `-abc`. */
function flagNamed(spelling: string, flags: readonly Flag[]): Flag | undefined {
  const name = spelling.replace(/=.*$/s, '');
  if (name.startsWith('--')) return flags.find((flag) => flag.name === name || flag.alias === name);
  return flags.find((flag) => flag.short === `-${name.at(-1)}`);
}

function verbNames(word: string, verbs: readonly CompletedVerb[], before: string | undefined): CompletionRequest {
  const candidates = verbs.flatMap(({ name, aliases = [], summary: about }): Candidate[] => [
    { value: name, about },
    // Another name of the same would only make a list of all longer.
    ...(word === '' ? [] : aliases.map((value) => ({ value, about }))),
  ]);
  const help = { value: 'help', about: 'print the help of a command' };
  return { word, candidates: before === undefined ? [...candidates, help] : candidates };
}

function flagNames(word: string, flags: readonly Flag[], values: FlagValues, isRoot: boolean): CompletionRequest {
  const offered = flags
    .filter((flag) => !flag.isHidden && (flag.isRepeatable || values[keyOf(flag.name)] === undefined))
    .flatMap(({ name, short, help: about }): Candidate[] =>
      [name, ...(short === undefined ? [] : [short])].map((value) => ({ value, about })),
    );
  const help = ['--help', '-h'].map((value) => ({ value, about: 'print this help' }));
  const version = isRoot ? [{ value: '--version', about: 'print the version' }] : [];
  return { word, candidates: [...offered, ...help, ...version] };
}

/** `word`: the value alone, as far as it is typed; the shells of kubectl put `--flag=` before what is printed. */
function flagValue(flag: Flag | undefined, word: string, line: Line): CompletionRequest {
  if (flag?.choices) return { word, candidates: flag.choices.map((value) => ({ value })) };
  if (flag?.names === undefined) return nothing;
  if (flag.names === 'file') return { ...nothing, isFile: true };
  if (flag.names === 'peer') return peer(word, line);
  const query = flagQuery(flag.names, line);
  return query ? lookUp(word, query, line) : nothing;
}

function flagQuery(names: Exclude<Nameable, 'peer' | 'file'>, { operands, values }: Line): NameQuery | undefined {
  if (names !== 'container') return { of: names };
  if (typeof values.selector === 'string') return { of: 'container', target: { labels: values.selector } };
  const [first = '', second] = operands;
  const kind = second === undefined ? undefined : kindOf(first);
  const target = kind === undefined ? splitTarget(first) : { kind, name: second ?? '' };
  return target && target.name !== '' ? { of: 'container', target } : undefined;
}

function kindOf(word: string): TargetQuery['kind'] | undefined {
  return targetKind(word.toLowerCase());
}

function splitTarget(text: string): Pick<TargetQuery, 'kind' | 'name'> | undefined {
  const [, kindWord, name] = /^([^/]*)\/(.*)$/s.exec(text) ?? [];
  const kind = kindWord === undefined ? 'pod' : kindOf(kindWord);
  return kind === undefined ? undefined : { kind, name: name ?? text };
}

function operand(word: string, line: Line): CompletionRequest {
  const { verb, operands } = line;
  switch (verb?.operands) {
    case 'target':
      return target(word, line);
    case 'experiment':
    case 'experiments':
      if (verb.operands === 'experiment' && operands.length > 0) return nothing;
      return lookUp(word, { of: 'experiment', allNamespaces: line.values.allNamespaces === true }, line, '', operands);
    case 'nodes':
      return lookUp(word, { of: 'node' }, line, '', operands);
    case undefined:
      return nothing;
  }
}

/** `web`, `deploy/web`, and as two words and more `deploy web api`. */
function target(word: string, line: Line): CompletionRequest {
  const [first, ...others] = line.operands;
  const kind = first === undefined ? undefined : kindOf(first);
  if (kind !== undefined) return lookUp(word, { of: 'object', kind }, line, '', others);
  if (!word.includes('/')) {
    const pods = lookUp(word, { of: 'object', kind: 'pod' }, line, '', line.operands);
    return { ...pods, candidates: kinds(word) };
  }
  return object(word, '', line);
}

/** The names behind `KIND/`; `prefix` is what stands before the kind. */
function object(word: string, prefix: string, line: Line): CompletionRequest {
  const typed = word.slice(prefix.length);
  const kind = splitTarget(typed)?.kind;
  if (kind === undefined) return nothing;
  return lookUp(word, { of: 'object', kind }, line, prefix + typed.slice(0, typed.indexOf('/') + 1));
}

/** Of a list with commas the last one. A bare word is the name of a host, and an address no name at all: only objects can be looked up. */
function peer(word: string, line: Line): CompletionRequest {
  const start = word.lastIndexOf(',') + 1;
  const before = word.slice(0, start);
  const [first = '', second, third] = word.slice(start).split('/');
  if (second === undefined)
    return { word, candidates: kinds(first).map((one) => ({ ...one, value: before + one.value })) };
  if (third === undefined) return object(word, before, line);
  const values = { ...line.values, namespace: first };
  return object(word, `${before}${first}/`, { ...line, values });
}

function lookUp(
  word: string,
  query: NameQuery,
  { values }: Line,
  prefix = '',
  except: readonly string[] = [],
): CompletionRequest {
  return { word, candidates: [], names: { query, connection: toConnection(values), prefix, except } };
}

/** How kinds are offered, one word each, in the order of kubectl's habits. */
const usualWords = ['pod', 'deploy', 'sts', 'ds', 'svc', 'rs', 'job', 'cronjob', 'rc'];

/** Of each kind the usual word, or the first of its other names that begins as this does. */
function kinds(typed: string): Candidate[] {
  const all = [...Object.keys(kindNames), ...serviceWords];
  return usualWords.flatMap((usual) => {
    const kind = targetKind(usual);
    const words = [usual, ...all.filter((word) => targetKind(word) === kind)];
    const fitting = words.find((word) => word.startsWith(typed));
    return fitting === undefined ? [] : [{ value: `${fitting}/`, isOpen: true as const }];
  });
}
