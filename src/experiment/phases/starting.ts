import { ChaosError } from '../../errors.ts';
import type { Driver, Setup } from '../../faults/fault.ts';
import { kindOf } from '../../faults/registry.ts';
import type {
  AgentPodUpdate,
  AgentUpdate,
  ContainerStatus,
  NodeUpdate,
  StandingUpdate,
  TargetUpdate,
} from '../../ports.ts';
import { parseTerminationMessage, type Resolved, type SampleEvent, type ShimEvent } from '../../shim/protocol.ts';
import { formatDuration } from '../../units.ts';
import { shimFailure, startupFailure } from '../agent-errors.ts';
import { brokenStream, type ConnectionLoss } from '../connection.ts';
import { Delivery } from '../delivery.ts';
import { StartTroubles } from '../kubelet-refusals.ts';
import type { Plan, RunPlan } from '../plan.ts';
import type { RunContext } from '../run-context.ts';
import { attachAttempts, type TimerName, timeouts } from '../timeouts.ts';
import type { Phase } from './phase.ts';

/**
 * From the created agent pod to `start`: waits for the pod, attaches, and has the fault prepared. Nothing has been
 * changed yet, so that leaving needs no more than a stop message.
 */
export class StartingPhase implements Phase {
  readonly #context: RunContext;
  readonly #plan: Plan;
  readonly #setup: Setup;
  /** Of the tools; undefined: none are sent. */
  readonly #delivery: Delivery | undefined;
  readonly #go: (driver: Driver) => void;
  /** The fault is prepared. */
  #driver: Driver | undefined;
  readonly #troubles: StartTroubles;
  /** An init container that the agent's waits for, and that somebody has added. */
  #blockedBy: string | undefined;
  /** The shim has not been heard on this stream yet. */
  #isNewStream = false;

