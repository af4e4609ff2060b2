import { ChaosError, messageOf } from '../errors.ts';
import type { CoursePlan } from '../faults/plan.ts';
import type { AgentPodUpdate, AgentUpdate, TargetUpdate } from '../ports.ts';
import type { Active, Reverted, SampleEvent, ShimError, ShimEvent } from '../shim/protocol.ts';
import { parseTerminationMessage } from '../shim/protocol.ts';
import { formatDuration } from '../units.ts';
import type { Conduct } from './conduct.ts';
import type { ConnectionLoss } from './connection.ts';
import type { Phase, Stage } from './stage.ts';
import { failedShim, shimFailure } from './startup.ts';
import { guardianMs, type TimerName, undoMs, waits } from './waits.ts';

type NeverBegan = (update: AgentUpdate) => ChaosError | undefined;

/**
 * From `start` to the confirmed revert: the target may be changed, and only the shim, or its container's end, says that it is not. Keeps the lease, stops the fault when asked or when something
 * else happens, and ends in bounded time whatever stays silent.
 */
export class AfterStart implements Phase {
  readonly #stage: Stage;
  readonly #conduct: Conduct;
  readonly #neverBegan: NeverBegan;
  /** A stream was made since `start`, and the shim has not been heard on it. */
  #isNewStream = false;
  /** How the shim of a fault ended that outlives it, whose revert nobody has confirmed yet. */
  #shimEnd: string | undefined;

  /** `neverBegan`: why, when the agent's end shows that `start` was not heard. */
  constructor(stage: Stage, conduct: Conduct, neverBegan: NeverBegan = () => undefined) {
    this.#stage = stage;
    this.#conduct = conduct;
    this.#neverBegan = neverBegan;
  }

  /** Says `start`. */
  begin(): void {
    this.#stage.timers.set('answer', waits.answer);
    this.#conduct.begin();
  }

