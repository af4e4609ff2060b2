import { expect } from 'vitest';
import { ChaosError } from '../../src/errors.ts';
import { attachExperiment } from '../../src/experiment/attach.ts';
import type { Outcome } from '../../src/experiment/outcome.ts';
import type { Plan } from '../../src/experiment/plan.ts';
import { runExperiment } from '../../src/experiment/run.ts';
import type {
  Agent,
  AgentSpec,
  AgentUpdate,
  Attachment,
  Experiment,
  ExperimentAgent,
  SelectedTarget,
  Target,
  TargetUpdate,
} from '../../src/ports.ts';
import type { RunOptions } from '../../src/requests.ts';
import type { Ended, ShimEvent, ToolsEvent } from '../../src/shim/protocol.ts';
import type { FakeAttachment } from '../fakes/attachment.ts';
import { Channel } from '../fakes/channel.ts';
import { settle } from '../fakes/clock.ts';
import { FakeCluster } from '../fakes/cluster.ts';
import {
  active,
  ended,
  request,
  resolved,
  reverted,
  sample,
  sampleEvent,
  selection,
  shimError,
  target,
} from '../fakes/samples.ts';
import { ToolboxShim } from '../fakes/toolbox-shim.ts';
import { wireLine } from '../fakes/wire.ts';
import { Scenario } from './scenario.ts';

/** The shim of one target, which answers as the real one does unless it is told not to. */
export class SeveralShim {
  /** What it has been told, in order. */
  readonly told: string[] = [];
  isMute = false;
  /** It does not answer `start` yet. */
  isDeaf = false;
  /** It cannot begin. */
  isStillborn = false;
  /** Its command line, as the agent was told it. */
  words: readonly string[] = [];
  readonly #say: (...events: ShimEvent[]) => void;
  readonly #seconds: () => number;
  #begun = false;
  #isUnattended = false;

  /** `seconds`: of the node's clock. */
  constructor(say: (...events: ShimEvent[]) => void, seconds: () => number) {
    this.#say = say;
    this.#seconds = seconds;
  }

  get hasBegun(): boolean {
    return this.#begun;
  }

  /** It hears nobody, and begins with what its command line says. */
  goUnattended(): void {
    this.#isUnattended = true;
    this.#say(resolved(sample(this.#seconds(), 0.02)));
    for (const [index, word] of this.words.entries()) {
      if (this.words[index - 1] === '--order') this.hear(decodeURIComponent(word));
    }
  }

