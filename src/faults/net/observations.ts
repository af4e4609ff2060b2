import type { NetCounters, NetPlan, RoundTrip } from './types.ts';

/** What was asked of the target's network, and measured of it. */
export interface NetRun {
  /** Undefined: another command has made it, or there is none yet. */
  plan?: NetPlan;
  counters: NetCounters[];
  roundTripsBefore: readonly RoundTrip[];
  roundTripsDuring: RoundTrip[];
}
