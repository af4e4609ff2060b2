import type { EndReason, Sample } from '../../shim/protocol.ts';
import type { Seen } from '../fault.ts';
import type { Place } from './ceiling.ts';

/** The samples of one run, in order. */
export interface Observation {
  /** Before `start`: the first and the last; the target by itself. */
  before: readonly Sample[];
  /** From `active` to the end of the workload. */
  during: readonly Sample[];
  /** After the revert, if it was seen. */
  after?: Sample;
  /** Undefined: not known. */
  nodeCores: number | undefined;
  /** Where the target's cgroups are; absent: not known. */
  place?: Place;
  /** How the workload ended; undefined when nobody heard it. */
  ended?: { reason: EndReason; exitCode: number; oomKills: number };
  /** The fault was found in force: how busy the target is by itself has not been seen. */
  isFound?: boolean;
}

/** What a judge has to know of the workload's end. */
export function howEnded({ ended }: Pick<Seen, 'ended'>): Pick<Observation, 'ended'> {
  if (!ended) return {};
  return { ended: { reason: ended.reason, exitCode: ended.exitCode, oomKills: ended.oomKills ?? 0 } };
}
