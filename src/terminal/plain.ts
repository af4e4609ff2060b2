import type { Verdict } from '../faults/verdict.ts';
import type { Output, Reporter } from '../ports.ts';
import type { Detached, Fact, Outcome } from '../session/facts.ts';
import { formatElapsed, joinWords } from '../text.ts';
import { formatDuration } from '../units.ts';
import { ioProofTable, liveIoTable, mountLine } from './io.ts';
import { hitAndSpared, liveNetTable, netProofTable } from './net.ts';
import { liveTable, proofTable } from './table.ts';
import * as words from './words.ts';

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

/** What is said of the facts that both human reporters print as lines. */
export function tell(fact: Fact, out: LineWriter, verbose: boolean): void {
  switch (fact.kind) {
    case 'selected':
      out.aside(undefined, `target   ${words.selected(fact.target)}`);
      break;
    case 'planned':
      out.aside(
        undefined,
        words.oneLine(`fault    ${fact.plan.summary} for ${formatDuration(fact.plan.durationMs)}, as ${fact.plan.id}`),
      );
      out.aside(undefined, `undo     ${fact.plan.undo}`);
      break;
    case 'resolved':
      if (verbose) {
        const { resolved } = fact;
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
    case 'warning':
      out.aside('note', words.harmless(fact.message));
      break;
    case 'net-planned':
      for (const text of hitAndSpared(fact)) out.aside(undefined, text);
      for (const warning of fact.plan.warnings) out.aside('note', words.harmless(warning));
      break;
    case 'io-found':
      out.aside(undefined, mountLine(fact));
      break;
    case 'active':
      out.result('good', words.active(fact));
      break;
    case 'watching':
      out.result('good', words.harmless(words.watching(fact)));
      break;
    case 'detached':
      tellDetached(fact.detached, out);
      break;
    case 'output':
      out.output(words.harmless(fact.text));
      break;
    case 'ended':
      if (verbose) out.aside('note', `workload ended: ${fact.ended.reason}, exit code ${fact.ended.exit_code}`);
      break;
    case 'removed':
      if (fact.left.length > 0) out.aside('bad', words.harmless(`${joinWords(fact.left)}: ${fact.why}`));
      break;
    case 'outcome':
      tellOutcome(fact.outcome, out, verbose);
      break;
  }
}

function tellDetached({ leftMs, until, commands }: Detached, out: LineWriter): void {
  const time = `${formatElapsed(leftMs)}, until ${until.toISOString()}`;
  out.result('good', `the fault goes on without this command: for ${time}`);
  out.result(undefined, `look     ${commands.attach}`);
  out.result(undefined, `         ${commands.list}`);
  out.result(undefined, `stop     ${commands.stop}`);
}

function tellOutcome(outcome: Outcome, out: LineWriter, verbose: boolean): void {
  const clean = outcome.reverted && outcome.left.length === 0;
  const { revertMs } = outcome.times;
  const how = revertMs === undefined ? '' : `${words.reverted(revertMs, outcome.revertedBy)}   `;
  if (clean) out.result('good', `${how}nothing left`);
  const { verdict } = outcome;
  for (const line of verdict ? measuredTable(verdict) : []) out.result(undefined, line);
  for (const line of words.verdict(outcome)) out.result(undefined, line);
  for (const line of words.leftovers(outcome)) out.result('bad', line);
  if (verbose) {
    const requests = Object.entries(outcome.requests).map(([name, count]) => `${count} ${name}`);
    const total = Object.values(outcome.requests).reduce((sum, count) => sum + count, 0);
    out.aside('note', `${total} API requests: ${requests.join(', ')}`);
  }
}

function measuredTable(verdict: Verdict): string[] {
  if (verdict.net) return netProofTable(verdict.net);
  return verdict.io ? ioProofTable(verdict.io) : proofTable(verdict);
}

/** The table of the running fault; undefined: the fact is about something else. */
export function runningTable(fact: Fact): string[] | undefined {
  switch (fact.kind) {
    case 'sample':
      return liveTable(fact);
    case 'net-sample':
      return liveNetTable(fact);
    case 'io-sample':
      return liveIoTable(fact);
    default:
      return undefined;
  }
}

const signs: Readonly<Record<Mark, string>> = { good: 'ok', bad: 'error', note: 'note' };

/** Off a terminal: whole lines, no colour, no cursor; a table of the running fault every few seconds. */
export class PlainReporter implements Reporter {
  readonly #stdout: Output;
  readonly #stderr: Output;
  readonly #verbose: boolean;
  #samples = 0;

  constructor(stdout: Output, stderr: Output, verbose: boolean) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.#verbose = verbose;
  }

  report(fact: Fact): void {
    tell(
      fact,
      {
        result: (mark, text) => this.#stdout.write(line(mark, text)),
        aside: (mark, text) => this.#stderr.write(line(mark, text)),
        output: (text) => this.#stderr.write(text),
      },
      this.#verbose,
    );
    if (fact.kind === 'progress' || fact.kind === 'stopping') {
      this.#stderr.write(
        line('note', fact.kind === 'progress' ? words.harmless(fact.message) : `stopping: ${fact.why}`),
      );
    }
    const table = runningTable(fact);
    if (table && this.#samples++ % 10 === 0) this.#stderr.write(`${table.join('\n')}\n`);
  }
}

function line(mark: Mark | undefined, text: string): string {
  return mark === undefined ? `${text}\n` : `${signs[mark]}: ${text}\n`;
}
