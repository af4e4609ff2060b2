import { readCounters } from '../faults/net/counters.ts';
import { countersId } from '../faults/net/plan.ts';
import type { Answer, NetFault } from '../faults/net/types.ts';
import type { AnswerEvent } from '../shim/protocol.ts';
import type { Conduct } from './driver.ts';
import { toAnswer } from './net-lines.ts';
import type { NetRun } from './observations.ts';
import type { Stage } from './run-context.ts';

/** What a net fault hits, as the shim counts it with every sample: kept and shown. */
export class NetCounts {
  readonly #stage: Stage;
  readonly #fault: NetFault;
  readonly #run: NetRun;

  constructor(stage: Stage, fault: NetFault, run: NetRun) {
    this.#stage = stage;
    this.#fault = fault;
    this.#run = run;
  }

  /** False: the answer is to something else. */
  onAnswer(event: AnswerEvent): boolean {
    if (event.id !== countersId) return false;
    if (!event.truncated) this.#count(toAnswer(event));
    return true;
  }

  #count(answer: Answer): void {
    const counters = readCounters(this.#fault, new Map([[answer.id, answer]]));
    if (!counters) return;
    this.#run.counters.push(counters);
    const { record, plan } = this.#stage;
    if (!record.isInForce) return;
    const { roundTripsBefore, roundTripsDuring } = this.#run;
    const { target } = plan;
    this.#stage.report({
      kind: 'net-sample',
      target,
      counters,
      roundTripsBefore,
      roundTripsDuring: [...roundTripsDuring],
      leftMs: record.leftMs,
    });
  }
}

/** A net fault that another command has started is counted; its peers and names are that command's. */
export class NetWatch implements Conduct {
  readonly #counts: NetCounts;

  constructor(stage: Stage, fault: NetFault) {
    const run: NetRun = { counters: [], roundTripsBefore: [], roundTripsDuring: [] };
    stage.record.result.net = run;
    this.#counts = new NetCounts(stage, fault, run);
  }

  begin(): void {}

  onSample(): void {}

  onAnswer(event: AnswerEvent): void {
    this.#counts.onAnswer(event);
  }
}
