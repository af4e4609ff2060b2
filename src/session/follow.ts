import { ChaosError } from '../errors.ts';
import { memoryRisk } from '../faults/memory-risk.ts';
import type { Plan } from '../faults/plan.ts';
import type {
  Agent,
  AgentUpdate,
  Attachment,
  Clock,
  Cluster,
  InterruptSignal,
  Reporter,
  TargetUpdate,
} from '../ports.ts';
import type { Active, Command, Ended, Resolved, Sample, ShimError, ShimEvent } from '../shim/protocol.ts';
import { parseShimEvent, parseTerminationMessage } from '../shim/protocol.ts';
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
const attachRetryMs = 200;
const attachRetries = 10;
/** From attach to `resolved`: the shim's search takes milliseconds. */
const resolveTimeoutMs = 10_000;
/** After the workload's grace: the shim reports, the stream or the kubelet delivers. */
const confirmSlackMs = 10_000;
/** How long the API server may take to say why the target ended, once the shim has seen that it did. */
const explanationMs = 2_000;

type TimerName = 'beat' | 'baseline' | 'attach' | 'resolve' | 'deadline' | 'confirm' | 'explain';

type Input =
  | { from: 'agent'; update: AgentUpdate }
  | { from: 'attached'; attachment: Attachment }
  | { from: 'attach-failed'; error: unknown }
  | { from: 'detached'; reason: string }
  | { from: 'shim'; line: string }
  | { from: 'output'; text: string }
  | { from: 'target'; update: TargetUpdate }
  | { from: 'interrupt'; signal: InterruptSignal }
  | { from: 'timer'; name: TimerName }
  | { from: 'broken'; error: unknown };

/** What became known of one target's run. */
export interface RunResult {
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
  readonly #result: RunResult = { before: [], during: [], reverted: false, problems: [] };
  readonly #container: string;
  #attachment: Attachment | undefined;
  #attaching = false;
  #attachAttempts = 0;
  #started = false;
  #stopAskedAt: number | undefined;
  #explained = false;
  #done = false;
  readonly plan: Plan;
  readonly agent: Agent;
  readonly ports: FollowPorts;

  constructor(plan: Plan, agent: Agent, ports: FollowPorts) {
    this.plan = plan;
    this.agent = agent;
    this.ports = ports;
    this.#container = plan.agent.containers[0]?.name ?? '';
    this.#timers = new Timers(ports.clock, (name) => this.#inbox.post({ from: 'timer', name }));
  }

