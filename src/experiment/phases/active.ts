import { ChaosError, messageOf } from '../../errors.ts';
import type { Driver } from '../../faults/fault.ts';
import { kindOf } from '../../faults/registry.ts';
import type { AgentPodUpdate, AgentUpdate, NodeUpdate, StandingUpdate, TargetUpdate } from '../../ports.ts';
import type { Active, Reverted, SampleEvent, ShimError, ShimEvent } from '../../shim/protocol.ts';
import { parseTerminationMessage } from '../../shim/protocol.ts';
import { formatDuration } from '../../units.ts';
import { failedShim, shimFailure } from '../agent-errors.ts';
import { brokenStream, type ConnectionLoss } from '../connection.ts';
import { harmOf } from '../neighbours.ts';
import { agentDeletedByOthers } from '../observations.ts';
import { hasLease } from '../plan-record.ts';
import type { RunContext } from '../run-context.ts';
import { guardianMs, type TimerName, timeouts, undoMs } from '../timeouts.ts';
import type { Phase } from './phase.ts';

/** From this exit code on an agent of several has not ended by itself (native/README.md). */
const agentFailure = 125;

type NeverBegan = (update: AgentUpdate) => ChaosError | undefined;

/**
 * From `start` to the confirmed revert: the target may be changed, and only the shim, or its container's end, says that
 * it is not. Keeps the lease, stops the fault when asked or when something
 * else happens, and ends in bounded time whatever stays silent.
 */
export class ActivePhase implements Phase {
  readonly #context: RunContext;
  readonly #driver: Driver;
  readonly #neverBegan: NeverBegan;
  /** A stream was made since `start`, and the shim has not been heard on it. */
  #isNewStream = false;
  /** What was left of the fault's time when the stream broke on which nothing has been heard since, milliseconds. */
  #leftWhenLost: number | undefined;
  /** How the shim of a fault ended that outlives it, whose revert nobody has confirmed yet. */
  #shimEnd: string | undefined;

  /** `neverBegan`: why, when the agent's end shows that `start` was not heard. */
  constructor(context: RunContext, driver: Driver, neverBegan: NeverBegan = () => undefined) {
    this.#context = context;
    this.#driver = driver;
    this.#neverBegan = neverBegan;
  }

  /** Says `start`. */
  begin(): void {
    const { timers, plan } = this.#context;
    if (plan.noAttach) timers.set('startup', timeouts.startup);
    else timers.set('answer', timeouts.answer);
    this.#driver.begin();
  }

  onAgent(update: AgentUpdate): void {
    const { connection, plan } = this.#context;
    switch (update.kind) {
      case 'started':
        if (update.container === plan.container) connection.open();
        return;
      case 'progress':
      case 'warning':
        return this.#context.report({ kind: update.kind, message: `${update.reason}: ${update.message}` });
      case 'contact':
        // Once the fault is in force the stream tells, and the lease decides.
        return;
      case 'deleting':
      case 'deleted':
      case 'status':
        return this.#onAgentEnd(update);
    }
  }

