import { readCounters, readRoundTrip } from '../faults/net/counters.ts';
import type { Answer, NetFault, NetPlan } from '../faults/net/types.ts';
import { askLine } from '../shim/commands.ts';
import type { AnswerEvent } from '../shim/protocol.ts';
import type { Conduct } from './conduct.ts';
import { connectQuestion, planLines, toAnswer } from './net-lines.ts';
import { NameWatch } from './net-names.ts';
import type { NetRun } from './record.ts';
import type { Stage } from './stage.ts';
import { waits } from './waits.ts';

/** While a net fault is in force: counts what it hits, measures the round trip with every sample, and follows names to the addresses that they get. */
export class NetConduct implements Conduct {
  readonly #stage: Stage;
  readonly #fault: NetFault;
  readonly #run: NetRun;
  readonly #names: NameWatch;
  /** The answers to `count` of one round, which come in the order of the plan. */
  readonly #round = new Map<string, Answer>();
  /** The round trip that is being measured. */
  #connecting: { id: string; askedAt: number } | undefined;
  #connections = 0;

  constructor(stage: Stage, fault: NetFault, plan: NetPlan, roundTripsBefore: NetRun['roundTripsBefore']) {
    this.#stage = stage;
    this.#fault = fault;
    this.#run = { plan, counters: [], roundTripsBefore, roundTripsDuring: [] };
    this.#names = new NameWatch(stage, fault, plan);
    stage.record.result.net = this.#run;
  }

  begin(): void {
    for (const line of planLines(this.#run.plan)) this.#stage.send(line);
    this.#stage.sendStart();
  }

  onSample(): void {
    if (this.#stage.stopAskedAt !== undefined) return;
    this.#connect();
    this.#names.look();
  }

  onAnswer(event: AnswerEvent): void {
    const answer = toAnswer(event);
    if (event.id === this.#connecting?.id) {
      this.#connecting = undefined;
      this.#run.roundTripsDuring.push(readRoundTrip(answer));
    } else if (this.#run.plan.count.some(({ id }) => id === event.id)) {
      if (!event.truncated) this.#count(answer);
    } else {
      this.#names.onAnswer(answer);
    }
  }

  /** One at a time; a question or its answer that was lost with a stream is given up. */
  #connect(): void {
    const { probe } = this.#run.plan;
    // One that is not answered proves a partition; more of them would only be counted with the target's own packets.
    if (this.#fault.block && this.#run.roundTripsDuring.length > 0) return;
    const now = this.#stage.clock.now();
    if (!probe || (this.#connecting && now - this.#connecting.askedAt < waits.answer)) return;
    this.#connecting = { id: `round-trip:${++this.#connections}`, askedAt: now };
    this.#stage.send(askLine(connectQuestion(this.#connecting.id, probe)));
  }

  #count(answer: Answer): void {
    const ids = this.#run.plan.count.map(({ id }) => id);
    // Each round begins anew: of one that was cut by a lost stream, nothing is mixed with the next.
    if (answer.id === ids[0]) this.#round.clear();
    this.#round.set(answer.id, answer);
    if (!ids.every((id) => this.#round.has(id))) return;
    const counters = readCounters(this.#fault, this.#round);
    this.#round.clear();
    if (!counters) return;
    this.#run.counters.push(counters);
    const { record, plan } = this.#stage;
    if (!record.result.active || record.result.ended) return;
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