  async follow(): Promise<RunResult> {
    const { cluster, interrupts } = this.ports;
    const broken = (error: unknown): Input => ({ from: 'broken', error });
    interrupts.onFirst((signal) => this.#inbox.post({ from: 'interrupt', signal }));
    void this.#inbox.pour(
      cluster.followAgent(this.agent, this.#abort.signal),
      (update) => ({ from: 'agent', update }),
      undefined,
      broken,
    );
    void this.#inbox.pour(
      cluster.followTarget(this.plan.target, this.#abort.signal),
      (update) => ({ from: 'target', update }),
      undefined,
      broken,
    );
    try {
      while (!this.#done) this.#handle(await this.#inbox.next());
    } finally {
      this.#timers.clear();
      this.#abort.abort();
      this.#attachment?.close();
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
        this.#onAttached(input.attachment);
        break;
      case 'attach-failed':
        this.#onAttachFailed(input.error);
        break;
      case 'detached':
        this.#onDetached(input.reason);
        break;
      case 'shim': {
        const event = parseShimEvent(input.line);
        if (event) this.#onEvent(event);
        else this.#report({ kind: 'output', text: `${input.line}\n` });
        break;
      }
      case 'output':
        this.#report({ kind: 'output', text: input.text });
        break;
      case 'target':
        this.#onTarget(input.update);
        break;
      case 'interrupt':
        this.#stop(`${input.signal} received`);
        break;
      case 'timer':
        this.#onTimer(input.name);
        break;
      case 'broken':
        this.#onBroken(input.error);
        break;
    }
  }

  #onAgent(update: AgentUpdate): void {
    switch (update.kind) {
      case 'progress':
      case 'warning':
        this.#report({ kind: update.kind, message: `${update.reason}: ${update.message}` });
        break;
      case 'started':
        if (update.container === this.#container) this.#attach();
        break;
      case 'status':
      case 'deleted':
        this.#onAgentStatus(update);
    }
  }

  #onAgentStatus(update: Extract<AgentUpdate, { kind: 'status' | 'deleted' }>): void {
    const failure = this.#started ? undefined : startupFailure(this.plan, this.#container, update);
    const status = update.kind === 'status' ? update.containers[this.#container] : undefined;
    if (failure) this.#fail(failure);
    else if (status?.state === 'terminated') this.#onTerminated(status.message, status.exitCode, status.reason);
    else if (update.kind === 'deleted') this.#onAgentGone();
    else if (status?.state === 'running') this.#attach();
  }

  /** The kubelet's word that the shim has ended, with the shim's own last words (DESIGN §9: the truth about how a run ended). */
  #onTerminated(message: string, exitCode: number, reason: string): void {
    for (const event of parseTerminationMessage(message)) this.#onEvent(event);
    if (this.#done) return;
    if (!this.#result.ended)
      this.#result.problems.push(`the shim ended without a word (exit code ${exitCode}, ${reason}): it was killed`);
    // A stressor cannot outlive the shim: its pid namespace dies with it, by the kernel's hand.
    this.#reverted('container');
  }

  #onAgentGone(): void {
    this.#result.problems.push('the agent pod was deleted by somebody else');
    // A pod is gone from the API server only after its containers have ended, unless it was deleted by force: then this cannot be known.
    if (this.#result.ended) this.#reverted('container');
    else this.#done = true;
  }

  #attach(): void {
    if (this.#attachment || this.#attaching || this.#done) return;
    this.#attaching = true;
    this.ports.cluster.attach(this.agent, this.#container, this.#abort.signal).then(
      (attachment) => this.#inbox.post({ from: 'attached', attachment }),
      (error: unknown) => this.#inbox.post({ from: 'attach-failed', error }),
    );
  }

  #onAttached(attachment: Attachment): void {
    this.#attaching = false;
    this.#attachAttempts = 0;
    this.#attachment = attachment;
    const inbox = this.#inbox;
    void inbox.pour(attachment.stderr, (text) => ({ from: 'output', text }));
    // `detached` is posted after the last line has been, so that a final event is never overtaken by the end of its stream.
    void inbox
      .pour(attachment.stdout, (line) => ({ from: 'shim', line }))
      .then(() => attachment.closed)
      .then(({ reason }) => inbox.post({ from: 'detached', reason }));
    if (!this.#result.resolved) this.#timers.set('resolve', resolveTimeoutMs);
    this.#timers.set('beat', beatMs);
    this.#send(this.#stopAskedAt === undefined ? 'beat' : 'stop');
  }

  #onAttachFailed(error: unknown): void {
    this.#attaching = false;
    if (++this.#attachAttempts > attachRetries && !this.#started) {
      this.#fail(error);
      return;
    }
    this.#timers.set('attach', attachRetryMs);
  }

  #onDetached(reason: string): void {
    this.#attachment = undefined;
    this.#timers.stop('beat');
    if (this.#done) return;
    this.#report({ kind: 'progress', message: `the stream to the agent ended (${reason}): attaching again` });
    this.#timers.set('attach', attachRetryMs);
    this.#timers.set('confirm', this.plan.leaseMs + this.plan.graceMs + confirmSlackMs);
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
    if (!this.#result.active) {
      this.#fail(shimFailure(error), !error.state.startsWith('unknown'));
      return;
    }
    this.#result.problems.push(`the shim failed: ${error.message} (${error.code})`);
    if (error.state === 'reverted') this.#reverted('shim');
  }

  #onResolved(resolved: Resolved): void {
    this.#timers.stop('resolve');
    if (this.#started) return;
    this.#result.before.push(resolved.sample);
    const first = !this.#result.resolved;
    this.#result.resolved = resolved;
    if (first) this.#review(resolved);
    else this.#start();
  }

  /** The last look before anything changes: on the target's real cgroup. */
  #review(resolved: Resolved): void {
    this.#report({ kind: 'resolved', resolved });
    if (resolved.unmounted.length > 0) {
      const names = resolved.unmounted.join(', ');
      this.#report({ kind: 'warning', message: `passed over cgroup hierarchies that have lost their mount: ${names}` });
    }
    const risk = memoryRisk(this.plan.fault, resolved.sample);
    if (risk.kind === 'refusal') {
      this.#fail(new ChaosError('target-unsuitable', risk.message, { hint: risk.hint }));
      return;
    }
    if (risk.kind === 'warning') this.#report({ kind: 'warning', message: risk.message });
    this.#timers.set('baseline', baselineMs);
  }

  #start(): void {
    this.#started = true;
    this.#send('start');
  }

