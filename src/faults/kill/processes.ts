import type { Question } from '../../shim/commands.ts';
import type { AnswerEvent } from '../../shim/protocol.ts';
import type { Disposition, Process, SignalAction, Which } from './types.ts';

/** How the shim is asked for processes of a container, and what it answers: native/README.md, `signal`. */

function pattern(which: Which): string[] {
  if (which.by === 'match') return [which.pattern];
  return which.by === 'all' ? ['*'] : [];
}

/** Which processes there are, and what they would do with the signal. */
export function lookQuestion(id: string, container: string, { which }: SignalAction): Question {
  return { id, verb: 'signal', argv: [container, '0', '0', ...pattern(which)] };
}

/** Sends it, and looks for at most `waitMs` what becomes of them. */
export function signalQuestion(
  id: string,
  container: string,
  { signal, which }: SignalAction,
  waitMs: number,
): Question {
  return { id, verb: 'signal', argv: [container, String(signal), String(waitMs), ...pattern(which)] };
}

export type Found =
  /** `isWhole`: none were left out, and none new came as long as they were looked for. */
  | { kind: 'processes'; processes: Process[]; isWhole: boolean }
  /** It has ended, or has not begun. */
  | { kind: 'no-container' }
  | { kind: 'failed'; why: string };

/** Its pid, lines of /proc/PID/status, then what became of it, and its name, in which there is no newline. */
const process = /^(\d+)\nSigBlk:\t([0-9a-f]+)\nSigIgn:\t([0-9a-f]+)\nSigCgt:\t([0-9a-f]+)\n(ended|there) (.*)$/gm;

/** `signal`: what is made of the sets of signals. */
export function readProcesses({ exitCode, stdout, stderr }: AnswerEvent, signal: number): Found {
  if (exitCode > 1) return stdout === 'no-container' ? { kind: 'no-container' } : { kind: 'failed', why: stderr };
  const processes = [...stdout.matchAll(process)].map(
    ([, pid = '', blocked = '', ignored = '', caught = '', outcome, comm = '']): Process => ({
      ...{ pid: Number(pid), isInit: pid === '1', comm },
      disposition: dispositionOf(signal, { blocked, ignored, caught }),
      outcome: outcome === 'ended' ? 'ended' : 'there',
    }),
  );
  return { kind: 'processes', processes, isWhole: exitCode === 0 };
}

/** The sets as the kernel writes them: hexadecimal, the lowest bit is signal 1. */
function dispositionOf(signal: number, sets: Readonly<Record<'blocked' | 'ignored' | 'caught', string>>): Disposition {
  const has = (set: string) => (BigInt(`0x${set}`) >> BigInt(signal - 1)) % 2n === 1n;
  if (has(sets.caught)) return 'handled';
  if (has(sets.ignored)) return 'ignored';
  return has(sets.blocked) ? 'blocked' : 'default';
}
