import type { Agent, Attachment } from '../ports.ts';
import type { RunCluster } from './shared-watches.ts';

/** How the shim of an agent is heard, and told. */
export interface Way {
  /** As the port's `attach`. */
  open(signal: AbortSignal): Promise<Attachment>;
  /** Says a line to the shim. Absent: the stream itself takes it. */
  tell?(line: string): Promise<void>;
}

export function byAttach(cluster: RunCluster, agent: Agent, container: string): Way {
  return { open: (signal) => cluster.attach(agent, container, signal) };
}

/** Where there is no agent, which nobody opens. */
export const nobody: Way = { open: () => Promise.reject(new Error('there is no agent')) };

/** The agent that begins the fault, in place of the one that has looked at the target. */
export interface Successor {
  /** Launches it with what its shim is to be told. */
  launch(orders: readonly string[]): Promise<Agent>;
  /** From here on nothing of the former one is of interest. */
  leave(): void;
  launched(agent: Agent): void;
  refused(error: unknown): void;
}

/**
 * Without an attach: the shim is heard by its log, and told nothing. What is said before `start` is kept; with `start` another agent is launched that finds all of it on its command line, and begins
 * by itself. `stop` is its deletion, and a beat is nothing, since a shim that hears nobody has no lease.
 */
export class ByLog implements Way {
  readonly #cluster: RunCluster;
  readonly #agent: Agent;
  readonly #container: string;
  readonly #successor: Successor | undefined;
  readonly #orders: string[] = [];
  #launched: Promise<Agent> | undefined;

  /** Without a successor the agent is one that has begun: only what it says from now on is heard. */
  constructor(cluster: RunCluster, agent: Agent, container: string, successor?: Successor) {
    this.#cluster = cluster;
    this.#agent = agent;
    this.#container = container;
    this.#successor = successor;
  }

  async open(signal: AbortSignal): Promise<Attachment> {
    return this.#cluster.followLog(await this.#now, this.#container, signal, this.#successor === undefined);
  }

  async tell(line: string): Promise<void> {
    if (line === 'stop') return this.#cluster.end(await this.#now);
    if (line === 'beat' || this.#launched !== undefined || this.#successor === undefined) return;
    this.#orders.push(line);
    if (line === 'start') this.#succeed(this.#successor);
  }

  get #now(): Promise<Agent> | Agent {
    return this.#launched ?? this.#agent;
  }

  #succeed(successor: Successor): void {
    successor.leave();
    this.#launched = successor.launch(this.#orders);
    this.#launched.then(successor.launched, successor.refused);
  }
}
