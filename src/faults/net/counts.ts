import type { AnswerEvent } from '../../shim/protocol.ts';
import type { FaultRun } from '../fault.ts';
import { countersThere, readCounters } from './counters.ts';
import { toAnswer } from './lines.ts';
import type { NetRun } from './observations.ts';
import { countersId } from './plan.ts';
import type { Answer, NetFault } from './types.ts';
import { removedSentence } from './verdict.ts';
import { liveRow } from './view.ts';

/** What a net fault matches, as the shim counts it with every sample: kept and shown. Also whether it is still there: nobody but the fault counts with it. */
export class NetCounts {
  readonly #run: FaultRun<NetFault, NetRun>;
  #mostThere = 0;

  constructor(run: FaultRun<NetFault, NetRun>) {
    this.#run = run;
  }

  /** False: the answer is to something else. */
  onAnswer(event: AnswerEvent): boolean {
    if (event.id !== countersId) return false;
    if (event.truncated) return true;
    this.#look(toAnswer(event));
    this.#count(toAnswer(event));
    return true;
  }

  #look(answer: Answer): void {
    const { own, plan, isInForce, leftMs } = this.#run;
    const there = countersThere(answer);
    if (there === undefined) return;
    this.#mostThere = Math.max(this.#mostThere, there);
    if (there === this.#mostThere) {
      // The plan was told once more, after a lost stream.
      own.removedAfterMs = undefined;
    } else if (isInForce && own.removedAfterMs === undefined) {
      own.removedAfterMs = plan.durationMs - leftMs;
      const message = `${removedSentence(own.removedAfterMs)}: it has no effect any more, or not all of it`;
      this.#run.report({ kind: 'warning', message });
    }
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
