import type { AnswerEvent } from '../../shim/protocol.ts';
import type { FaultRun } from '../fault.ts';
import { readCounters } from './counters.ts';
import { toAnswer } from './lines.ts';
import type { NetRun } from './observations.ts';
import { countersId } from './plan.ts';
import type { Answer, NetFault } from './types.ts';
import { liveRow } from './view.ts';

/** What a net fault matches, as the shim counts it with every sample: kept and shown. */
export class NetCounts {
  readonly #run: FaultRun<NetFault, NetRun>;

  constructor(run: FaultRun<NetFault, NetRun>) {
    this.#run = run;
  }

  /** False: the answer is to something else. */
  onAnswer(event: AnswerEvent): boolean {
    if (event.id !== countersId) return false;
    if (!event.truncated) this.#count(toAnswer(event));
    return true;
  }

  #count(answer: Answer): void {
    const { plan, own, isInForce, leftMs } = this.#run;
    const { target, fault } = plan;
    const counters = readCounters(fault, new Map([[answer.id, answer]]));
    if (!counters) return;
    own.counters.push(counters);
    if (!isInForce) return;
    const { roundTripsBefore, roundTripsDuring } = own;
    const live = liveRow({ target, counters, roundTripsBefore, roundTripsDuring });
    // Null: the latest was not answered.
    const roundTripUs = roundTripsDuring.length > 0 ? (roundTripsDuring.at(-1)?.us ?? null) : undefined;
    this.#run.report({ kind: 'sample', live, leftMs, document: { kind: 'net-sample', counters, roundTripUs } });
  }
}
