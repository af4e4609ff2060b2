/** The lines that `hold` hears besides `start`, `beat` and `stop`, as native/README.md defines them; without the newline. */

/** A program's run; `input` is its stdin. */
interface ProgramRun {
  argv: readonly string[];
  input?: string;
}

/** What is answered with `id`. */
interface Asked extends ProgramRun {
  id: string;
  verb: 'ask' | 'fresh' | 'lookup' | 'connect';
}

/** What the shim can delete by itself. */
type Deletion =
  | { kind: 'qdisc'; device: string; handle: string }
  | { kind: 'ingress'; device: string }
  | { kind: 'link' | 'table'; name: string }
  | { kind: 'txqueuelen'; device: string; length: number };

/** What is written into a file of the target's cgroup at `start`, in the words of the kernel: of `io.max` several. */
interface Setting {
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

export function askLine({ verb, id, argv, input }: Asked): string {
  return withInput(line(verb, id, ...argv), input);
}

export const clearLine = 'clear';

export function undoLine(undo: Deletion): string {
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

export function settingLine({ file, device, value }: Setting): string {
  return line('setting', file, device, ...value.split(' '));
}

export function applyLine({ argv, input }: ProgramRun): string {
  return withInput(line('apply', ...argv), input);
}

export function compareLine(id: string, argv: readonly string[]): string {
  return line('compare', id, ...argv);
}

export function countLine(id: string, argv: readonly string[]): string {
  return line('count', id, ...argv);
}
