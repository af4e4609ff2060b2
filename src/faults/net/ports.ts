import { joinWords } from '../../text.ts';
import type { PortRange } from './types.ts';

/** Sorted, without overlaps, neighbours joined. */
export function joinRanges(ranges: readonly PortRange[]): PortRange[] {
  const joined: PortRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = joined.at(-1);
    if (last && range.from <= last.to + 1) last.to = Math.max(last.to, range.to);
    else joined.push({ ...range });
  }
  return joined;
}

/** A range as values under masks, the only comparison that u32 knows: at most 30 for one range. */
export function maskedPorts({ from, to }: PortRange): Array<{ value: number; mask: number }> {
  const masked: Array<{ value: number; mask: number }> = [];
  for (let at = from; at <= to; ) {
    let size = 1;
    while (at % (size * 2) === 0 && at + size * 2 - 1 <= to) size *= 2;
    masked.push({ value: at, mask: 0x10000 - size });
    at += size;
  }
  return masked;
}

/** `5432`, `80, 443 and 8000-8080`. */
export function formatPorts(ranges: readonly PortRange[]): string {
  return joinWords(ranges.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`)));
}
