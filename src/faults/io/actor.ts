import type { Actor } from '../fault.ts';
import type { IoFault } from './types.ts';

/** What does an io fault, in the words of a sentence about its end. Pure. */
export function actor({ action }: IoFault): Actor {
  switch (action.kind) {
    case 'load':
      return { name: 'the stressor', program: 'stress-ng', complaint, speaks: true };
    case 'fill': {
      const name = 'the process that fills the file system';
      return { name, program: name, complaint, speaks: true };
    }
    case 'throttle': {
      const name = 'the process that holds the fault';
      return { name, program: name, complaint: () => undefined, speaks: true, overwritten };
    }
  }
}

const overwritten = (after: string) =>
  `somebody else overwrote the limit on the target's cgroup ${after}, so that it was no longer in force; systemd restores its own limits at every \`systemctl daemon-reload\``;

/** Why it failed, by the last lines that it wrote. */
function complaint(output: readonly string[]): string {
  if (output.length === 0) return 'it wrote no output';
  const text = output.join('; ');
  const refusal = refusals.find(([pattern]) => pattern.test(text));
  return refusal ? `${refusal[1]} (${text})` : text;
}

/** The kernel's words for what a file system did not do, and its numbers as stress-ng prints them. */
const refusals: ReadonlyArray<[pattern: RegExp, words: string]> = [
  [/no space left|ENOSPC|errno=28\b/i, 'the file system was full'],
  [/quota exceeded|EDQUOT|errno=122\b/i, 'a quota was reached'],
  [/read-only file system|EROFS|errno=30\b/i, 'the file system was read-only'],
  [/input\/output error|\bEIO\b|errno=5\b/i, 'the disk failed'],
  [/transport endpoint|ENOTCONN|stale file handle|ESTALE|errno=(?:107|116)\b/i, 'the server of the mount was gone'],
];
