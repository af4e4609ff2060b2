import { stringify } from 'yaml';
import type { NetFault } from '../faults/net/types.ts';
import type { Plan } from '../faults/plan.ts';
import type { OutputFormat } from '../faults/request.ts';
import { formatCidr } from '../ip.ts';
import { formatDuration } from '../units.ts';

/** Whom the cluster knows under the names that were given; host names are for the target itself to resolve. */
function peersOf({ surroundings }: NetFault): Record<string, string[]> {
  const lists = { to: surroundings.to, from: surroundings.from, except: surroundings.except };
  return Object.fromEntries(
    Object.entries(lists)
      .filter(([, peers]) => peers.length > 0)
      .map(([name, peers]) => [
        name,
        peers.map(({ query, cidrs }) => {
          const ranges = cidrs.map(formatCidr).join(' ');
          return ranges === '' ? `${query.text}: as the target resolves it` : `${query.text}: ${ranges}`;
        }),
      ]),
  );
}

/** What would happen and what would be created, as YAML documents (JSON with `-o json`). */
export function renderPlan(plan: Plan, objects: readonly unknown[], format: OutputFormat): string {
  const { target, agent, fault } = plan;
  const summary = {
    experiment: plan.id,
    fault: plan.summary,
    target: {
      namespace: target.namespace,
      pod: target.pod,
      container: target.container,
      node: target.node,
      containerID: target.containerId,
      ...(target.chosenFrom ? { chosenFrom: target.chosenFrom.workload } : {}),
    },
    duration: formatDuration(plan.durationMs),
    grace: formatDuration(plan.graceMs),
    lease: plan.leaseMs === 0 ? 'none (detached)' : formatDuration(plan.leaseMs),
    ...(fault.fault === 'stress' && fault.memory ? { memory: fault.memory } : {}),
    ...(fault.fault === 'net' ? { peers: peersOf(fault) } : {}),
    // What file system that is, only the node can tell.
    ...(fault.fault === 'io' ? { path: fault.path, volume: fault.surroundings.volume } : {}),
    commands: agent.containers.map((container) => ['nsexec', ...container.args]),
    undo: plan.undo,
  };
  if (format !== 'human')
    return `${JSON.stringify({ plan: summary, objects }, undefined, format === 'json' ? 2 : undefined)}\n`;
  return [summary, ...objects].map((document) => `---\n${stringify(document, { lineWidth: 0 })}`).join('');
}
