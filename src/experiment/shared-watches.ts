import type { Agent, AgentUpdate, Cluster, NodeUpdate, StandingUpdate, Target, TargetUpdate } from '../ports.ts';
import { Queue } from '../queue.ts';

/** What one target's run needs of the cluster. */
export type RunCluster = Pick<
  Cluster,
  | 'server'
  | 'followAgent'
  | 'followTarget'
  | 'followStandings'
  | 'followNode'
  | 'attach'
  | 'followLog'
  | 'replace'
  | 'end'
  | 'deleteTarget'
>;

/** One source that several read, each what is for it, from where it begins to read; it ends when nobody reads it any more. */
class Shared<Update> {
  /** By whom they read of. */
  readonly #readers = new Map<unknown, Set<Queue<Update>>>();
  readonly #abort = new AbortController();

  /** `open`: gives each update with whom it is of. */
  constructor(open: (signal: AbortSignal) => AsyncIterable<readonly [of: unknown, update: Update]>) {
    void this.#pass(open(this.#abort.signal));
  }

  get hasEnded(): boolean {
    return this.#abort.signal.aborted;
  }

  read(of: unknown, signal: AbortSignal): Queue<Update> {
    const reader = new Queue<Update>();
    const beside = this.#readers.get(of) ?? new Set();
    this.#readers.set(of, beside.add(reader));
    const leave = (): void => {
      reader.end();
      beside.delete(reader);
      if (beside.size === 0) this.#readers.delete(of);
      if (this.#readers.size === 0) this.#abort.abort();
    };
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
    return reader;
  }

  async #pass(source: AsyncIterable<readonly [of: unknown, update: Update]>): Promise<void> {
    try {
      for await (const [of, update] of source) for (const reader of this.#readers.get(of) ?? []) reader.push(update);
      this.#forEach((reader) => reader.end());
    } catch (error) {
      this.#forEach((reader) => reader.fail(error));
    } finally {
      this.#abort.abort();
    }
  }

  #forEach(act: (reader: Queue<Update>) => void): void {
    for (const readers of this.#readers.values()) for (const reader of readers) act(reader);
  }
}

/**
 * The watches of one experiment, for the runs of all its targets: one of all agents, one of each node, and one of the targets of each namespace, however many targets there are.
 * Runs that begin to read in the same tick get all of it.
 */
export class SharedWatches implements RunCluster {
  readonly server: string;
  readonly #cluster: Cluster;
  readonly #targets: readonly Target[];
  /** Those that were launched together. */
  readonly #agents: (readonly Agent[])[];
  readonly #ofAgents = new Map<string, Shared<AgentUpdate>>();
  readonly #ofNodes = new Map<string, Shared<NodeUpdate>>();
  readonly #ofNamespaces = new Map<string, Shared<TargetUpdate>>();
  readonly #ofStandings = new Map<string, Shared<{ target: Target; update: StandingUpdate }>>();

  /** All of the experiment. */
  constructor(cluster: Cluster, targets: readonly Target[], agents: readonly Agent[]) {
    this.#cluster = cluster;
    this.#targets = targets;
    this.#agents = [agents];
    this.server = cluster.server;
  }

  /** Others that have come in the place of some: they have a watch of their own. */
  addAgents(agents: readonly Agent[]): void {
    if (!this.#agents.includes(agents)) this.#agents.push(agents);
  }

  followAgent: Cluster['followAgent'] = (agent, signal) => {
    const beside = this.#agents.find((some) => some.includes(agent)) ?? [agent];
    const open = (until: AbortSignal) =>
      each(this.#cluster.followAgents(beside, until), (one) => [one.agent, one.update] as const);
    return shared(this.#ofAgents, beside[0]?.podUid ?? '', open).read(agent, signal);
  };

  followNode: Cluster['followNode'] = (target, signal) => {
    const { node } = target;
    const open = (until: AbortSignal) =>
      each(this.#cluster.followNode(target, until), (update) => [node, update] as const);
    return shared(this.#ofNodes, node, open).read(node, signal);
  };

  followTarget: Cluster['followTarget'] = (target, signal) => {
    const beside = this.#targets.filter(({ namespace }) => namespace === target.namespace);
    const open = (until: AbortSignal) =>
      each(this.#cluster.followTargets(beside, until), (one) => [one.target, one.update] as const);
    return shared(this.#ofNamespaces, target.namespace, open).read(target, signal);
  };

  /** Of the one that a run is of. */
  followStandings: Cluster['followStandings'] = ([target], signal) => {
    const namespace = target?.namespace ?? '';
    const beside = this.#targets.filter((one) => one.namespace === namespace);
    const open = (until: AbortSignal) =>
      each(this.#cluster.followStandings(beside, until), (one) => [one.target, one] as const);
    return shared(this.#ofStandings, namespace, open).read(target, signal);
  };

  attach: Cluster['attach'] = (...args) => this.#cluster.attach(...args);
  followLog: Cluster['followLog'] = (...args) => this.#cluster.followLog(...args);
  replace: Cluster['replace'] = (...args) => this.#cluster.replace(...args);
  end: Cluster['end'] = (agent) => this.#cluster.end(agent);
  deleteTarget: Cluster['deleteTarget'] = (...args) => this.#cluster.deleteTarget(...args);
}

function shared<Update>(
  all: Map<string, Shared<Update>>,
  name: string,
  open: ConstructorParameters<typeof Shared<Update>>[0],
): Shared<Update> {
  const there = all.get(name);
  if (there && !there.hasEnded) return there;
  const opened = new Shared(open);
  all.set(name, opened);
  return opened;
}

async function* each<From, To>(source: AsyncIterable<From>, as: (item: From) => To): AsyncGenerator<To> {
  for await (const item of source) yield as(item);
}
