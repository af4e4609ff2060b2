import { ChaosError } from '../errors.ts';
import { memoryRisk } from '../faults/memory-risk.ts';
import type { Plan } from '../faults/plan.ts';
import type { Agent, AgentUpdate, Clock, Cluster, InterruptSignal, Reporter, TargetUpdate } from '../ports.ts';
import type { Command, Resolved, ShimError, ShimEvent } from '../shim/protocol.ts';
import { parseShimEvent, parseTerminationMessage } from '../shim/protocol.ts';
import { formatDuration } from '../units.ts';
import { Connection, type ConnectionLoss } from './connection.ts';
import { Inbox } from './inbox.ts';
import type { Interrupts } from './interrupt.ts';
import { RunRecord, type RunResult } from './record.ts';
import { shimFailure, startupFailure } from './startup.ts';
import { Timers } from './timers.ts';
import { attachAttempts, type TimerName, waits } from './waits.ts';

/** Everything that can happen to a run, from all its sources, in one order. */
type Input =
  | { from: 'agent'; update: AgentUpdate }
  | { from: 'attached' }
  | { from: 'lost'; loss: ConnectionLoss }
  | { from: 'line'; text: string }
  | { from: 'output'; text: string }
  | { from: 'target'; update: TargetUpdate }
  | { from: 'interrupt'; signal: InterruptSignal }
  | { from: 'leave' }
  | { from: 'timer'; name: TimerName }
  | { from: 'broken'; error: unknown };

export interface FollowPorts {
  cluster: Cluster;
  clock: Clock;
  reporter: Reporter;
  interrupts: Interrupts;
  /** When the command began, on `clock`. */
  startedAt: number;
}

/**
 * Follows one target's run from the created agent pod to the confirmed revert: attaches, has the shim begin, keeps its lease, stops it when asked, and notices whatever else happens.
 * Never rejects for what the run does; ends in bounded time whatever stays silent.
 */
export function followRun(plan: Plan, agent: Agent, ports: FollowPorts): Promise<RunResult> {
  return new Run(plan, agent, ports).follow();
}

class Run {
  readonly #inbox = new Inbox<Input>();
  readonly #abort = new AbortController();
  readonly #plan: Plan;
  readonly #agent: Agent;
  readonly #ports: FollowPorts;
  readonly #container: string;
  readonly #timers: Timers<TimerName>;
  readonly #connection: Connection;
  readonly #record: RunRecord;
  /** `start` has been sent: from here on the target may be changed. */
  #started = false;
  /** When a stop was asked for, by the user or by what happened. */
  #stopAskedAt: number | undefined;
  #done = false;

