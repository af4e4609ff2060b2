import { expect, test } from 'vitest';
import { ChaosError } from '../../src/errors.ts';
import { attachExperiment } from '../../src/experiment/attach.ts';
import type { Detached, Outcome, TargetOutcome } from '../../src/experiment/outcome.ts';
import { type ExperimentPorts, runExperiment } from '../../src/experiment/run.ts';
import { Tidying } from '../../src/experiment/tidying.ts';
import type { IoRequest } from '../../src/faults/io/types.ts';
import type { AgentUpdate, ContainerStatus, Experiment, Standing } from '../../src/ports.ts';
import type { AttachRequest, Request } from '../../src/requests.ts';
import type { Ended, MatchFacts, Reverted, Sample, SampleEvent, ShimEvent } from '../../src/shim/protocol.ts';
import type { FakeAttachment } from '../fakes/attachment.ts';
import { FakeClock, settle } from '../fakes/clock.ts';
import { FakeCluster } from '../fakes/cluster.ts';
import { IoShim } from '../fakes/io-shim.ts';
import { NetShim } from '../fakes/net-shim.ts';
import { ProcessShim } from '../fakes/process-shim.ts';
import { RecordingReporter } from '../fakes/reporter.ts';
import {
  active,
  detachedExperiment,
  ended,
  request,
  resolved,
  reverted,
  sample,
  sampleEvent,
  shimError,
} from '../fakes/samples.ts';
import { FakeSignals } from '../fakes/signals.ts';
import { ToolboxShim } from '../fakes/toolbox-shim.ts';

const container = 'target-0';

/** One experiment on the fakes, with a shim that answers as the real one does unless it is told not to. */
export class Scenario {
  readonly clock = new FakeClock();
  readonly cluster = new FakeCluster();
  readonly signals = new FakeSignals();
  readonly reporter = new RecordingReporter();
  readonly tidying = new Tidying(this.cluster, this.clock, true);
  readonly request: Request;
  /** What the shim answers; take a word away and it is silent to it. */
  readonly answers = new Set(['beat', 'start', 'stop']);
  /** CPU that the target's cgroup uses now, in cores. */
  cores = 0.02;
  /** The network of the target, for a net fault. */
  readonly net = new NetShim();
  /** Who gets signals. */
  readonly processes = new ProcessShim();
  /** The path, for an io fault. */
  readonly io = new IoShim();
  /** Whom --match means. */
  match: MatchFacts | undefined;
  /** What becomes of the tools that are sent. */
  readonly toolbox = new ToolboxShim();
  /** Fields of every sample from now on. */
  counters: Partial<Sample> = {};
  /** How often something is to be removed, where it is not once for what was launched. */
  removals: number | undefined;
  #usedUs = 0;
  #begunAt = this.clock.now();
  /** The shim has heard `start`: it answers `beat` with `resolved` no more. */
  #begun = false;
  #active = false;
  /** It has answered a beat. */
  #isHeard = false;
  #activeAt = 0;
  #end: { outcome?: Outcome; detached?: Detached; error?: unknown } | undefined;

  constructor(asked: Request = request()) {
    this.request = asked;
    if (asked.fault.fault === 'io') this.io.expect({ path: (asked.fault as IoRequest).path });
    this.cluster.onAttach = (attachment) => {
      attachment.onLine = (line) => this.#hear(attachment, line);
    };
    this.cluster.onLog = (log, pod) => this.#write(log, pod);
  }

  get ports(): ExperimentPorts {
    return {
      cluster: this.cluster,
      clock: this.clock,
      signals: this.signals,
      reporter: this.reporter,
      randomSuffix: () => '7f3k2',
      who: 'ada',
      protectedContexts: undefined,
      toolbox: async (name) => ({ ...this.toolbox.sent, name }),
      startedAt: this.clock.now(),
      tidying: this.tidying,
    };
  }

  /** By how much the node's clock is ahead of ours. */
  nodeAheadMs = 0;

  /** Runs until the agent pod is created and watched. */
  async launch(change: Partial<ExperimentPorts> = {}): Promise<void> {
    await this.#run(runExperiment(this.request, { ...this.ports, ...change }));
  }

