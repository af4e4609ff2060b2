import { isObject, readJson } from '../json.ts';

/** One that waits for what another has asked. */
interface Waiting {
  asker: object;
  tell(answer: string): void;
  /** Asks itself. */
  send(): void;
}

interface Trial {
  /** By which its answer is known. */
  id: string;
  asker: object;
  others: Waiting[];
  answer?: string;
}

/** What the shims of one agent try on the kernel of their node: every run has to know it, and it is the same for all, so that one asks for it. */
export class Trials {
  /** By the line that asks. */
  readonly #trials = new Map<string, Trial>();
  #open = 0;

  /** Whether the line is to be sent; if not, another has asked the same, and the line that answered it is told, as soon as there is one. `asker`: whose shim is asked. */
  ask(line: string, waiting: Waiting): boolean {
    const [verb, id = ''] = line.split(' ', 2);
    if (verb !== 'fresh') return true;
    const trial = this.#trials.get(line);
    if (!trial) {
      this.#trials.set(line, { id, asker: waiting.asker, others: [] });
      this.#open++;
      return true;
    }
    if (trial.answer === undefined) trial.others.push(waiting);
    else waiting.tell(trial.answer);
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
      for (const { tell } of trial.others.splice(0)) tell(text);
    }
  }

  /** This one's shim answers no more: another asks what it has left open. */
  forget(asker: object): void {
    for (const [line, trial] of this.#trials) {
      trial.others = trial.others.filter((other) => other.asker !== asker);
      if (trial.asker !== asker || trial.answer !== undefined) continue;
      const next = trial.others.shift();
      if (next) {
        trial.asker = next.asker;
        next.send();
      } else {
        this.#trials.delete(line);
        this.#open--;
      }
    }
  }

  /** The stream is lost: everybody asks anew. */
  clear(): void {
    this.#trials.clear();
    this.#open = 0;
  }
}