  constructor(plan: Plan, agent: Agent, ports: FollowPorts) {
    this.#plan = plan;
    this.#agent = agent;
    this.#ports = ports;
    this.#container = plan.agent.containers[0]?.name ?? '';
    this.#record = new RunRecord(plan, ports);
    this.#timers = new Timers(ports.clock, (name) => this.#inbox.post({ from: 'timer', name }));
    this.#connection = new Connection(ports.cluster, agent, this.#container, {
      attached: () => this.#inbox.post({ from: 'attached' }),
      line: (text) => this.#inbox.post({ from: 'line', text }),
      output: (text) => this.#inbox.post({ from: 'output', text }),
      lost: (loss) => this.#inbox.post({ from: 'lost', loss }),
    });
  }

  async follow(): Promise<RunResult> {
    const { cluster, interrupts } = this.#ports;
    const { signal } = this.#abort;
    const inbox = this.#inbox;
    const broken = (error: unknown): Input => ({ from: 'broken', error });
    interrupts.onFirst((name) => inbox.post({ from: 'interrupt', signal: name }));
    void interrupts.again.then(() => inbox.post({ from: 'leave' }));
    void inbox.pour(cluster.followAgent(this.#agent, signal), (update) => ({ from: 'agent', update }), broken);
    void inbox.pour(cluster.followTarget(this.#plan.target, signal), (update) => ({ from: 'target', update }), broken);
    this.#timers.set('pickup', waits.pickup);
    this.#timers.set('startup', waits.startup);
    try {
      while (!this.#done) this.#handle(await inbox.next());
    } finally {
      this.#timers.clear();
      this.#abort.abort();
      this.#connection.close();
    }
    return this.#record.close();
  }

  #handle(input: Input): void {
    switch (input.from) {
      case 'agent':
        return this.#onAgent(input.update);
      case 'attached':
        return this.#onAttached();
      case 'lost':
        return this.#onLost(input.loss);
      case 'line':
        return this.#onLine(input.text);
      case 'output':
        return this.#report({ kind: 'output', text: input.text });
      case 'target':
        return this.#onTarget(input.update);
      case 'interrupt':
        return this.#stop(`${input.signal} received`);
      case 'leave':
        return this.#end();
      case 'timer':
        return this.#onTimer(input.name);
      case 'broken':
        return this.#onBroken(input.error);
    }
  }

  #onAgent(update: AgentUpdate): void {
    if (update.kind === 'started') {
      this.#timers.stop('pickup');
      if (update.container === this.#container) this.#connection.open();
    } else if (update.kind === 'progress' || update.kind === 'warning') {
      this.#timers.stop('pickup');
      this.#report({ kind: update.kind, message: `${update.reason}: ${update.message}` });
    } else if (update.kind === 'contact') {
      this.#onContact(update.problem);
    } else {
      this.#onAgentStatus(update);
    }
  }

  /** Once the fault is in force the stream tells, and the lease decides. Before that, the shim waits no longer than its lease, and so do we. */
  #onContact(problem: string | undefined): void {
    if (problem === undefined || this.#started) {
      this.#timers.stop('contact');
    } else if (!this.#timers.isSet('contact')) {
      this.#report({ kind: 'progress', message: `${problem}: trying again` });
      this.#timers.set('contact', this.#plan.leaseMs);
    }
  }

  #onAgentStatus(update: Extract<AgentUpdate, { kind: 'status' | 'deleted' }>): void {
    const status = update.kind === 'status' ? update.containers[this.#container] : undefined;
    if (this.#isLeaving) {
      if (update.kind === 'deleted' || status?.state === 'terminated') this.#end();
      return;
    }
    if (status) this.#timers.stop('pickup');
    const failure = this.#started ? undefined : startupFailure(this.#plan, this.#container, update);
    if (failure) {
      this.#fail(failure);
    } else if (update.kind === 'deleted') {
      this.#onAgentGone();
    } else if (status?.state === 'terminated') {
      this.#onTerminated(status.message, `exit code ${status.exitCode}, ${update.reason || status.reason}`);
    } else if (update.phase === 'Failed') {
      this.#onTerminated('', `${update.reason}: ${update.message}`);
    } else if (status?.state === 'running') {
      this.#connection.open();
    }
  }

  /** The kubelet's word that the shim has ended, with the shim's own last words: the truth about how a run ended, whatever the stream delivered. */
  #onTerminated(message: string, how: string): void {
    for (const event of parseTerminationMessage(message)) this.#onEvent(event);
    if (this.#done) return;
    if (!this.#record.result.ended) this.#record.problem(`the shim ended without a word: it was killed (${how})`);
    // A stressor cannot outlive the shim: its pid namespace dies with it, by the kernel's hand.
    this.#onReverted('container');
  }

  #onAgentGone(): void {
    const { result } = this.#record;
    this.#record.problem('the agent pod was deleted by somebody else');
    if (result.ended) {
      this.#onReverted('container');
      return;
    }
    // Deleted by force, a pod may be gone from the API server before its containers are. The stream goes on, and with it the shim's own word may still come.
    result.agentVanished = true;
    this.#timers.set('confirm', this.#plan.graceMs + waits.slack);
  }

  #onAttached(): void {
    this.#timers.stop('pickup');
    if (!this.#record.result.resolved) this.#timers.set('answer', waits.answer);
    this.#timers.set('beat', waits.beat);
    this.#send(this.#stopAskedAt === undefined ? 'beat' : 'stop');
  }

  #onLost({ reason, error, failures, retryMs }: ConnectionLoss): void {
    this.#timers.stop('beat');
    if (this.#isLeaving) {
      this.#end();
      return;
    }
    // The shim has said its last word: only the reason for it is waited for.
    if (this.#record.result.reverted) return;
    if (!this.#started && failures >= attachAttempts) {
      const why = `the agent on node ${this.#plan.agent.node} cannot be attached to: ${reason}`;
      this.#fail(error ?? new ChaosError('connection-lost', why));
      return;
    }
    if (this.#started && failures === 1) {
      this.#report({ kind: 'progress', message: `the stream to the agent ended (${reason}): attaching again` });
      this.#timers.set('silence', this.#plan.leaseMs + this.#plan.graceMs + waits.slack);
    }
    this.#timers.set('attach', retryMs);
  }

  #onLine(text: string): void {
    this.#timers.stop('silence');
    const event = parseShimEvent(text);
    if (event) this.#onEvent(event);
    else this.#report({ kind: 'output', text: `${text}\n` });
  }

  #onEvent(event: ShimEvent): void {
    const { result } = this.#record;
    if (this.#isLeaving) {
      if (event.event === 'error' || event.event === 'ended') this.#end();
      return;
    }
    switch (event.event) {
      case 'resolved':
        return this.#onResolved(event);
      case 'active':
        if (result.active) return;
        this.#timers.stop('answer');
        this.#timers.set('deadline', this.#plan.durationMs + this.#plan.graceMs + waits.slack);
        return this.#record.active(event);
      case 'sample':
        return this.#record.sample(event, this.#started);
      case 'warning':
        return this.#report({ kind: 'warning', message: event.message });
      case 'ended':
        if (result.ended) return;
        this.#timers.stop('answer');
        this.#timers.set('confirm', waits.slack);
        return this.#record.ended(event);
      case 'reverted':
        return this.#onReverted('shim', event.elapsed_ms);
      case 'error':
        return this.#onShimError(event);
    }
  }

  #onShimError(error: ShimError): void {
    if (!this.#record.result.began) {
      this.#fail(shimFailure(error), !error.state.startsWith('unknown'));
      return;
    }
    this.#record.problem(`the shim failed: ${error.message} (${error.code})`);
    if (error.state === 'reverted') this.#onReverted('shim');
  }

  #onResolved(resolved: Resolved): void {
    if (this.#stopAskedAt !== undefined) return;
    if (this.#started) {
      // It still waits, so `start` was lost with its stream.
      if (!this.#record.result.active) this.#send('start');
      return;
    }
    // Asked again and again until it may start: each answer has its own time.
    this.#timers.set('answer', waits.answer);
    const first = !this.#record.result.resolved;
    const measured = this.#record.resolved(resolved);
    if (first) this.#review(resolved);
    else if (measured) this.#start();
  }

  /** The last look before anything changes: on the target's real cgroup. */
  #review(resolved: Resolved): void {
    if (resolved.unmounted.length > 0) {
      const names = resolved.unmounted.join(', ');
      this.#report({ kind: 'warning', message: `passed over cgroup hierarchies that have lost their mount: ${names}` });
    }
    const risk = memoryRisk(this.#plan.fault, resolved.sample);
    if (risk.kind === 'refusal') {
      this.#fail(new ChaosError('target-unsuitable', risk.message, { hint: risk.hint }));
      return;
    }
    if (risk.kind === 'warning') this.#report({ kind: 'warning', message: risk.message });
    this.#timers.set('baseline', waits.baseline);
  }

  #start(): void {
    this.#timers.stop('baseline');
    this.#timers.stop('startup');
    this.#timers.stop('contact');
    this.#timers.set('answer', waits.answer);
    this.#started = true;
    this.#send('start');
  }

  #onTarget(update: TargetUpdate): void {
    if (this.#record.explained) return;
    this.#record.targetChanged(update);
    if (this.#record.result.reverted) this.#end();
    else this.#stop('the target ended');
  }

  /** Asks the shim to stop. Before the fault has begun removing the agent is enough; but a shim that listens ends at once, and by the kubelet's hand after seconds. */
  #stop(why: string): void {
    if (this.#stopAskedAt !== undefined) return;
    this.#stopAskedAt = this.#ports.clock.now();
    if (!this.#started) {
      this.#record.result.reverted = true;
      if (this.#record.result.resolved && this.#connection.isOpen) {
        this.#timers.set('confirm', waits.goodbye);
        this.#send('stop');
      } else {
        this.#end();
      }
      return;
    }
    this.#report({ kind: 'stopping', why });
    this.#timers.set('confirm', this.#plan.graceMs + waits.slack);
    this.#send('stop');
  }

  /** `elapsedMs`: the shim's own time from the end of the workload's time, for a run that nobody asked to stop. */
  #onReverted(confirmedBy: 'shim' | 'container', elapsedMs = 0): void {
    const { result, explained } = this.#record;
    if (result.reverted) return;
    const { clock } = this.#ports;
    this.#record.reverted(this.#stopAskedAt === undefined ? elapsedMs : clock.now() - this.#stopAskedAt, confirmedBy);
    const unexplained = result.ended?.reason === 'target-gone' || result.ended?.reason === 'killed';
    if (unexplained && !explained) this.#timers.set('explain', waits.explain);
    else this.#end();
  }

  #onTimer(name: TimerName): void {
    const { node } = this.#plan.agent;
    switch (name) {
      case 'beat':
        this.#timers.set('beat', waits.beat);
        return this.#send('beat');
      case 'baseline':
        // Answered with `resolved`, and so with a second sample; asked again should it have come a moment too early.
        this.#timers.set('baseline', waits.baseline);
        return this.#send('beat');
      case 'attach':
        return this.#connection.open();
      case 'pickup': {
        const message = `node ${node} has not taken the agent pod up yet: is its kubelet reachable?`;
        return this.#report({ kind: 'progress', message });
      }
      case 'contact': {
        const { server } = this.#ports.cluster;
        const time = formatDuration(this.#plan.leaseMs);
        return this.#fail(new ChaosError('unreachable', `${server} could not be reached for ${time}`));
      }
      case 'startup': {
        const time = formatDuration(waits.startup);
        return this.#fail(
          new ChaosError('agent-failed', `the agent pod has not started on node ${node} within ${time}`),
        );
      }
      case 'answer':
        return this.#onNoAnswer();
      case 'deadline':
        this.#record.problem('the time was over and the shim had not ended the fault by itself');
        return this.#stop('the time is over');
      case 'silence':
        this.#record.problem('the shim could not be reached any more; its lease has run out meanwhile');
        return this.#end();
      case 'confirm':
        if (this.#isLeaving) return this.#end();
        this.#record.problem('the shim did not confirm the revert in time');
        return this.#end();
      case 'explain':
        return this.#end();
    }
  }

  /** Nothing came back to `beat` or `start`. After `start` the target may have been changed, and only the end of the shim says that it is not. */
  #onNoAnswer(): void {
    const message = `the agent runs, but its shim has not answered for ${formatDuration(waits.answer)}`;
    const state = this.#started ? 'the agent was removed, and with it whatever it had begun' : 'nothing was changed';
    this.#fail(new ChaosError('shim', message, { state }), !this.#started);
    if (this.#started) this.#stop('no answer');
  }

  /** A watch cannot go on (rights taken away, a defect). A running fault is ended rather than left unwatched. */
  #onBroken(error: unknown): void {
    if (this.#record.result.reverted) return;
    if (!this.#started) {
      this.#fail(error);
      return;
    }
    const why = error instanceof Error ? error.message : String(error);
    this.#record.problem(`the experiment could no longer be watched: ${why}`);
    this.#stop('the watch failed');
  }

  /** It never became active. Where the shim cannot say that nothing of it is left, its container's end will, or nobody. */
  #fail(error: unknown, reverted = true): void {
    this.#timers.stop('answer');
    this.#record.failed(error, reverted);
    if (reverted) this.#end();
    else this.#timers.set('confirm', waits.slack);
  }

  #send(command: Command): void {
    // A stream that has ended is noticed as lost, and what matters is said again after the next attach.
    this.#connection.send(command).catch((error: unknown) => {
      this.#report({ kind: 'progress', message: `"${command}" could not be sent: ${String(error)}` });
    });
  }

  /** Stopped before the fault began: nothing that comes now matters. */
  get #isLeaving(): boolean {
    return this.#stopAskedAt !== undefined && !this.#started;
  }

  #end(): void {
    this.#done = true;
  }

  #report(fact: Parameters<Reporter['report']>[0]): void {
    this.#ports.reporter.report(fact);
  }
}
