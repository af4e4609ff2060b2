import { messageOf } from '../../errors.ts';
import type { Driver, Setup } from '../../faults/fault.ts';
import { kindOf } from '../../faults/registry.ts';
import type { StandingUpdate } from '../../ports.ts';
import type { RunContext } from '../run-context.ts';
import type { TimerName } from '../timeouts.ts';
import type { Phase } from './phase.ts';

/**
 * The whole of a fault that needs no agent: as soon as it is known how things stand it is done, by a request, when those of all targets can be, and what comes of it is followed until the fault has seen
 * enough, or its time is over. There is nothing to take back, so that it can be left at any moment.
 */
export class RequestPhase implements Phase {
  readonly #context: RunContext;
  readonly #armed: (begin: () => void) => void;
  readonly #setup: Setup;
  /** It has been asked for. */
  #isSent = false;
  #driver: Driver | undefined;

  /** `armed` calls back when all targets can begin. */
  constructor(context: RunContext, armed: (begin: () => void) => void) {
    this.#context = context;
    this.#armed = armed;
    this.#setup = kindOf(context.plan.fault).setup(context, (driver) => {
      this.#armed(() => this.#send(driver));
    });
  }

  #send(driver: Driver): void {
    const { plan, cluster, inTurn, isOver, stopAskedAt } = this.#context;
    if (isOver || stopAskedAt !== undefined) return;
    this.#isSent = true;
    const { fault, target } = plan;
    const sent =
      kindOf(fault).inject?.(fault, target, cluster, false) ?? Promise.reject(new Error('nothing to ask for'));
    sent.then(
      () => inTurn(() => this.#onDone(driver)),
      (error: unknown) => inTurn(() => this.#context.fail(error)),
    );
  }

  #onDone(driver: Driver): void {
    const { observations, timers, plan } = this.#context;
    this.#driver = driver;
    observations.injected(plan.summary);
    timers.set('deadline', plan.durationMs);
    driver.begin();
    if (this.#context.stopAskedAt !== undefined) this.#end();
  }

  onStanding(update: StandingUpdate): void {
    if (this.#driver) this.#driver.onStanding?.(update);
    else this.#setup.onStanding?.(update);
  }

  onTimer(name: TimerName): void {
    if (name === 'finish' || name === 'deadline') this.#end();
    else if (this.#driver) this.#driver.onTimer?.(name);
    else this.#setup.onTimer(name);
  }

  stop(why: string): void {
    const { clock, stopAskedAt } = this.#context;
    if (stopAskedAt !== undefined) return;
    this.#context.stopAskedAt = clock.now();
    this.#context.report({ kind: 'stopping', why });
    // What has been asked for is answered: whether it was done has to be told.
    if (this.#driver || !this.#isSent) this.#end();
  }

  onBroken(error: unknown): void {
    const { observations } = this.#context;
    if (!this.#isSent) return this.#context.fail(error);
    observations.problem(`what came of it could no longer be watched: ${messageOf(error)}`);
    if (this.#driver) this.#end();
  }

  #end(): void {
    this.#context.observations.result.reverted = true;
    this.#context.end();
  }

  // There is no agent, and nothing but the target is watched.
  onAgent(): void {}
  onAttached(): void {}
  onLost(): void {}
  onEvent(): void {}
  onTarget(): void {}
  onNode(): void {}
}