  /** Attaches to the request's experiment, which another command has detached ten seconds ago, at its fault in force; `change`: what else the cluster shows of it. */
  async attachTo(change: Partial<Experiment> = {}, asked: Partial<AttachRequest> = {}): Promise<void> {
    const found = [detachedExperiment(this.clock.date(), this.request, change)];
    this.cluster.experiments = { found, unseen: [] };
    this.#begun = this.#active = true;
    this.#activeAt = this.clock.now() - 10_000;
    this.net.hear('count counters tc');
    this.cores = 0.99;
    const request = { id: 'chaos-7f3k2', connection: {}, namespace: undefined, allNamespaces: false };
    await this.#run(
      attachExperiment({ ...request, output: 'human', verbose: false, cleanup: true, ...asked }, this.ports),
    );
  }

  /** The same before its fault is in force. */
  async attachToWaiting(): Promise<void> {
    const attached = this.attachTo();
    this.#begun = this.#active = false;
    await attached;
  }

  async #run(command: Promise<Outcome | Detached>): Promise<void> {
    command.then(
      (end) => {
        this.#end = 'commands' in end ? { detached: end } : { outcome: end };
      },
      (error: unknown) => {
        this.#end = { error };
      },
    );
    await settle();
  }

  async attach(): Promise<void> {
    await this.agent({ kind: 'started', container });
  }

  /** Runs until the fault is active. */
  async activate(): Promise<void> {
    await this.launch();
    await this.attach();
    await this.pass(200);
    expect(this.reporter.of('active'), 'the fault should be active').toHaveLength(1);
    this.cores = 0.99;
  }

  /** Runs until the fault has been refused before its start, and its agent is removed. */
  async unbegun(): Promise<void> {
    await this.launch();
    await this.attach();
    await this.pass(200);
    expect(this.sent).not.toContain('start');
    await this.agent({ kind: 'deleted' });
  }

  /** Lets time pass; the shim of an active fault samples once a second. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1_000) {
      const step = Math.min(1_000, left);
      await this.clock.advance(step);
      this.#usedUs += step * 1_000 * this.cores;
      this.io.pass(step);
      if (this.#active && step === 1_000) this.stream?.say(this.#sampled(), ...this.#measured());
      else if (this.log && !this.#begun && step === 1_000) this.log.say(this.#sampled(), ...this.#measured());
    }
    await settle();
  }

  /** The shim ends the fault and reverts. */
  async finish(how: Partial<Ended> = {}, undone: Partial<Reverted> = {}): Promise<void> {
    this.#active = false;
    const last = [this.#sampled(), ...this.io.probes(this.#seconds)];
    this.stream?.say(...this.net.counts(), ended(how), ...last, reverted(undone));
    await settle();
  }

  #sampled(): SampleEvent {
    return { ...sampleEvent(0, 0, this.sample()), atMs: this.clock.date().getTime() + this.nodeAheadMs };
  }

  sample(): Sample {
    const used = { cpuUsageUs: 1_000_000 + Math.round(this.#usedUs) };
    return sample(this.#seconds, 0, { ...used, ...this.io.counters(), ...this.counters });
  }

  get #seconds(): number {
    return (this.clock.now() - this.#begunAt) / 1_000;
  }

  /** What comes with every sample. */
  #measured(): ShimEvent[] {
    return [...this.net.counts(), ...this.io.probes(this.#seconds)];
  }

  /** Says what a shim says to `beat` while it waits for `start`. */
  answerBeat(attachment: FakeAttachment): void {
    const { facts } = this.io;
    const found = resolved(this.sample(), {
      ...(facts ? { path: facts } : {}),
      ...(this.match ? { match: this.match } : {}),
    });
    const probes = this.io.probes(this.#seconds);
    // The first probe comes after the first word, and the next before it is asked again.
    attachment.say(...(this.#isHeard ? [...probes, found] : [found, ...probes]));
    this.#isHeard = true;
  }

  async agent(update: AgentUpdate): Promise<void> {
    this.cluster.agentUpdates.push(update);
    await settle();
  }

  /** How things stand with the target from now on; `unseen`: what of it is not seen. */
  async stands(standing: Standing, unseen?: string): Promise<void> {
    this.cluster.standings.push({ standing, ...(unseen === undefined ? {} : { unseen }) });
    await settle();
  }

  async status(status: ContainerStatus | undefined, pod: { phase?: string; reason?: string; message?: string } = {}) {
    const containers = status ? { [container]: status } : {};
    await this.agent({ kind: 'status', phase: 'Running', reason: '', message: '', ...pod, containers });
  }

  async interrupt(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP' = 'SIGINT'): Promise<void> {
    this.signals.send(signal);
    await settle();
  }

  get stream(): FakeAttachment | undefined {
    return this.log ?? this.cluster.attachments.at(-1);
  }

  /** What is read of the agent's log, of a run without an attach. */
  get log(): FakeAttachment | undefined {
    return this.cluster.logStreams.at(-1);
  }

  /** What the second agent is told on its command line. */
  get orders(): string[] {
    const { args = [] } = this.cluster.replacement?.containers[0] ?? {};
    return args.filter((_, index) => args[index - 1] === '--order');
  }

  /** What a log has from its beginning: of the first agent, that it waits; of the second, what comes of its orders. */
  #write(log: FakeAttachment, pod: string): void {
    const { facts } = this.io;
    if (this.#begun) {
      log.say(...(this.#active ? [] : [ended(), reverted()]));
      return;
    }
    log.say(
      resolved(this.sample(), { ...(facts ? { path: facts } : {}), ...(this.match ? { match: this.match } : {}) }),
      ...this.io.probes(this.#seconds),
    );
    if (pod.endsWith('-0')) return;
    this.#begun = this.#active = true;
    this.#activeAt = this.clock.now();
    log.say(this.#sampled(), active());
  }

  /** All lines that any stream carried to the shim. */
  get sent(): string[] {
    return this.cluster.attachments.flatMap((attachment) => attachment.sent);
  }

  get isOver(): boolean {
    return this.#end !== undefined;
  }

  /** With what is said of its one target. */
  async outcome(): Promise<Outcome & TargetOutcome> {
    await settle();
    if (!this.#end) throw new Error(`still running; reported: ${this.reporter.kinds.join(' ')}`);
    if (!this.#end.outcome) throw this.#end.error;
    expect(this.reporter.events.at(-1)).toEqual({ kind: 'outcome', outcome: this.#end.outcome });
    const [target, ...others] = this.#end.outcome.targets;
    if (!target || others.length > 0) throw new Error('there is one target');
    return { ...this.#end.outcome, ...target };
  }

  /** What is told by a command that leaves its fault in force. */
  async detached(): Promise<Detached> {
    await settle();
    const { detached } = this.#end ?? {};
    if (!detached) throw new Error(`not detached; reported: ${this.reporter.kinds.join(' ')}`);
    expect(this.reporter.events.at(-1)).toEqual({ kind: 'detached', detached });
    return detached;
  }

  async error(): Promise<ChaosError> {
    await settle();
    if (!this.#end) throw new Error(`still running; reported: ${this.reporter.kinds.join(' ')}`);
    if (!(this.#end.error instanceof ChaosError)) throw new Error(`not a ChaosError: ${JSON.stringify(this.#end)}`);
    expect(this.reporter.of('outcome')).toEqual([]);
    return this.#end.error;
  }

  /** What holds at the end of every experiment, however it went. */
  checkEnd(): void {
    expect(this.isOver, `still running; reported: ${this.reporter.kinds.join(' ')}`).toBe(true);
    const removals = this.removals ?? (this.cluster.count('launch') > 0 || this.#end?.outcome ? 1 : 0);
    expect(this.cluster.count('remove'), 'calls of remove').toBe(this.#end?.detached ? 0 : removals);
    if (this.cluster.removed) {
      const namespace = this.cluster.launched?.namespace ?? this.cluster.experiments.found[0]?.namespace;
      expect(this.cluster.removed).toMatchObject({ id: 'chaos-7f3k2', namespace });
    }
    expect(this.clock.pending, 'timers left').toBe(0);
    expect(this.cluster.watches, 'watches left').toBe(0);
    expect(this.signals.listeners, 'signal listeners left').toBe(0);
    expect(
      [...this.cluster.attachments, ...this.cluster.logStreams].filter(({ isClosed }) => !isClosed),
      'open streams',
    ).toEqual([]);
    expect(
      this.cluster.logStreams.flatMap(({ sent }) => sent),
      'said to a log',
    ).toEqual([]);
  }

  #hear(attachment: FakeAttachment, line: string): void {
    if (line === 'start' && !attachment.silent) this.#begun = true;
    const told = this.net.hear(line) ?? this.processes.hear(line);
    if (told) attachment.say(told);
    attachment.say(...this.toolbox.hear(line));
    if (!this.answers.has(line)) return;
    if (line === 'beat' && !this.#begun) this.answerBeat(attachment);
    if (line === 'start') {
      this.#active = true;
      this.#activeAt = this.clock.now();
      attachment.say(active(), ...this.net.counts());
    }
    if (line === 'stop' && !this.#begun) {
      attachment.say(shimError({ code: 'not-started', message: '`stop` came first', state: 'unchanged' }));
    } else if (line === 'stop') {
      const runMs = this.#active ? this.clock.now() - this.#activeAt : 0;
      this.#active = false;
      attachment.say(ended({ reason: 'stopped', runMs }), reverted());
    }
  }
}

/** A test of one experiment: whatever it is about, nothing may be left at its end. */
export function experiment(name: string, body: (scenario: Scenario) => Promise<void>, asked?: Request): void {
  test(name, async () => {
    const scenario = new Scenario(asked);
    await body(scenario);
    await settle();
    scenario.checkEnd();
  });
}
