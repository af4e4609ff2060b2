import type { AgentUpdate, Cluster, NodeUpdate, Target, TargetUpdate } from '../ports.ts';
import { Queue } from '../queue.ts';

/** What one target's run needs of the cluster. */
export type RunCluster = Pick<
  Cluster,
  'server' | 'followAgent' | 'followTarget' | 'followNode' | 'attach' | 'followLog' | 'replace' | 'end'
>;

/** One source that several read, each all of it from where it begins to read; it ends when nobody reads it any more. */
class Shared<T> {
  readonly #readers = new Set<Queue<T>>();
  readonly #abort = new AbortController();

  constructor(open: (signal: AbortSignal) => AsyncIterable<T>) {
    void this.#pass(open(this.#abort.signal));
  }

  get hasEnded(): boolean {
    return this.#abort.signal.aborted;
  }

  read(signal: AbortSignal): Queue<T> {
    const reader = new Queue<T>();
    this.#readers.add(reader);
    const leave = (): void => {
      reader.end();
      this.#readers.delete(reader);
      if (this.#readers.size === 0) this.#abort.abort();
    };
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
    return reader;
  }

  async #pass(source: AsyncIterable<T>): Promise<void> {
    try {
      for await (const item of source) for (const reader of this.#readers) reader.push(item);
      for (const reader of this.#readers) reader.end();
    } catch (error) {
      for (const reader of this.#readers) reader.fail(error);
    } finally {
      this.#abort.abort();
    }
  }
}

/**
 * The watches of one experiment, for the runs of all its targets: one of each agent and of each node, and one of the targets of each namespace, however many targets there are.
 * Runs that begin to read in the same tick get all of it.
 */
export class SharedWatches implements RunCluster {
  readonly server: string;
  readonly #cluster: Cluster;
  readonly #targets: readonly Target[];
  readonly #agents = new Map<string, Shared<AgentUpdate>>();
  readonly #nodes = new Map<string, Shared<NodeUpdate>>();
  readonly #namespaces = new Map<string, Shared<{ target: Target; update: TargetUpdate }>>();

  constructor(cluster: Cluster, targets: readonly Target[]) {
    this.#cluster = cluster;
    this.#targets = targets;
    this.server = cluster.server;
  }

  followAgent: Cluster['followAgent'] = (agent, signal) =>
    shared(this.#agents, agent.podUid, (until) => this.#cluster.followAgent(agent, until)).read(signal);

  followNode: Cluster['followNode'] = (target, signal) =>
    shared(this.#nodes, target.node, (until) => this.#cluster.followNode(target, until)).read(signal);

  followTarget: Cluster['followTarget'] = (target, signal) => {
    const beside = this.#targets.filter(({ namespace }) => namespace === target.namespace);
    const open = (until: AbortSignal) => this.#cluster.followTargets(beside, until);
    return of(target, shared(this.#namespaces, target.namespace, open).read(signal));
  };

  attach: Cluster['attach'] = (...args) => this.#cluster.attach(...args);
  followLog: Cluster['followLog'] = (...args) => this.#cluster.followLog(...args);
  replace: Cluster['replace'] = (...args) => this.#cluster.replace(...args);
  end: Cluster['end'] = (agent) => this.#cluster.end(agent);
}

function shared<T>(
  all: Map<string, Shared<T>>,
  name: string,
  open: (signal: AbortSignal) => AsyncIterable<T>,
): Shared<T> {
  const there = all.get(name);
  if (there && !there.hasEnded) return there;
  const opened = new Shared(open);
  all.set(name, opened);
  return opened;
}

async function* of(
  one: Target,
  updates: AsyncIterable<{ target: Target; update: TargetUpdate }>,
): AsyncGenerator<TargetUpdate> {
  for await (const { target, update } of updates) if (target === one) yield update;
}
