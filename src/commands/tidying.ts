import type { Tidying } from '../experiment/tidying.ts';
import { oneLine } from '../terminal/words.ts';
import type { CommandPorts } from './ports.ts';

/** Waits for what is removed aside, and with `-v` says what has become of it. */
export async function settle(
  tidying: Tidying,
  verbose: boolean,
  { stderr }: Pick<CommandPorts, 'stderr'>,
): Promise<void> {
  const notes = await tidying.end();
  if (verbose) for (const note of notes) stderr.write(`note: ${oneLine(note)}\n`);
}
