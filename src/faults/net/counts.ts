import type { NetRun } from '../../experiment/observations.ts';
import type { RunContext } from '../../experiment/run-context.ts';
import type { AnswerEvent } from '../../shim/protocol.ts';
import type { Driver } from '../fault.ts';
import { readCounters } from './counters.ts';
import { toAnswer } from './lines.ts';
import { countersId } from './plan.ts';
import type { Answer, NetFault } from './types.ts';

/** What a net fault hits, as the shim counts it with every sample: kept and shown. */
export class NetCounts {
  readonly #context: RunContext;
  readonly #fault: NetFault;
  readonly #run: NetRun;

  constructor(context: RunContext, fault: NetFault, run: NetRun) {
    this.#context = context;
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
    const { observations, plan } = this.#context;
    if (!observations.isInForce) return;
    const { roundTripsBefore, roundTripsDuring } = this.#run;
    const { target } = plan;
    this.#context.report({
      kind: 'net-sample',
      target,
      counters,
      roundTripsBefore,
      roundTripsDuring: [...roundTripsDuring],
      leftMs: observations.leftMs,
    });
  }
}

/** A net fault that another command has started is counted; its peers and names are that command's. */
export class AttachedNetDriver implements Driver {
  readonly #counts: NetCounts;

  constructor(context: RunContext, fault: NetFault) {
    const run: NetRun = { counters: [], roundTripsBefore: [], roundTripsDuring: [] };
    context.observations.result.net = run;
    this.#counts = new NetCounts(context, fault, run);
  }

  begin(): void {}

  onSample(): void {}

  onAnswer(event: AnswerEvent): void {
    this.#counts.onAnswer(event);
  }
}
