import { LineAssembler } from '../../src/kubernetes/lines.ts';
import type { ShimEvent } from '../../src/shim/protocol.ts';
import { type FakeStream, frame } from './api-server.ts';
import { NetShim } from './net-shim.ts';
import { active, ended, resolved, reverted, sample, sampleEvent } from './samples.ts';
import { wireLine } from './wire.ts';

/** What a target with one core uses by itself, and under `--cpu 1`; cores. */
const idleCores = 0.02;
const busyCores = 0.98;
const sampleMs = 1_000;
/** What passes through a target's network between two samples. */
const packetsEach = 100;

/**
 * `nsexec agent` on a node where nothing goes wrong: begins shims of `run` and of `hold`, each of which says on the clock of this machine what a real one would, and takes whatever tools it is sent. Or `nsexec run` by
 * itself, which is one of them.
 */
export class SimulatedAgent {
  readonly #shims = new Map<string, SimulatedShim>();
  readonly #lines = new LineAssembler(2 ** 21);
  #stream: FakeStream | undefined;
  #tools: { name: string; bytes: number; sha256: string } | undefined;
  #got = 0;
  /** The lines that its shims have heard, each with its target before it. */
  readonly heard: string[] = [];
  /** What it is itself; undefined: one that begins others. */
  readonly #only: SimulatedShim | undefined;

  /** `args`: of the container. */
  constructor(args: readonly string[]) {
    if (args[0] !== 'agent')
      this.#only = new SimulatedShim(args, { say: (event) => this.#write(wireLine(event)), gone: () => undefined });
  }

  /** The only client from now on. */
  serve(stream: FakeStream): void {
    const isFirst = this.#stream === undefined;
    this.#stream = stream;
    // As an agent that is attached to in the moment in which it starts.
    if (isFirst && !this.#only) this.#tell();
    this.#only?.begin();
    stream.socket.on('message', (data) => {
      for (const line of this.#lines.write((data as Buffer).subarray(1))) this.#hear(line);
    });
  }

  /** The pod is deleted, or all targets are over. */
  end(): void {
    this.#only?.vanish();
    for (const shim of this.#shims.values()) shim.vanish();
    this.#stream?.socket.terminate();
  }

  #say(event: object): void {
    this.#write(JSON.stringify(event));
  }

  #write(line: string): void {
    this.#stream?.socket.send(frame(1, `${line}\n`), () => undefined);
  }

  #hear(line: string): void {
    const [verb, name = '', ...words] = line.split(' ');
    if (verb === 'tools' || verb === 'chunk') this.#take(verb, [name, ...words]);
    else if (this.#only) this.#only.hear(line);
    else if (verb === 'begin') this.#begin(name, words);
    else if (verb === 'to') {
      this.heard.push(`${name} ${words.join(' ')}`);
      this.#shims.get(name)?.hear(words.join(' '));
    } else if (verb === 'stop') this.end();
    else if (verb === 'beat') {
      for (const shim of this.#shims.values()) shim.hear(line);
      this.#tell();
    }
  }

  /** What it is, and who is there. */
  #tell(): void {
    const targets = [...this.#shims.keys()].map((each) => ({ name: each, command: 'run', state: 'begun' }));
    this.#say({ event: 'agent', version: '0.1.0', kernel: '6.1.0', arch: 'x86_64', lease_ms: 15_000, targets });
  }

  #begin(name: string, words: readonly string[]): void {
    const say = (event: ShimEvent) => this.#say({ target: name, ...JSON.parse(wireLine(event)) });
    const gone = () => this.#say({ event: 'gone', name, exit_code: 0, signal: 0, forced: false, end: 'reverted' });
    const shim = new SimulatedShim(words, { say, gone });
    this.#shims.set(name, shim);
    this.#say({ event: 'begun', name, pid: 4_000 + this.#shims.size });
    shim.begin();
  }

  #take(verb: string, words: readonly string[]): void {
    const [first = '', second = '', sha256 = ''] = words;
    if (verb === 'tools') this.#tools ??= { name: first, bytes: Number(second), sha256 };
    else if (Number(first) === this.#got) this.#got += Buffer.byteLength(second, 'base64');
    const { bytes } = this.#tools ?? {};
    this.#say({ event: 'tools', at_ms: 1, ...this.#tools, offset: this.#got, ready: this.#got === bytes });
  }
}

/** The shim of one target. */
class SimulatedShim {
  readonly #durationMs: number;
  readonly #say: (event: ShimEvent) => void;
  readonly #gone: () => void;
  readonly #beganAt = performance.now();
  #activeAt: number | undefined;
  #sampling: NodeJS.Timeout | undefined;
  /** Since the fault is active. */
  #samples = 0;
  /** Of `hold`: what it answers, in a network with some traffic. */
  readonly #net = new NetShim();

  /** `words`: its command line. */
  constructor(words: readonly string[], out: { say(event: ShimEvent): void; gone(): void }) {
    this.#durationMs = Number(words[words.indexOf('--duration-ms') + 1]);
    this.#say = out.say;
    this.#gone = out.gone;
  }

  begin(): void {
    if (this.#sampling) return;
    this.#say(this.#resolved());
    this.#sampling = setInterval(() => this.#sample(), sampleMs);
  }

  /** The time of the fault is told by its samples, so that there are as many of them on a machine that is busy. */
  #sample(): void {
    this.#say(sampleEvent(this.#seconds, 0, this.#used));
    this.#net.packets += packetsEach;
    for (const counted of this.#net.counts()) this.#say(counted);
    if (this.#activeAt !== undefined && ++this.#samples * sampleMs >= this.#durationMs) this.#end('deadline');
  }

  hear(line: string): void {
    const answered = this.#net.hear(line);
    if (answered) this.#say(answered);
    if (line === 'beat' && this.#activeAt === undefined) this.#say(this.#resolved());
    if (line === 'start' && this.#activeAt === undefined) {
      this.#activeAt = performance.now();
      this.#say(active());
    }
    if (line === 'stop') this.#end('stopped');
  }

  vanish(): void {
    clearInterval(this.#sampling);
  }

  #end(reason: 'deadline' | 'stopped'): void {
    this.vanish();
    this.#say(ended({ reason, runMs: Math.round(performance.now() - (this.#activeAt ?? performance.now())) }));
    this.#say(reverted());
    this.#gone();
  }

  #resolved(): ShimEvent {
    return resolved(sample(this.#seconds, 0, this.#used));
  }

  get #seconds(): number {
    return (performance.now() - this.#beganAt) / 1_000;
  }

  get #used(): { cpuUsageUs: number } {
    const busyMs = this.#activeAt === undefined ? 0 : performance.now() - this.#activeAt;
    return { cpuUsageUs: Math.round(1_000_000 + this.#seconds * idleCores * 1e6 + busyMs * busyCores * 1e3) };
  }
}
