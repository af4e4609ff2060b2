import type { RunEvent } from '../experiment/events.ts';
import type { Outcome, TargetOutcome } from '../experiment/outcome.ts';
import { targetName } from '../faults/common/cells.ts';
import type { LiveRow } from '../faults/fault.ts';
import type { Target } from '../ports.ts';
import { formatCount, formatElapsed, joinWords } from '../text.ts';
import { columns, indented } from './table.ts';
import * as words from './words.ts';

/** Of many targets, how many have a row of their own where nothing else limits it. */
const mostRows = 20;
/** How many are named before the start. */
const mostNamed = 10;

/**
 * What has been told of the targets of one experiment, so that they are shown together: one table while their faults are active, one line when all have become so. Of one target it is the same as its own
 * row and line.
 */
export class Crowd {
  #planned = 1;
  #selected = 0;
  readonly #said = new Set<string>();
  readonly #active = new Map<Target, number>();
  /** In the order in which they were first told. */
  readonly #rows = new Map<Target, { live: LiveRow; leftMs: number }>();

  /** Takes what an event has to say. */
  on(event: RunEvent): void {
    if (event.kind === 'selected') this.#selected++;
    if (event.kind === 'planned') this.#planned = event.plans.length;
    if (event.kind === 'active') this.#active.set(event.target, event.activeMs);
    if (event.kind === 'sample') this.#rows.set(event.target, { live: event.live, leftMs: event.leftMs });
    if (event.kind === 'ended' || event.kind === 'reverted') this.#rows.delete(event.target);
  }

  get isMany(): boolean {
    return this.#planned > 1;
  }

  /** The target that has just been selected is one of the first, which are named. */
  get isNamed(): boolean {
    return this.#selected <= mostNamed;
  }

  /** How many have been selected beside those that are named. */
  get unnamed(): number {
    return Math.max(0, this.#selected - mostNamed);
  }

  /** What is said of each target is said once where it is the same. */
  isNews(text: string): boolean {
    const isNew = !this.#said.has(text);
    this.#said.add(text);
    return isNew || !this.isMany;
  }

  /** The first of the rows is this target's: once in a round, whoever else tells of itself, the table is due. */
  isTurnOf(target: Target): boolean {
    const [first] = this.#rows.keys();
    return first === target;
  }

  /** The table of the active faults, at most so many rows; undefined: none is active. */
  table(limit = mostRows): string[] | undefined {
    const rows = [...this.#rows.values()];
    const [first] = rows;
    if (!first) return undefined;
    const shown = rows.slice(0, Math.max(1, limit));
    const cells = shown.map(({ live, leftMs }) => [...live.row, formatElapsed(leftMs)]);
    const more = rows.length - shown.length;
    const waiting = this.#planned - this.#active.size;
    const rest = [...(more > 0 ? [`${more} more`] : []), ...(waiting > 0 ? [`${waiting} not active yet`] : [])];
    return indented([
      ...columns([...first.live.head, 'left'], cells),
      ...(rest.length > 0 && this.isMany ? [`… ${rest.join(', ')}`] : []),
    ]);
  }

  /** What is said when the last of several targets has become active; undefined: another is waited for. */
  get allActive(): string | undefined {
    if (this.#active.size < this.#planned) return undefined;
    const times = [...this.#active.values()];
    const last = Math.max(...times);
    const nodes = new Set([...this.#active.keys()].map(({ node }) => node)).size;
    const where = `${formatCount(times.length, 'target')} on ${formatCount(nodes, 'node')}`;
    return `active after ${formatElapsed(last)}   ${where}, within ${formatElapsed(Math.ceil(last - Math.min(...times)))}`;
  }
}

/** How the fault ended for several targets: a row each, those first of which there is something to say, with it. */
export function outcomeLines({ targets }: Outcome): string[] {
  const ranked = targets.toSorted((one, other) => badness(other) - badness(one));
  const shown = ranked.slice(0, mostRows);
  const rows = shown.map((outcome) => [targetName(outcome.target), outcome.target.node, result(outcome)]);
  const rest = ranked.slice(mostRows);
  const summed = Map.groupBy(rest, result);
  const more =
    rest.length === 0
      ? []
      : [`… ${rest.length} more: ${[...summed].map(([word, some]) => `${some.length} ${word}`).join(', ')}`];
  const said = shown
    .filter((outcome) => badness(outcome) > 0)
    .flatMap((outcome) => words.verdict(outcome).map((sentence) => ({ name: targetName(outcome.target), sentence })));
  const sentences = [...Map.groupBy(said, ({ sentence }) => sentence)].map(([sentence, some]) => {
    const names = some.map(({ name }) => name);
    return `${names.length > 2 ? `${names[0]} and ${names.length - 1} more` : joinWords(names)}: ${sentence}`;
  });
  const effective = targets.filter((outcome) => badness(outcome) === 0).length;
  return [
    ...indented([...columns(['TARGET', 'NODE', 'RESULT'], rows), ...more]),
    ...sentences,
    `Effective on ${effective} of ${formatCount(targets.length, 'target')}.`,
  ];
}

function badness({ reverted, problems, verdict, watchedMs }: TargetOutcome): number {
  if (!reverted) return 4;
  if (problems.length > 0) return 3;
  if (!verdict) return watchedMs === 0 ? 0 : 2;
  return verdict.effective ? 0 : 1;
}

function result(outcome: TargetOutcome): string {
  const { reverted, verdict, ended } = outcome;
  if (!reverted) return 'NOT confirmed to be reverted';
  if (!verdict) return ended ? 'ended' : 'not begun';
  return verdict.effective ? 'effective' : verdict.unmeasured ? 'NOT measured' : 'NOT effective';
}
