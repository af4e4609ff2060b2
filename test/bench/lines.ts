import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Lines of a program's stdout, to be waited for in order. */
export class Lines {
  readonly #seen: string[] = [];
  #last = '';
  #hasEnded = false;
  #wake: () => void = () => undefined;

  constructor(child: ChildProcess) {
    if (!child.stdout) throw new Error('no stdout');
    createInterface({ input: child.stdout })
      .on('line', (line) => {
        this.#seen.push(line);
        this.#last = line;
        this.#wake();
      })
      .on('close', () => {
        this.#hasEnded = true;
        this.#wake();
      });
  }

  async until(matches: (line: string) => boolean, limitMs = 10_000): Promise<string> {
    const end = Date.now() + limitMs;
    for (;;) {
      for (let line = this.#seen.shift(); line !== undefined; line = this.#seen.shift()) if (matches(line)) return line;
      if (this.#hasEnded || Date.now() > end)
        throw new Error(`a line that was waited for did not come; the last was ${this.#last}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, limitMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

/** The shim's event of this name. */
export const event = (name: string) => (line: string) => line.includes(`"event":"${name}"`);