  #onActive(active: Active): void {
    const { clock, startedAt } = this.ports;
    const result = this.#result;
    if (result.active) return;
    result.active = active;
    result.activeMs = clock.now() - startedAt;
    this.#timers.set('deadline', this.plan.durationMs + this.plan.graceMs + confirmSlackMs);
    if (result.resolved) {
      this.#report({
        kind: 'active',
        target: this.plan.target,
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
    } else if (!result.active) {
      result.before.push(sample);
    } else {
      const previous = result.during.at(-1);
      result.during.push(sample);
      const spent = this.ports.clock.now() - this.ports.startedAt - (result.activeMs ?? 0);
      if (previous) {
        const leftMs = Math.max(0, this.plan.durationMs - spent);
        this.#report({ kind: 'sample', target: this.plan.target, before: result.before, previous, sample, leftMs });
      }
    }
  }

  #onEnded(ended: Ended): void {
    if (this.#result.ended) return;
    this.#result.ended = ended;
    this.#stopAskedAt ??= this.ports.clock.now();
    this.#timers.set('confirm', confirmSlackMs);
    this.#report({ kind: 'ended', ended });
  }

  #onTarget(update: TargetUpdate): void {
    if (this.#explained) return;
    this.#explained = true;
    const { namespace, pod, container } = this.plan.target;
    this.#result.problems.push(describeTargetUpdate(update, `${namespace}/${pod} (${container})`));
    if (this.#result.reverted) this.#done = true;
    else this.#stop('the target ended');
  }

  /** Asks the shim to stop; before the fault has begun there is nothing to stop, and removing the agent is enough. */
  #stop(why: string): void {
    if (this.#stopAskedAt !== undefined) return;
    this.#stopAskedAt = this.ports.clock.now();
    if (!this.#started) {
      this.#result.reverted = true;
      this.#done = true;
      return;
    }
    this.#report({ kind: 'stopping', why });
    this.#timers.set('confirm', this.plan.graceMs + confirmSlackMs);
    this.#send('stop');
  }

  #reverted(confirmedBy: 'shim' | 'container'): void {
    const result = this.#result;
    if (result.reverted) return;
    result.reverted = true;
    result.revertMs = this.ports.clock.now() - (this.#stopAskedAt ?? this.ports.clock.now());
    this.#report({ kind: 'reverted', revertMs: result.revertMs, confirmedBy });
    const unexplained = result.ended?.reason === 'target-gone' || result.ended?.reason === 'killed';
    if (unexplained && !this.#explained) this.#timers.set('explain', explanationMs);
    else this.#done = true;
  }

  #onTimer(name: TimerName): void {
    switch (name) {
      case 'beat':
        this.#timers.set('beat', beatMs);
        this.#send('beat');
        break;
      case 'baseline':
        this.#send('beat');
        break;
      case 'attach':
        this.#attach();
        break;
      case 'resolve':
        this.#fail(new ChaosError('shim', 'the agent runs, but its shim has not answered for 10 s'));
        break;
      case 'deadline':
        this.#stop('the time is over and the shim has not ended the fault by itself');
        break;
      case 'confirm':
      case 'explain':
        this.#done = true;
    }
  }

  /** A watch cannot go on (rights taken away, a defect). A running fault is ended rather than left unwatched. */
  #onBroken(error: unknown): void {
    if (this.#result.reverted) return;
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
    // A stream that has ended is noticed by `detached`, and what matters is said again after the next attach.
    this.#attachment?.send(command).catch((error: unknown) => {
      this.#report({ kind: 'progress', message: `"${command}" could not be sent: ${String(error)}` });
    });
  }

  #explainEnd(): void {
    const { ended, problems } = this.#result;
    const early = ended ? earlyEnd(this.plan, ended, this.#explained) : undefined;
    if (early !== undefined) problems.push(early);
  }

  #report(fact: Parameters<Reporter['report']>[0]): void {
    this.ports.reporter.report(fact);
  }
}
