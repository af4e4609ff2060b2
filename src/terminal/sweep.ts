import type { NodeReport, SweepReport } from '../experiment/sweep.ts';
import { dash } from '../faults/common/cells.ts';
import { unseenNotes, unseenReasons } from './experiments.ts';
import { type DocumentFormat, documentOf, documentText } from './json.ts';
import { cells, columns } from './table.ts';
import { harmless } from './words.ts';

/** What `sweep` prints. Pure. */

/** What was found and how it is now: a table of findings, one of objects, and a line for each node that was not fully swept. */
export function sweepText(report: SweepReport): string {
  const findings = report.nodes.flatMap(({ node, residue }) =>
    residue.map((one) => [
      ...[
        node,
        one.pod ?? (one.cgroup || dash),
        one.what,
        [one.name, one.device, one.handle].filter(Boolean).join(' '),
      ],
      one.inUse ? 'in use' : one.removed ? 'removed' : 'left',
    ]),
  );
  const objects = report.objects.map(({ id, namespace, objects: names, state }) => {
    const tried = report.removed.find(({ experiment }) => experiment.id === id && experiment.namespace === namespace);
    const now = tried === undefined ? state : tried.gone ? 'removed' : `not confirmed: ${tried.why} (${tried.undo})`;
    return [id, namespace, names.join(' '), now];
  });
  return harmless(
    [
      ...table(['NODE', 'POD', 'WHAT', 'NAME', 'STATE'], findings),
      ...table(['ID', 'NAMESPACE', 'OBJECTS', 'STATE'], objects),
      ...report.nodes.flatMap(nodeNotes),
      ...unseenNotes(report),
      ...closing(report),
    ]
      .map((line) => `${line}\n`)
      .join(''),
  );
}

function table(head: string[], rows: string[][]): string[] {
  return rows.length === 0 ? [] : columns(head, rows.map(cells));
}

function nodeNotes({ node, swept, problem, kept }: NodeReport): string[] {
  return [
    ...(problem === undefined ? [] : [`node ${node}: not fully swept: ${problem.replace(/\s+/g, ' ')}`]),
    ...(kept === undefined ? [] : [`node ${node}: ${kept.replace(/\s+/g, ' ')}`]),
    ...(swept && swept.unseen > 0
      ? [`node ${node}: ${swept.unseen} networks or processes could not be inspected`]
      : []),
  ];
}

function closing({ nodes, objects, exitCode }: SweepReport): string[] {
  const seen = nodes.filter(({ swept }) => swept !== undefined);
  const networks = seen.reduce((sum, { swept }) => sum + (swept?.namespaces ?? 0), 0);
  const found = seen.reduce((sum, { swept }) => sum + (swept?.found ?? 0), 0) + objects.length;
  const looked = `${networks} networks on ${seen.length} of ${nodes.length} nodes inspected`;
  if (exitCode === 0) return [`${looked}: nothing ${found === 0 ? 'found' : 'left that is not in use'}.`];
  return [
    exitCode === 3 ? `${looked}: leftovers are listed above; --yes removes them.` : `${looked}: not confirmed clean.`,
  ];
}

export function sweepQuestion(count: number): string {
  return `Remove ${count === 1 ? 'this one' : `these ${count}`}? [y/N] `;
}

export function sweepDocument(report: SweepReport, format: DocumentFormat): string {
  const { nodes, objects, removed, exitCode } = report;
  const items = objects.map(({ id, namespace, state, objects: names }) => {
    const tried = removed.find(({ experiment }) => experiment.id === id && experiment.namespace === namespace);
    const { gone = false, left = names, why, undo } = tried ?? {};
    return { id, namespace, wasInState: state, gone, left, why: why || undefined, undo };
  });
  return documentText(
    documentOf({ kind: 'swept', nodes, objects: items, unseen: unseenReasons(report), exitCode }),
    format,
  );
}
