import { ChaosError } from '../errors.ts';
import { memoryRisk } from '../faults/memory-risk.ts';
import type { Plan } from '../faults/plan.ts';
import type { Agent, AgentUpdate, Clock, Cluster, InterruptSignal, Reporter, TargetUpdate } from '../ports.ts';
import type { Active, Command, Ended, Resolved, Sample, ShimError, ShimEvent } from '../shim/protocol.ts';
import { parseShimEvent, parseTerminationMessage } from '../shim/protocol.ts';
import { formatDuration } from '../units.ts';
import { Connection } from './connection.ts';
import { describeTargetUpdate, earlyEnd } from './endings.ts';
import { Inbox } from './inbox.ts';
import type { Interrupts } from './interrupt.ts';
import { shimFailure, startupFailure } from './startup.ts';
import { Timers } from './timers.ts';

/** The shim's lease is renewed this often, so it survives a few lost beats. */
const beatMs = 3_000;
/** The target by itself is measured over at least this long before `start`; the counters are exact to the microsecond. */
const baselineMs = 200;
/** The kubelet may refuse an attach for a moment after it has said that the container started. */
const attachAttempts = 6;
/** The kubelet takes a pod up, or says why not, within a second or two. */
const pickupMs = 5_000;
/** From created to attached; what a plan allows for pulling an image. */
const startupTimeoutMs = 300_000;
/** From attach to `resolved`, and from `start` to `active`: the shim's work takes milliseconds. */
const answerTimeoutMs = 10_000;
/** After the workload's grace: the shim reports, the stream or the kubelet delivers. */
const confirmSlackMs = 10_000;
/** How long the API server may take to say why the target ended, once the shim has seen that it did. */
const explanationMs = 2_000;

type TimerName =
  | 'beat'
  | 'baseline'
  | 'attach'
  | 'pickup'
  | 'startup'
  | 'answer'
  | 'deadline'
  | 'silence'
  | 'confirm'
  | 'explain';

type Input =
  | { from: 'agent'; update: AgentUpdate }
  | { from: 'attached' }
  | { from: 'lost'; reason: string; error: unknown; failures: number; retryMs: number }
  | { from: 'shim'; line: string }
  | { from: 'output'; text: string }
  | { from: 'target'; update: TargetUpdate }
  | { from: 'interrupt'; signal: InterruptSignal }
  | { from: 'leave' }
  | { from: 'timer'; name: TimerName }
  | { from: 'broken'; error: unknown };

/** What became known of one target's run. */
export interface RunResult {
  /** The workload ran, whether or not its `active` was heard. */
  began: boolean;
  resolved?: Resolved;
  active?: Active;
  activeMs?: number;
  before: Sample[];
  during: Sample[];
  after?: Sample;
  ended?: Ended;
  /** No process of ours is in the target: said by the shim, by its container's end, or never begun. */
  reverted: boolean;
  revertMs?: number;
  /** Why it never became active. */
  failure?: ChaosError;
  problems: string[];
}

export interface FollowPorts {
  cluster: Cluster;
  clock: Clock;
  reporter: Reporter;
  interrupts: Interrupts;
  /** When the command began, on `clock`. */
  startedAt: number;
}

/**
 * Follows one target's run from the created agent pod to the confirmed revert: attaches, has the shim begin, keeps its lease, collects its samples, stops it when asked, and notices whatever else happens.
 * Never rejects for what the run does; ends in bounded time whatever stays silent.
 */
export async function followRun(plan: Plan, agent: Agent, ports: FollowPorts): Promise<RunResult> {
  const run = new Run(plan, agent, ports);
  return run.follow();
}

class Run {
  readonly #inbox = new Inbox<Input>();
  readonly #abort = new AbortController();
  readonly #timers: Timers<TimerName>;
  readonly #result: RunResult = { began: false, before: [], during: [], reverted: false, problems: [] };
  readonly #plan: Plan;
  readonly #ports: FollowPorts;
  readonly #agent: Agent;
  readonly #container: string;
  readonly #connection: Connection;
  /** `start` has been sent: from here on the target may be changed. */
  #started = false;
  #stopAskedAt: number | undefined;
  /** The target's own end has been reported. */
  #explained = false;
  #done = false;