  hear(line: string): void {
    this.told.push(line);
    if (this.isMute) return;
    if (line === 'beat' && !this.#begun) this.#say(resolved(sample(this.#seconds(), 0.02)));
    if (line === 'start' && this.isStillborn) {
      this.#say(shimError({ code: 'internal', message: 'no memory', state: 'reverted' }));
    } else if (line === 'start' && !this.isDeaf) this.begin();
    if (line === 'stop' && !this.#begun) {
      this.#say(shimError({ code: 'not-started', message: '`stop` came first', state: 'unchanged' }));
    } else if (line === 'stop') this.end({ reason: 'stopped' });
  }

  begin(): void {
    this.#begun = true;
    this.#say(active());
  }

  sample(): void {
    if (this.#begun || this.#isUnattended) this.#say(sampleEvent(this.#seconds(), this.#begun ? 0.99 : 0.02));
  }

  /** Nobody has said `start` in time. */
  giveUp(): void {
    this.#isUnattended = false;
    this.#say(shimError({ code: 'not-started', message: 'no `start` came', state: 'unchanged' }));
  }

  end(how: Partial<Ended> = {}): void {
    this.#say(ended(how), sampleEvent(this.#seconds(), 0.99), reverted());
  }
}

/** Agents by the name of their pod, each with its shims, over one stream. */
class SeveralCluster extends FakeCluster {
  readonly specs: AgentSpec[] = [];
  readonly updates = new Map<string, Channel<AgentUpdate>>();
  readonly ofTargets = new Channel<{ target: Target; update: TargetUpdate }>();
  /** By the name of their target's place. */
  readonly shims = new Map<string, SeveralShim>();
  /** By the name of the agent's pod: the last one. */
  readonly streams = new Map<string, FakeAttachment>();
  seconds: () => number = () => 0;
  /** Targets whose shims say nothing. */
  readonly mute = new Set<string>();
  /** Targets whose shims fail at `start`. */
  readonly stillborn = new Set<string>();
  /** Targets whose shims do not answer `start`. */
  readonly deaf = new Set<string>();
  /** So many streams break in the moment in which they are made. */
  broken = 0;
  /** What becomes of the tools that are sent, by the name of the agent's pod. */
  readonly toolboxes = new Map<string, ToolboxShim>();
  /** The agents tell of themselves on each stream, before they answer. */
  isJustStarted = false;
  /** Nothing is said of them by itself. */
  isSilentOfTools = false;
  /** How shims have ended of which nobody was told. */
  readonly ends = new Map<string, 'reverted' | 'unchanged' | 'unknown'>();
  /** Targets whose shims the agent does not begin, with its reason. */
  readonly refused = new Map<string, string>();

  override async launch(spec: AgentSpec): Promise<Agent> {
    this.specs.push(spec);
    return { ...(await super.launch(spec)), podUid: `uid of ${spec.pod}` };
  }

  override followAgent(agent: Agent, signal: AbortSignal): Channel<AgentUpdate> {
    this.calls.push('followAgent');
    const updates = new Channel<AgentUpdate>();
    this.updates.set(agent.pod, updates);
    this.watching(signal, updates);
    return updates;
  }

  override followNode(_target: Target, signal: AbortSignal) {
    this.calls.push('followNode');
    const updates = new Channel<never>();
    this.watching(signal, updates);
    return updates;
  }

  override async *followTargets(_targets: readonly Target[], signal: AbortSignal) {
    this.calls.push('followTarget');
    this.watching(signal, this.ofTargets);
    yield* this.ofTargets;
  }

  override async attach(agent: Agent, container: string, signal: AbortSignal): Promise<Attachment> {
    const stream = (await super.attach(agent, container, signal)) as FakeAttachment;
    this.streams.set(agent.pod, stream);
    if (this.broken-- > 0) stream.drop('reset');
    stream.onLine = (line) => this.#hear(agent.pod, line);
    if (this.isJustStarted) stream.stdout.push(JSON.stringify({ event: 'agent', targets: [] }));
    return stream;
  }

  /** What the agent of this pod does. */
  #hear(pod: string, line: string): void {
    const [verb, name = '', ...words] = line.split(' ');
    const say = (event: object) => this.streams.get(pod)?.stdout.push(JSON.stringify(event));
    if (verb === 'beat') {
      const there = [...this.shims.keys()].filter((each) => this.#podOf.get(each) === pod);
      const stateOf = (each: string) =>
        this.ends.has(each)
          ? { state: 'gone', end: this.ends.get(each), ...this.#howEnded.get(each) }
          : { state: 'begun' };
      say({ event: 'agent', targets: there.map((each) => ({ name: each, ...stateOf(each) })) });
    } else if (verb === 'begin') {
      const why = this.refused.get(name);
      if (why !== undefined) return say({ event: 'refused', name, code: 'usage', message: why });
      if (this.shims.has(name)) return say({ event: 'refused', name, code: 'usage', message: 'there is one already' });
      this.#begin(pod, name, words);
      say({ event: 'begun', name });
    } else if (verb === 'tools' || verb === 'chunk') {
      const toolbox = this.toolboxes.get(pod) ?? new ToolboxShim();
      toolbox.isSilent = this.isSilentOfTools;
      this.toolboxes.set(pod, toolbox);
      for (const event of toolbox.hear(line)) say(JSON.parse(wireLine(event)));
    } else if (verb === 'stop') this.streams.get(pod)?.drop('the agent has ended');
    else if (verb === 'to') this.shims.get(name)?.hear(words.join(' '));
  }

  #begin(pod: string, name: string, words: readonly string[]): SeveralShim {
    const say = (event: object) => this.streams.get(pod)?.stdout.push(JSON.stringify(event));
    const tagged = (...events: ShimEvent[]) => {
      for (const event of events) say({ target: name, ...JSON.parse(wireLine(event)) });
    };
    const shim = new SeveralShim(tagged, () => this.seconds());
    shim.isMute = this.mute.has(name);
    shim.isStillborn = this.stillborn.has(name);
    shim.isDeaf = this.deaf.has(name);
    shim.words = words;
    this.shims.set(name, shim);
    this.#podOf.set(name, pod);
    return shim;
  }

  override async replace(former: Agent, spec: AgentSpec): Promise<Agent> {
    const agent = { ...(await super.replace(former, spec)), podUid: `uid of ${spec.pod}` };
    this.specs.push(spec);
    return agent;
  }

  /** The first time that the log of an agent is read, its shims begin that are on its command line. */
  override async followLog(agent: Agent, container: string, signal: AbortSignal, fromNow = false) {
    const isFirst = !this.logStreams.some(({ pod }) => pod === agent.pod);
    const log = await super.followLog(agent, container, signal, fromNow);
    this.streams.set(agent.pod, log as FakeAttachment);
    if (!isFirst || fromNow) return log;
    const { args = [] } = this.specs.find(({ pod }) => pod === agent.pod)?.containers[0] ?? {};
    for (const [index, order] of args.entries()) {
      const [verb, name = '', ...words] = order.split(' ');
      if (args[index - 1] === '--order' && verb === 'begin') this.#begin(agent.pod, name, words).goUnattended();
    }
    return log;
  }

  /** Its kubelet ends it, and its shims revert. */
  override async end(agent: Agent): Promise<void> {
    await super.end(agent);
    for (const [name, pod] of this.#podOf) {
      if (pod === agent.pod) this.shims.get(name)?.end({ reason: 'signal' });
    }
  }

  readonly #podOf = new Map<string, string>();
  readonly #howEnded = new Map<string, { ended: object }>();

  /** Every agent says so much of its tools. */
  tellOfTools(change: Partial<ToolsEvent>): void {
    for (const [pod, toolbox] of this.toolboxes) {
      this.streams.get(pod)?.stdout.push(wireLine(toolbox.says(change)));
    }
  }

  /** The shim of this target has gone, and its agent tells of it; `how`: with what it said of its end. */
  gone(name: string, end: 'reverted' | 'unchanged' | 'unknown', how?: Partial<Ended>): void {
    this.ends.set(name, end);
    if (how) {
      const { event: _event, at_ms: _atMs, ...fields } = JSON.parse(wireLine(ended(how)));
      this.#howEnded.set(name, { ended: fields });
    }
    const gone = { event: 'gone', name, exit_code: 137, signal: 9, end, ...this.#howEnded.get(name) };
    const line = JSON.stringify(gone);
    this.streams.get(this.#podOf.get(name) ?? '')?.stdout.push(line);
  }
}

/** An experiment on three pods on two nodes. */
export class Several {
  readonly s: Scenario;
  readonly cluster = new SeveralCluster();
  readonly toolboxesRead: string[] = [];
  #end: unknown;

  constructor(run: Partial<RunOptions> = {}, targets: readonly SelectedTarget[] = threeTargets()) {
    const asked = request({}, { selection: selection({ kind: 'deployment', name: 'web' }, { take: 'all' }), ...run });
    this.s = new Scenario(asked);
    const [first = target(), ...others] = targets;
    this.cluster.target = first;
    this.cluster.otherTargets = others;
    this.cluster.seconds = () => this.s.clock.now() / 1_000;
  }

  async launch(): Promise<void> {
    const { toolbox: read } = this.s.ports;
    const toolbox: typeof read = (name, architecture) => {
      this.toolboxesRead.push(architecture);
      return read(name, architecture);
    };
    await this.#run(runExperiment(this.s.request, { ...this.s.ports, cluster: this.cluster, toolbox }));
  }

  /** Attaches to it as another command, which finds its agents as they were launched; `change`: otherwise. */
  async attach(change: (agents: ExperimentAgent[]) => ExperimentAgent[] = (agents) => agents): Promise<void> {
    const agents = this.cluster.specs.map(
      (spec): ExperimentAgent => ({
        ...{ pod: spec.pod, podUid: `uid of ${spec.pod}`, node: spec.node, state: 'running', container: 'agent' },
        ...{ targets: [], plan: spec.annotations['kubectl-chaos.io/plan'] ?? '' },
      }),
    );
    const now = this.s.clock.date().getTime();
    const experiment: Experiment = {
      ...{ id: 'chaos-7f3k2', namespace: 'shop', state: 'running', objects: [], graceMs: 32_000 },
      ...{ createdAt: new Date(now - 12_000), endsAt: new Date(now + 50_000), agents: change(agents) },
    };
    this.cluster.experiments = { found: [experiment], unseen: [] };
    this.#end = undefined;
    const ports = { ...this.s.ports, cluster: this.cluster };
    const asked = { id: 'chaos-7f3k2', connection: {}, namespace: undefined, allNamespaces: false } as const;
    await this.#run(attachExperiment({ ...asked, output: 'human', verbose: false, cleanup: true }, ports));
  }

  async #run(command: Promise<unknown>): Promise<void> {
    command.then(
      (end) => {
        this.#end = end;
      },
      (error: unknown) => {
        this.#end = error;
      },
    );
    await settle();
  }

  /** The kubelet has started the agents' containers, all or these. */
  async start(...only: string[]): Promise<void> {
    for (const { pod } of this.cluster.specs) {
      if (only.length > 0 && !only.includes(pod)) continue;
      this.cluster.updates.get(pod)?.push({ kind: 'started', container: 'agent' });
    }
    await settle();
  }

  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1_000) {
      await this.s.clock.advance(Math.min(1_000, left));
      if (left >= 1_000) for (const shim of this.cluster.shims.values()) shim.sample();
    }
    await settle();
  }

  async activate(): Promise<void> {
    await this.launch();
    await this.start();
    await this.pass(200);
  }

  shim(place: number): SeveralShim {
    const shim = this.cluster.shims.get(`target-${place}`);
    if (!shim) throw new Error(`target-${place} has no shim`);
    return shim;
  }

  get begun(): number {
    return [...this.cluster.shims.values()].filter(({ hasBegun }) => hasBegun).length;
  }

  /** Its outcome or its error; undefined: it goes on. */
  async end(): Promise<unknown> {
    await settle();
    return this.#end;
  }

  get plans(): readonly Plan[] {
    return this.s.reporter.of('planned')[0]?.plans ?? [];
  }

  /** What holds at the end of every experiment. */
  leftovers(): unknown {
    const all = [...this.cluster.attachments, ...this.cluster.logStreams];
    const streams = all.filter(({ isClosed }) => !isClosed).length;
    return {
      timers: this.s.clock.pending,
      watches: this.cluster.watches,
      streams,
      listeners: this.s.signals.listeners,
    };
  }
}

function threeTargets(): SelectedTarget[] {
  return [
    target({ pod: 'web-1', podUid: 'uid-1', node: 'node-1' }),
    target({ pod: 'web-2', podUid: 'uid-2', node: 'node-2' }),
    target({ pod: 'web-3', podUid: 'uid-3', node: 'node-1' }),
  ];
}

/** How it has ended, which leaves nothing behind. */
export async function endOf(several: Several): Promise<unknown> {
  const end = await several.end();
  if (end === undefined) throw new Error(`still running; reported: ${several.s.reporter.kinds.join(' ')}`);
  expect(several.leftovers()).toEqual({ timers: 0, watches: 0, streams: 0, listeners: 0 });
  return end;
}

export async function outcomeOf(several: Several): Promise<Outcome> {
  const end = await endOf(several);
  if (end instanceof Error) throw end;
  expect(several.s.reporter.events.at(-1)).toEqual({ kind: 'outcome', outcome: end });
  return end as Outcome;
}

export async function errorOf(several: Several): Promise<ChaosError> {
  const end = await endOf(several);
  if (!(end instanceof ChaosError)) throw new Error(`no error: ${JSON.stringify(end)}`);
  return end;
}
