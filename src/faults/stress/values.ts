import { usageError } from '../../errors.ts';
import { quote, size } from '../../flags/values.ts';
import { parsePercent } from '../../units.ts';
import type { MemoryAmount } from './types.ts';

/** Parsers of the values that only `stress` has; each throws one line that names the flag, the value, and what would be right. */

/** `80%` or `80`, 1 to 100. */
export function loadPercent(flag: string, text: string): number {
  const value = parsePercent(text.endsWith('%') ? text : `${text}%`);
  if (value === undefined || !Number.isInteger(value) || value < 1 || value > 100) {
    throw usageError(`${flag} ${quote(text)}: must be a whole percentage from 1 to 100`);
  }
  return value;
}

/** From one page of memory on; stress-ng refuses less, and no machine has a PiB. */
const minMemoryBytes = 4096;
const maxMemoryBytes = 2 ** 50;

export function memory(flag: string, text: string): MemoryAmount {
  const percent = parsePercent(text);
  if (percent !== undefined) {
    if (percent < 1 || percent > 200) throw usageError(`${flag} ${quote(text)}: must be from 1% to 200%`);
    return { percent };
  }
  return { bytes: size(flag, text, minMemoryBytes, maxMemoryBytes, true) };
}
