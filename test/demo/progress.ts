import ora, { type Ora } from 'ora';

/** How often a line says that a long step still goes on, where the line cannot move. */
const silenceMs = 60_000;

/** What a line of a program in the background says of its progress; undefined: nothing that a reader of the demo needs. A step that still goes on is told by the clock. */
export function stepOf(line: string): string | undefined {
  const text = line.replace(/^cluster: /, '').trim();
  return text === '' || text.startsWith('…') ? undefined : text;
}

/** `12 s`, `3 min 05 s` */
export function timeOf(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const rest = String(seconds % 60).padStart(2, '0');
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${rest} s`;
}

/** Cut to what one row of the terminal holds, so that it can be written over. */
export function rowOf(step: string, ms: number, columns: number): string {
  const time = ` (${timeOf(ms)})`;
  const room = Math.max(0, columns - time.length - 4);
  return `${step.length > room ? `${step.slice(0, Math.max(0, room - 1))}…` : step}${time}`;
}

/** Where the progress is shown: a terminal, or anything that only takes text. */
export interface Screen {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

/** One line that moves on a terminal; elsewhere a line a step, and one a minute while a step lasts. */
export class Progress {
  readonly #screen: Screen;
  readonly #now: () => number;
  readonly #began: number;
  #stepBegan: number;
  #saidAt: number;
  #step: string;
  readonly #spinner: Ora | undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(step: string, screen: NodeJS.WriteStream | Screen = process.stderr, now: () => number = Date.now) {
    this.#screen = screen;
    this.#now = now;
    this.#began = this.#stepBegan = this.#saidAt = now();
    this.#step = step;
    if (screen.isTTY)
      this.#spinner = ora({ text: step, stream: screen as NodeJS.WriteStream, discardStdin: false }).start();
    else screen.write(`  ${step}\n`);
    this.#timer = setInterval(() => this.tick(), 1_000);
    this.#timer.unref();
  }

  line(line: string): void {
    const step = stepOf(line);
    if (step === undefined || step === this.#step) return;
    this.#step = step;
    this.#stepBegan = this.#now();
    if (this.#spinner) return this.tick();
    this.#saidAt = this.#stepBegan;
    this.#screen.write(`  ${step}\n`);
  }

  tick(): void {
    const now = this.#now();
    const ms = now - this.#stepBegan;
    if (this.#spinner) {
      this.#spinner.text = rowOf(this.#step, ms, this.#screen.columns ?? 80);
    } else if (now - this.#saidAt >= silenceMs) {
      this.#saidAt = now;
      this.#screen.write(`  … ${timeOf(ms)}\n`);
    }
  }

  end(what: string, succeeded: boolean): void {
    clearInterval(this.#timer);
    const text = `${what} ${succeeded ? 'took' : 'failed after'} ${timeOf(this.#now() - this.#began)}`;
    if (this.#spinner) this.#spinner[succeeded ? 'succeed' : 'fail'](text);
    else this.#screen.write(`  ${text}\n`);
  }
}
