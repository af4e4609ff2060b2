import type { Reporter, RunEvent } from '../experiment/events.ts';
import { allReverted, type Detached, type Outcome } from '../experiment/outcome.ts';
import type { Plans } from '../experiment/plan.ts';
import { targetName } from '../faults/common/cells.ts';
import type { Output } from '../ports.ts';
import { formatElapsed, joinWords } from '../text.ts';
import { Crowd, outcomeLines } from './crowd.ts';
import { proofTable } from './table.ts';
import * as words from './words.ts';
import { WorkloadOutput } from './workload-output.ts';

/** How the human reporters mark a line; colour is added where the terminal has it. */
export type Mark = 'good' | 'bad' | 'note';

export interface LineWriter {
  /** What the user asked to know; stdout. */
  result(mark: Mark | undefined, text: string): void;
  /** What goes on meanwhile; stderr. */
  aside(mark: Mark | undefined, text: string): void;
  /** The workload's own output; stderr, untouched but for what would harm a terminal. */
  output(text: string): void;
}

/** What the human reporters keep of the events before. */
export interface Told {
  workload: WorkloadOutput;
  crowd: Crowd;
}

/** What is said of the events that both human reporters print as lines. `told`: what has been said so far, this event included. */
export function printEvent(event: RunEvent, out: LineWriter, verbose: boolean, { workload, crowd }: Told): void {
  const said = workload.on(event);
  if (said !== '') out.output(words.harmless(said));
  switch (event.kind) {
    case 'selecting':
      out.aside(undefined, words.oneLine(`cluster  ${words.cluster(event.cluster)}`));
      break;
    case 'selected':
      if (crowd.isNamed) out.aside(undefined, words.oneLine(`target   ${words.selected(event.target)}`));
      break;
    case 'skipped':
      out.aside('note', words.oneLine(words.skipped(event.skipped)));
      break;
    case 'impact':
      if (crowd.unnamed > 0) out.aside(undefined, `         and ${crowd.unnamed} more`);
      for (const [index, text] of words.impact(event.impact).entries()) {
        out.aside(undefined, words.oneLine(`${index === 0 ? 'impact' : '      '}   ${text}`));
      }
      break;
    case 'planned':
      printPlans(event.plans, out);
      break;
    case 'resolved':
      if (verbose) {
        const { resolved } = event;
        const places = resolved.cgroups.map((place) => `${place.hierarchy || 'v2'}:${place.path}`).join(' ');
        out.aside(
          'note',
          // A process names itself: its comm is the target's text.
          words.harmless(
            `shim ${resolved.version} on Linux ${resolved.kernel}: pid ${resolved.pid} (${resolved.comm}), uid ${resolved.uid}, ${places}`,
          ),
        );
      }
      break;
    case 'tools':
      if (verbose && event.readyMs !== undefined) out.aside('note', words.sending(event));
      break;
    case 'protected':
      out.aside('note', words.oneLine(`the target is protected: ${event.reasons.join('; ')}`));
      break;
    case 'warning':
      if (crowd.isNews(event.message)) out.aside('note', words.oneLine(event.message));
      break;
    case 'announced':
      if (!crowd.isNews([...event.lines, ...event.notes].join('\n'))) break;
      for (const text of event.lines) out.aside(undefined, words.oneLine(text));
      for (const note of event.notes) out.aside('note', words.oneLine(note));
      break;
    case 'active':
      if (!crowd.isMany) out.result('good', words.active(event));
      else if (crowd.allActive !== undefined) out.result('good', crowd.allActive);
      break;
    case 'injected':
      if (!crowd.isMany) out.result('good', words.injected(event));
      else if (crowd.allActive !== undefined) out.result('good', crowd.allActive);
      break;
    case 'happened':
      out.aside(
        undefined,
        words.oneLine(crowd.isMany ? `${words.podOf(event.target)}: ${event.message}` : event.message),
      );
      break;
    case 'watching':
      if (crowd.isNamedFound) out.result('good', words.harmless(words.watching(event)));
      break;
    case 'detached':
      printDetached(event.detached, out);
      break;
    case 'failed':
      if (crowd.isNamedFailure)
        out.aside('note', words.oneLine(`${targetName(event.target)} has failed: ${event.why}`));
      break;
    case 'ended':
      if (verbose) out.aside('note', `workload ended: ${event.ended.reason}, exit code ${event.ended.exitCode}`);
      break;
    case 'removed':
      if (event.left.length > 0) out.aside('bad', words.harmless(`${joinWords(event.left)}: ${event.why}`));
      break;
    case 'outcome':
      printOutcome(event.outcome, out, verbose);
      break;
  }
}

