import { ChaosError, messageOf } from '../../errors.ts';
import { kindOf } from '../../faults/registry.ts';
import type { AgentUpdate, NodeUpdate, StandingUpdate, TargetUpdate } from '../../ports.ts';
import { parseTerminationMessage, type ShimEvent } from '../../shim/protocol.ts';
import type { ConnectionLoss } from '../connection.ts';
import type { RunContext } from '../run-context.ts';
import { attachAttempts, setupMs, type TimerName, timeouts } from '../timeouts.ts';
import { ActivePhase } from './active.ts';
import type { Phase } from './phase.ts';

/** What is known of a detached experiment before its shim is heard. */
export interface Found {
  /** Its agent's container runs, so that it can be attached to. */
  runs: boolean;
  /** When its fault may have become active at the earliest, on the clock, if this machine's and its node's agree. */
  activeAt: number;
  /** The same by the node's clock, epoch milliseconds. */
  startedAt?: number;
}

/**
 * A detached fault, from whenever it is attached to: what follows `start`, with another beginning, and with an end of
 * the following that leaves the fault in force. Beats do it no good and no
 * harm, since it has no lease; they tell a shim that still waits for `start`.
 */
export class AttachedPhase implements Phase {
  readonly #context: RunContext;
  readonly #found: Found;
  readonly #rest: ActivePhase;
  /** When the first beat went out on this stream. */
  #askedAt: number | undefined;
  #isHeard = false;
  #isTold = false;

  constructor(context: RunContext, found: Found) {
    this.#context = context;
    this.#found = found;
    this.#rest = new ActivePhase(context, kindOf(context.plan.fault).attach(context));
    this.#limit(this.#leftMs);
    if (found.runs) context.connection.open();
  }

  onAgent(update: AgentUpdate): void {
    // Trouble with its start, which the API server tells once more, is over.
    if (update.kind === 'progress' || update.kind === 'warning') return;
    const status = update.kind === 'status' ? update.containers[this.#context.plan.container] : undefined;
    if (status?.state === 'terminated' && mayHaveRun(status.message)) this.#assumeBegun();
    this.#rest.onAgent(update);
  }

  /** The command that detached it has seen it in force. */
  #assumeBegun(): void {
    if (!this.#isHeard) this.#context.observations.result.began = true;
  }

  onAttached(): void {
    this.#askedAt = this.#context.clock.now();
    this.#rest.onAttached();
  }

  onLost(loss: ConnectionLoss): void {
    const refusal = loss.error instanceof ChaosError ? loss.error : undefined;
    if (this.#isHeard || (loss.failures < attachAttempts && !refusal?.isPermanent)) {
      this.#rest.onLost(loss);
      return;
    }
    const { agent, commands } = this.#context.plan;
    this.#context.leave(
      this.#leftMs,
      new ChaosError('connection-lost', `the agent on node ${agent.node} cannot be attached to: ${loss.reason}`, {
        hint: [refusal?.hint, `To end the fault: ${commands.stop}`].filter(Boolean).join('\n'),
        state: 'nothing was changed by this command; the fault continues',
        cause: loss.error,
      }),
    );
  }

  onEvent(event: ShimEvent): void {
    this.#isHeard = true;
    switch (event.event) {
      case 'resolved':
        return this.#onWaiting();
      case 'active':
        return this.#onInForce(this.#context.clock.now());
      case 'sample':
        if (this.#isInForce(event.atMs)) this.#rest.onEvent(event);
        return;
      case 'path':
        // One that comes from a shim which waits for `start` is of the target by itself.
        if (this.#context.observations.result.began) this.#rest.onEvent(event);
        return;
      default:
        return this.#rest.onEvent(event);
    }
  }

  /** The command that launched it has not said `start` yet, or has died before it could. */
  #onWaiting(): void {
    if (this.#context.observations.isInForce) return;
    this.#askedAt = this.#context.clock.now();
    if (this.#isTold) return;
    this.#isTold = true;
    this.#context.report({ kind: 'progress', message: 'waiting for the fault to start' });
  }

  /** `atMs`: when the shim has said so, by the node's clock, which is the kubelet's as well. */
  #isInForce(atMs: number): boolean {
    const { observations, clock } = this.#context;
    const { activeAt, startedAt } = this.#found;
    if (observations.result.began) return true;
    if (this.#askedAt === undefined || clock.now() - this.#askedAt < timeouts.waiting) return false;
    this.#onInForce(startedAt === undefined ? activeAt : clock.now() - Math.max(0, atMs - startedAt));
    return true;
  }

  #onInForce(activeAt: number): void {
    const { observations, plan, clock } = this.#context;
    if (observations.result.began) return;
    observations.found(activeAt);
    this.#limit(observations.leftMs);
    this.#context.report({ kind: 'watching', plan, agoMs: clock.now() - activeAt, leftMs: observations.leftMs });
  }

  /** The third clock, beside the shim's and the kubelet's. */
  #limit(leftMs: number): void {
    const { timers, plan } = this.#context;
    timers.set('deadline', setupMs(plan) + leftMs + plan.graceMs + timeouts.slack);
  }

  get #leftMs(): number {
    const { observations, plan, clock } = this.#context;
    if (observations.result.began) return observations.leftMs;
    return Math.max(0, plan.durationMs - (clock.now() - this.#found.activeAt));
  }

  onTarget(update: TargetUpdate): void {
    this.#rest.onTarget(update);
  }

  onNode(update: NodeUpdate): void {
    if (this.#context.observations.result.began) this.#rest.onNode(update);
    else this.#context.tellOfNode(update, 'before the fault began');
  }

  onStanding(update: StandingUpdate): void {
    this.#rest.onStanding(update);
  }

  onTimer(name: TimerName): void {
    if (name === 'deadline' || name === 'silence') this.#assumeBegun();
    this.#rest.onTimer(name);
  }

  /** What the API server does not let us watch does not concern the fault, and the stream tells of it. */
  onBroken(error: unknown): void {
    const why = messageOf(error);
    this.#context.report({ kind: 'warning', message: `not everything can be watched: ${why}` });
  }

  /** It is the following that is to end; of a fault that is ending, the end is waited for. */
  stop(): void {
    const { observations, stopAskedAt } = this.#context;
    if (!observations.result.ended && stopAskedAt === undefined) this.#context.leave(this.#leftMs);
  }
}

/** By the last words of a shim that do not say whether the fault was in force: there are none, or only that it is undone. */
function mayHaveRun(message: string): boolean {
  const words = parseTerminationMessage(message);
  return words.every(({ event }) => event === 'reverted');
}
