import { ChaosError } from '../../errors.ts';
import { askLine, type Question } from '../../shim/commands.ts';
import type { AnswerEvent, Resolved } from '../../shim/protocol.ts';
import { joinWords } from '../../text.ts';
import { formatDuration } from '../../units.ts';
import { answerMs } from '../common/timeouts.ts';
import { whoElse } from '../common/words.ts';
import type { Driver, FaultRun, Setup } from '../fault.ts';
import { readRoundTrip } from './counters.ts';
import { NetDriver } from './driver.ts';
import { connectQuestion, describeQuestion, listenQuestion, planLines, toAnswer } from './lines.ts';
import type { NetRun } from './observations.ts';
import { planNet } from './plan.ts';
import { longestListenMs } from './probes.ts';
import { questions } from './questions.ts';
import { listenId } from './sources.ts';
import type { Answer, Listening, NetFault, NetPlan, RoundTrip } from './types.ts';
import { affectedAndExcluded } from './view.ts';

/** Round trips before the fault: enough for a median, and soon over. */
const roundTripsWanted = 5;
/** Of a peer that does not answer; each takes a second. */
const failuresAllowed = 2;

/** The shim reads no longer line. */
const longestLine = 2 ** 20;

/**
 * Before a net fault: asks the target's network what the plan depends on, plans, tells the user what will be affected, and measures the round trip
 * without the fault. Nothing is changed by any of it,
 * so a stream that is lost meanwhile has it all begun again.
 */
export class NetSetup implements Setup {
  readonly #run: FaultRun<NetFault, NetRun>;
  readonly #go: (driver: Driver) => void;
  /** Asked and not answered yet, in the order of asking. */
  readonly #open = new Map<string, Question>();
  #answers = new Map<string, Answer>();
  #plan: NetPlan | undefined;
  #roundTrips: RoundTrip[] = [];
  #asked = 0;
  #isAnnounced = false;
  /** How long the shim may still listen for a stream that was lost. */
  #behindMs = 0;

  constructor(run: FaultRun<NetFault, NetRun>, go: (driver: Driver) => void) {
    this.#run = run;
    this.#go = go;
  }

  onResolved(_resolved: Resolved, anew: boolean): void {
    // From here on it is answers that are waited for, each by its name.
    this.#run.timers.stop('answer');
    if (!anew) return;
    this.#plan = undefined;
    this.#answers = new Map();
    this.#roundTrips = [];
    // Of a stream that is lost the shim goes on with what it was asked by it, and answers what is asked now only then.
    if (this.#open.has(listenId)) this.#behindMs += longestListenMs;
    this.#open.clear();
    for (const question of questions(this.#run.plan.fault)) this.#ask(question);
  }

  onAnswer(event: AnswerEvent): void {
    const question = this.#open.get(event.id);
    if (!question) return;
    this.#open.delete(event.id);
    this.#behindMs = 0;
    this.#run.timers.set('question', answerMs);
    if (event.truncated) {
      this.#run.refuse(
        new ChaosError('shim', `the answer to ${describeQuestion(question)} is longer than the shim can report`),
      );
    } else if (this.#plan) {
      this.#onRoundTrip(this.#plan, toAnswer(event));
    } else {
      this.#answers.set(event.id, toAnswer(event));
      if (this.#open.size === 0) this.#decide();
    }
  }

  onTimer(name: string): void {
    if (name !== 'question') return;
    const [first] = this.#open.values();
    const what = first ? describeQuestion(first) : 'what it was asked';
    const message = `the shim has not answered ${what} within ${formatDuration(answerMs)}`;
    this.#run.refuse(new ChaosError('shim', message));
  }

  /** `ms`: how long the answer takes by itself. */
  #ask(question: Question, ms = 0): void {
    this.#open.set(question.id, question);
    this.#run.timers.set('question', ms + this.#behindMs + answerMs);
    this.#run.send(askLine(question));
  }

  #decide(): void {
    const { id, commands, fault, detached, durationMs } = this.#run.plan;
    // Without a lease the shim waits for `start` only as long as the fault is to last.
    const listenMs = detached ? Math.min(longestListenMs, Math.floor(durationMs / 2)) : longestListenMs;
    let plan: NetPlan;
    try {
      plan = planNet(fault, this.#answers, id, whoElse(commands), this.#run.leftMs, listenMs);
    } catch (error) {
      if (!(error instanceof ChaosError)) throw error;
      this.#run.refuse(error);
      return;
    }
    if (planLines(plan).some((line) => line.length >= longestLine)) {
      this.#run.refuse(
        new ChaosError('target-unsuitable', 'too many addresses and ports (over 1 MiB of rules)', {
          hint: 'Name fewer peers, or wider ranges: --to 10.0.0.0/8.',
        }),
      );
      return;
    }
    if (plan.listening && !this.#answers.has(listenId)) {
      this.#listen(plan.listening);
      return;
    }
    this.#plan = plan;
    if (!this.#isAnnounced) this.#announce(plan);
    this.#isAnnounced = true;
    this.#measureOrGo(plan);
  }

  #listen(listening: Listening): void {
    const ports = joinWords(listening.ports.map(String));
    const message = `looking for up to ${formatDuration(listening.ms)} who probes port ${ports} of the target, to exclude the kubelet's address`;
    this.#run.report({ kind: 'progress', message });
    this.#ask(listenQuestion(listening), listening.ms);
  }

  #announce(plan: NetPlan): void {
    const { affected, excluded, warnings, probe } = plan;
    this.#run.report({
      kind: 'announced',
      lines: affectedAndExcluded(plan),
      notes: warnings,
      document: { kind: 'net-planned', affected, excluded, warnings, probe },
    });
  }

  #onRoundTrip(plan: NetPlan, answer: Answer): void {
    this.#roundTrips.push(readRoundTrip(answer));
    this.#measureOrGo(plan);
  }

  #measureOrGo(plan: NetPlan): void {
    const failures = this.#roundTrips.filter(({ us }) => us === undefined).length;
    if (plan.probe && this.#roundTrips.length < roundTripsWanted && failures < failuresAllowed) {
      // An id of its own each time: after a lost stream an answer of the former attempt may still come.
      this.#asked++;
      this.#ask(connectQuestion(`round-trip-before:${this.#asked}`, plan.probe));
      return;
    }
    this.#run.timers.stop('question');
    this.#go(new NetDriver(this.#run, plan, this.#roundTrips));
  }
}
