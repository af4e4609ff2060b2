import type { Stopped } from '../experiment/experiments.ts';
import type { Experiment, Experiments } from '../ports.ts';
import { targetsNamed } from '../target-names.ts';
import { joinWords } from '../text.ts';
import { formatDuration } from '../units.ts';
import { type DocumentFormat, documentOf, documentText } from './json.ts';
import { cells, columns } from './table.ts';
import { harmless, oneLine } from './words.ts';

/** What `ls` and `stop` print. Pure. */

const none = '-';

/** `where`: as in `in any namespace`. */
export function noExperiments(where: string): string {
  return `No experiments ${where}.\n`;
}

/** Of what may be there and could not be looked at, a line each. */
export function unseenNotes({ unseen, elsewhere }: Omit<Experiments, 'found'>): string[] {
  const notes = unseen.map((what) => `leftovers without a pod are not shown: ${what}`);
  if (elsewhere !== undefined)
    notes.push(`experiments whose agents are in other namespaces are not shown: ${elsewhere}`);
  return notes.map((note) => `note: ${oneLine(note)}`);
}

/** The same for a program. */
export function unseenReasons({ unseen, elsewhere }: Omit<Experiments, 'found'>): string[] {
  return [...unseen, ...(elsewhere === undefined ? [] : [elsewhere])];
}

export function listing(found: readonly Experiment[], now: Date, wide: boolean): string {
  return text(
    columns(
      listHead(wide),
      found.map((one) => cells(listRow(one, now, wide))),
    ),
  );
}

export function listHead(wide: boolean): readonly string[] {
  const head = ['ID', 'FAULT', 'TARGET', 'NODE', 'WHO', 'STATE', 'SINCE', 'LEFT'];
  return wide ? [...head, 'NAMESPACE', 'OBJECTS', 'REASON'] : head;
}

/** `isGone`: nothing of it is there any more. */
export function listRow(experiment: Experiment, now: Date, wide: boolean, isGone = false): readonly string[] {
  return [
    experiment.id,
    experiment.fault ?? none,
    ...[experiment.target, experiment.node].map((names) => (wide ? (names ?? none) : firstOf(names))),
    experiment.who ?? none,
    isGone ? 'gone' : experiment.state,
    time(now.getTime() - experiment.createdAt.getTime()),
    experiment.endsAt && !isGone ? time(experiment.endsAt.getTime() - now.getTime()) : none,
    ...(wide ? [experiment.namespace, experiment.objects.join(' '), experiment.reason ?? none] : []),
  ];
}

export function ids(found: readonly Experiment[]): string {
  return text(found.map(({ id }) => id));
}

export function listDocument({ found, ...blind }: Experiments, format: DocumentFormat): string {
  return documentText(
    documentOf({ kind: 'experiments', items: found.map(itemOf), unseen: unseenReasons(blind) }),
    format,
  );
}

/** One experiment that has changed. Of YAML each document but the first begins with a line of its own, and so does each here. */
export function experimentDocument(experiment: Experiment, isGone: boolean, format: DocumentFormat): string {
  const document = documentOf({ kind: 'experiment', ...itemOf(experiment), gone: isGone });
  return `${format === 'yaml' ? '---\n' : ''}${documentText(document, format)}`;
}

/** Its agents are for `attach` and `stop`, what could be removed for whoever removes it. */
function itemOf({ agents: _agents, deadline: _deadline, remains: _remains, target, ...rest }: Experiment) {
  return { ...rest, targets: targetsNamed(target) };
}

export function stopped({ experiment, targets, gone, left, why, undo }: Stopped): string {
  const name = `${experiment.id}${experiment.target ? ` (${firstOf(experiment.target)})` : ''}`;
  if (gone) return `${harmless(name)}: ${ending(experiment)}, nothing left\n`;
  if (left.length > 0) {
    return harmless(`${name}: not confirmed to be gone: ${joinWords(left)} (${why})\nRemove by hand: ${undo}\n`);
  }
  const doubtful = targets
    .filter(({ reverted }) => !reverted)
    .map(({ namespace, pod, container, why: of }) => {
      return `\n  ${namespace}/${pod}/${container}: ${oneLine(of ?? 'not known')}`;
    });
  const which =
    targets.length < 2 ? `: ${why}` : `, ${doubtful.length} of ${targets.length} targets:${doubtful.join('')}`;
  return harmless(`${name}: not confirmed to be reverted${which}\nTo be certain: ${undo}\n`);
}

/** A pod may be called starting although its fault is in force: the kubelet's report comes up to a second later. */
function ending({ state, objects }: Experiment): string {
  if (state === 'ended') return 'had ended, removed';
  return objects.some((object) => object.startsWith('pod/')) ? 'reverted' : 'removed';
}

export function stopDocument(all: readonly Stopped[], format: DocumentFormat): string {
  const items = all.map(({ experiment: { id, namespace, state }, targets, gone, left, why, undo }) => ({
    ...{ id, namespace, targets, wasInState: state, gone, left, undo },
    ...(why === '' ? {} : { why }),
  }));
  return documentText(documentOf({ kind: 'stopped', items }), format);
}

/** `web-1 and 3 more`. */
function firstOf(names: string | undefined): string {
  const [first = none, ...others] = names?.split(',') ?? [];
  return others.length === 0 ? first : `${first} and ${others.length} more`;
}

/** kubectl's ages: to the second, at least none of them. */
function time(ms: number): string {
  return ms < 1_000 ? '0s' : formatDuration(Math.floor(ms / 1_000) * 1_000);
}

function text(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}
