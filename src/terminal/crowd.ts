import type { RunEvent } from '../experiment/events.ts';
import type { Outcome, TargetOutcome } from '../experiment/outcome.ts';
import { dash, targetName } from '../faults/common/cells.ts';
import type { Effect, LiveRow } from '../faults/fault.ts';
import type { Target } from '../ports.ts';
import { formatCount, formatElapsed, joinWords } from '../text.ts';
import { columns, indented } from './table.ts';
import * as words from './words.ts';

/** Of many targets, how many have a row of their own where nothing else limits it. */
const mostRows = 20;
/** How many are named before the start. */
const mostNamed = 10;

/** What is known of a target while the experiment runs, the worst first; `over`: its fault has ended as it should. */
const states = ['failed', 'no effect yet', 'not measured', 'waiting', 'effective', 'over'] as const;
type State = (typeof states)[number];

/**
 * What has been told of the targets of one experiment, so that they are shown together: one table while their faults are active, one line when all have become so. Of one target it is the same as its own
 * row and line.
 */
export class Crowd {
  #planned = 1;
  #selected = 0;
  readonly #said = new Set<string>();
  #failures = 0;
  readonly #stopping = new Set<Target>();
  readonly #active = new Map<Target, number>();
  /** In the order of the plans, or in which they were first told. */
  readonly #states = new Map<Target, State>();
  /** Of those whose faults are active. */
  readonly #rows = new Map<Target, { live: LiveRow; leftMs: number }>();

