import { stringify } from 'yaml';
import type { Plan } from '../experiment/plan.ts';
import { kindOf } from '../faults/registry.ts';
import type { OutputFormat } from '../requests.ts';
import { formatDuration } from '../units.ts';

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
    lease: plan.detached ? 'none (detached)' : formatDuration(plan.leaseMs),
    ...kindOf(fault).dryRun(fault),
    commands: agent.containers.map((container) => ['nsexec', ...container.args]),
    undo: plan.undo,
  };
  if (format !== 'human')
    return `${JSON.stringify({ plan: summary, objects }, undefined, format === 'json' ? 2 : undefined)}\n`;
  return [summary, ...objects].map((document) => `---\n${stringify(document, { lineWidth: 0 })}`).join('');
}
