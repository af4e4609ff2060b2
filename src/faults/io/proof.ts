import { formatBytes, formatElapsed } from '../../text.ts';
import type { Observation } from '../common/observation.ts';
import type { Proof } from '../fault.ts';
import { describeVolume, pathWord } from './describe.ts';
import type { IoFault, IoObservation } from './types.ts';

/** What an io fault is judged by. */
export type SeenIo = IoObservation & Pick<Observation, 'ended' | 'isFound'>;

export function proof(effective: boolean, sentence: string): Proof {
  return { what: 'io', effective, sentence };
}

/** Nothing counts what it did: whether it was effective is not known. */
export function unmeasured(sentence: string): Proof {
  return { ...proof(false, sentence), unmeasured: true };
}

/** `/data (ext4, PVC data-db-0)`. */
export function placeOf({ path, surroundings }: IoFault, { facts }: Pick<IoObservation, 'facts'>): string {
  const type = facts ? `${facts.type}, ` : '';
  return `${pathWord(path)} (${type}${describeVolume(surroundings.volume)})`;
}

/** `fsync 2ms → 48ms`; undefined: not measured under the fault. */
export function change(what: string, before: number | undefined, during: number | undefined): string | undefined {
  if (during === undefined) return undefined;
  const then = before === undefined ? 'not measured before' : formatElapsed(before / 1_000);
  return `${what} ${then} → ${formatElapsed(during / 1_000)}`;
}

/** `1.9Gi at 212Mi/s`. */
export function amount(bytes: number, seconds: number): string {
  return `${formatBytes(bytes)} at ${formatBytes(bytes / Math.max(seconds, 1e-3))}/s`;
}
