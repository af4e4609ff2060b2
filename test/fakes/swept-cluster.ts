import type { Agent, AgentSpec, AgentUpdate } from '../../src/ports.ts';
import type { Residue } from '../../src/shim/swept.ts';
import { FakeCluster } from './cluster.ts';

type Finding = Omit<Residue, 'inUse' | 'removed'> & { inUse?: boolean };

/** What a node's agent comes to: findings that a removal removes or does not, or another end. */
export interface FakeNode {
  residue?: Finding[];
  /** What `--remove` does not get rid of, by name. */
  stubborn?: readonly string[];
  unseen?: number;
  /** Instead: what the watch tells. */
  update?: AgentUpdate;
}

/** A cluster whose agents sweep by themselves. */
export class SweptCluster extends FakeCluster {
  readonly sweeps: { node: string; args: readonly string[]; id: string }[] = [];
  /** How many agents there were at once, at most. */
  most = 0;
  #running = 0;
  readonly #fakes = new Map<string, FakeNode>();
  readonly #specs = new Map<string, AgentSpec>();

  put(name: string, node: FakeNode = {}): void {
    this.nodes.push({ name, architecture: 'amd64' });
    this.#fakes.set(name, node);
  }

  override async launch(spec: AgentSpec): Promise<Agent> {
    this.#specs.set(spec.id, spec);
    this.sweeps.push({ node: spec.node, args: spec.containers[0]?.args ?? [], id: spec.id });
    this.most = Math.max(this.most, ++this.#running);
    return super.launch(spec);
  }

  override async *followAgent(agent: Agent, signal: AbortSignal): AsyncGenerator<AgentUpdate> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#running--;
    const node = this.#fakes.get(agent.node) ?? {};
    if (node.update) yield node.update;
    else if (!signal.aborted) yield this.#swept(agent, node);
  }

  #swept(agent: Agent, { residue = [], stubborn = [], unseen = 0 }: FakeNode): AgentUpdate {
    const remove = this.#specs.get(agent.id)?.containers[0]?.args.includes('--remove') === true;
    const found = residue.map((one) => {
      const inUse = one.inUse === true;
      return { ...one, inUse, removed: remove && !inUse && !stubborn.includes(one.name) };
    });
    const count = (test: (one: Residue) => boolean) => found.filter(test).length;
    this.logs.set(
      agent.id,
      found.map(({ inUse, ...one }) => `${JSON.stringify({ event: 'residue', ...one, in_use: inUse })}\n`).join(''),
    );
    const sums = {
      ...{ namespaces: 7, found: found.length, in_use: count(({ inUse }) => inUse), unseen },
      ...{ removed: count(({ removed }) => removed), left: count(({ inUse, removed }) => !inUse && !removed) },
    };
    const message = JSON.stringify({ event: 'swept', at_ms: 1, ...sums });
    const exitCode = sums.left + unseen === 0 ? 0 : 1;
    const status = { state: 'terminated' as const, exitCode, reason: 'Completed', message };
    return { kind: 'status', phase: 'Succeeded', reason: '', message: '', containers: { sweep: status } };
  }
}
