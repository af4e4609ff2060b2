import { askLine } from '../../shim/commands.ts';
import type { AnswerEvent } from '../../shim/protocol.ts';
import { answerMs } from '../common/timeouts.ts';
import type { Driver, FaultRun } from '../fault.ts';
import { readRoundTrip } from './counters.ts';
import { NetCounts } from './counts.ts';
import { connectQuestion, planLines, toAnswer } from './lines.ts';
import { NameWatch } from './name-watch.ts';
import type { NetRun } from './observations.ts';
import type { NetFault, NetPlan } from './types.ts';

/**
 * While a net fault is in force: counts what it matches, measures the round trip with every sample, and follows names to the addresses that they get.
 */
export class NetDriver implements Driver {
  readonly #run: FaultRun<NetFault, NetRun>;
  readonly #plan: NetPlan;
  readonly #counts: NetCounts;
  readonly #names: NameWatch;
  /** The round trip that is being measured. */
  #connecting: { id: string; askedAt: number } | undefined;
  #connections = 0;

  constructor(run: FaultRun<NetFault, NetRun>, plan: NetPlan, roundTripsBefore: NetRun['roundTripsBefore']) {
    this.#run = run;
    this.#plan = plan;
    Object.assign(run.own, { plan, roundTripsBefore });
    this.#counts = new NetCounts(run);
    this.#names = new NameWatch(run, plan);
  }

  begin(): void {
    for (const line of planLines(this.#plan)) this.#run.send(line);
    this.#run.sendStart();
  }

  onSample(): void {
    if (this.#run.stopAskedAt !== undefined) return;
    this.#connect();
    this.#names.look();
  }

  onAnswer(event: AnswerEvent): void {
    if (event.id === this.#connecting?.id) {
      this.#connecting = undefined;
      this.#run.own.roundTripsDuring.push(readRoundTrip(toAnswer(event)));
    } else if (!this.#counts.onAnswer(event)) {
      this.#names.onAnswer(toAnswer(event));
    }
  }

  /** One at a time; a question or its answer that was lost with a stream is given up. */
  #connect(): void {
    const { probe } = this.#plan;
    // One that is not answered proves a partition; more of them would only be counted with the target's own packets.
    if (this.#run.plan.fault.block && this.#run.own.roundTripsDuring.length > 0) return;
    const now = this.#run.clock.now();
    if (!probe || (this.#connecting && now - this.#connecting.askedAt < answerMs)) return;
    this.#connecting = { id: `round-trip:${++this.#connections}`, askedAt: now };
    this.#run.send(askLine(connectQuestion(this.#connecting.id, probe)));
  }
}
