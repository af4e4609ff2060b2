import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from 'yaml';
import { type ChaosError, usageError } from '../../errors.ts';
import type { FaultKind } from '../../faults/fault.ts';
import { faultKinds } from '../../faults/registry.ts';
import { type Flag, type FlagValues, keyOf } from '../../flags/flag.ts';
import { nearest } from '../../flags/nearest.ts';
import { quote } from '../../flags/values.ts';
import { apiVersion } from '../../requests.ts';
import { callerFlag, type FileKeys, keysOf, kindName, withKind } from './keys.ts';

/** What a file says, as it would stand on the command line of its fault. */
export interface Said {
  kind: FaultKind;
  words: readonly string[];
  values: FlagValues;
  passedOn: readonly string[] | undefined;
  /** A usage error of the command line, with the place in the file that it is about, if it is about one. */
  placed(error: ChaosError): ChaosError;
  /** Where the namespace is said. */
  namespacePlace: string;
}

/** Where something stands, and each of its texts if it is a list. */
interface Place {
  line: number;
  texts: readonly { text: string; line: number }[];
}

interface Entry {
  key: string;
  line: number;
  value: unknown;
}

/** Reads the text of a file that is called `name` in errors. @throws ChaosError usage, one line that names the place and the key. */
export function readExperiment(text: string, name: string): Said {
  const source = new Source(text, name);
  const top = source.entries(source.root, 1, 'the experiment');
  const head = (key: string) => {
    const entry = top.get(key);
    if (!entry) throw source.error(1, `${key} is required`);
    return { line: entry.line, text: source.text(entry) };
  };
  for (const [key, right] of Object.entries({ kind: kindName, apiVersion })) {
    const { line, text: found } = head(key);
    if (found !== right) throw source.error(line, `${key} ${quote(found)}: must be ${right}`);
  }
  const kind = toKind(source, head('fault'));
  const keys = keysOf(kind);
  source.checkKeys(top, undefined, keys);
  const sections = Object.fromEntries(
    (['targets', 'options'] as const).map((section) => {
      const entry = top.get(section);
      const entries = entry ? source.entries(entry.value, entry.line, section) : new Map<string, Entry>();
      source.checkKeys(entries, section, keys);
      return [section, { line: entry?.line ?? 1, entries }];
    }),
  ) as Record<keyof FileKeys, { line: number; entries: Map<string, Entry> }>;

  const { targets, options } = sections;
  const named = targets.entries.get('names');
  if (!named && !targets.entries.has('selector')) {
    throw source.error(targets.line, 'targets: names, such as [deploy/web], or a selector is required');
  }
  const args = top.get('args');
  if (args && !kind.command.takesArguments) throw source.error(args.line, `args: ${kind.verb} takes no arguments`);

  const places = new Map<string, Place>();
  const values: Record<string, string | string[] | true> = {};
  for (const section of ['targets', 'options'] as const) {
    for (const flag of keys[section]) {
      const entry = sections[section].entries.get(keyOf(flag.name));
      const value = entry && source.value(flag, entry);
      if (entry && value !== undefined) {
        places.set(flag.name, source.placeOf(entry));
        values[entry.key] = value;
      }
    }
  }
  const words = named ? source.texts(named).map(withKind) : [];
  if (named) places.set('TARGET', source.placeOf(named, withKind));
  if (args) places.set('after "--"', source.placeOf(args));
  return {
    kind,
    words,
    values,
    passedOn: args && source.texts(args),
    namespacePlace: source.place(places.get('--namespace')?.line ?? 1),
    placed: (error) => {
      const line = lineOf(error.message, places, options.line);
      return line === undefined ? error : source.error(line, error.message, error.hint);
    },
  };
}

