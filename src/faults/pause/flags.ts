import { usageError } from '../../errors.ts';
import { toggle, valued } from '../../flags/flag.ts';
import { groups } from '../../flags/groups.ts';
import { quote } from '../../flags/values.ts';

const { fault: group } = groups;

/** What the shim takes of a pattern, bytes. */
const longestPattern = 128;

/** The flags of `pause` alone. */
export const flags = {
  match: valued(
    {
      ...{ name: '--match', value: 'pattern', group },
      help: 'stop only processes of this name or command line; * is any characters (default: the whole container)',
    },
    pattern,
  ),
  allowRestart: toggle({
    ...{ name: '--allow-restart', group, isNeverHinted: true, isAllowance: true },
    help: 'pause for so long that the kubelet restarts the container, because its probes fail',
  }),
};

/** @throws ChaosError usage. */
function pattern(flag: string, text: string): string {
  if (text === '') throw usageError(`${flag} "": must be a name or a pattern, such as nginx or "*worker*"`);
  if (/\p{Cc}/u.test(text)) throw usageError(`${flag} ${quote(text)}: must not contain control characters`);
  if (Buffer.byteLength(text) > longestPattern) throw usageError(`${flag}: must be at most ${longestPattern} bytes`);
  return text;
}
