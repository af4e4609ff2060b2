import { isObject, readJson } from '../json.ts';

interface Trial {
  /** By which its answer is known. */
  id: string;
  asker: object;
  /** Who waits for the answer beside. */
  others: ((answer: string) => void)[];
  answer?: string;
}

/** What the shims of one agent try on the kernel of their node: every run has to know it, and it is the same for all, so that one asks for it. */
export class Trials {
  /** By the line that asks. */
  readonly #trials = new Map<string, Trial>();
  #open = 0;

  /** Whether the line is to be sent; if not, another has asked the same, and `tell` gets the line that answered it, as soon as there is one. `asker`: whose shim is asked. */
  ask(asker: object, line: string, tell: (answer: string) => void): boolean {
    const [verb, id = ''] = line.split(' ', 2);
    if (verb !== 'fresh') return true;
    const trial = this.#trials.get(line);
    if (!trial) {
      this.#trials.set(line, { id, asker, others: [] });
      this.#open++;
      return true;
    }
    if (trial.answer === undefined) trial.others.push(tell);
    else tell(trial.answer);
    return false;
  }

  /** A line of this one's shim. */
  hear(asker: object, text: string): void {
    if (this.#open === 0) return;
    const read = readJson(text);
    if (!isObject(read) || read.event !== 'answer') return;
    for (const trial of this.#trials.values()) {
      if (trial.asker !== asker || trial.id !== read.id || trial.answer !== undefined) continue;
      trial.answer = text;
      this.#open--;
      for (const tell of trial.others.splice(0)) tell(text);
    }
  }

  /** The stream is lost: everybody asks anew. */
  clear(): void {
    this.#trials.clear();
    this.#open = 0;
  }
}
