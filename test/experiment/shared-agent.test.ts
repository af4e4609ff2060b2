import { describe, expect, test } from 'vitest';
import { SharedAgent } from '../../src/experiment/shared-agent.ts';
import type { Agent, Attachment } from '../../src/ports.ts';
import { settle } from '../fakes/clock.ts';
import { FakeCluster } from '../fakes/cluster.ts';

const trial = 'fresh trial:netem tc qdisc add dev lo root netem';
const answer = (target: string) => JSON.stringify({ target, event: 'answer', id: 'trial:netem', exit_code: 0 });

/** An agent of two targets whose shims are there, and what is said to it. */
class Pair {
  readonly cluster = new FakeCluster();
  readonly names = ['target-0', 'target-1'];
  readonly #agent: SharedAgent;

  constructor() {
    this.cluster.onAttach = (stream) => {
      const targets = this.names.map((name) => ({ name, command: 'hold', state: 'resolved' }));
      const event = { event: 'agent', at_ms: 1, version: '0.1.0', kernel: '6.1', arch: 'x86_64', lease_ms: 0, targets };
      stream.onLine = (line) => {
        if (line === 'beat') stream.stdout.push(JSON.stringify(event));
      };
    };
    const agent: Agent = {
      ...{ id: 'chaos-7f3k2', namespace: 'shop', pod: 'chaos-7f3k2-0', podUid: 'uid-0', node: 'node-1' },
    };
    this.#agent = new SharedAgent(this.cluster, agent, new Map(this.names.map((name) => [name, undefined])));
  }

  async streams(): Promise<Attachment[]> {
    const { signal } = new AbortController();
    return Promise.all(this.names.map((name) => this.#agent.attach(name, signal)));
  }

  async hear(text: string): Promise<void> {
    this.cluster.attachment.stdout.push(text);
    await settle();
  }

  /** Of the trial, to the shims of which targets it was said on this stream. */
  get tried(): string[] {
    return this.cluster.attachment.sent
      .filter((line) => line.includes('trial:netem'))
      .map((line) => line.split(' ')[1] ?? '');
  }
}

describe('what is tried on the kernel of a node', () => {
  test('is tried by one shim, and known to all', async () => {
    const pair = new Pair();
    const [first, second] = await pair.streams();
    await first?.send(trial);
    await second?.send(trial);
    expect(pair.tried).toEqual(['target-0']);
    await pair.hear(answer('target-0'));
    const heard = second?.stdout[Symbol.asyncIterator]();
    expect(await heard?.next()).toMatchObject({ value: expect.stringContaining('trial:netem') });
  });

  test('is tried anew on the next stream, when one is lost before the answer', async () => {
    const pair = new Pair();
    for (const stream of await pair.streams()) await stream.send(trial);
    pair.cluster.attachment.drop('connection reset');
    await settle();
    for (const stream of await pair.streams()) await stream.send(trial);
    expect(pair.cluster.attachments).toHaveLength(2);
    expect(pair.tried).toEqual(['target-0']);
  });

  test('is tried by another shim, when the first has gone before it answered', async () => {
    const pair = new Pair();
    for (const stream of await pair.streams()) await stream.send(trial);
    await pair.hear(
      JSON.stringify({ event: 'gone', name: 'target-0', exit_code: 1, signal: 0, forced: false, end: 'unchanged' }),
    );
    expect(pair.tried).toEqual(['target-0', 'target-1']);
  });
});
