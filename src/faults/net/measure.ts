import { median } from '../../median.ts';
import type { NetCounters, NetObservation, RoundTrip } from './types.ts';

/** What a net fault did to the packets that it affected, in numbers for a person. */
export interface NetMeasurement {
  packets: number;
  bytes: number;
  /** By our qdisc or our rule. */
  dropped: number;
  roundTripsBefore: RoundTrips;
  roundTripsDuring: RoundTrips;
}

/** Connections to one peer, one after the other. */
export interface RoundTrips {
  sent: number;
  /** Neither accepted nor refused within a second. */
  lost: number;
  /** Microseconds, of those that were answered; absent: none was. */
  medianUs?: number;
}

export function measureNet(
  seen: Pick<NetObservation, 'counters' | 'roundTripsBefore' | 'roundTripsDuring'>,
): NetMeasurement {
  const { packets = 0, bytes = 0, dropped = 0 }: Partial<NetCounters> = seen.counters.at(-1) ?? {};
  return {
    packets,
    bytes,
    dropped,
    roundTripsBefore: measureRoundTrips(seen.roundTripsBefore),
    roundTripsDuring: measureRoundTrips(seen.roundTripsDuring),
  };
}

export function measureRoundTrips(roundTrips: readonly RoundTrip[]): RoundTrips {
  const answered = roundTrips.flatMap(({ us }) => us ?? []);
  const sent = roundTrips.length;
  const medianUs = median(answered);
  return { sent, lost: sent - answered.length, ...(medianUs === undefined ? {} : { medianUs }) };
}
