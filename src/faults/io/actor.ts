import type { Fault } from '../../experiment/plan.ts';

/** What does a fault, in the words of a sentence about its end. Pure. */

export function doer(fault: Fault): string {
  if (fault.fault === 'stress' || isLoad(fault)) return 'the stressor';
  return isFill(fault) ? 'what fills the file system' : 'what held the fault';
}

/** The same by its program's name, if it is somebody else's. */
export function program(fault: Fault): string {
  return fault.fault === 'stress' || isLoad(fault) ? 'stress-ng' : doer(fault);
}

/** Why it failed, by the last lines that it wrote; undefined: it writes nothing. */
export function complaint(fault: Fault, output: readonly string[]): string | undefined {
  if (fault.fault === 'stress') return 'see its output above';
  if (!isLoad(fault) && !isFill(fault)) return undefined;
  if (output.length === 0) return 'it said nothing';
  const text = output.join('; ');
  const refusal = refusals.find(([pattern]) => pattern.test(text));
  return refusal ? `${refusal[1]} (${text})` : text;
}

function isLoad(fault: Fault): boolean {
  return fault.fault === 'io' && fault.action.kind === 'load';
}

function isFill(fault: Fault): boolean {
  return fault.fault === 'io' && fault.action.kind === 'fill';
}

/** The kernel's words for what a file system did not do, and its numbers as stress-ng prints them. */
const refusals: ReadonlyArray<[pattern: RegExp, words: string]> = [
  [/no space left|ENOSPC|errno=28\b/i, 'the file system was full'],
  [/quota exceeded|EDQUOT|errno=122\b/i, 'a quota was reached'],
  [/read-only file system|EROFS|errno=30\b/i, 'the file system was read-only'],
  [/input\/output error|\bEIO\b|errno=5\b/i, 'the disk failed'],
  [/transport endpoint|ENOTCONN|stale file handle|ESTALE|errno=(?:107|116)\b/i, 'the server of the mount was gone'],
];
