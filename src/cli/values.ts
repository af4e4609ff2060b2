import { usageError } from '../errors.ts';
import type { MemoryAmount } from '../faults/request.ts';
import { formatDuration, parseDuration, parsePercent, parseQuantity } from '../units.ts';

/** Parsers of flag values; each throws one line that names the flag, the value, and what would be right. */

export function integer(flag: string, text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) {
    throw usageError(`${flag} ${quote(text)}: must be a whole number from ${min} to ${max}`);
  }
  return value;
}

export function duration(flag: string, text: string, minMs: number, maxMs: number): number {
  const value = parseDuration(text);
  if (value === undefined) {
    const hint = /^\d+(?:\.\d+)?$/.test(text) ? `; did you mean ${text}s?` : '';
    throw usageError(`${flag} ${quote(text)}: not a duration such as 30s, 5m or 1h30m${hint}`);
  }
  if (value < minMs || value > maxMs) {
    throw usageError(`${flag} ${quote(text)}: must be from ${formatDuration(minMs)} to ${formatDuration(maxMs)}`);
  }
  return value;
}

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
  const bytes = parseQuantity(text);
  if (bytes === undefined) {
    const hint = /^\d+(?:\.\d+)?\s*[kmgt]i?b?$/i.test(text) ? `; did you mean ${kubernetesSize(text)}?` : '';
    throw usageError(`${flag} ${quote(text)}: not a size such as 512Mi or 1G, nor a percentage such as 80%${hint}`);
  }
  if (bytes < minMemoryBytes || bytes > maxMemoryBytes) {
    throw usageError(`${flag} ${quote(text)}: must be from 4Ki to 1Pi, or a percentage`);
  }
  return { bytes: Math.floor(bytes) };
}

/** `512MB`, `512 mb`, `1gib` as Kubernetes would write them. */
function kubernetesSize(text: string): string {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt])(i?)b?$/i.exec(text);
  const unit = match?.[2]?.toUpperCase() ?? 'M';
  return `${match?.[1] ?? ''}${match?.[3] ? `${unit}i` : unit === 'K' ? 'k' : unit}`;
}

export function choice<T extends string>(flag: string, text: string, choices: readonly T[]): T {
  const found = choices.find((candidate) => candidate === text);
  if (found === undefined) throw usageError(`${flag} ${quote(text)}: must be ${choices.join(' or ')}`);
  return found;
}

/** A value inside an error: quoted, and without what could move a terminal's cursor. */
export function quote(text: string): string {
  return JSON.stringify(text);
}
