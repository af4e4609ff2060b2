import { usageError } from '../../errors.ts';
import { quote } from '../../flags/values.ts';

const rateUnits: Readonly<Record<string, number>> = { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 };
const minBitsPerSecond = 1e3;
const maxBitsPerSecond = 100e9;

/**
 * `1mbit`, `500kbit`, `1.5gbit` as bits a second. What tc takes for bytes (`1mbps` is 8 Mbit/s to it) is refused: hardly anybody who types it means
 * that.
 */
export function rate(flag: string, text: string): number {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)([kmg]?bit)$/i.exec(text) ?? [];
  if (digits === '') {
    const other = /^(\d+(?:\.\d+)?)\s*([kmg]?)i?(?:bps|b|b\/s|bits?\/s|bits?)?$/i.exec(text);
    const hint =
      other && Number(other[1]) > 0 ? `; for bits per second use ${other[1]}${other[2]?.toLowerCase()}bit` : '';
    throw usageError(
      `${flag} ${quote(text)}: must be a rate in bits per second such as 500kbit, 1mbit or 1gbit${hint}`,
    );
  }
  const value = Math.round(Number(digits) * (rateUnits[unit.toLowerCase()] ?? Number.NaN));
  if (value < minBitsPerSecond || value > maxBitsPerSecond) {
    throw usageError(`${flag} ${quote(text)}: must be from 1kbit to 100gbit`);
  }
  return value;
}
