import type { Agent, Clock, Cluster } from '../ports.ts';
import { agentContainer } from './assembly.ts';
import type { RunPlan } from './plan.ts';
import { SharedAgent } from './shared-agent.ts';
import { type RunCluster, SharedWatches } from './shared-watches.ts';

/** How the agents of several targets are followed. */
export interface SharedHow<P> {
  /** The command line of a target's shim, where it is this command that begins it over the attach. */
  wordsOf(plan: P): readonly string[] | undefined;
  /** Another command has started the faults. */
  isFound: boolean;
}

/** What the runs of several targets share: the watches, and of each agent that there is one stream, of those as well that take the place of others. */
export class SharedAgents<P extends RunPlan> {
  readonly #plans: readonly P[];
  readonly #cluster: Cluster;
  readonly #watches: SharedWatches;
  readonly #how: SharedHow<P>;
  /** By the uid of its pod. */
  readonly #agents = new Map<string, SharedAgent>();

  /** `agents`: those that are there, by the name of their pod. */
  constructor(plans: readonly P[], agents: ReadonlyMap<string, Agent>, cluster: Cluster, how: SharedHow<P>) {
    this.#plans = plans;
    this.#cluster = cluster;
    this.#how = how;
    this.#watches = new SharedWatches(
      cluster,
      plans.map(({ target }) => target),
      [...agents.values()],
    );
  }

  /** The cluster as one run sees it: as if its shim were the only one of its agent. */
  viewFor({ container }: P): RunCluster {
    const watches = this.#watches;
    return {
      ...watches,
      server: watches.server,
      followAgent: (one, signal) => this.#of(one).updatesOf(container, watches.followAgent(one, signal), signal),
      attach: (one, name, signal) => this.#of(one).attach(name, signal),
      followLog: (one, name, signal) => this.#of(one).attach(name, signal),
      end: (one) => this.#of(one).stopOne(container),
    };
  }

  /** Its run has ended. */
  leave({ container }: P): void {
    for (const agent of this.#agents.values()) if (agent.has(container)) agent.leave(container).catch(() => undefined);
  }

  /** Others have come in their place. */
  add(agents: readonly Agent[]): void {
    this.#watches.addAgents(agents);
  }

  /** Ends the agents, whose targets are all over. Resolves when they have ended, or have not in time. */
  async stop(clock: Clock): Promise<void> {
    await Promise.all([...this.#agents.values()].map((agent) => agent.stop(clock)));
  }

  /** Closes the streams; the agents go on. */
  close(): void {
    for (const agent of this.#agents.values()) agent.close();
  }

  #of(agent: Agent): SharedAgent {
    const there = this.#agents.get(agent.podUid);
    if (there) return there;
    const { wordsOf, isFound } = this.#how;
    // There is one a node.
    const ofAgent = this.#plans.filter((plan) => plan.agent.node === agent.node);
    const words = new Map(ofAgent.map((plan) => [plan.container, wordsOf(plan)]));
    const log = { fromNow: isFound, readLog: () => this.#cluster.readLog(agent, agentContainer) };
    const made = new SharedAgent(this.#watches, agent, words, ofAgent[0]?.noAttach ? log : undefined);
    this.#agents.set(agent.podUid, made);
    return made;
  }
}
