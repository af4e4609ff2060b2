import type { NetCounters, NetPlan, RoundTrip } from './types.ts';

/** What was asked of the target's network, and measured of it. */
export interface NetRun {
  /** Undefined: another command has made it, or there is none yet. */
  plan?: NetPlan;
  counters: NetCounters[];
  roundTripsBefore: readonly RoundTrip[];
  roundTripsDuring: RoundTrip[];
  /** Since when, from the start of the fault, what makes it is not there any more, or not all of it; undefined: it is. */
  removedAfterMs?: number | undefined;
}
