import { type ChildProcessWithoutNullStreams, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { readCounters } from '../../../../src/faults/net/counters.ts';
import { countersId } from '../../../../src/faults/net/plan.ts';
import type { Answer, NetCounters, NetFault, NetPlan } from '../../../../src/faults/net/types.ts';
import type { Question, Step, Undo } from '../../../../src/shim/commands.ts';
import type { Talk } from './speaker.ts';

/** Two network namespaces with a wire between them: the target's, and its only neighbour's. */

export interface Spoken {
  outcome: string;
  ms: number;
}

/** Why it cannot be tried on this machine; undefined: it can. */
export function obstacle(): string | undefined {
  if (process.platform !== 'linux') return 'there are no network namespaces but on Linux';
  if (process.getuid?.() !== 0) return 'only root may make network namespaces';
  for (const tool of ['ip', 'tc', 'nft', 'unshare', 'nsenter']) {
    if (spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0) return `${tool} is not installed`;
  }
  const made = spawnSync('unshare', [
    '-n',
    'sh',
    '-c',
    'ip link add name a type veth peer name b && ip link add c type ifb && tc qdisc add dev a root htb',
  ]);
  return made.status === 0 ? undefined : `this kernel lacks something: ${made.stderr}`;
}

class Speaker {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #waiting = new Map<number, (spoken: Spoken) => void>();
  readonly ready: Promise<void>;
  #last = 0;

  constructor(pid: number, addresses: readonly string[], ports: readonly number[]) {
    const program = new URL('speaker.ts', import.meta.url).pathname;
    this.#process = spawn('nsenter', [
      '-t',
      String(pid),
      '-n',
      process.execPath,
      program,
      bare(addresses).join(','),
      ports.join(','),
    ]);
    this.#process.stderr.pipe(process.stderr);
    this.ready = new Promise((resolve) => {
      createInterface(this.#process.stdout).on('line', (line) => {
        const { id, outcome, ms } = JSON.parse(line);
        if (id === 0) resolve();
        this.#waiting.get(id)?.({ outcome, ms });
      });
    });
  }

  speak(talk: Talk): Promise<Spoken> {
    const id = ++this.#last;
    this.#process.stdin.write(`${JSON.stringify({ id, ...talk })}\n`);
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  async close(): Promise<void> {
    this.#process.stdin.end();
    await once(this.#process, 'exit');
  }
}

export class Wire {
  readonly target: Speaker;
  readonly neighbour: Speaker;
  readonly #holders: readonly ChildProcessWithoutNullStreams[];

  private constructor(holders: readonly ChildProcessWithoutNullStreams[], target: Speaker, neighbour: Speaker) {
    this.#holders = holders;
    this.target = target;
    this.neighbour = neighbour;
  }

  /** `addresses`: of the target's eth0 and the neighbour's, with prefixes; `ports`: what both serve, by TCP and UDP. */
  static async make(
    addresses: { target: readonly string[]; neighbour: readonly string[] },
    gateway: string,
    ports: readonly number[],
  ): Promise<Wire> {
    const holders = await Promise.all([hold(), hold()]);
    const [a = 0, b = 0] = holders.map(({ pid = 0 }) => pid);
    execFileSync('ip', [
      'link',
      'add',
      'eth0',
      'netns',
      String(a),
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'netns',
      String(b),
    ]);
    for (const [pid, own] of [
      [a, addresses.target],
      [b, addresses.neighbour],
    ] as const) {
      run(pid, ['ip', 'link', 'set', 'lo', 'up']);
      // An ICMP error for every packet that deserves one, not one a second.
      run(pid, ['sh', '-c', 'cd /proc/sys/net && echo 0 >ipv4/icmp_ratelimit && echo 0 >ipv6/icmp/ratelimit']);
      for (const address of own)
        run(pid, ['ip', 'address', 'add', address, 'dev', 'eth0', ...(address.includes(':') ? ['nodad'] : [])]);
      run(pid, ['ip', 'link', 'set', 'eth0', 'up']);
    }
    run(a, ['ip', 'route', 'add', 'default', 'via', gateway]);
    const wire = new Wire(holders, new Speaker(a, addresses.target, ports), new Speaker(b, addresses.neighbour, ports));
    await Promise.all([wire.target.ready, wire.neighbour.ready]);
    return wire;
  }

  /** Runs a program in the target's namespace. */
  run(step: Step): Answer {
    const result = spawnSync('nsenter', ['-t', String(this.#holders[0]?.pid), '-n', ...step.argv], {
      input: step.input ?? '',
      encoding: 'utf8',
    });
    return {
      id: '',
      exitCode: result.status ?? 128,
      stdout: result.stdout,
      stderr: result.stderr,
      elapsedUs: Math.round(performance.now() * 1_000),
    };
  }

  ask(questions: readonly Question[]): Map<string, Answer> {
    return new Map(
      questions.map((question) => [
        question.id,
        { ...(question.verb === 'fresh' ? fresh(question) : this.run(question)), id: question.id },
      ]),
    );
  }

  /** Applies a plan as the shim does, runs `meanwhile`, and reverts; returns what does not read as before. */
  async during(plan: NetPlan, meanwhile: () => Promise<void>): Promise<string[]> {
    const states = () => plan.compare.map((state) => this.run(state).stdout);
    const before = states();
    try {
      for (const step of plan.apply) this.must(step);
      await meanwhile();
    } finally {
      for (const undo of plan.undo) this.run({ argv: undoCommand(undo) });
    }
    const after = states();
    return plan.compare.flatMap(({ id }, index) => (before[index] === after[index] ? [] : [id]));
  }

  must(step: Step): void {
    const { exitCode, stderr } = this.run(step);
    if (exitCode !== 0) throw new Error(`${step.argv.join(' ')}: ${stderr}\n${step.input ?? ''}`);
  }

  counters(fault: NetFault, plan: NetPlan): NetCounters | undefined {
    const [count] = plan.count;
    return count && readCounters(fault, new Map([[countersId, this.run(count)]]));
  }

  async close(): Promise<void> {
    await Promise.all([this.target.close(), this.neighbour.close()]);
    for (const holder of this.#holders) holder.stdin.end();
    await Promise.all(this.#holders.map((holder) => holder.exitCode ?? once(holder, 'exit')));
  }
}

function bare(addresses: readonly string[]): string[] {
  return addresses.map((address) => address.replace(/\/.*/, ''));
}

/** A process that keeps a network namespace, until its stdin ends. */
async function hold(): Promise<ChildProcessWithoutNullStreams> {
  const holder = spawn('unshare', ['-n', 'sh', '-c', 'echo ready; exec cat']);
  await once(holder.stdout, 'data');
  return holder;
}

function run(pid: number, argv: readonly string[]): void {
  execFileSync('nsenter', ['-t', String(pid), '-n', ...argv]);
}

function fresh({ id, argv, input }: Question): Answer {
  const result = spawnSync('unshare', ['-n', ...argv], { input: input ?? '', encoding: 'utf8' });
  return { id, exitCode: result.status ?? 128, stdout: result.stdout, stderr: result.stderr, elapsedUs: 0 };
}

function undoCommand(undo: Undo): string[] {
  switch (undo.kind) {
    case 'qdisc':
      return ['tc', 'qdisc', 'del', 'dev', undo.device, 'root', 'handle', undo.handle];
    case 'ingress':
      return ['tc', 'qdisc', 'del', 'dev', undo.device, 'ingress'];
    case 'link':
      return ['ip', 'link', 'del', undo.name];
    case 'table':
      return ['nft', 'delete', 'table', 'inet', undo.name];
    case 'txqueuelen':
      return ['ip', 'link', 'set', 'dev', undo.device, 'txqueuelen', String(undo.length)];
  }
}
