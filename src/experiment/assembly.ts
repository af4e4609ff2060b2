import type { AgentSpec, Architecture } from '../ports.ts';
import { beginLine } from '../shim/commands.ts';
import { type Plan, type Plans, placeName } from './plan.ts';
import { writePlans } from './plan-record.ts';

/** The annotations of agent pods that say of each of their targets something of its own, and what stands between. */
const ofEach = { 'kubectl-chaos.io/target': ',', 'kubectl-chaos.io/fault': '; ' };

/** The one container of an agent that has a shim for each of several targets. */
export const agentContainer = 'agent';

/**
 * One agent for each node in place of one for each target, in the order of their first targets, with a shim for every target of its node, which it begins on command. The plans come back in their order,
 * those of a node with the same agent. At least one. Pure.
 */
export function assemble<P extends Plans>(plans: P): P {
  const [first] = plans;
  const nodes = [...new Set(plans.map(({ target }) => target.node))];
  const architectures = [...new Set(plans.map(({ target }) => target.architecture))];
  const placed = plans.map((plan, place) => ({
    ...plan,
    container: placeName(place),
    shim: plan.shim.filter((word) => word !== agentsOwn),
  }));
  const agents = new Map(
    nodes.map((node, index) => {
      const ofNode = placed.filter(({ target }) => target.node === node);
      return [node, agentOf(ofNode, { id: first.id, index, architectures, of: plans.length })];
    }),
  );
  return placed.map((plan) => ({ ...plan, agent: agents.get(plan.target.node) ?? plan.agent })) as unknown as P;
}

/** An option that the agent has for all its shims. */
const agentsOwn = '--any-signal';

function agentOf(
  plans: readonly Plan[],
  { id, index, architectures, of }: { id: string; index: number; architectures: readonly Architecture[]; of: number },
): AgentSpec | undefined {
  const [first] = plans;
  if (!first) return undefined;
  const { agent } = first;
  const record = first.detached ? recordOf(plans, of) : undefined;
  const most = (of: (spec: AgentSpec) => number) => Math.max(...plans.map((plan) => of(plan.agent)));
  const texts = Object.entries(ofEach).map(([name, between]) => [
    name,
    [...new Set(plans.map((plan) => plan.agent.annotations[name] ?? ''))].join(between),
  ]);
  return {
    ...agent,
    pod: `${id}-${index}`,
    configMap: agent.architecture === architectures[0] ? id : `${id}-${agent.architecture}`,
    targets: plans.length,
    containers: [{ name: agentContainer, args: agentWords(plans, first) }],
    activeDeadlineSeconds: most((spec) => spec.activeDeadlineSeconds),
    terminationGracePeriodSeconds: most((spec) => spec.terminationGracePeriodSeconds ?? 0),
    annotations: {
      ...agent.annotations,
      ...Object.fromEntries(texts),
      // As the agent calls them, in the order in which the targets are named.
      'kubectl-chaos.io/shims': plans.map(({ container }) => container).join(','),
      ...(record === undefined ? {} : { 'kubectl-chaos.io/plan': record }),
    },
  };
}

/** The command line of an agent: without an attach it begins its shims by itself. Without a lease nobody has it end but them: with any order it does with the last. */
export function agentWords(
  plans: readonly Plan[],
  { detached, noAttach, leaseMs }: Pick<Plan, 'detached' | 'noAttach' | 'leaseMs'>,
): string[] {
  const begins = plans.map(({ container, shim }) => beginLine(container, shim));
  const orders = noAttach ? begins : detached ? ['beat'] : [];
  const lease = ['--lease-ms', detached ? '0' : String(leaseMs)];
  return ['agent', ...lease, ...orders.flatMap((order) => ['--order', order]), agentsOwn];
}

/** What stands at the pod of an agent of several targets. `of`: how many they are on all agents. */
export function recordOf(plans: readonly Plan[], of: number): string | undefined {
  const [first, ...others] = plans.map((plan) => ({ ...plan, name: plan.container }));
  return first && writePlans({ targets: [first, ...others], of });
}

/** The agents of an experiment, each once. */
export function agentsOf(plans: readonly Plan[]): AgentSpec[] {
  return [...new Set(plans.flatMap(({ agent, withoutAgent }) => (withoutAgent ? [] : [agent])))];
}
