import { usageError } from '../errors.ts';
import { quote } from '../flags/values.ts';
import { parseDuration } from '../units.ts';

/** A timer of Node's that is longer than 2^31 ms (24.8 days) fires at once. */
const longestMs = 24 * 3_600_000;

/** The value of `--request-timeout` in milliseconds; a bare number is seconds. Throws usage errors only. */
export function requestTimeout(flag: string, value: string): number {
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : parseDuration(value);
  if (ms === undefined)
    throw usageError(`${flag} ${quote(value)}: must be a number of seconds or a duration such as 5s`);
  if (ms > longestMs) throw usageError(`${flag} ${quote(value)}: must be at most 24h, or 0 for no limit`);
  return ms;
}