/** A fault may mean for each target something else; what undoes it is the experiment's. */
function printPlans(plans: Plans, out: LineWriter): void {
  const [{ id, undo, endAll, span, withoutAgent }] = plans;
  for (const summary of new Set(plans.map((plan) => plan.summary))) {
    out.aside(undefined, words.oneLine(`fault    ${summary}${span}, as ${id}`));
  }
  if (withoutAgent) return;
  out.aside(undefined, `undo     ${undo}`);
  out.aside(undefined, `end all  ${endAll}`);
}

function printDetached({ leftMs, until, commands }: Detached, out: LineWriter): void {
  const time = `${formatElapsed(leftMs)}, until ${until.toISOString()}`;
  out.result('good', `the fault continues without this command for ${time}`);
  out.result(undefined, `look     ${commands.attach}`);
  out.result(undefined, `         ${commands.list}`);
  out.result(undefined, `stop     ${commands.stop}`);
}

function printOutcome(outcome: Outcome, out: LineWriter, verbose: boolean): void {
  const clean = allReverted(outcome) && outcome.left.length === 0 && !outcome.withoutAgent;
  const { revertMs } = outcome.times;
  const guardian = outcome.targets.find(({ revertedBy }) => revertedBy === 'guardian');
  const how = revertMs === undefined || outcome.isFinal ? '' : `${words.reverted(revertMs, guardian?.revertedBy)}   `;
  if (clean) out.result('good', `${how}nothing left`);
  const [target, ...others] = outcome.targets;
  if (others.length > 0) {
    for (const line of outcomeLines(outcome)) out.result(undefined, words.harmless(line));
  } else if (target) {
    for (const line of target.verdict ? proofTable(target.verdict.table) : []) out.result(undefined, line);
    for (const line of words.verdict(target)) out.result(undefined, line);
  }
  for (const line of words.leftovers(outcome)) out.result('bad', line);
  if (verbose) out.aside('note', words.requests(outcome.requests));
}

const signs: Readonly<Record<Mark, string>> = { good: 'ok', bad: 'error', note: 'note' };

/** Off a terminal: whole lines, no colour, no cursor; a table of the running fault every few seconds. */
export class PlainReporter implements Reporter {
  readonly #stdout: Output;
  readonly #stderr: Output;
  readonly #verbose: boolean;
  readonly #told: Told;
  #samples = 0;
  /** Of what is sent, how much was told last. Undefined: nothing yet. */
  #quarter: number | undefined;

  constructor(stdout: Output, stderr: Output, verbose: boolean) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.#verbose = verbose;
    this.#told = { workload: new WorkloadOutput(verbose), crowd: new Crowd() };
  }

  report(event: RunEvent): void {
    const { crowd } = this.#told;
    crowd.on(event);
    printEvent(
      event,
      {
        result: (mark, text) => this.#stdout.write(line(mark, text)),
        aside: (mark, text) => this.#stderr.write(line(mark, text)),
        output: (text) => this.#stderr.write(text),
      },
      this.#verbose,
      this.#told,
    );
    if (event.kind === 'progress') this.#stderr.write(line('note', words.oneLine(event.message)));
    if (event.kind === 'stopping' && crowd.isStopping) this.#stderr.write(line('note', `stopping: ${event.why}`));
    if (event.kind === 'tools' && event.readyMs === undefined && this.#isNextQuarter(event)) {
      this.#stderr.write(line('note', words.sending(event)));
    }
    if (event.kind !== 'sample' || !crowd.isTurnOf(event.target)) return;
    // Of several at its second turn: by then the others have told of themselves as well.
    if (this.#samples++ % 10 !== (crowd.isMany ? 1 : 0)) return;
    this.#stderr.write(`${crowd.table()?.join('\n')}\n`);
  }

  /** A line for each, however long it takes; of what has arrived at once none. */
  #isNextQuarter({ sentBytes, bytes }: { sentBytes: number; bytes: number }): boolean {
    const before = this.#quarter;
    this.#quarter = Math.floor((4 * sentBytes) / bytes);
    return before === undefined ? sentBytes < bytes : this.#quarter > before;
  }
}

function line(mark: Mark | undefined, text: string): string {
  return mark === undefined ? `${text}\n` : `${signs[mark]}: ${text}\n`;
}
