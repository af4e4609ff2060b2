import type { Stopped } from '../experiment/experiments.ts';
import { targetNamed } from '../experiment/neighbours.ts';
import type { Experiment, Experiments } from '../ports.ts';
import { joinWords } from '../text.ts';
import { formatDuration } from '../units.ts';
import { type DocumentFormat, documentOf, documentText } from './json.ts';
import { cells, columns } from './table.ts';
import { harmless } from './words.ts';

/** What `ls` and `stop` print. Pure. */

const none = '-';

/** `where`: as in `in namespace shop`. */
export function noExperiments(where: string): string {
  return `No experiments found ${where}.\n`;
}

/** Of what may be left and could not be looked at, a line each. */
export function unseenNotes(unseen: readonly string[]): string {
  return unseen.map((what) => `note: leftovers without a pod are not shown: ${what}\n`).join('');
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
    experiment.target ?? none,
    experiment.node ?? none,
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

export function listDocument({ found, unseen }: Experiments, format: DocumentFormat): string {
  return documentText(documentOf({ kind: 'experiments', items: found.map(itemOf), unseen: [...unseen] }), format);
}

/** One experiment that has changed. Of YAML each document but the first begins with a line of its own, and so does each here. */
export function experimentDocument(experiment: Experiment, isGone: boolean, format: DocumentFormat): string {
  const document = documentOf({ kind: 'experiment', ...itemOf(experiment), gone: isGone });
  return `${format === 'yaml' ? '---\n' : ''}${documentText(document, format)}`;
}

/** The recorded plan is for `attach` alone, what its shim said last for `stop`. */
function itemOf({ plan: _plan, pod: _pod, podUid: _podUid, lastWords: _lastWords, target, ...rest }: Experiment) {
  return { ...rest, targets: targetsNamed(target) };
}

export function stopped({ experiment, gone, left, why, undo }: Stopped): string {
  const name = `${experiment.id}${experiment.target ? ` (${experiment.target})` : ''}`;
  if (gone) return `${harmless(name)}: ${ending(experiment)}, nothing left\n`;
  if (left.length === 0) return harmless(`${name}: not confirmed to be reverted: ${why}\nTo be certain: ${undo}\n`);
  return harmless(`${name}: not confirmed to be gone: ${joinWords(left)} (${why})\nRemove by hand: ${undo}\n`);
}

/** A pod may be called starting although its fault is in force: the kubelet's report comes up to a second later. */
function ending({ state, objects }: Experiment): string {
  if (state === 'ended') return 'had ended, removed';
  return objects.some((object) => object.startsWith('pod/')) ? 'reverted' : 'removed';
}

export function stopDocument(all: readonly Stopped[], format: DocumentFormat): string {
  const items = all.map(({ experiment: { id, namespace, target, state }, gone, left, why, undo }) => ({
    ...{ id, namespace, targets: targetsNamed(target), wasInState: state, gone, left, undo },
    ...(why === '' ? {} : { why }),
  }));
  return documentText(documentOf({ kind: 'stopped', items }), format);
}

/** None of an experiment whose target is no container, as a sweep's. */
function targetsNamed(text: string | undefined): object[] {
  const target = targetNamed(text);
  return target ? [target] : [];
}

/** kubectl's ages: to the second, at least none of them. */
function time(ms: number): string {
  return ms < 1_000 ? '0s' : formatDuration(Math.floor(ms / 1_000) * 1_000);
}

function text(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}
