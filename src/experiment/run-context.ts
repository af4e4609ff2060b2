import type { ChaosError } from '../errors.ts';
import type { Fault, FaultRun, Seen } from '../faults/fault.ts';
import { kindOf } from '../faults/registry.ts';
import type { Clock, NodeUpdate } from '../ports.ts';
import type { Command } from '../shim/protocol.ts';
import type { Connection } from './connection.ts';
import { EffectWatch } from './effect.ts';
import type { TargetEvent, TargetReporter } from './events.ts';
import { harmOf, isOnTarget, joined } from './neighbours.ts';
import type { Observations } from './observations.ts';
import type { RunPlan } from './plan.ts';
import type { RunCluster } from './shared-watches.ts';
import { type TimerName, timeouts } from './timeouts.ts';
import type { Timers } from './timers.ts';

interface Parts {
  plan: RunPlan;
  cluster: RunCluster;
  clock: Clock;
  reporter: TargetReporter;
  timers: Timers<TimerName>;
  connection: Connection;
  observations: Observations;
  /** A fault that is to be left in force is: `leave` is called when those of all targets are. */
  onInForce: (leave: () => void) => void;
  /** As `inTurn` of the context. */
  inTurn(act: () => void): void;
}

/** What the parts of one target's run share, its fault included: the stream, the timers, and what is known so far. */
export class RunContext implements FaultRun<Fault, unknown> {
  readonly plan: RunPlan;
  readonly cluster: RunCluster;
  readonly clock: Clock;
  readonly timers: Timers<TimerName>;
  /** To the agent that is at work: without an attach another one follows the first. */
  connection: Connection;
  readonly observations: Observations;
  /** When a stop was asked for, by the user or by what happened. */
  stopAskedAt: number | undefined;
  /** The shim may have heard `start`: false as long as every attempt to say it is known to have failed. */
  mayHaveStarted = false;
  /** The run has ended: later input is ignored. */
  isOver = false;
  /** Has something done after all that has happened before. */
  readonly inTurn: (act: () => void) => void;
  readonly #reporter: TargetReporter;
  readonly #effect: EffectWatch;
  readonly #onInForce: Parts['onInForce'];

  constructor(parts: Parts) {
    this.plan = parts.plan;
    this.cluster = parts.cluster;
    this.clock = parts.clock;
    this.timers = parts.timers;
    this.connection = parts.connection;
    this.observations = parts.observations;
    this.inTurn = parts.inTurn;
    this.#reporter = parts.reporter;
    const { fault, target } = parts.plan;
    this.#effect = new EffectWatch(() => kindOf(fault).judge(fault, target, this.seen, this.own));
    this.#onInForce = parts.onInForce;
  }

  get own(): unknown {
    return this.observations.result.own;
  }

  get seen(): Seen {
    return this.observations.seen;
  }

  get isInForce(): boolean {
    return this.observations.isInForce;
  }

  get leftMs(): number {
    return this.observations.leftMs;
  }

  get baselineMs(): number {
    return this.observations.baselineMs;
  }

  send(line: string): void {
    this.#write(line);
  }

  sendStart(): void {
    const before = this.mayHaveStarted;
    this.mayHaveStarted = true;
    this.#write('start', () => {
      this.mayHaveStarted = before;
    });
  }

  /** Writes one line to the shim. A lost stream needs nothing here: after the next attach the phase says again what matters. */
  #write(line: string, onFailure: () => void = () => undefined): void {
    this.connection.send(line).then(
      (handed) => handed || onFailure(),
      (error: unknown) => {
        onFailure();
        const word = line.split(' ', 1)[0];
        this.report({ kind: 'progress', message: `"${word}" could not be sent: ${String(error)}` });
      },
    );
  }

  /** Renews the lease, which any word does, and will again and again. */
  beat(word: Command = 'beat'): void {
    this.timers.set('beat', timeouts.beat);
    this.send(word);
  }

  report(event: TargetEvent): void {
    const { during } = this.observations.result;
    this.#reporter.report(event.kind === 'sample' ? { ...event, effect: this.#effect.after(during.length) } : event);
  }

  /** Tells of the node what is no reason to end the fault, with `when` it happened. Another experiment on the target is kept for the verdict. */
  tellOfNode(update: NodeUpdate, when: string): void {
    const { id, target } = this.plan;
    if (update.kind === 'unwatched') {
      this.report({ kind: 'warning', message: `not watched: ${update.what} (${update.why})` });
    } else if (update.kind === 'experiment') {
      const { experiment } = update;
      const isNews = experiment.id !== id && isOnTarget(experiment, target) && this.observations.other(experiment);
      if (isNews) this.report({ kind: 'warning', message: joined(experiment) });
    } else {
      this.report({ kind: 'warning', message: `${harmOf(update, target.node)}, ${when}` });
    }
  }

  /**
   * Ends the run with an error, since the fault never became active. Unless it is known to be `reverted`, the end of
   * the container is waited for.
   */
  fail(error: unknown, reverted = true): void {
    this.timers.stop('answer');
    this.observations.failed(error, reverted);
    if (reverted) this.end();
    else this.timers.set('confirm', timeouts.slack);
  }

  /** Refuses to start a fault whose shim is ready; the shim is told to exit. */
  refuse(error: unknown): void {
    this.timers.stop('answer');
    this.observations.failed(error, true);
    if (!this.stopWaitingShim()) this.end();
  }

  /** Tells a shim that waits for `start` to exit, seconds before the kubelet would. False: no shim is attached. */
  stopWaitingShim(): boolean {
    if (this.mayHaveStarted || !this.observations.result.resolved || !this.connection.isHeard) return false;
    this.stopAskedAt ??= this.clock.now();
    this.timers.set('confirm', timeouts.shimExit);
    this.send('stop');
    return true;
  }

  /** Ends the following and leaves the fault in force for `leftMs` more; `error`: why it cannot be followed. */
  leave(leftMs: number, error?: ChaosError): void {
    this.observations.result.leftRunning = { leftMs };
    if (error) this.observations.failed(error, false);
    this.end();
  }

  /** The same as soon as the faults of all targets are in force. */
  leaveInForce(): void {
    this.#onInForce(() => this.leave(this.observations.leftMs));
  }

  finish(): void {
    this.timers.set('finish', 0);
  }

  end(): void {
    this.isOver = true;
  }
}
