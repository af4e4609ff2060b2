import type { Plan } from '../../src/experiment/plan.ts';
import { runExperiment } from '../../src/experiment/run.ts';
import type {
  Agent,
  AgentSpec,
  AgentUpdate,
  Attachment,
  SelectedTarget,
  Target,
  TargetUpdate,
} from '../../src/ports.ts';
import type { RunOptions } from '../../src/requests.ts';
import type { Ended } from '../../src/shim/protocol.ts';
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
import { Scenario } from './scenario.ts';

/** The shim of one target, which answers as the real one does unless it is told not to. */
export class SeveralShim {
  readonly stream: FakeAttachment;
  /** What it has been told, in order. */
  get told(): readonly string[] {
    return this.stream.sent;
  }
  isMute = false;
  readonly #seconds: () => number;
  #begun = false;

  /** `seconds`: of the node's clock. */
  constructor(stream: FakeAttachment, seconds: () => number) {
    this.#seconds = seconds;
    this.stream = stream;
    stream.onLine = (line) => this.#hear(line);
  }

  get hasBegun(): boolean {
    return this.#begun;
  }

  #hear(line: string): void {
    if (this.isMute) return;
    if (line === 'beat' && !this.#begun) this.stream.say(resolved(sample(this.#seconds(), 0.02)));
    if (line === 'start') {
      this.#begun = true;
      this.stream.say(active());
    }
    if (line === 'stop' && !this.#begun) {
      this.stream.say(shimError({ code: 'not-started', message: '`stop` came first', state: 'unchanged' }));
    } else if (line === 'stop') this.end({ reason: 'stopped' });
  }

  sample(): void {
    if (this.#begun) this.stream.say(sampleEvent(this.#seconds(), 0.99));
  }

  end(how: Partial<Ended> = {}): void {
    this.stream.say(ended(how), reverted());
  }
}

/** Agents by the name of their pod, streams by that of their container. */
class SeveralCluster extends FakeCluster {
  readonly specs: AgentSpec[] = [];
  readonly updates = new Map<string, Channel<AgentUpdate>>();
  readonly ofTargets = new Channel<{ target: Target; update: TargetUpdate }>();
  readonly shims = new Map<string, SeveralShim>();
  seconds: () => number = () => 0;
  /** Containers whose shims say nothing. */
  readonly mute = new Set<string>();

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
    const attachment = (await super.attach(agent, container, signal)) as FakeAttachment;
    const shim = new SeveralShim(attachment, () => this.seconds());
    shim.isMute = this.mute.has(container);
    this.shims.set(container, shim);
    return attachment;
  }
}

/** An experiment on three pods on two nodes. */
export class Several {
  readonly s: Scenario;
  readonly cluster = new SeveralCluster();
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
    const ports = { ...this.s.ports, cluster: this.cluster };
    runExperiment(this.s.request, ports).then(
      (end) => {
        this.#end = end;
      },
      (error: unknown) => {
        this.#end = error;
      },
    );
    await settle();
  }

  /** The kubelet has started the containers, all or these. */
  async start(...only: string[]): Promise<void> {
    for (const spec of this.cluster.specs) {
      for (const { name } of spec.containers) {
        if (only.length > 0 && !only.includes(name)) continue;
        this.cluster.updates.get(spec.pod)?.push({ kind: 'started', container: name });
      }
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
    if (!shim) throw new Error(`target-${place} has not been attached to`);
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
    const streams = [...this.cluster.shims.values()].filter(({ stream }) => !stream.isClosed).length;
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
