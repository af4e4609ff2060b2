import { usageError } from '../errors.ts';
import { formatDuration, formatQuantity, parseDuration, parsePercent, parseQuantity } from '../units.ts';
import { nearest } from './nearest.ts';

/** Parsers of flag values; each throws one line that names the flag, the value, and what would be right. */

export function integer(flag: string, text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) {
    throw usageError(`${flag} ${quote(text)}: must be a whole number from ${min} to ${max}`);
  }
  return value;
}

/** `unit`: what a bare number probably means. */
export function duration(flag: string, text: string, minMs: number, maxMs: number, unit: 's' | 'ms' = 's'): number {
  const value = parseDuration(text);
  if (value === undefined) {
    const meant = goDuration(text, unit);
    const ms = meant === undefined ? undefined : parseDuration(meant);
    const hint = ms !== undefined && ms >= minMs && ms <= maxMs ? `; did you mean ${meant}?` : '';
    const such = unit === 's' ? '30s, 5m or 1h30m' : '20ms or 1.5s';
    throw usageError(`${flag} ${quote(text)}: must be a duration such as ${such}${hint}`);
  }
  if (value < minMs || value > maxMs) {
    throw usageError(`${flag} ${quote(text)}: must be from ${formatDuration(minMs)} to ${formatDuration(maxMs)}`);
  }
  return value;
}

/** `512Mi` or `1G` in whole bytes; `orPercent`: the flag takes a percentage as well. */
export function size(flag: string, text: string, minBytes: number, maxBytes: number, orPercent = false): number {
  const bytes = parseQuantity(text);
  if (bytes === undefined) {
    const hint = /^\d+(?:\.\d+)?\s*[kmgt]i?b?$/i.test(text) ? `; did you mean ${kubernetesSize(text)}?` : '';
    const percent = orPercent ? ', or a percentage such as 80%' : '';
    throw usageError(`${flag} ${quote(text)}: must be a size such as 512Mi or 1G${percent}${hint}`);
  }
  if (bytes < minBytes || bytes > maxBytes) {
    const range = `must be from ${formatQuantity(minBytes)} to ${formatQuantity(maxBytes)}`;
    // A bare number is bytes, and `m` is a thousandth: neither is often meant.
    const meant = /^\d+m?$/.test(text) && bytes < minBytes ? `${text.replace('m', '')}Mi` : '';
    const isRight = meant !== '' && (parseQuantity(meant) ?? 0) >= minBytes && (parseQuantity(meant) ?? 0) <= maxBytes;
    throw usageError(
      `${flag} ${quote(text)}: ${range}${orPercent ? ', or a percentage' : ''}${isRight ? `; did you mean ${meant}?` : ''}`,
    );
  }
  return Math.floor(bytes);
}

/** `2%`, from `min` to 100%. A bare number is refused: 0.02 means 2% to some and 0.02% to others. */
export function percentage(flag: string, text: string, min = leastPercent): number {
  const value = parsePercent(text);
  if (value === undefined) {
    const hint = parsePercent(`${text}%`) ? `; did you mean ${text}%?` : '';
    throw usageError(`${flag} ${quote(text)}: must be a percentage such as 2%${hint}`);
  }
  if (value < min || value > 100) throw usageError(`${flag} ${quote(text)}: must be from ${min}% to 100%`);
  return value;
}

/** `80%` or `80`, a whole number from 1 to 100. */
export function wholePercentage(flag: string, text: string): number {
  const value = parsePercent(text.endsWith('%') ? text : `${text}%`);
  if (value === undefined || !Number.isInteger(value) || value < 1 || value > 100) {
    throw usageError(`${flag} ${quote(text)}: must be a whole percentage from 1 to 100`);
  }
  return value;
}

/** netem keeps probabilities in 32 bits: this is some 4000 of its steps. */
const leastPercent = 0.0001;

/** Other spellings of Go's units, and of days, which Go does not have. */
const timeUnits: readonly [words: RegExp, unit: string, times: number][] = [
  [/^(?:s|secs?|seconds?)$/, 's', 1],
  [/^(?:m|mins?|minutes?)$/, 'm', 1],
  [/^(?:h|hrs?|hours?)$/, 'h', 1],
  [/^(?:d|days?)$/, 'h', 24],
  [/^(?:ms|msecs?|milliseconds?)$/, 'ms', 1],
];

/** `60`, `5min`, `1 h` and `1d` as Go would write them; undefined: it is not known what is meant. */
function goDuration(text: string, unit: 's' | 'ms'): string | undefined {
  const [, value, word] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/.exec(text.trim().toLowerCase()) ?? [];
  if (value === undefined) return undefined;
  if (word === '') return `${value}${unit}`;
  const [, meant, times = 1] = timeUnits.find(([words]) => words.test(word ?? '')) ?? [];
  return meant === undefined ? undefined : `${times === 1 ? value : Number(value) * times}${meant}`;
}

/** `512MB`, `512 mb`, `1gib` as Kubernetes would write them. */
function kubernetesSize(text: string): string {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt])(i?)b?$/i.exec(text);
  const unit = match?.[2]?.toUpperCase() ?? 'M';
  return `${match?.[1] ?? ''}${match?.[3] ? `${unit}i` : unit === 'K' ? 'k' : unit}`;
}

export function choice<T extends string>(flag: string, text: string, choices: readonly T[]): T {
  const found = choices.find((candidate) => candidate === text);
  if (found === undefined) {
    const all = choices.length > 2 ? `one of: ${choices.join(', ')}` : choices.join(' or ');
    const near = nearest(text.toLowerCase(), choices);
    throw usageError(`${flag} ${quote(text)}: must be ${all}${near === undefined ? '' : `; did you mean ${near}?`}`);
  }
  return found;
}

/** A value inside an error: quoted, and without what could move a terminal's cursor. */
export function quote(text: string): string {
  return JSON.stringify(text);
}