/** The line that a message of the command line is about, by what it names; undefined: not of the file. */
function lineOf(message: string, places: ReadonlyMap<string, Place>, rest: number): number | undefined {
  const named = message.match(/(?<![\w-])--[a-z][a-z-]*|^TARGET\b|\bTARGET(?= \()|after "--"/g) ?? [];
  // Of a flag with the usage of arguments behind it, the arguments are meant.
  const place = places.get(
    named.find((name) => name.startsWith('after')) ?? named.find((name) => places.has(name)) ?? '',
  );
  if (place) return place.texts.find(({ text }) => message.includes(quote(text)))?.line ?? place.line;
  // Of a variable, or of a flag that stands on the command line.
  const [first = ''] = named;
  const isForeign = message.startsWith('$') || first === '--namespace' || callerFlag(keyOf(first)) !== undefined;
  return isForeign ? undefined : rest;
}

function toKind(source: Source, { line, text }: { line: number; text: string }): FaultKind {
  const verbs = faultKinds.map(({ verb }) => verb);
  const kind = faultKinds.find(({ verb }) => verb === text);
  if (kind) return kind;
  throw source.error(line, `fault ${quote(text)}: must be one of: ${verbs.join(', ')}${hint(nearest(text, verbs))}`);
}

function hint(near: string | undefined): string {
  return near === undefined ? '' : `; did you mean ${near}?`;
}

/** The nodes of one YAML document, each with the line that it stands on. */
class Source {
  readonly root: unknown;
  readonly #name: string;
  readonly #lines = new LineCounter();

  constructor(text: string, name: string) {
    this.#name = name;
    // The schema is that of YAML 1.2 whatever a directive says: `yes` and `on` are texts.
    const parsed = parseAllDocuments(text, {
      ...{ schema: 'core', merge: false, uniqueKeys: false },
      ...{ lineCounter: this.#lines, prettyErrors: false, logLevel: 'silent' },
    });
    const documents = [...parsed];
    const [error] = documents.flatMap(({ errors }) => errors);
    if (error?.code === 'RESOURCE_EXHAUSTION') throw this.error(this.#lineAt(error.pos[0]), 'is nested too deeply');
    if (error) throw this.error(this.#lineAt(error.pos[0]), `is not YAML: ${error.message.split('\n')[0]}`);
    const [first, second] = documents.flatMap(({ contents }) =>
      contents === null || (isScalar(contents) && contents.value === null) ? [] : contents,
    );
    if (!first) throw usageError(`${name}: is empty`);
    if (second) {
      throw this.error(this.#lineOf(second, 1), 'is a second document: one file is one experiment');
    }
    this.root = first;
  }

  place(line: number): string {
    return `${this.#name}:${line}`;
  }

  error(line: number, message: string, more?: string): ChaosError {
    return usageError(`${this.place(line)}: ${message}`, more);
  }

  /** The entries of a map, by their keys. `what`: what the map is called. */
  entries(node: unknown, line: number, what: string): Map<string, Entry> {
    const map = this.#checked(node, line);
    if (!isMap(map)) throw this.error(line, `${what} must be a map of keys and values, not ${sortOf(map)}`);
    const entries = new Map<string, Entry>();
    for (const { key: keyNode, value } of map.items) {
      const at = this.#lineOf(keyNode, line);
      const key = scalarText(this.#checked(keyNode, at));
      if (key === undefined) throw this.error(at, `a key must be a word, not ${sortOf(keyNode)}`);
      const before = entries.get(key);
      if (before) throw this.error(at, `${quote(key)} is there twice: on line ${before.line} as well`);
      entries.set(key, { key, line: at, value });
    }
    return entries;
  }

  /** Refuses keys that do not belong there. `section` undefined: the top. */
  checkKeys(entries: ReadonlyMap<string, Entry>, section: keyof FileKeys | undefined, keys: FileKeys): void {
    const own = {
      top: ['apiVersion', 'kind', 'fault', 'targets', 'options', 'args'],
      targets: ['names', ...keys.targets.map(({ name }) => keyOf(name))],
      options: keys.options.map(({ name }) => keyOf(name)),
    };
    const here = own[section ?? 'top'];
    for (const { key, line } of entries.values()) {
      if (!here.includes(key)) throw this.error(line, complaint(key, section, own));
    }
  }

  /** A flag's value as commander has it; undefined: as if it were not there. */
  value(flag: Flag, entry: Entry): string | string[] | true | undefined {
    if (flag.isRepeatable) return this.texts(entry);
    if (flag.value !== undefined) return this.text(entry);
    const node = this.#checked(entry.value, entry.line);
    if (isScalar(node) && typeof node.value === 'boolean') return node.value || undefined;
    const text = scalarText(node);
    const old = /^(?:yes|on|y|true)$/i.test(text ?? '')
      ? 'true'
      : /^(?:no|off|n|false)$/i.test(text ?? '')
        ? 'false'
        : undefined;
    throw this.error(
      this.#lineOf(node, entry.line),
      `${entry.key}${text === undefined ? '' : ` ${quote(text)}`}: must be true or false${hint(old)}`,
    );
  }

  /** A text or a number, as it is written: `0123` stays what it is. */
  text({ key, line, value }: Entry): string {
    const node = this.#checked(value, line);
    const at = this.#lineOf(node, line);
    const text = scalarText(node);
    if (text === undefined) throw this.error(at, `${key}: must be a text or a number, not ${sortOf(node)}`);
    // No argument of a process has one.
    if (text.includes('\0')) throw this.error(at, `${key}: must not contain NUL characters`);
    return text;
  }

  /** `read`: how a text of it is quoted in messages. */
  placeOf({ value, line }: Entry, read = (text: string) => text): Place {
    const items = isSeq(value) ? value.items : [];
    return {
      line,
      texts: items.map((item) => ({ text: read(scalarText(item) ?? ''), line: this.#lineOf(item, line) })),
    };
  }

  /** One or several of them. */
  texts(entry: Entry): string[] {
    const node = this.#checked(entry.value, entry.line);
    if (!isSeq(node)) return [this.text(entry)];
    if (node.items.length === 0) throw this.error(entry.line, `${entry.key}: must not be an empty list`);
    return node.items.map((value) => this.text({ ...entry, value }));
  }

  /** Without what YAML has beyond data. */
  #checked(node: unknown, line: number): unknown {
    const at = this.#lineOf(node, line);
    if (isAlias(node)) throw this.error(at, `aliases such as *${node.source} are not supported`);
    const { tag } = (node ?? {}) as Partial<Node>;
    if (tag !== undefined) throw this.error(at, `tags such as ${quote(tag)} are not supported`);
    return node;
  }

  #lineOf(node: unknown, otherwise: number): number {
    const { range } = (node ?? {}) as Partial<Node>;
    return range ? this.#lineAt(range[0]) : otherwise;
  }

  #lineAt(offset: number): number {
    return Math.max(1, this.#lines.linePos(offset).line);
  }
}

/** Of a text or a number; undefined: it is something else. */
function scalarText(node: unknown): string | undefined {
  if (!isScalar(node)) return undefined;
  if (typeof node.value === 'string') return node.value;
  return typeof node.value === 'number' ? (node.source ?? String(node.value)) : undefined;
}

function sortOf(node: unknown): string {
  if (isMap(node)) return 'a map';
  if (isSeq(node)) return 'a list';
  if (!isScalar(node) || node.value === null) return 'nothing';
  return typeof node.value === 'boolean' ? `${node.value} without quotes` : 'a text';
}

/** Why a key is not taken, and what was probably meant. */
function complaint(
  key: string,
  section: keyof FileKeys | undefined,
  own: Readonly<Record<'top' | keyof FileKeys, readonly string[]>>,
): string {
  const camel = keyOf(`--${key}`);
  const flag = callerFlag(camel);
  if (flag?.isAllowance) {
    return `${quote(key)} takes a safeguard away, which no file can: add ${flag.name} to the command line`;
  }
  if (flag) return `${quote(key)} is not for a file to say: add ${flag.name} to the command line`;
  const other = (['top', 'targets', 'options'] as const).find((one) => own[one].includes(camel));
  const here = own[section ?? 'top'];
  if (other !== undefined && !here.includes(camel)) {
    return `${quote(key)} does not stand ${section ? `under ${section}` : 'at the top'}, but ${other === 'top' ? 'at the top' : `under ${other}`}`;
  }
  const all = Object.values(own).flat();
  const near = here.includes(camel) ? camel : (nearest(key, here) ?? nearest(key, all));
  return `unknown key ${quote(key)}${section ? ` under ${section}` : ''}${hint(near)}`;
}