  /** Takes what an event has to say. */
  on(event: RunEvent): void {
    switch (event.kind) {
      case 'selected':
        this.#selected++;
        return;
      case 'planned':
        this.#planned = event.plans.length;
        for (const { target } of event.plans) this.#states.set(target, 'waiting');
        return;
      case 'active':
      case 'injected':
        this.#active.set(event.target, event.activeMs);
        this.#states.set(event.target, 'no effect yet');
        return;
      case 'watching':
        // Of those that another command has planned, each is told when it is found.
        this.#states.set(event.target, 'no effect yet');
        this.#planned = this.#states.size;
        return;
      case 'sample':
        this.#rows.set(event.target, { live: event.live, leftMs: event.leftMs });
        this.#states.set(event.target, stateOf(event.effect));
        return;
      case 'stopping':
        this.#stopping.add(event.target);
        return;
      case 'ended':
      case 'reverted':
        this.#rows.delete(event.target);
        if (this.#states.get(event.target) !== 'failed') this.#states.set(event.target, 'over');
        return;
      case 'failed':
        this.#failures++;
        this.#rows.delete(event.target);
        this.#states.set(event.target, 'failed');
    }
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

  /** The target that has just been found in force is one of the first, which are named. */
  get isNamedFound(): boolean {
    return this.#states.size <= mostNamed;
  }

  /** The last that has failed is one of the first, which are named. */
  get isNamedFailure(): boolean {
    return this.#failures <= mostNamed;
  }

  /** Every fault that is not over is being stopped: not one alone of several, while the others go on. */
  get isStopping(): boolean {
    return [...this.#states].every(([target, state]) => isOver(state) || this.#stopping.has(target));
  }

  /**
   * The table of the active faults, of several with what is known of each, the worst first; at most so many rows, and of what is measured the columns that so many characters have room for;
   * undefined: none is active.
   */
  table(limit = mostRows, width = Number.POSITIVE_INFINITY): string[] | undefined {
    const [first] = this.#rows.values();
    if (!first) return undefined;
    const { head } = first.live;
    const [, ...measured] = head;
    if (!this.isMany) {
      const rows = [...this.#rows.values()].map(({ live, leftMs }) => [...live.row, formatElapsed(leftMs)]);
      return indented(fitting([...head, 'left'], rows, 1, width - margin));
    }
    const ranked = [...this.#states]
      .filter(([, state]) => state !== 'over')
      .sort(([, one], [, other]) => states.indexOf(one) - states.indexOf(other));
    const shown = ranked.slice(0, Math.max(1, limit));
    const rows = shown.map(([target, state]) => {
      const row = this.#rows.get(target);
      const [name = targetName(target), ...cells] = row?.live.row ?? [];
      return row
        ? [state, name, ...cells, formatElapsed(row.leftMs)]
        : [state, name, ...measured.map(() => dash), dash];
    });
    return indented([
      ...fitting(['STATE', ...head, 'left'], rows, 2, width - margin),
      ...moreOf(ranked.slice(shown.length), ([, state]) => state),
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

/** Of a table that is indented. */
const margin = 2;

/** Columns, of which those before the last are left out, from the right, until the lines are so wide at most; the first `kept` and the last always stay: a cell cut short could be taken for another value. */
function fitting(head: readonly string[], rows: readonly (readonly string[])[], kept: number, width: number): string[] {
  let lines = columns(head, rows);
  for (let shown = head.length - 2; shown >= kept && lines.some((line) => line.length > width); shown--) {
    const some = (cells: readonly string[]) => [...cells.slice(0, shown), ...cells.slice(-1)];
    lines = columns(some(head), rows.map(some));
  }
  return lines;
}

/** How the fault ended for several targets: a row each, those first of which there is something to say, with it. */
export function outcomeLines({ targets }: Outcome): string[] {
  const ranked = targets.toSorted((one, other) => badness(other) - badness(one));
  const shown = ranked.slice(0, mostRows);
  const rows = shown.map((outcome) => [targetName(outcome.target), outcome.target.node, result(outcome)]);
  const said = shown
    .filter((outcome) => badness(outcome) > 0)
    .flatMap((outcome) => words.verdict(outcome).map((sentence) => ({ name: targetName(outcome.target), sentence })));
  const sentences = [...Map.groupBy(said, ({ sentence }) => sentence)].map(([sentence, some]) => {
    const names = some.map(({ name }) => name);
    return `${names.length > 2 ? `${names[0]} and ${names.length - 1} more` : joinWords(names)}: ${sentence}`;
  });
  const effective = targets.filter((outcome) => outcome.verdict && badness(outcome) === 0).length;
  const unseen = targets.filter(isUnseen).length;
  const isNoneBegun = targets.every((outcome) => result(outcome) === notBegun);
  return [
    ...indented([...columns(['TARGET', 'NODE', 'RESULT'], rows), ...moreOf(ranked.slice(mostRows), result)]),
    ...sentences,
    ...(isNoneBegun ? ['None of them was begun.'] : []),
    ...(unseen < targets.length && !isNoneBegun
      ? [`Effective on ${effective} of ${formatCount(targets.length, 'target')}.`]
      : []),
    ...(unseen > 0 ? [`No verdict on ${formatCount(unseen, 'target')}: not observed long enough.`] : []),
  ];
}

/** `… 34 more: 33 effective, 1 waiting`, for those that have no row. */
function moreOf<T>(rest: readonly T[], wordOf: (one: T) => string): string[] {
  if (rest.length === 0) return [];
  const summed = [...Map.groupBy(rest, wordOf)].map(([word, some]) => `${some.length} ${word}`);
  return [`… ${rest.length} more: ${summed.join(', ')}`];
}

function isOver(state: State): boolean {
  return state === 'over' || state === 'failed';
}

function stateOf(effect: Effect | undefined): State {
  return effect === 'seen' ? 'effective' : effect === 'unmeasured' ? 'not measured' : 'no effect yet';
}

function badness(outcome: TargetOutcome): number {
  const { reverted, problems, verdict } = outcome;
  if (!reverted) return 4;
  if (problems.length > 0) return 3;
  if (!verdict) return isUnseen(outcome) ? 0 : 2;
  return verdict.effective ? 0 : 1;
}

/** Of a fault that was detached: nobody has seen enough of it. */
function isUnseen({ verdict, watchedMs }: TargetOutcome): boolean {
  return !verdict && watchedMs === 0;
}

const notBegun = 'not begun';

function result(outcome: TargetOutcome): string {
  const { reverted, verdict, ended } = outcome;
  if (!reverted) return 'NOT confirmed to be reverted';
  if (!verdict) return ended || isUnseen(outcome) ? 'ended' : notBegun;
  return verdict.effective ? 'effective' : verdict.unmeasured ? 'NOT measured' : 'NOT effective';
}
