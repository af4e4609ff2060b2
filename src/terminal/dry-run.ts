import { stringify } from 'yaml';
import type { Plan } from '../experiment/plan.ts';
import { kindOf } from '../faults/registry.ts';
import type { OutputFormat } from '../requests.ts';
import { formatDuration } from '../units.ts';
import { documentOf, documentText, versioned } from './json.ts';

/** What would happen and what would be created, as YAML documents, the plan first, for people; one document for programs. */
export function renderPlan(plan: Plan, objects: readonly unknown[], format: OutputFormat): string {
  const document = planDocument(plan);
  // The objects are the API server's, whose keys are not ours.
  if (format !== 'human') return documentText({ ...document, objects }, format);
  return [versioned(document), ...objects].map((document) => `---\n${stringify(document, { lineWidth: 0 })}`).join('');
}

function planDocument({
  id,
  target,
  summary,
  fault,
  agent,
  undo,
  endAll,
  cluster,
  ...bounds
}: Plan): Record<string, unknown> {
  const { namespace, pod, container, node, containerId, chosenFrom } = target;
  return documentOf({
    kind: 'plan',
    id,
    cluster,
    targets: [
      {
        target: { namespace, pod, container, node, containerId, chosenFrom },
        fault: summary,
        ...kindOf(fault).dryRun(fault),
      },
    ],
    duration: formatDuration(bounds.durationMs),
    grace: formatDuration(bounds.graceMs),
    lease: bounds.detached ? 'none (detached)' : formatDuration(bounds.leaseMs),
    commands: agent.containers.map(({ args }) => ['nsexec', ...args]),
    undo,
    endAll,
  });
}
