import { formatPercent } from '../../text.ts';
import { cpuCeiling } from './ceiling.ts';
import { measure } from './measure.ts';
import type { Observation } from './observation.ts';

/** From this share of the CPU periods on it is the lack of CPU time that keeps a workload from what was asked of it. */
const slowShare = 0.5;

/**
 * What was measured that explains why a workload has not come to something, `to take more`, as the end of a sentence. Empty: it had CPU time enough,
 * or the kernel does not tell.
 */
export function whySlow(
  { during, nodeCores, place }: Pick<Observation, 'during' | 'place'> & Partial<Pick<Observation, 'nodeCores'>>,
  what: string,
): string {
  const [first, last] = [during[0], during.at(-1)];
  const share = (first && last && measure(first, last)?.throttledShare) ?? 0;
  if (share < slowShare || !last) return '';
  const words = cpuCeiling(last, nodeCores, place)?.words;
  const limit = words === undefined ? '' : `: ${words} CPUs`;
  return `; it was throttled in ${formatPercent(100 * share)} of the CPU periods, too slow ${what} in that time${limit}`;
}
