import type { NetRun } from '../../experiment/observations.ts';
import type { RunContext } from '../../experiment/run-context.ts';
import { timeouts } from '../../experiment/timeouts.ts';
import { askLine } from '../../shim/commands.ts';
import type { AnswerEvent } from '../../shim/protocol.ts';
import type { Driver } from '../fault.ts';
import { readRoundTrip } from './counters.ts';
import { NetCounts } from './counts.ts';
import { connectQuestion, planLines, toAnswer } from './lines.ts';
import { NameWatch } from './name-watch.ts';
import type { NetFault, NetPlan } from './types.ts';

/** While a net fault is in force: counts what it hits, measures the round trip with every sample, and follows names to the addresses that they get. */
export class NetDriver implements Driver {
  readonly #context: RunContext;
  readonly #fault: NetFault;
  readonly #plan: NetPlan;
  readonly #run: NetRun;
  readonly #counts: NetCounts;
  readonly #names: NameWatch;
  /** The round trip that is being measured. */
  #connecting: { id: string; askedAt: number } | undefined;
  #connections = 0;

  constructor(context: RunContext, fault: NetFault, plan: NetPlan, roundTripsBefore: NetRun['roundTripsBefore']) {
    this.#context = context;
    this.#fault = fault;
    this.#plan = plan;
    this.#run = { plan, counters: [], roundTripsBefore, roundTripsDuring: [] };
    this.#counts = new NetCounts(context, fault, this.#run);
    this.#names = new NameWatch(context, fault, plan);
    context.observations.result.net = this.#run;
  }

  begin(): void {
    for (const line of planLines(this.#plan)) this.#context.send(line);
    this.#context.sendStart();
  }

  onSample(): void {
    if (this.#context.stopAskedAt !== undefined) return;
    this.#connect();
    this.#names.look();
  }

  onAnswer(event: AnswerEvent): void {
    if (event.id === this.#connecting?.id) {
      this.#connecting = undefined;
      this.#run.roundTripsDuring.push(readRoundTrip(toAnswer(event)));
    } else if (!this.#counts.onAnswer(event)) {
      this.#names.onAnswer(toAnswer(event));
    }
  }

  /** One at a time; a question or its answer that was lost with a stream is given up. */
  #connect(): void {
    const { probe } = this.#plan;
    // One that is not answered proves a partition; more of them would only be counted with the target's own packets.
    if (this.#fault.block && this.#run.roundTripsDuring.length > 0) return;
    const now = this.#context.clock.now();
    if (!probe || (this.#connecting && now - this.#connecting.askedAt < timeouts.answer)) return;
    this.#connecting = { id: `round-trip:${++this.#connections}`, askedAt: now };
    this.#context.send(askLine(connectQuestion(this.#connecting.id, probe)));
  }
}
