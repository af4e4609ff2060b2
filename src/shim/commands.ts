import type { Toolbox } from '../ports.ts';

/** The lines that `hold` and `run` hear besides `start`, `beat` and `stop`, as native/README.md defines them; without the newline. */

/** A program's run in the target's network namespace; `input` is its stdin. */
export interface Step {
  argv: readonly string[];
  input?: string;
}

/** One question to the shim, and the name by which its answer is known. */
export interface Question extends Step {
  id: string;
  /** Of `lookup`, argv is [name]; of `connect` it is [address, port]; of `listen` [milliseconds, ...ports, ...addresses]; of `signal` [container, number, milliseconds] and perhaps a pattern. */
  verb: 'ask' | 'fresh' | 'lookup' | 'connect' | 'listen' | 'signal';
}

/** What the shim can undo by itself: native/README.md, `undo`. */
export type Undo =
  | { kind: 'qdisc'; device: string; handle: string }
  | { kind: 'ingress'; device: string }
  | { kind: 'link'; name: string }
  | { kind: 'table'; name: string }
  /** Packets. */
  | { kind: 'txqueuelen'; device: string; length: number };

/** What is written into a file of the target's cgroup at `start`, in the words of the kernel: of `io.max` several. */
export interface CgroupSetting {
  file: string;
  /** `MAJOR:MINOR`. */
  device: string;
  value: string;
}

/** Bytes up to 0x20, `%`, `<` and 0x7f and above are written `%XX`, so that a word ends at a blank and a line at a newline whatever is in them. */
export function encodeWord(word: string): string {
  // Over UTF-8, and by runs: almost every word is a single one that needs nothing done.
  return word.replace(/[^!-$&-;=-~]+/g, (run) =>
    Array.from(new TextEncoder().encode(run), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(
      '',
    ),
  );
}

function line(...words: readonly string[]): string {
  return words.map(encodeWord).join(' ');
}

function withInput(words: string, input: string | undefined): string {
  return input === undefined ? words : `${words} <${encodeWord(input)}`;
}

export function askLine({ verb, id, argv, input }: Question): string {
  return withInput(line(verb, id, ...argv), input);
}

/** How many shims an agent has room for. */
export const mostShims = 128;

/** Has an agent begin a shim of this name with this command line. It ends with what no word can be, so that one that is cut off begins nothing. */
export function beginLine(name: string, words: readonly string[]): string {
  return `${line('begin', name, ...words)} <`;
}

/** A line for one of an agent's shims. */
export function toLine(name: string, text: string): string {
  return `to ${name} ${text}`;
}

export const clearLine = 'clear';

export function undoLine(undo: Undo): string {
  switch (undo.kind) {
    case 'qdisc':
      return line('undo', 'qdisc', undo.device, undo.handle);
    case 'txqueuelen':
      return line('undo', 'txqueuelen', undo.device, String(undo.length));
    case 'ingress':
      return line('undo', 'ingress', undo.device);
    case 'link':
    case 'table':
      return line('undo', undo.kind, undo.name);
  }
}

export function settingLine({ file, device, value }: CgroupSetting): string {
  return line('setting', file, device, ...value.split(' '));
}

export function applyLine({ argv, input }: Step): string {
  return withInput(line('apply', ...argv), input);
}

export function compareLine(id: string, argv: readonly string[]): string {
  return line('compare', id, ...argv);
}

export function countLine(id: string, argv: readonly string[]): string {
  return line('count', id, ...argv);
}

/** Of a toolbox in one line, which has at most 16 KiB, and base64 a third more. */
export const chunkBytes = 12_000;

/** Announces a toolbox. Said again it asks for nothing but how much of it is there. */
export function toolsLine({ name, archive, sha256, unpackedBytes }: Toolbox): string {
  return line('tools', name, String(archive.length), sha256, String(unpackedBytes));
}

/** What of its archive begins at `offset`. */
export function chunkLine({ archive }: Toolbox, offset: number): string {
  const chunk = archive.subarray(offset, offset + chunkBytes);
  return `chunk ${offset} ${Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('base64')}`;
}

/** What the shim takes of a workload at most: words of argv, and bytes of the line. */
const mostWorkloadWords = 63;
const longestWorkloadLine = 16 * 1_024;

/** The workload of a `run`, in place of the one that stands behind `--`. Undefined: it is longer than the shim takes. */
export function workloadLine(argv: readonly string[]): string | undefined {
  const words = line('workload', ...argv);
  return argv.length > mostWorkloadWords || words.length > longestWorkloadLine ? undefined : words;
}
