import type { ExperimentUpdate } from '../ports.ts';
import type { ManageRequest } from '../requests.ts';
import { experimentDocument, ids, listHead, listRow, noExperiments, unseenNotes } from './experiments.ts';
import { cells } from './table.ts';
import { harmless } from './words.ts';

/** What `ls --watch` prints, update by update: lines whose columns are as wide as the widest so far, as those of `kubectl get --watch`. */
export class WatchedList {
  readonly #output: ManageRequest['output'];
  readonly #where: string;
  #widths: number[] = [];
  #isCut = false;

  /** `where`: as in `in namespace shop`. */
  constructor(output: ManageRequest['output'], where: string) {
    this.#output = output;
    this.#where = where;
  }

  text(update: ExperimentUpdate, now: Date): { out: string; err: string } {
    if (update.kind === 'contact') return { out: '', err: this.#contact(update.problem) };
    const changes =
      update.kind === 'experiment'
        ? [update]
        : update.experiments.found.map((experiment) => ({ experiment, isGone: false }));
    const unseen = update.kind === 'listed' ? update.experiments.unseen : [];
    const nothing = update.kind === 'listed' && changes.length + unseen.length === 0;
    const err = `${nothing ? noExperiments(this.#where) : ''}${unseenNotes(unseen)}`;
    const output = this.#output;
    if (output === 'name') return { out: ids(changes.map(({ experiment }) => experiment)), err };
    if (output === 'json' || output === 'yaml' || output === 'ndjson') {
      return {
        out: changes.map(({ experiment, isGone }) => experimentDocument(experiment, isGone, output)).join(''),
        err,
      };
    }
    const wide = output === 'wide';
    const rows = changes.map(({ experiment, isGone }) => cells(listRow(experiment, now, wide, isGone)));
    const head = this.#widths.length === 0 && rows.length > 0 ? [listHead(wide)] : [];
    return { out: this.#lines([...head, ...rows]), err };
  }

  /** Not each attempt that fails is news. */
  #contact(problem: string | undefined): string {
    if (this.#isCut === (problem !== undefined)) return '';
    this.#isCut = problem !== undefined;
    return harmless(
      `note: ${problem === undefined ? 'the watch goes on' : `the watch broke, trying again: ${problem}`}\n`,
    );
  }

  #lines(rows: readonly (readonly string[])[]): string {
    for (const row of rows) this.#widths = row.map((cell, at) => Math.max(this.#widths[at] ?? 0, cell.length));
    return rows
      .map(
        (row) =>
          `${row
            .map((cell, at) => cell.padEnd(this.#widths[at] ?? 0))
            .join('   ')
            .trimEnd()}\n`,
      )
      .join('');
  }
}
