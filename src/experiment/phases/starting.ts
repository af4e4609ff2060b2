import { ChaosError } from '../../errors.ts';
import type { Plan } from '../../faults/plan.ts';
import type { AgentPodUpdate, AgentUpdate, TargetUpdate } from '../../ports.ts';
import type { Resolved, ShimEvent } from '../../shim/protocol.ts';
import { formatDuration } from '../../units.ts';
import { shimFailure, startupFailure } from '../agent-errors.ts';
import type { ConnectionLoss } from '../connection.ts';
import { type Conduct, type Preparation, prepareFault } from '../driver.ts';
import type { Phase, Stage } from '../run-context.ts';
import { attachAttempts, type TimerName, waits } from '../timeouts.ts';

/**
 * From the created agent pod to `start`: waits for the pod, attaches, and has the fault prepared. Nothing is changed yet: whoever leaves only says goodbye.
 */
export class BeforeStart implements Phase {
  readonly #stage: Stage;
  readonly #plan: Plan;
  readonly #preparation: Preparation;
  /** The shim has not been heard on this stream yet. */
  #isNewStream = false;

  /** `go` is called once, when the fault can start. */
  constructor(stage: Stage, plan: Plan, go: (conduct: Conduct) => void) {
    this.#stage = stage;
    this.#plan = plan;
    this.#preparation = prepareFault(stage, (conduct) => {
      for (const name of ['answer', 'startup', 'contact'] as const) stage.timers.stop(name);
      go(conduct);
    });
    stage.timers.set('pickup', waits.pickup);
    stage.timers.set('startup', waits.startup);
  }

  onAgent(update: AgentUpdate): void {
    const { timers, connection, container } = this.#stage;
    if (update.kind === 'started') {
      timers.stop('pickup');
      if (update.container === container) connection.open();
    } else if (update.kind === 'progress' || update.kind === 'warning') {
      timers.stop('pickup');
      this.#stage.report({ kind: update.kind, message: `${update.reason}: ${update.message}` });
    } else if (update.kind === 'contact') {
      this.#onContact(update.problem);
    } else {
      this.#onAgentPod(update);
    }
  }

  /** The shim waits no longer than its lease, and so do we. */
  #onContact(problem: string | undefined): void {
    const { timers, plan } = this.#stage;
    if (problem === undefined) {
      timers.stop('contact');
    } else if (!timers.isSet('contact')) {
      this.#stage.report({ kind: 'progress', message: `${problem}: trying again` });
      timers.set('contact', contactMs(plan.leaseMs));
    }
  }

  #onAgentPod(update: AgentPodUpdate): void {
    const { container, timers, connection } = this.#stage;
    const status = update.kind === 'status' ? update.containers[container] : undefined;
    if (this.#isLeaving) {
      if (update.kind === 'deleted' || status?.state === 'terminated') this.#stage.end();
      return;
    }
    if (status) timers.stop('pickup');
    const failure = startupFailure(this.#plan, container, update);
    if (failure && update.kind !== 'status') {
      // The shim may go on for a while: one that listens ends at once.
      this.#stage.record.failed(failure, true);
      this.stop();
    } else if (failure) {
      this.#stage.fail(failure);
    } else if (status?.state === 'running') {
      connection.open();
    }
  }

  onAttached(): void {
    const { timers, record } = this.#stage;
    this.#isNewStream = true;
    timers.stop('pickup');
    if (!record.result.resolved) timers.set('answer', waits.answer);
    this.#stage.beat(this.#isLeaving ? 'stop' : 'beat');
  }

  onLost({ reason, error, failures, retryMs }: ConnectionLoss): void {
    const { plan, timers } = this.#stage;
    timers.stop('beat');
    if (this.#isLeaving) {
      this.#stage.end();
    } else if (failures >= attachAttempts) {
      const why = `the agent on node ${plan.agent.node} cannot be attached to: ${reason}`;
      this.#stage.fail(error ?? new ChaosError('connection-lost', why));
    } else {
      timers.set('attach', retryMs);
    }
  }

  onEvent(event: ShimEvent): void {
    if (this.#isLeaving) {
      if (event.event === 'error' || event.event === 'ended') this.#stage.end();
      return;
    }
    switch (event.event) {
      case 'resolved':
        return this.#onResolved(event);
      case 'answer':
        return this.#preparation.onAnswer(event);
      case 'sample':
        this.#stage.record.sampleBefore(event);
        return;
      case 'path':
        this.#stage.record.pathBefore(event);
        return;
      case 'warning':
        return this.#stage.report({ kind: 'warning', message: event.message });
      case 'error':
        return this.#stage.fail(shimFailure(event, this.#stage.plan), !event.state.startsWith('unknown'));
    }
  }

  #onResolved(resolved: Resolved): void {
    const anew = this.#isNewStream;
    this.#isNewStream = false;
    this.#stage.record.resolved(resolved);
    this.#preparation.onResolved(resolved, anew);
  }

  onTarget(update: TargetUpdate): void {
    const { record } = this.#stage;
    if (record.explained) return;
    record.targetChanged(update);
    this.stop();
  }

  stop(): void {
    const { record, clock } = this.#stage;
    if (this.#isLeaving) return;
    this.#stage.stopAskedAt = clock.now();
    record.result.reverted = true;
    if (!this.#stage.sayGoodbye()) this.#stage.end();
  }

  onTimer(name: TimerName): void {
    const { plan, connection, cluster } = this.#stage;
    const { node } = plan.agent;
    if (this.#isLeaving) {
      if (name === 'confirm') this.#stage.end();
      return;
    }
    switch (name) {
      case 'beat':
        return this.#stage.beat();
      case 'attach':
        return connection.open();
      case 'pickup': {
        const message = `node ${node} has not taken the agent pod up yet: is its kubelet reachable?`;
        return this.#stage.report({ kind: 'progress', message });
      }
      case 'contact': {
        const time = formatDuration(contactMs(plan.leaseMs));
        return this.#stage.fail(new ChaosError('unreachable', `${cluster.server} could not be reached for ${time}`));
      }
      case 'startup': {
        const time = formatDuration(waits.startup);
        const message = `the agent pod has not started on node ${node} within ${time}`;
        return this.#stage.fail(new ChaosError('agent-failed', message));
      }
      case 'answer': {
        const message = `the agent runs, but its shim has not answered for ${formatDuration(waits.answer)}`;
        return this.#stage.fail(new ChaosError('shim', message));
      }
      case 'confirm':
        this.#stage.record.problem('the shim did not confirm the revert in time');
        return this.#stage.end();
      default:
        return this.#preparation.onTimer(name);
    }
  }

  onBroken(error: unknown): void {
    if (!this.#stage.record.result.reverted) this.#stage.fail(error);
  }

  get #isLeaving(): boolean {
    return this.#stage.stopAskedAt !== undefined;
  }
}

/** A shim without a lease would wait longer than anybody wants to. */
function contactMs(leaseMs: number): number {
  return leaseMs > 0 ? leaseMs : waits.contact;
}
