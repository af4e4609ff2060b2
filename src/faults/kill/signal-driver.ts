import type { StandingUpdate } from '../../ports.ts';
import { askLine } from '../../shim/commands.ts';
import type { AnswerEvent, Sample } from '../../shim/protocol.ts';
import { answerMs } from '../common/timeouts.ts';
import type { Driver, FaultRun } from '../fault.ts';
import { tell } from './news.ts';
import type { KillRun, Round } from './observations.ts';
import { readProcesses, signalQuestion } from './processes.ts';
import { describeRound } from './rounds.ts';
import type { KillFault, SignalAction } from './types.ts';
import { liveRow } from './view.ts';

/** How long the shim looks for what becomes of those that got a signal: one that takes care of it ends within this, or is told of as still there. */
const longestWaitMs = 5_000;
/** After which nothing comes of it any more: the kubelet looks at its containers once a second, and tells soon. */
const settleMs = 3_000;

/** Sends the signal, once or again and again, into the container that is there then; and sees what comes of it. */
export class SignalDriver implements Driver {
  readonly #run: FaultRun<KillFault, KillRun>;
  readonly #action: SignalAction;
  /** When the first signal was sent, on the clock. */
  #begunAt: number | undefined;
  /** How often the container had ended when the last was sent. */
  #endsBefore = 0;

  constructor(run: FaultRun<KillFault, KillRun>, action: SignalAction) {
    this.#run = run;
    this.#action = action;
  }

  begin(): void {
    this.#run.sendStart();
    const { rounds } = this.#run.own;
    // Both were lost with their stream: the shim has not heard of this round.
    rounds.length = 0;
    this.#begunAt = this.#run.clock.now();
    this.#next();
  }

  get #everyMs(): number | undefined {
    return this.#action.everyMs;
  }

  get #elapsedMs(): number {
    return this.#run.clock.now() - (this.#begunAt ?? this.#run.clock.now());
  }

  #next(): void {
    const { own, plan, clock, timers } = this.#run;
    const { rounds, aftermath } = own;
    const before = rounds.at(-1);
    const container = rounds.length === 0 ? plan.target.containerId : aftermath.last?.container?.id;
    const skipped = this.#whyNot(before);
    const round: Round = { atMs: this.#elapsedMs, ...(skipped === undefined ? {} : { skipped }) };
    rounds.push(round);
    if (skipped === undefined && container) {
      aftermath.strike(clock.now());
      this.#endsBefore = aftermath.ends.length;
      const waitMs = Math.min(longestWaitMs, Math.floor((this.#everyMs ?? Number.POSITIVE_INFINITY) / 2));
      timers.set('question', waitMs + answerMs);
      this.#run.send(askLine(signalQuestion(idOf(rounds.length), container, this.#action, waitMs)));
    } else {
      this.#tellRound(round);
    }
    if (this.#hasMore) timers.set('round', this.#everyMs ?? 0);
  }

  /** Why this round is left out; undefined: it is not. */
  #whyNot(before: Round | undefined): string | undefined {
    if (!before) return undefined;
    const { last } = this.#run.own.aftermath;
    if (before.skipped === undefined && before.found === undefined)
      return 'what came of the round before is not known yet';
    if (!last?.pod || !last.container) return 'the pod is gone';
    if (last.pod.isBeingDeleted) return 'the pod is being deleted';
    if (last.container.state === 'running' && last.container.id !== '') return undefined;
    const { waiting } = last.container;
    return `the container does not run${waiting ? ` (${waiting.reason})` : ''}`;
  }

  get #hasMore(): boolean {
    return this.#everyMs !== undefined && this.#elapsedMs + this.#everyMs < this.#run.plan.fault.roundsMs;
  }

  onAnswer(event: AnswerEvent): void {
    const { rounds } = this.#run.own;
    const round = rounds.at(-1);
    if (!round || event.id !== idOf(rounds.length) || round.found) return;
    this.#run.timers.stop('question');
    const found = readProcesses(event, this.#action.signal);
    if (found.kind === 'no-container') round.skipped = 'the container has ended';
    round.found = found;
    this.#tellRound(round);
    this.#look();
  }

  #tellRound(round: Round): void {
    const { found, ...rest } = round;
    const processes = found?.kind === 'processes' ? { processes: found.processes } : {};
    const document = { kind: 'kill-round', ...rest, ...processes };
    this.#run.report({ kind: 'happened', message: describeRound(round, this.#action), document });
  }

  onStanding(update: StandingUpdate): void {
    const { own, clock, plan } = this.#run;
    for (const one of own.aftermath.take(update, clock.now())) this.#run.report(tell(one, plan.target.container));
    this.#look();
  }

  onTimer(name: string): void {
    if (name === 'round') this.#next();
    // Its answer was lost with a stream. It is not sent once more: twice is not what was asked for.
    else if (name === 'question') this.#onLost();
    else if (name === 'settled' && !this.#run.own.aftermath.isDown) this.#run.finish();
  }

  #onLost(): void {
    const round = this.#run.own.rounds.at(-1);
    if (!round || round.found) return;
    round.found = { kind: 'failed', why: 'the shim has not said what came of it' };
    this.#tellRound(round);
    this.#look();
  }

  /** Ends the run as soon as nothing more will come of the last signal. */
  #look(): void {
    const { own, timers } = this.#run;
    const { rounds, aftermath } = own;
    const last = rounds.at(-1);
    if (!last || this.#hasMore || (last.skipped === undefined && !last.found)) return;
    if (aftermath.isDown) return timers.stop('settled');
    const processes = last.found?.kind === 'processes' ? last.found.processes : [];
    const awaitsEnd = this.#action.which.by !== 'match' && processes.some(({ outcome }) => outcome === 'ended');
    if (awaitsEnd && aftermath.ends.length === this.#endsBefore) return;
    timers.set('settled', awaitsEnd ? 0 : settleMs);
  }

  onSample(_sample: Sample): void {
    const { own, plan, leftMs } = this.#run;
    const { last } = own.aftermath;
    if (!last) return;
    const live = liveRow(plan.target, own);
    this.#run.report({ kind: 'sample', live, leftMs, document: { kind: 'kill-sample', standing: last } });
  }
}

function idOf(round: number): string {
  return `round:${round}`;
}