  #onAgentEnd(update: AgentPodUpdate): void {
    const failure = this.#neverBegan(update);
    if (failure) this.#context.fail(failure);
    else if (update.kind === 'deleted') this.#onAgentGone();
    else if (update.kind === 'deleting') this.#onAgentDeleted();
    else this.#onAgentStatus(update);
  }

  #onAgentStatus(update: Extract<AgentUpdate, { kind: 'status' }>): void {
    const status = update.containers[this.#context.plan.container];
    if (status?.state === 'terminated') {
      const { reason, exitCode, whose, byLease } = status;
      // Where the shim's own word of it was heard, that says more.
      if (byLease && !saysWhy(status.message)) this.#context.observations.leaseRanOut();
      const how = whose === 'shim' ? reason : `exit code ${exitCode}, ${update.reason || reason}`;
      this.#onTerminated(status.message, how, whose === 'agent' ? { exitCode } : undefined);
    } else if (update.phase === 'Failed') {
      this.#onTerminated('', `${update.reason}: ${update.message}`);
    } else if (status?.state === 'running') {
      this.#context.connection.open();
    }
  }

  /**
   * The kubelet's word that the shim has ended, with the shim's own last words: the truth about how a run ended,
   * whatever the stream delivered. `agent`: the agent of several has ended, which ends each of its shims; whether one could still say a word before is a matter of chance, and no reason to call it by another name.
   */
  #onTerminated(message: string, how: string, agent?: { exitCode: number }): void {
    const { observations, plan, timers, stopAskedAt } = this.#context;
    const events = parseTerminationMessage(message);
    const knowsWhy = observations.result.ended !== undefined || saysWhy(message);
    // Of one of several that has ended while nobody heard it no more is known than that it has reverted; its clock and ours began a round trip apart.
    // An agent that fails, or is killed, breaks its stream, and its kubelet may be late to say so.
    const hasFailed = agent !== undefined && agent.exitCode >= agentFailure;
    const leftMs = (hasFailed ? this.#leftWhenLost : undefined) ?? observations.leftMs;
    const wasEarly = observations.isInForce && leftMs > timeouts.shimExit;
    const isEarly = wasEarly && !knowsWhy && !observations.result.leaseRanOut && stopAskedAt === undefined;
    if (isEarly && agent) observations.problem(`the agent ended early: ${how}`);
    else if (isEarly && events.some((event) => event.event === 'reverted' && event.by !== 'guardian'))
      observations.problem(`the shim ended early: ${how}`);
    for (const event of events) this.onEvent(event);
    if (this.#context.isOver) return;
    if (kindOf(plan.fault).outlivesShim(plan.fault)) {
      // The guardian's word may come after the kubelet has looked for last words, and is then in a later status.
      // The shim's own time for the undo, which may be long, is over with it.
      if (this.#shimEnd === undefined) timers.set('confirm', guardianMs(plan.fault));
      this.#shimEnd ??= how;
      return;
    }
    if (!observations.result.ended && !(isEarly && agent)) observations.problem(killedUnheard(how));
    // The fault has ended with its shim.
    this.#onReverted('container');
  }

  /** A deleted agent means that the fault is to end, and its kubelet may take a minute to act on it. */
  #onAgentDeleted(): void {
    if (this.#isDeletedByUs) return;
    const { observations } = this.#context;
    observations.problem(agentDeletedByOthers);
    if (observations.result.reverted) this.#context.end();
    else if (!observations.result.ended) this.stop(agentDeletedByOthers);
  }

  #onAgentGone(): void {
    const { observations, plan, timers } = this.#context;
    this.#onAgentDeleted();
    if (this.#context.isOver) return;
    if ((observations.result.ended || this.#isDeletedByUs) && !kindOf(plan.fault).outlivesShim(plan.fault)) {
      this.#onReverted('container');
      return;
    }
    // A pod deleted by force may be gone from the API server before its containers end: the shim may still report on the stream.
    observations.unconfirmed();
    timers.set('confirm', plan.graceMs + undoMs(plan.fault));
  }

  /** That is how a shim is stopped that cannot be told. */
  get #isDeletedByUs(): boolean {
    return this.#context.plan.noAttach === true && this.#context.stopAskedAt !== undefined;
  }

  onAttached(): void {
    const { timers } = this.#context;
    this.#isNewStream = true;
    if (timers.isSet('startup')) {
      timers.stop('startup');
      timers.set('answer', timeouts.answer);
    }
    this.#context.beat(this.#context.stopAskedAt === undefined ? 'beat' : 'stop');
  }

  onLost({ reason, failures, retryMs }: ConnectionLoss): void {
    const { timers, plan, observations } = this.#context;
    timers.stop('beat');
    // The shim has said its last word: only the reason for it is waited for.
    if (observations.result.reverted) return;
    this.#leftWhenLost ??= observations.leftMs;
    // A container that has not begun to run has no log to break off.
    if (failures === 1 && !timers.isSet('startup')) {
      this.#context.report({ kind: 'progress', message: brokenStream(plan, reason) });
      timers.set('silence', observations.aloneMs + plan.graceMs + undoMs(plan.fault));
    }
    timers.set('attach', retryMs);
  }

  onEvent(event: ShimEvent): void {
    const { observations, timers } = this.#context;
    this.#leftWhenLost = undefined;
    const { result } = observations;
    // A log has lost nothing between: before `active` the target is by itself.
    const isEarly = this.#context.plan.noAttach && !result.began;
    if (isEarly && (event.event === 'sample' || event.event === 'path')) return;
    switch (event.event) {
      case 'resolved':
        return this.#onStillWaiting();
      case 'active':
        return this.#onActive(event);
      case 'sample':
        return this.#onSample(event);
      case 'path':
        return this.#driver.onPath?.(event);
      case 'answer':
        return this.#driver.onAnswer?.(event);
      case 'warning':
        return this.#context.report({ kind: 'warning', message: event.message });
      case 'ended':
        if (result.ended) return;
        timers.stop('answer');
        timers.stop('deadline');
        timers.set('confirm', undoMs(this.#context.plan.fault));
        if (event.reason === 'stopped' && this.#context.stopAskedAt === undefined) {
          observations.problem(`another command stopped it after ${formatDuration(event.runMs)}`);
        }
        return observations.ended(
          event.reason === 'signal' && this.#isDeletedByUs ? { ...event, reason: 'stopped' } : event,
        );
      case 'reverted':
        return this.#onReverted(event.by ?? 'shim', event);
      case 'error':
        return this.#onShimError(event);
    }
  }

  #onActive(active: Active): void {
    const { observations, timers, plan } = this.#context;
    if (observations.result.active) return;
    timers.stop('answer');
    timers.set('deadline', plan.durationMs + plan.graceMs + timeouts.slack);
    observations.active(active);
    // A detached fault ends by its duration, or when it is stopped.
    if (plan.detached && this.#context.stopAskedAt === undefined) this.#context.leaveInForce();
  }

  /** `start` was lost with its stream. An answer to a beat that was sent before it says nothing. */
  #onStillWaiting(): void {
    if (!this.#isNewStream) return;
    this.#isNewStream = false;
    if (this.#context.stopAskedAt === undefined && !this.#context.observations.result.active) this.#driver.begin();
  }

  #onSample(sample: SampleEvent): void {
    const { observations } = this.#context;
    const previous = observations.result.during.at(-1);
    if (observations.sampleAfter(sample)) this.#driver.onSample(sample, previous);
  }

  #onShimError(error: ShimError): void {
    const { observations, plan, stopAskedAt } = this.#context;
    // `start` and `stop` have reached the shim together, and it has begun nothing, as was asked.
    const isKnown = !error.state.startsWith('unknown');
    if (!observations.result.began && isKnown && error.code === 'not-started' && stopAskedAt !== undefined) {
      observations.result.reverted = true;
      this.#context.end();
      return;
    }
    if (!observations.result.began) {
      this.#context.fail(shimFailure(error, plan), isKnown);
      return;
    }
    observations.problem(failedShim(error));
    if (error.state === 'reverted') this.#onReverted('shim');
  }

  onTarget(update: TargetUpdate): void {
    const { observations, plan } = this.#context;
    if (observations.endReported || kindOf(plan.fault).endsTarget) return;
    observations.targetChanged(update);
    if (observations.result.reverted) this.#context.end();
    else this.stop('the target ended');
  }

  /** The fault may be to blame for harm to the node or to another pod, and is ended for it. */
  onNode(update: NodeUpdate): void {
    const { observations, plan, stopAskedAt } = this.#context;
    if (update.kind === 'unwatched' || update.kind === 'experiment') {
      this.#context.tellOfNode(update, '');
    } else if (observations.result.ended || stopAskedAt !== undefined) {
      this.#context.tellOfNode(update, 'while the fault was being reverted');
    } else {
      const harm = harmOf(update, plan.target.node);
      observations.problem(`${harm}; the fault was stopped early, so that no other pod is harmed`);
      this.stop(harm);
    }
  }

  onStanding(update: StandingUpdate): void {
    if (this.#context.stopAskedAt === undefined) this.#driver.onStanding?.(update);
  }

  stop(why: string): void {
    if (this.#context.stopAskedAt !== undefined) return;
    this.#context.report({ kind: 'stopping', why });
    this.#end();
  }

  #end(): void {
    const { clock, timers, plan } = this.#context;
    this.#context.stopAskedAt ??= clock.now();
    timers.set('confirm', plan.graceMs + undoMs(plan.fault) + (plan.noAttach ? timeouts.deletion : 0));
    this.#context.send('stop');
  }

  /** `event`: with the shim's own time from the end of the fault's time, for a run that nobody asked to stop. */
  #onReverted(by: 'shim' | 'guardian' | 'container', event?: Reverted): void {
    const { observations, clock, timers, stopAskedAt } = this.#context;
    const { result } = observations;
    if (result.reverted) return;
    const revertMs = stopAskedAt === undefined ? (event?.elapsedMs ?? 0) : clock.now() - stopAskedAt;
    observations.reverted(revertMs, by, event?.differs ?? []);
    if (observations.isUnexplained) timers.set('explain', timeouts.explain);
    else if (this.#isSilentFailure) timers.set('explain', timeouts.shimExit);
    else this.#context.end();
  }

  /** The workload failed and its output, which comes on another stream, has not arrived yet. */
  get #isSilentFailure(): boolean {
    const { plan, observations } = this.#context;
    const { ended, output } = observations.result;
    return (
      kindOf(plan.fault).actor(plan.fault).speaks === true &&
      ended?.reason === 'exited' &&
      ended.exitCode !== 0 &&
      output.length === 0
    );
  }

  onTimer(name: TimerName): void {
    const { connection, observations } = this.#context;
    switch (name) {
      case 'beat':
        return this.#context.beat();
      case 'attach':
        return connection.open();
      case 'answer':
        return this.#onNoAnswer(`the agent runs, but its shim has not answered for ${formatDuration(timeouts.answer)}`);
      case 'startup':
        return this.#onNoAnswer(`the agent pod has not started within ${formatDuration(timeouts.startup)}`);
      case 'deadline':
        observations.problem('the shim missed its deadline');
        return this.stop('the time is over');
      case 'silence':
        observations.problem(
          `the shim can no longer be reached; its ${hasLease(this.#context.plan) ? 'lease has run out' : 'time is over'}`,
        );
        return this.#context.end();
      case 'confirm':
        return this.#onUnconfirmed();
      case 'explain':
        return this.#context.end();
      case 'finish':
        if (this.#context.stopAskedAt === undefined) this.#end();
        return;
      default:
        return this.#driver.onTimer?.(name);
    }
  }

  #onUnconfirmed(): void {
    const { observations, plan } = this.#context;
    if (this.#shimEnd === undefined) {
      observations.problem('the shim did not confirm the revert in time');
    } else {
      if (!observations.result.ended) observations.problem(killedUnheard(this.#shimEnd));
      observations.unconfirmed();
      observations.problem(
        `the guardian did not confirm that ${kindOf(plan.fault).unconfirmed(plan.fault, plan.target)}`,
      );
    }
    this.#context.end();
  }

  /** Nothing came back to `start`: the target may have been changed. */
  #onNoAnswer(message: string): void {
    const state = 'the agent was removed, which ends whatever it started';
    this.#context.fail(new ChaosError('shim', message, { state }), false);
    this.stop('no answer');
  }

  /** A running fault is ended rather than left unwatched. */
  onBroken(error: unknown): void {
    if (this.#context.observations.result.reverted) return;
    const why = messageOf(error);
    this.#context.observations.problem(`the experiment could no longer be watched: ${why}`);
    this.stop('the watch failed');
  }
}

function killedUnheard(how: string): string {
  return `the shim was killed and did not report its end (${how})`;
}

function saysWhy(message: string): boolean {
  return parseTerminationMessage(message).some(({ event }) => event === 'ended');
}