  constructor(plan: Plan, agent: Agent, ports: FollowPorts) {
    this.#plan = plan;
    this.#agent = agent;
    this.#ports = ports;
    this.#container = plan.agent.containers[0]?.name ?? '';
    this.#timers = new Timers(ports.clock, (name) => this.#inbox.post({ from: 'timer', name }));
    this.#connection = new Connection(ports.cluster, agent, this.#container, {
      attached: () => this.#inbox.post({ from: 'attached' }),
      line: (line) => this.#inbox.post({ from: 'shim', line }),
      output: (text) => this.#inbox.post({ from: 'output', text }),
      lost: (reason, error, failures, retryMs) => this.#inbox.post({ from: 'lost', reason, error, failures, retryMs }),
    });
  }

  async follow(): Promise<RunResult> {
    const { cluster, interrupts } = this.#ports;
    const { signal } = this.#abort;
    const broken = (error: unknown): Input => ({ from: 'broken', error });
    interrupts.onFirst((name) => this.#inbox.post({ from: 'interrupt', signal: name }));
    void interrupts.again.then(() => this.#inbox.post({ from: 'leave' }));
    void this.#inbox.pour(cluster.followAgent(this.#agent, signal), (update) => ({ from: 'agent', update }), broken);
    void this.#inbox.pour(
      cluster.followTarget(this.#plan.target, signal),
      (update) => ({ from: 'target', update }),
      broken,
    );
    this.#timers.set('pickup', pickupMs);
    this.#timers.set('startup', startupTimeoutMs);
    try {
      while (!this.#done) this.#handle(await this.#inbox.next());
    } finally {
      this.#timers.clear();
      this.#abort.abort();
      this.#connection.close();
    }
    this.#explainEnd();
    return this.#result;
  }

  #handle(input: Input): void {
    switch (input.from) {
      case 'agent':
        this.#onAgent(input.update);
        break;
      case 'attached':
        this.#onAttached();
        break;
      case 'lost':
        this.#onLost(input);
        break;
      case 'shim':
        this.#onLine(input.line);
        break;
      case 'output':
        this.#report({ kind: 'output', text: input.text });
        break;
      case 'target':
        this.#onTarget(input.update);
        break;
      case 'interrupt':
        this.#stop(`${input.signal} received`);
        break;
      case 'leave':
        this.#done = true;
        break;
      case 'timer':
        this.#onTimer(input.name);
        break;
      case 'broken':
        this.#onBroken(input.error);
    }
  }

  #onAgent(update: AgentUpdate): void {
    switch (update.kind) {
      case 'progress':
      case 'warning':
        this.#timers.stop('pickup');
        this.#report({ kind: update.kind, message: `${update.reason}: ${update.message}` });
        break;
      case 'started':
        if (update.container === this.#container) this.#connection.open();
        break;
      case 'status':
      case 'deleted':
        this.#onAgentStatus(update);
    }
  }

  #onAgentStatus(update: Extract<AgentUpdate, { kind: 'status' | 'deleted' }>): void {
    const status = update.kind === 'status' ? update.containers[this.#container] : undefined;
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
    if (!this.#result.ended) this.#result.problems.push(`the shim ended without a word: it was killed (${how})`);
    // A stressor cannot outlive the shim: its pid namespace dies with it, by the kernel's hand.
    this.#reverted('container');
  }

  #onAgentGone(): void {
    this.#result.problems.push('the agent pod was deleted by somebody else');
    // Deleted by force, a pod may be gone from the API server before its containers are: without the shim's own word this is not known.
    if (this.#result.ended) this.#reverted('container');
    else this.#done = true;
  }

  #onAttached(): void {
    if (!this.#result.resolved) this.#timers.set('answer', answerTimeoutMs);
    this.#timers.set('beat', beatMs);
    this.#send(this.#stopAskedAt === undefined ? 'beat' : 'stop');
  }

  #onLost({ reason, error, failures, retryMs }: Extract<Input, { from: 'lost' }>): void {
    this.#timers.stop('beat');
    if (!this.#started && failures >= attachAttempts) {
      const why = `the agent on node ${this.#plan.agent.node} cannot be attached to: ${reason}`;
      this.#fail(error ?? new ChaosError('connection-lost', why));
      return;
    }
    if (this.#started && failures === 1) {
      this.#report({ kind: 'progress', message: `the stream to the agent ended (${reason}): attaching again` });
      this.#timers.set('silence', this.#plan.leaseMs + this.#plan.graceMs + confirmSlackMs);
    }
    this.#timers.set('attach', retryMs);
  }

  #onLine(line: string): void {
    this.#timers.stop('silence');
    const event = parseShimEvent(line);
    if (event) this.#onEvent(event);
    else this.#report({ kind: 'output', text: `${line}\n` });
  }

  #onEvent(event: ShimEvent): void {
    switch (event.event) {
      case 'resolved':
        this.#onResolved(event);
        break;
      case 'active':
        this.#onActive(event);
        break;
      case 'sample':
        this.#onSample(event);
        break;
      case 'warning':
        this.#report({ kind: 'warning', message: event.message });
        break;
      case 'ended':
        this.#onEnded(event);
        break;
      case 'reverted':
        this.#reverted('shim');
        break;
      case 'error':
        this.#onShimError(event);
    }
  }

  #onShimError(error: ShimError): void {
    if (!this.#result.began) {
      this.#fail(shimFailure(error), !error.state.startsWith('unknown'));
      return;
    }
    this.#result.problems.push(`the shim failed: ${error.message} (${error.code})`);
    if (error.state === 'reverted') this.#reverted('shim');
  }

  #onResolved(resolved: Resolved): void {
    this.#timers.stop('answer');
    if (this.#started || this.#stopAskedAt !== undefined) return;
    const result = this.#result;
    result.before.push(resolved.sample);
    const first = result.before[0] ?? resolved.sample;
    if (!result.resolved) {
      result.resolved = resolved;
      this.#review(resolved);
    } else if (resolved.sample.elapsed_us - first.elapsed_us >= baselineMs * 1_000) {
      this.#start();
    }
  }

  /** The last look before anything changes: on the target's real cgroup. */
  #review(resolved: Resolved): void {
    this.#report({ kind: 'resolved', resolved });
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
    this.#timers.set('baseline', baselineMs);
  }

  #start(): void {
    this.#timers.stop('baseline');
    this.#timers.stop('startup');
    this.#timers.set('answer', answerTimeoutMs);
    this.#started = true;
    this.#send('start');
  }

  #onActive(active: Active): void {
    const { clock, startedAt } = this.#ports;
    const result = this.#result;
    if (result.active) return;
    this.#timers.stop('answer');
    result.began = true;
    result.active = active;
    result.activeMs = clock.now() - startedAt;
    this.#timers.set('deadline', this.#plan.durationMs + this.#plan.graceMs + confirmSlackMs);
    if (result.resolved) {
      this.#report({
        kind: 'active',
        target: this.#plan.target,
        active,
        resolved: result.resolved,
        activeMs: result.activeMs,
      });
    }
  }

  #onSample(sample: Sample): void {
    const result = this.#result;
    if (result.ended) {
      result.after = sample;
    } else if (!this.#started) {
      result.before.push(sample);
    } else {
      const previous = result.during.at(-1);
      result.during.push(sample);
      const spent = this.#ports.clock.now() - this.#ports.startedAt - (result.activeMs ?? 0);
      if (previous && result.active) {
        const leftMs = Math.max(0, this.#plan.durationMs - spent);
        this.#report({ kind: 'sample', target: this.#plan.target, before: result.before, previous, sample, leftMs });
      }
    }
  }

  #onEnded(ended: Ended): void {
    const result = this.#result;
    if (result.ended) return;
    result.ended = ended;
    if (!result.active) result.problems.push('the report that the fault became active was lost on its way');
    result.began = true;
    this.#timers.stop('answer');
    this.#stopAskedAt ??= this.#ports.clock.now();
    this.#timers.set('confirm', confirmSlackMs);
    this.#report({ kind: 'ended', ended });
  }

  #onTarget(update: TargetUpdate): void {
    if (this.#explained) return;
    this.#explained = true;
    const { namespace, pod, container } = this.#plan.target;
    this.#result.problems.push(describeTargetUpdate(update, `${namespace}/${pod} (${container})`));
    if (this.#result.reverted) this.#done = true;
    else this.#stop('the target ended');
  }

  /** Asks the shim to stop; before the fault has begun there is nothing to stop, and removing the agent is enough. */
  #stop(why: string): void {
    if (this.#stopAskedAt !== undefined) return;
    this.#stopAskedAt = this.#ports.clock.now();
    if (!this.#started) {
      this.#result.reverted = true;
      this.#done = true;
      return;
    }
    this.#report({ kind: 'stopping', why });
    this.#timers.set('confirm', this.#plan.graceMs + confirmSlackMs);
    this.#send('stop');
  }

  #reverted(confirmedBy: 'shim' | 'container'): void {
    const result = this.#result;
    if (result.reverted) return;
    result.reverted = true;
    result.revertMs = this.#ports.clock.now() - (this.#stopAskedAt ?? this.#ports.clock.now());
    this.#report({ kind: 'reverted', revertMs: result.revertMs, confirmedBy });
    const unexplained = result.ended?.reason === 'target-gone' || result.ended?.reason === 'killed';
    if (unexplained && !this.#explained) this.#timers.set('explain', explanationMs);
    else this.#done = true;
  }

  #onTimer(name: TimerName): void {
    const { node } = this.#plan.agent;
    switch (name) {
      case 'beat':
        this.#timers.set('beat', beatMs);
        this.#send('beat');
        break;
      case 'baseline':
        // Answered with `resolved`, and so with a second sample; asked again should it have come a moment too early.
        this.#timers.set('baseline', baselineMs);
        this.#send('beat');
        break;
      case 'attach':
        this.#connection.open();
        break;
      case 'pickup':
        this.#report({
          kind: 'progress',
          message: `node ${node} has not taken the agent pod up yet: is its kubelet reachable?`,
        });
        break;
      case 'startup':
        this.#fail(
          new ChaosError(
            'agent-failed',
            `the agent pod has not started on node ${node} within ${formatDuration(startupTimeoutMs)}`,
          ),
        );
        break;
      case 'answer':
        this.#onNoAnswer();
        break;
      case 'deadline':
        this.#result.problems.push('the time was over and the shim had not ended the fault by itself');
        this.#stop('the time is over');
        break;
      case 'silence':
        this.#result.problems.push('the shim could not be reached any more; its lease has run out meanwhile');
        this.#done = true;
        break;
      case 'confirm':
        this.#result.problems.push('the shim did not confirm the revert in time');
        this.#done = true;
        break;
      case 'explain':
        this.#done = true;
    }
  }

  /** Nothing came back to `beat` or `start`. After `start` the target may have been changed, and only the end of the shim says that it is not. */
  #onNoAnswer(): void {
    const failure = new ChaosError(
      'shim',
      `the agent runs, but its shim has not answered for ${formatDuration(answerTimeoutMs)}`,
      {
        ...(this.#started ? { state: 'the agent was removed, and with it whatever it had begun' } : {}),
      },
    );
    this.#fail(failure, !this.#started);
    if (this.#started) this.#stop('no answer');
  }

  /** A watch cannot go on (rights taken away, a defect). A running fault is ended rather than left unwatched. */
  #onBroken(error: unknown): void {
    if (this.#result.reverted || this.#done) return;
    if (!this.#started) {
      this.#fail(error);
      return;
    }
    this.#result.problems.push(
      `the experiment could no longer be watched: ${error instanceof Error ? error.message : String(error)}`,
    );
    this.#stop('the watch failed');
  }

  /** It never became active. Where the shim cannot say that nothing of it is left, its container's end will, or nobody. */
  #fail(error: unknown, reverted = true): void {
    this.#result.failure = error instanceof ChaosError ? error : new ChaosError('api', String(error), { cause: error });
    this.#result.reverted = reverted;
    if (reverted) this.#done = true;
    else this.#timers.set('confirm', confirmSlackMs);
  }

  #send(command: Command): void {
    // A stream that has ended is noticed as lost, and what matters is said again after the next attach.
    this.#connection.send(command).catch((error: unknown) => {
      this.#report({ kind: 'progress', message: `"${command}" could not be sent: ${String(error)}` });
    });
  }

  #explainEnd(): void {
    const { ended, problems } = this.#result;
    const early = ended ? earlyEnd(this.#plan, ended, this.#explained) : undefined;
    if (early !== undefined) problems.push(early);
  }

  #report(fact: Parameters<Reporter['report']>[0]): void {
    this.#ports.reporter.report(fact);
  }
}
