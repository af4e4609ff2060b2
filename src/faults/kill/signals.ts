import { usageError } from '../../errors.ts';
import { quote } from '../../flags/values.ts';

/** Signals by their numbers, from 1: those of Linux on amd64 and arm64, which are the same. signal(7) */
const names = [
  ...['HUP', 'INT', 'QUIT', 'ILL', 'TRAP', 'ABRT', 'BUS', 'FPE', 'KILL', 'USR1', 'SEGV', 'USR2', 'PIPE', 'ALRM'],
  ...['TERM', 'STKFLT', 'CHLD', 'CONT', 'STOP', 'TSTP', 'TTIN', 'TTOU', 'URG', 'XCPU', 'XFSZ', 'VTALRM', 'PROF'],
  ...['WINCH', 'IO', 'PWR', 'SYS'],
];

/** Other names of some, as `kill -l` takes them. */
const aliases: Readonly<Record<string, string>> = { IOT: 'ABRT', CLD: 'CHLD', POLL: 'IO' };

/** They stop a process, or have it go on. */
const stopping: readonly string[] = ['STOP', 'TSTP', 'TTIN', 'TTOU', 'CONT'];

/** Those that a process without a handler takes no notice of. */
const unnoticed: readonly string[] = ['CHLD', 'URG', 'WINCH'];

/** `TERM`, `SIGTERM`, `15`. */
export function signalNumber(flag: string, text: string): number {
  const word = text.toUpperCase().replace(/^SIG(?=.)/, '');
  const name = /^\d+$/.test(word) ? names[Number(word) - 1] : Object.hasOwn(aliases, word) ? aliases[word] : word;
  if (name !== undefined && stopping.includes(name)) {
    throw usageError(
      `${flag} ${quote(text)}: SIG${name} stops a process or has it go on, and kills none`,
      'To stop a container\'s processes for a time: "kubectl chaos pause".',
    );
  }
  const number = name === undefined ? 0 : names.indexOf(name) + 1;
  if (number === 0) {
    throw usageError(
      `${flag} ${quote(text)}: must be a signal such as TERM, KILL, HUP or USR1, or its number from 1 to ${names.length}`,
    );
  }
  return number;
}

/** `SIGTERM`. */
export function signalName(signal: number): string {
  return `SIG${names[signal - 1]}`;
}

export const sigkill = names.indexOf('KILL') + 1;

export function isUnnoticed(signal: number): boolean {
  return unnoticed.includes(names[signal - 1] ?? '');
}

/** How a container ended, by what the runtime says: `exit code 143 (SIGTERM)`. */
export function describeEnd({ exitCode, signal }: { exitCode: number; signal: number }): string {
  const number = signal > 0 ? signal : exitCode - 128;
  return names[number - 1] === undefined ? `exit code ${exitCode}` : `exit code ${exitCode} (${signalName(number)})`;
}
