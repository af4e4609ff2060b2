import { usageError } from '../../errors.ts';
import { quote, size } from '../../flags/values.ts';
import { parsePercent } from '../../units.ts';
import type { MemoryAmount } from './types.ts';

/** Parsers of the values that only `stress` has; each throws one line that names the flag, the value, and what would be right. */

const maxWorkers = 4096;
const minMilli = 10;

/**
 * `2`: two busy CPUs. `1500m`, a quantity: the fewest workers that make up so much CPU, each as busy as the others, since a
 * worker's load is a whole percentage: 2 at 75%.
 */
export function cpus(flag: string, text: string): { workers: number; loadPercent?: number } {
  if (/^\d+m$/.test(text)) {
    const milli = Number(text.slice(0, -1));
    if (milli < minMilli || milli > maxWorkers * 1_000) {
      throw usageError(`${flag} ${quote(text)}: must be from ${minMilli}m to ${maxWorkers}`);
    }
    const workers = Math.ceil(milli / 1_000);
    return milli % 1_000 === 0 ? { workers } : { workers, loadPercent: Math.round(milli / workers / 10) };
  }
  const workers = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(workers >= 1 && workers <= maxWorkers)) {
    throw usageError(
      `${flag} ${quote(text)}: must be a whole number from 1 to ${maxWorkers}, or a quantity such as 500m${cpuHint(text)}`,
    );
  }
  return { workers };
}

function cpuHint(text: string): string {
  if (/^\d+%$/.test(text)) return '; --cpu-load is how busy each CPU is';
  const milli = /^\d*\.\d+$/.test(text) ? Math.round(Number(text) * 1_000) : 0;
  return milli >= minMilli && milli <= maxWorkers * 1_000 ? `; did you mean ${milli}m?` : '';
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
