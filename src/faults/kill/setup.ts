import { ChaosError } from '../../errors.ts';
import type { StandingUpdate } from '../../ports.ts';
import { askLine } from '../../shim/commands.ts';
import type { AnswerEvent, Resolved } from '../../shim/protocol.ts';
import { formatDuration } from '../../units.ts';
import { answerMs } from '../common/timeouts.ts';
import type { Driver, FaultRun, Setup } from '../fault.ts';
import { DeletionDriver } from './deletion-driver.ts';
import { describeWhich } from './describe.ts';
import type { KillRun } from './observations.ts';
import { lookQuestion, readProcesses } from './processes.ts';
import { reviewProcesses } from './review.ts';
import { SignalDriver } from './signal-driver.ts';
import type { KillFault, SignalAction } from './types.ts';

/** Before a kill: how things stand; and of a signal, who would get it, and whether it would be lost on them. */
export class KillSetup implements Setup {
  readonly #run: FaultRun<KillFault, KillRun>;
  readonly #go: (driver: Driver) => void;
  #asked = 0;
  /** Who gets a signal has been looked at. */
  #isReviewed = false;
  #hasGone = false;

  constructor(run: FaultRun<KillFault, KillRun>, go: (driver: Driver) => void) {
    this.#run = run;
    this.#go = go;
  }

  onStanding(update: StandingUpdate): void {
    const { own, clock } = this.#run;
    const isFirst = own.aftermath.first === undefined;
    own.aftermath.take(update, clock.now());
    if (isFirst && update.unseen !== undefined) {
      this.#run.report({ kind: 'warning', message: `endpoints are not seen: ${update.unseen}` });
    }
    this.#goWhenReady();
  }

  onResolved(_resolved: Resolved, anew: boolean): void {
    const { action } = this.#run.plan.fault;
    if (action.kind !== 'signal' || !anew) return;
    this.#run.timers.stop('answer');
    this.#isReviewed = false;
    this.#asked++;
    this.#run.timers.set('question', answerMs);
    this.#run.send(askLine(lookQuestion(this.#id, this.#run.plan.target.containerId, action)));
  }

  get #id(): string {
    return `look:${this.#asked}`;
  }

  onAnswer(event: AnswerEvent): void {
    const { action } = this.#run.plan.fault;
    if (action.kind !== 'signal' || event.id !== this.#id) return;
    this.#run.timers.stop('question');
    const found = readProcesses(event, action.signal);
    if (found.kind !== 'processes') {
      const { why, hint } = found.kind === 'failed' ? { why: found.why, hint: lookCloser } : hasEnded;
      return this.#run.refuse(new ChaosError('target-unsuitable', `its processes cannot be found: ${why}`, { hint }));
    }
    const { refusal, warnings } = reviewProcesses(found, action);
    if (refusal) return this.#run.refuse(refusal);
    this.#announce(
      action,
      found.processes.map(({ pid, comm }) => `${comm} (pid ${pid})`),
      warnings,
    );
    this.#isReviewed = true;
    this.#goWhenReady();
  }

  #announce(action: SignalAction, names: readonly string[], notes: readonly string[]): void {
    if (this.#asked > 1) return;
    const more = names.length > 5 ? `, and ${names.length - 5} more` : '';
    const line = `${names.slice(0, 5).join(', ')}${more}`;
    const document = { kind: 'kill-planned', which: describeWhich(action.which), processes: names, warnings: notes };
    this.#run.report({ kind: 'announced', lines: [`signal   ${line}`], notes, document });
  }

  #goWhenReady(): void {
    const { own, plan } = this.#run;
    const { action } = plan.fault;
    if (this.#hasGone || !own.aftermath.first || (action.kind === 'signal' && !this.#isReviewed)) return;
    this.#hasGone = true;
    this.#go(action.kind === 'signal' ? new SignalDriver(this.#run, action) : new DeletionDriver(this.#run));
  }

  onTimer(name: string): void {
    if (name !== 'question') return;
    const message = `the shim has not said which processes there are within ${formatDuration(answerMs)}`;
    this.#run.refuse(new ChaosError('shim', message, { hint: lookCloser }));
  }
}

const lookCloser =
  'Run it once more; if that is no better, "kubectl chaos doctor TARGET --on-node" looks at the container from its node.';
const hasEnded = {
  why: 'the container has just ended',
  hint: 'Run it again once the container has been started, or name another one: --container.',
};
