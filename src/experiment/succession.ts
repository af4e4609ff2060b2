import type { Agent, AgentSpec, Cluster } from '../ports.ts';
import { agentContainer, agentsOf, agentWords, recordOf } from './assembly.ts';
import { type Plan, type Plans, unattended } from './plan.ts';
import { writePlans } from './plan-record.ts';

/** The same without an attach. Of one target the agent that is there will do; of several others take the place of those that are there, and begin the shims by themselves. */
export function withoutAttach([first, ...more]: Plans): Plans {
  const noAttach = true as const;
  const plans: Plans = [{ ...first, noAttach }, ...more.map((plan) => ({ ...plan, noAttach }))];
  if (more.length === 0) return plans;
  const next = new Map(
    agentsOf(plans).map((agent) => {
      const ofAgent = plans.filter((plan) => plan.agent === agent);
      const containers = [{ name: agentContainer, args: agentWords(ofAgent, plans[0]) }];
      return [agent, { ...agent, pod: nextPod(agent, plans), containers }];
    }),
  );
  const [one, ...others] = plans.map((plan) => ({ ...plan, agent: next.get(plan.agent) ?? plan.agent }));
  return one ? [one, ...others] : plans;
}

/**
 * The agents that begin the faults by themselves, in place of the plans' own, which have looked at the targets. `plans`: of all targets; `ordersOf`: what the shim of each would be told otherwise; of
 * a target that has none no shim is begun.
 */
export function successors(plans: readonly Plan[], ordersOf: ReadonlyMap<Plan, readonly string[]>): AgentSpec[] {
  const [only, ...others] = plans;
  const ordered = [...ordersOf].map(([plan, orders]) => ({ ...plan, shim: unattended(plan.shim, orders) }));
  return agentsOf(ordered).map((agent) => {
    const ofAgent = ordered.filter((plan) => plan.agent === agent);
    const isOnly = only !== undefined && others.length === 0;
    const record = isOnly ? writePlans({ targets: [only], of: 1 }) : recordOf(ofAgent, plans.length);
    const args = isOnly ? ofAgent.flatMap(({ shim }) => shim) : agentWords(ofAgent, unattendedAgent);
    return {
      ...agent,
      pod: nextPod(agent, plans),
      containers: agent.containers.map((container) => ({ ...container, args })),
      annotations: { ...agent.annotations, ...(record === undefined ? {} : { 'kubectl-chaos.io/plan': record }) },
    };
  });
}

const unattendedAgent = { detached: true, noAttach: true, leaseMs: 0 } as const;

/** Those that come in the place of others are numbered behind all of them. */
function nextPod({ id, pod }: AgentSpec, plans: readonly Plan[]): string {
  return `${id}-${Number(/\d+$/.exec(pod)?.[0]) + agentsOf(plans).length}`;
}

/** Launches the agents that begin by themselves, all at once, when it is known of every target what its shim is to be told, or that it is told nothing. */
export class Succession {
  readonly #plans: readonly Plan[];
  readonly #agents: ReadonlyMap<string, Agent>;
  readonly #cluster: Pick<Cluster, 'replaceAll'>;
  readonly #orders = new Map<Plan, readonly string[]>();
  readonly #out = new Set<Plan>();
  #launch: (launched: Promise<Agent[]>) => void = () => undefined;
  readonly #launched = new Promise<Agent[]>((resolve) => {
    this.#launch = resolve;
  });

  /** `agents`: those that are there, by the name of their pod. */
  constructor(plans: readonly Plan[], agents: ReadonlyMap<string, Agent>, cluster: Pick<Cluster, 'replaceAll'>) {
    this.#plans = plans;
    this.#agents = agents;
    this.#cluster = cluster;
  }

  /** What is to be said to the shim of this target. Resolves to the agent that has said it, and all that were launched with it; rejects as `replaceAll` does. */
  async begin(plan: Plan, orders: readonly string[]): Promise<{ agent: Agent; all: readonly Agent[] }> {
    this.#orders.set(plan, orders);
    this.#launchIfDue();
    const all = await this.#launched;
    const agent = all.find(({ node }) => node === plan.agent.node);
    if (!agent) throw new Error(`${plan.agent.node} has no agent`);
    return { agent, all };
  }

  /** Nothing will be said to it any more. */
  leave(plan: Plan): void {
    if (this.#out.has(plan) || this.#orders.has(plan)) return;
    this.#out.add(plan);
    this.#launchIfDue();
  }

  #launchIfDue(): void {
    if (this.#orders.size === 0 || this.#orders.size + this.#out.size < this.#plans.length) return;
    const formers = agentsOf([...this.#orders.keys()]).flatMap(({ pod }) => this.#agents.get(pod) ?? []);
    this.#launch(this.#cluster.replaceAll(formers, successors(this.#plans, this.#orders)));
  }
}