  onAgent(update: AgentUpdate): void {
    const { connection, container } = this.#stage;
    switch (update.kind) {
      case 'started':
        if (update.container === container) connection.open();
        return;
      case 'progress':
      case 'warning':
        return this.#stage.report({ kind: update.kind, message: `${update.reason}: ${update.message}` });
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
    if (failure) this.#stage.fail(failure);
    else if (update.kind === 'deleted') this.#onAgentGone();
    else if (update.kind === 'deleting') this.#onAgentDeleted();
    else this.#onAgentStatus(update);
  }

  #onAgentStatus(update: Extract<AgentUpdate, { kind: 'status' }>): void {
    const status = update.containers[this.#stage.container];
    if (status?.state === 'terminated') {
      this.#onTerminated(status.message, `exit code ${status.exitCode}, ${update.reason || status.reason}`);
    } else if (update.phase === 'Failed') {
      this.#onTerminated('', `${update.reason}: ${update.message}`);
    } else if (status?.state === 'running') {
      this.#stage.connection.open();
    }
  }

  /** The kubelet's word that the shim has ended, with the shim's own last words: the truth about how a run ended, whatever the stream delivered. */
  #onTerminated(message: string, how: string): void {
    for (const event of parseTerminationMessage(message)) this.onEvent(event);
    if (this.#stage.isOver) return;
    const { record, plan, timers } = this.#stage;
    if (plan.fault.fault !== 'stress') {
      // What is done to a network, a directory or a cgroup's settings outlives whoever did it. The guardian's word may come after the kubelet has looked for last words, and is then in a later status.
      // The shim's own time for the undo, which may be long, is over with it.
      if (this.#shimEnd === undefined) timers.set('confirm', guardianMs(plan.fault));
      this.#shimEnd ??= how;
      return;
    }
    if (!record.result.ended) record.problem(killedUnheard(how));
    // A stressor cannot outlive the shim: its pid namespace dies with it, by the kernel's hand.
    this.#onReverted('container');
  }

  /** Whoever deletes it wants the fault to end, now and not when its kubelet comes to that. */
  #onAgentDeleted(): void {
    const why = 'the agent pod was deleted by somebody else';
    this.#stage.record.problem(why);
    if (!this.#stage.record.result.ended) this.stop(why);
  }

  #onAgentGone(): void {
    const { record, plan, timers } = this.#stage;
    this.#onAgentDeleted();
    if (record.result.ended && plan.fault.fault === 'stress') {
      this.#onReverted('container');
      return;
    }
    // Deleted by force, a pod may be gone from the API server before its containers are. The stream goes on, and with it the shim's own word may still come.
    record.unconfirmed();
    timers.set('confirm', plan.graceMs + undoMs(plan.fault));
  }

  onAttached(): void {
    this.#isNewStream = true;
    this.#stage.beat(this.#stage.stopAskedAt === undefined ? 'beat' : 'stop');
  }

  onLost({ reason, failures, retryMs }: ConnectionLoss): void {
    const { timers, plan, record } = this.#stage;
    timers.stop('beat');
    // The shim has said its last word: only the reason for it is waited for.
    if (record.result.reverted) return;
    if (failures === 1) {
      this.#stage.report({ kind: 'progress', message: `the stream to the agent ended (${reason}): attaching again` });
      timers.set('silence', record.aloneMs + plan.graceMs + undoMs(plan.fault));
    }
    timers.set('attach', retryMs);
  }

  onEvent(event: ShimEvent): void {
    const { record, timers } = this.#stage;
    const { result } = record;
    switch (event.event) {
      case 'resolved':
        return this.#onStillWaiting();
      case 'active':
        return this.#onActive(event);
      case 'sample':
        return this.#onSample(event);
      case 'path':
        return record.pathAfter(event);
      case 'answer':
        return this.#conduct.onAnswer(event);
      case 'warning':
        return this.#stage.report({ kind: 'warning', message: event.message });
      case 'ended':
        if (result.ended) return;
        timers.stop('answer');
        timers.stop('deadline');
        timers.set('confirm', undoMs(this.#stage.plan.fault));
        if (event.reason === 'stopped' && this.#stage.stopAskedAt === undefined) {
          record.problem(`somebody else stopped it after ${formatDuration(event.run_ms)}`);
        }
        return record.ended(event);
      case 'reverted':
        return this.#onReverted(event.by ?? 'shim', event);
      case 'error':
        return this.#onShimError(event);
    }
  }

  #onActive(active: Active): void {
    const { record, timers, plan } = this.#stage;
    if (record.result.active) return;
    timers.stop('answer');
    timers.set('deadline', plan.durationMs + plan.graceMs + waits.slack);
    record.active(active);
    // Detached: from here on only its time ends it, or somebody's wish.
    if (plan.leaseMs === 0 && this.#stage.stopAskedAt === undefined) this.#stage.leave(record.leftMs);
  }

  /** `start` was lost with its stream. An answer to a beat that was sent before it says nothing. */
  #onStillWaiting(): void {
    if (!this.#isNewStream) return;
    this.#isNewStream = false;
    if (this.#stage.stopAskedAt === undefined && !this.#stage.record.result.active) this.#conduct.begin();
  }

  #onSample(sample: SampleEvent): void {
    const { record } = this.#stage;
    const previous = record.result.during.at(-1);
    if (record.sampleAfter(sample)) this.#conduct.onSample(sample, previous);
  }

  #onShimError(error: ShimError): void {
    const { record, plan } = this.#stage;
    if (!record.result.began) {
      this.#stage.fail(shimFailure(error, plan), !error.state.startsWith('unknown'));
      return;
    }
    record.problem(failedShim(error));
    if (error.state === 'reverted') this.#onReverted('shim');
  }

  onTarget(update: TargetUpdate): void {
    const { record } = this.#stage;
    if (record.explained) return;
    record.targetChanged(update);
    if (record.result.reverted) this.#stage.end();
    else this.stop('the target ended');
  }

  stop(why: string): void {
    const { clock, timers, plan } = this.#stage;
    if (this.#stage.stopAskedAt !== undefined) return;
    this.#stage.stopAskedAt = clock.now();
    this.#stage.report({ kind: 'stopping', why });
    timers.set('confirm', plan.graceMs + undoMs(plan.fault));
    this.#stage.send('stop');
  }

  /** `event`: with the shim's own time from the end of the fault's time, for a run that nobody asked to stop. */
  #onReverted(by: 'shim' | 'guardian' | 'container', event?: Reverted): void {
    const { record, clock, timers, stopAskedAt } = this.#stage;
    const { result } = record;
    if (result.reverted) return;
    const revertMs = stopAskedAt === undefined ? (event?.elapsed_ms ?? 0) : clock.now() - stopAskedAt;
    record.reverted(revertMs, by, event?.differs ?? []);
    const unexplained = result.ended?.reason === 'target-gone' || result.ended?.reason === 'killed';
    if (unexplained && !record.explained) timers.set('explain', waits.explain);
    else if (this.#isSilentFailure) timers.set('explain', waits.goodbye);
    else this.#stage.end();
  }

  /** What the workload said is on another stream, and may come after the shim's word that it has ended. */
  get #isSilentFailure(): boolean {
    const { plan, record } = this.#stage;
    const { ended, output } = record.result;
    return plan.fault.fault === 'io' && ended?.reason === 'exited' && ended.exit_code !== 0 && output.length === 0;
  }

  onTimer(name: TimerName): void {
    const { connection, record } = this.#stage;
    switch (name) {
      case 'beat':
        return this.#stage.beat();
      case 'attach':
        return connection.open();
      case 'answer':
        return this.#onNoAnswer();
      case 'deadline':
        record.problem('the time was over and the shim had not ended the fault by itself');
        return this.stop('the time is over');
      case 'silence':
        record.problem(
          `the shim could not be reached any more; its ${this.#stage.plan.leaseMs > 0 ? 'lease has run out' : 'time is over'} meanwhile`,
        );
        return this.#stage.end();
      case 'confirm':
        return this.#onUnconfirmed();
      case 'explain':
        return this.#stage.end();
    }
  }

  #onUnconfirmed(): void {
    const { record, plan } = this.#stage;
    if (this.#shimEnd === undefined) {
      record.problem('the shim did not confirm the revert in time');
    } else {
      if (!record.result.ended) record.problem(killedUnheard(this.#shimEnd));
      record.unconfirmed();
      record.problem(`its guardian has not told that ${unconfirmed(plan)}`);
    }
    this.#stage.end();
  }

  /** Nothing came back to `start`: the target may have been changed. */
  #onNoAnswer(): void {
    const message = `the agent runs, but its shim has not answered for ${formatDuration(waits.answer)}`;
    const state = 'the agent was removed, and with it whatever it had begun';
    this.#stage.fail(new ChaosError('shim', message, { state }), false);
    this.stop('no answer');
  }

  /** A running fault is ended rather than left unwatched. */
  onBroken(error: unknown): void {
    if (this.#stage.record.result.reverted) return;
    const why = messageOf(error);
    this.#stage.record.problem(`the experiment could no longer be watched: ${why}`);
    this.stop('the watch failed');
  }
}

function killedUnheard(how: string): string {
  return `the shim ended without a word: it was killed (${how})`;
}

/** What nobody has confirmed, and what makes certain of it: what goes with the pod's network, or with its container's cgroup, goes with the pod. */
function unconfirmed({ fault, target }: CoursePlan): string {
  const { pod } = target;
  if (fault.fault === 'io' && fault.action.kind !== 'throttle') {
    return `${fault.directory} in ${fault.path} of pod ${pod} is gone`;
  }
  const what =
    fault.fault === 'io' ? "the limits of the container's cgroup are as they were" : 'the network is as it was';
  return `${what}; to be certain, delete pod ${pod}`;
}
