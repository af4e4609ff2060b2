/**
 * Words for numbers and lists, used wherever a person reads them, so that a figure reads the same in a table and in a sentence.
 * Measured values are rounded here. What the user asked for is printed as it was typed: `formatDuration` and
 * `formatQuantity` in units.ts, `${percent}%`. Both use the same unit style.
 */

import { formatDuration } from './units.ts';

/** Rounds a measured value: below 1 to hundredths, below 10 to tenths, otherwise to whole numbers. */
export function figure(value: number): number {
  const size = Math.abs(value);
  return Number(value.toFixed(size < 1 ? 2 : size < 10 ? 1 : 0));
}

/** In the first of the units, each `step` times the one before it, of which there are fewer than `step`: `1.5mbit`, `640k`. */
export function formatScaled(value: number, step: number, units: readonly string[], round = figure): string {
  let scaled = value;
  let at = 0;
  while (Math.abs(round(scaled)) >= step && at < units.length - 1) {
    scaled /= step;
    at++;
  }
  return `${round(scaled)}${units[at]}`;
}

/** `1,204`. Whole numbers. */
export function formatNumber(value: number): string {
  return value.toLocaleString('en');
}

/** `1 packet`, `1,204 packets`. */
export function formatCount(value: number, noun: string): string {
  return `${formatNumber(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** `1 process`, `3 processes`. */
export function formatProcesses(count: number): string {
  return `${formatNumber(count)} process${count === 1 ? '' : 'es'}`;
}

/** `640k`, `1.2M`. */
export function formatShortCount(value: number): string {
  return formatScaled(value, 1_000, ['', 'k', 'M', 'G']);
}

/** Bytes as a Kubernetes quantity, rounded: `41Mi`, `1.5Gi`; below 1Ki `512 bytes`. */
export function formatBytes(bytes: number): string {
  const whole = Math.round(bytes);
  if (Math.abs(whole) < 1_024) return formatCount(whole, 'byte');
  return formatScaled(whole, 1_024, ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi']);
}

/** How much of something has arrived, as downloads are told: `4.1 of 11 MB`; the whole of it: `11 MB`. */
export function formatMegabytes(bytes: number, whole = bytes): string {
  const [some, all] = [bytes, whole].map((each) => figure(each / 1e6));
  return bytes === whole ? `${all} MB` : `${some} of ${all} MB`;
}

/** To the tenth of a percent: `50%`, `2.1%`. */
export function formatPercent(percent: number): string {
  return `${Math.round(percent * 10) / 10}%`;
}

/** Milliseconds that were measured: `0.94ms`, `102ms`, `1.5s`, `1m5s`; from ten seconds on in whole seconds. At least 0. */
export function formatElapsed(ms: number): string {
  if (Math.round(ms) < 1_000) return `${figure(ms)}ms`;
  return formatDuration(ms < 10_000 ? ms : Math.round(ms / 1_000) * 1_000);
}

/** `a`, `a and b`, `a, b and c`; the empty text for none. */
export function joinWords(parts: readonly string[]): string {
  return parts.length < 2 ? (parts[0] ?? '') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

/** Lines of whole words, each of `width` characters at most unless a word is longer; where there is hardly any room the text as it is. */
export function fold(text: string, width: number): string[] {
  if (width < 20) return [text];
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** A word that a POSIX shell reads as itself, since the command is printed to be pasted. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A name in camelCase with its words apart: `fill-inodes` or `fill_inodes` for `fillInodes`. */
export function separateWords(name: string, separator: '-' | '_'): string {
  return name.replace(/[A-Z]/g, (letter) => `${separator}${letter.toLowerCase()}`);
}

/** The first line that is not empty, without blanks around it; the empty text if there is none. */
export function firstLine(text = ''): string {
  return (
    text
      .split('\n')
      .find((line) => line.trim() !== '')
      ?.trim() ?? ''
  );
}
