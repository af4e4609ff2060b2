import { styleText } from 'node:util';
import ora, { type Ora } from 'ora';
import type { Reporter, RunEvent } from '../experiment/events.ts';
import type { Output } from '../ports.ts';
import { Crowd } from './crowd.ts';
import { type Mark, printEvent, type Told } from './plain.ts';
import * as words from './words.ts';
import { WorkloadOutput } from './workload-output.ts';

const signs: Readonly<Record<Mark, { sign: string; colour: 'green' | 'red' | 'yellow' }>> = {
  good: { sign: '✔', colour: 'green' },
  bad: { sign: '✖', colour: 'red' },
  note: { sign: '!', colour: 'yellow' },
};

/** Above the table, and before there is one. */
const tableTitle = 'fault active';

/** On a terminal: a spinner for each phase, the live table below it while the fault is active, lines that stay above. */
export class LiveReporter implements Reporter {
  readonly #stdout: Output;
  readonly #verbose: boolean;
  readonly #colour: boolean;
  readonly #told: Told;
  readonly #spinner: Ora;
  readonly #stderr: NodeJS.WriteStream;
  #closed = false;

  constructor(stdout: Output, stderr: NodeJS.WriteStream, options: { verbose: boolean; colour: boolean }) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.#verbose = options.verbose;
    this.#colour = options.colour;
    this.#told = { workload: new WorkloadOutput(options.verbose), crowd: new Crowd() };
    // discardStdin would put the terminal in raw mode, in which Ctrl-C is a character and not a signal.
    this.#spinner = ora({
      stream: stderr,
      discardStdin: false,
      hideCursor: true,
      color: options.colour ? 'cyan' : false,
    });
    stderr.on('resize', this.#onResize);
  }

  report(event: RunEvent): void {
    // What still goes on in the background after a second Ctrl-C must not draw over the last words.
    if (this.#closed) return;
    const spinning = this.#spinner.isSpinning;
    this.#told.crowd.on(event);
    if (event.kind === 'sample') {
      this.#spinner.text = this.#table;
      return;
    }
    const phase = this.#isOfOne(event) ? this.#table : phaseText(event);
    let printed = false;
    const print = (mark: Mark | undefined, text: string) => {
      // The spinner owns the last lines of the screen: it makes room for every line that stays.
      if (!printed && spinning) this.#spinner.stop();
      printed = true;
      this.#stdout.write(mark === undefined ? `${text}\n` : `${this.#sign(mark)} ${text}\n`);
    };
    printEvent(
      event,
      { result: print, aside: print, output: (text) => print(undefined, text.replace(/\n$/, '')) },
      this.#verbose,
      this.#told,
    );
    if (phase !== undefined) this.#spinner.start(phase);
    else if (printed && spinning && !isLast(event)) this.#spinner.start();
    if (isLast(event) || event.kind === 'protected') this.#spinner.stop();
  }

  /** Leaves the terminal as it was, whatever was on it. */
  close(): void {
    this.#closed = true;
    this.#stderr.off('resize', this.#onResize);
    this.#spinner.stop();
  }

  /** At once: until the next sample it would be drawn again and again for a screen that is no more. */
  readonly #onResize = (): void => {
    if (!this.#spinner.isSpinning || !this.#spinner.text.startsWith(tableTitle)) return;
    this.#spinner.text = this.#table;
    this.#spinner.render();
  };

  /** What happens to one of several, while the others go on: the table tells. */
  #isOfOne({ kind }: RunEvent): boolean {
    const { crowd } = this.#told;
    return (kind === 'stopping' || kind === 'ended' || kind === 'failed') && !crowd.isStopping;
  }

  /** Each line of it as wide as the screen at most: what is folded by the terminal would take more of its height. */
  get #table(): string {
    const width = this.#stderr.columns ?? 80;
    const lines = this.#told.crowd.table(this.#rowsLeft, width) ?? [];
    return [tableTitle, ...lines.map((line) => [...line].slice(0, width).join(''))].join('\n');
  }

  /** Rows of the table that the screen has room for, beside its head, the spinner's line and two of the lines above. */
  get #rowsLeft(): number {
    return Math.max(1, (this.#stderr.rows ?? 24) - 5);
  }

  #sign(mark: Mark): string {
    const { sign, colour } = signs[mark];
    return this.#colour ? styleText(colour, sign, { validateStream: false }) : sign;
  }
}

function isLast({ kind }: RunEvent): boolean {
  return kind === 'outcome' || kind === 'detached';
}

/** What the spinner says from this event on; undefined: the same as before. */
function phaseText(event: RunEvent): string | undefined {
  switch (event.kind) {
    case 'selecting':
      return words.oneLine(`looking up ${words.selection(event.selection)}`);
    case 'launching':
      return words.starting(event.plans);
    case 'progress':
      return words.oneLine(event.message);
    case 'tools':
      if (event.readyMs === undefined) return words.sending(event);
      return 'measuring the target before the fault';
    case 'resolved':
      return 'measuring the target before the fault';
    case 'active':
    case 'watching':
      return tableTitle;
    case 'stopping':
      return `stopping (${event.why})`;
    case 'injected':
      return 'waiting for what comes of it';
    case 'ended':
      return 'reverting';
    case 'removing':
      return 'removing the agent pod';
    default:
      return undefined;
  }
}
