import { usageError } from '../../errors.ts';
import { valued } from '../../flags/flag.ts';
import { groups } from '../../flags/groups.ts';
import { quote } from '../../flags/values.ts';

/** Which processes of a target a fault is for, by what they are called: native/README.md, _Which processes_. */

/** Bytes that the shim takes of a pattern (native/proc/pattern.h). */
export const longestPattern = 128;

/** How the shim compares, for help and for a hint. */
export const howCompared = 'with this name, program or whole command line; * is any characters, ? any one';

/** `what`: what is done to the processes, up to that word; `otherwise`: which are meant without it, in brackets. */
export function matchFlag(what: string, otherwise = '') {
  return valued(
    {
      ...{ name: '--match', value: 'pattern', group: groups.fault },
      help: `${what} processes ${howCompared}${otherwise === '' ? '' : ` (${otherwise})`}`,
    },
    readPattern,
  );
}

/** @throws ChaosError usage. */
function readPattern(flag: string, text: string): string {
  if (/\p{Cc}/u.test(text)) throw usageError(`${flag} ${quote(text)}: must not contain control characters`);
  if (text.trim() === '') {
    throw usageError(`${flag} ${quote(text)}: must be a name or a pattern, such as nginx or "*worker*"`);
  }
  if (Buffer.byteLength(text) > longestPattern) throw usageError(`${flag}: must be at most ${longestPattern} bytes`);
  return text;
}
