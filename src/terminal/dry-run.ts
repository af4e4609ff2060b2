import { stringify } from 'yaml';
import { agentsOf } from '../experiment/assembly.ts';
import type { Plan, Plans } from '../experiment/plan.ts';
import { successors } from '../experiment/succession.ts';
import { kindOf } from '../faults/registry.ts';
import type { OutputFormat } from '../requests.ts';
import { joinWords } from '../text.ts';
import { formatDuration } from '../units.ts';
import { documentOf, documentText, scopeDocument, versioned } from './json.ts';
import { oneLine } from './words.ts';

/** What the API server said of objects that it was asked to take and not to keep. */
export function rehearsal({ changes, warnings }: { changes: readonly string[]; warnings: readonly string[] }): string {
  const notes = [
    ...(changes.length > 0 ? [`a webhook or policy would change the agent pod: ${joinWords(changes)}`] : []),
    ...warnings.map((text) => `the API server warns: ${text}`),
    'the API server accepts every object; nothing was created',
  ];
  return notes.map((note) => `note: ${oneLine(note)}\n`).join('');
}

/** What is applied of the objects alone must not be taken for an experiment. */
const withoutShim =
  '# In place of the shim there is a placeholder: a pod that is created from this injects nothing. To run the experiment, leave --dry-run out.\n';

/** What it said of a fault that is done through it alone. */
export const rehearsedRequest = 'note: the API server would do it; nothing was changed\n';

/** Beside a plan for people, of which the objects are no part. */
export const whereObjectsAre = 'note: the objects of the agent: -o yaml; all of the plan: -o json\n';

/**
 * What would happen: for people as YAML, without what an agent is told and is made of, which would not fit on a screen; `yaml`: the objects that would be created alone, as kubectl prints them and
 * reads them; one document with everything for other programs.
 */
export function renderPlan(plans: Plans, objects: readonly unknown[], format: OutputFormat): string {
  const document = planDocument(plans);
  // The objects are the API server's, whose keys are not ours.
  if (format !== 'human' && format !== 'yaml') return documentText({ ...document, objects }, format);
  const text = (value: unknown) => stringify(value, { lineWidth: 0 });
  if (format === 'yaml') return withoutShim + objects.map((object) => `---\n${text(object)}`).join('');
  const { commands: _, ...rest } = versioned(document);
  return text(rest);
}

/** What of the second agent is known before the first. */
const followed =
  'without an attach, the first agent looks at the target and is then replaced by the second, which begins by itself; what the first finds may add --order lines to the second';

/** Of several targets. */
const allFollowed =
  'without an attach, the first agents look at the targets and are then replaced by others, which begin by themselves; what the first find may add --order words to what the others begin';

function planDocument(plans: Plans): Record<string, unknown> {
  const [first] = plans;
  const { id, undo, endAll, cluster, tools, ...bounds } = first;
  const started = new Map(plans.map((plan) => [plan, ['start']]));
  const agents = [...agentsOf(plans), ...(first.noAttach ? successors(plans, started) : [])];
  const note = first.noAttach ? (plans.length > 1 ? allFollowed : followed) : undefined;
  return documentOf({
    kind: 'plan',
    id,
    cluster,
    ...scopeDocument(first.scope),
    targets: plans.map(plannedTarget),
    duration: formatDuration(bounds.durationMs),
    grace: formatDuration(bounds.graceMs),
    lease: bounds.withoutAgent
      ? 'none (there is no agent)'
      : bounds.detached
        ? 'none (detached)'
        : bounds.noAttach
          ? 'none (--no-attach)'
          : formatDuration(bounds.leaseMs),
    sent: tools && { tools: tools.names, bytes: tools.archive.length, unpackedBytes: tools.unpackedBytes },
    commands: [
      ...agents.flatMap(({ containers }) => containers.map(({ args }) => args)),
      ...(plans.length > 1 && !first.withoutAgent ? plans.map(({ shim }) => shim) : []),
    ].map((words) => ['nsexec', ...words]),
    note,
    undo,
    endAll,
  });
}

function plannedTarget({ target, summary, fault }: Plan): Record<string, unknown> {
  const { namespace, pod, container, node, containerId, chosenFrom } = target;
  return {
    target: { namespace, pod, container, node, containerId, chosenFrom },
    fault: summary,
    ...kindOf(fault).dryRun(fault),
  };
}