  /** `go` is called once, when the fault can start. */
  constructor(context: RunContext, plan: Plan, go: (driver: Driver) => void) {
    this.#context = context;
    this.#plan = plan;
    this.#go = go;
    this.#troubles = new StartTroubles(plan.agent);
    this.#setup = kindOf(plan.fault).setup(context, (driver) => {
      this.#driver = driver;
      this.#goWhenReady();
    });
    this.#delivery = plan.tools && new Delivery(context, plan.tools, () => this.#onDelivered());
    context.timers.set('pickup', timeouts.pickup);
    context.timers.set('startup', timeouts.startup);
  }

  onAgent(update: AgentUpdate): void {
    const { timers, connection, plan } = this.#context;
    const failure = this.#troubles.after(update);
    if (update.kind === 'started') {
      timers.stop('pickup');
      if (update.container === plan.container) connection.open();
    } else if (update.kind === 'progress' || update.kind === 'warning') {
      timers.stop('pickup');
      this.#context.report({ kind: update.kind, message: `${update.reason}: ${update.message}` });
      if (failure && !this.#isLeaving) this.#context.fail(failure);
    } else if (update.kind === 'contact') {
      this.#onContact(update.problem);
    } else {
      this.#onAgentPod(update);
    }
  }

  /** Gives up an API server that stays silent for as long as the shim waits: its lease. */
  #onContact(problem: string | undefined): void {
    const { timers, plan } = this.#context;
    if (problem === undefined) {
      timers.stop('contact');
    } else if (!timers.isSet('contact')) {
      this.#context.report({ kind: 'progress', message: `${problem}: trying again` });
      timers.set('contact', contactMs(plan));
    }
  }

  #onAgentPod(update: AgentPodUpdate): void {
    const { plan, timers, connection } = this.#context;
    const status = update.kind === 'status' ? update.containers[plan.container] : undefined;
    if (this.#isLeaving) {
      // Deleted by force, its pod is gone before its container: the shim has heard `stop` when its stream ends.
      const isGone = update.kind === 'deleted' && !connection.isHeard;
      if (isGone || status?.state === 'terminated') this.#context.end();
      return;
    }
    if (status) timers.stop('pickup');
    if (this.#context.plan.noAttach && hasWaited(status)) {
      // It was told nothing, and its log has what it found.
      connection.open();
      return;
    }
    this.#onBlocked(status?.state === 'waiting' ? status.blockedBy : undefined);
    const failure = startupFailure(this.#plan, plan.container, update);
    if (failure && update.kind !== 'status') {
      // The shim may go on for a while: one that listens ends as soon as it hears `stop`, behind what of the tools is under way, and nobody deletes its pod once more.
      this.#context.observations.failed(failure, true);
      this.stop();
      if (!this.#context.isOver) timers.set('confirm', timeouts.slack);
    } else if (failure) {
      this.#context.fail(failure);
    } else if (status?.state === 'running') {
      connection.open();
    }
  }

  /** Tells once of each that it waits for it. */
  #onBlocked(name: string | undefined): void {
    if (name !== undefined && name !== this.#blockedBy) {
      const message = `waiting for the init container ${name}, which the agent pod did not ask for`;
      this.#context.report({ kind: 'progress', message });
    }
    this.#blockedBy = name;
  }

  onAttached(): void {
    const { timers, observations } = this.#context;
    this.#isNewStream = true;
    timers.stop('pickup');
    if (!observations.result.resolved) timers.set('answer', timeouts.answer);
    this.#context.beat(this.#isLeaving ? 'stop' : 'beat');
  }

  onLost({ reason, error, failures, retryMs }: ConnectionLoss): void {
    const { plan, timers } = this.#context;
    timers.stop('beat');
    if (this.#isLeaving) {
      this.#context.end();
    } else if (failures >= attachAttempts || (error instanceof ChaosError && error.isPermanent)) {
      const why = plan.noAttach
        ? `the log of the agent on node ${plan.agent.node} cannot be read: ${reason}`
        : `the agent on node ${plan.agent.node} cannot be attached to: ${reason}`;
      this.#context.fail(error ?? new ChaosError('connection-lost', why));
    } else {
      if (error === undefined) {
        this.#context.report({
          kind: 'progress',
          message: brokenStream(plan, reason),
        });
      }
      timers.set('attach', retryMs);
    }
  }

  onEvent(event: ShimEvent): void {
    if (this.#isLeaving) {
      if (event.event === 'error' || event.event === 'ended') this.#context.end();
      return;
    }
    switch (event.event) {
      case 'resolved':
        return this.#onResolved(event);
      case 'answer':
        return this.#setup.onAnswer?.(event);
      case 'tools':
        return this.#delivery?.onEvent(event);
      case 'sample':
        return this.#onSample(event);
      case 'path':
        return this.#setup.onPath?.(event);
      case 'warning':
        return this.#context.report({ kind: 'warning', message: event.message });
      case 'error':
        // It has been measured, and waits for others: a shim that hears nobody does not wait as long.
        if (event.code === 'not-started' && this.#plan.noAttach && this.#driver) return;
        return this.#context.fail(shimFailure(event, this.#context.plan), !event.state.startsWith('unknown'));
    }
  }

  #onResolved(resolved: Resolved): void {
    const anew = this.#isNewStream;
    this.#isNewStream = false;
    this.#context.observations.resolved(resolved);
    if (anew && this.#delivery && !this.#delivery.isReady) {
      this.#context.timers.stop('startup');
      this.#delivery.begin();
    }
    if (!this.#driver && !this.#setupWaits) this.#setup.onResolved(resolved, anew);
  }

  /** The tools are there: what has waited for them goes on. */
  #onDelivered(): void {
    if (this.#driver) return this.#goWhenReady();
    const { timers, observations } = this.#context;
    const { resolved } = observations.result;
    timers.set('startup', timeouts.startup);
    if (resolved && kindOf(this.#plan.fault).tools.neededFor === 'setup') return this.#setup.onResolved(resolved, true);
    timers.set('answer', timeouts.answer);
    this.#context.beat();
  }

  #goWhenReady(): void {
    if (!this.#driver || this.#delivery?.isReady === false) return;
    for (const name of ['answer', 'startup', 'contact'] as const) this.#context.timers.stop(name);
    this.#go(this.#driver);
  }

  /** It cannot do without the tools. */
  get #setupWaits(): boolean {
    return this.#delivery?.isReady === false && kindOf(this.#plan.fault).tools.neededFor === 'setup';
  }

  /** A shim that hears nothing answers no beat: each of its samples stands for an answer. */
  #onSample(sample: SampleEvent): void {
    const { observations, plan } = this.#context;
    const { resolved } = observations.result;
    observations.sampleBefore(sample);
    if (plan.noAttach && resolved) this.#setup.onResolved({ ...resolved, sample }, false);
  }

  onTarget(update: TargetUpdate): void {
    const { observations } = this.#context;
    if (observations.endReported) return;
    observations.targetChanged(update);
    this.stop();
  }

  /** Nothing has been done to the target: the node's troubles are not of this fault. */
  onNode(update: NodeUpdate): void {
    this.#context.tellOfNode(update, 'before the fault began');
  }

  onStanding(update: StandingUpdate): void {
    if (!this.#isLeaving) this.#setup.onStanding?.(update);
  }

  stop(): void {
    const { observations, clock } = this.#context;
    if (this.#isLeaving) return;
    this.#context.stopAskedAt = clock.now();
    observations.result.reverted = true;
    if (!this.#context.stopWaitingShim()) this.#context.end();
  }

  onTimer(name: TimerName): void {
    const { plan, connection, cluster } = this.#context;
    const { node } = plan.agent;
    if (this.#isLeaving) {
      if (name === 'confirm') this.#context.end();
      return;
    }
    switch (name) {
      case 'beat':
        this.#delivery?.look();
        return this.#context.beat();
      case 'tools':
        return this.#delivery?.onSilence();
      case 'attach':
        return connection.open();
      case 'pickup': {
        const message = `node ${node} has not started the agent pod yet: is its kubelet reachable?`;
        return this.#context.report({ kind: 'progress', message });
      }
      case 'contact': {
        // The shim is heard, and what it is sent may be all that fits through.
        if (this.#delivery?.isSending) return;
        const time = formatDuration(contactMs(plan));
        return this.#context.fail(new ChaosError('unreachable', `${cluster.server} could not be reached for ${time}`));
      }
      case 'startup': {
        const time = formatDuration(timeouts.startup);
        const why =
          this.#blockedBy === undefined ? this.#troubles.why : `: its init container ${this.#blockedBy} has not ended`;
        const message = `the agent pod has not started on node ${node} within ${time}${why}`;
        return this.#context.fail(new ChaosError('agent-failed', message));
      }
      case 'answer': {
        // Its answers come after what it is sent, at the pace of that.
        if (this.#delivery?.isSending) return;
        const message = `the agent runs, but its shim has not answered for ${formatDuration(timeouts.answer)}`;
        return this.#context.fail(new ChaosError('shim', message));
      }
      case 'confirm':
        this.#context.observations.problem('the shim did not confirm the revert in time');
        return this.#context.end();
      default:
        return this.#setup.onTimer(name);
    }
  }

  onBroken(error: unknown): void {
    if (!this.#context.observations.result.reverted) this.#context.fail(error);
  }

  get #isLeaving(): boolean {
    return this.#context.stopAskedAt !== undefined;
  }
}

/** Whether the shim has ended for want of a word. */
function hasWaited(status: ContainerStatus | undefined): boolean {
  if (status?.state !== 'terminated') return false;
  return parseTerminationMessage(status.message).some(
    (event) => event.event === 'error' && event.code === 'not-started',
  );
}

/** The shim of a detached fault has no lease, so that a time of our own limits the wait. */
function contactMs({ detached, leaseMs }: RunPlan): number {
  return detached ? timeouts.contact : leaseMs;
}
