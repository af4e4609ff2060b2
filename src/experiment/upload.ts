import type { Toolbox } from '../ports.ts';
import { chunkBytes, chunkLine, toolsLine } from '../shim/commands.ts';
import type { ToolsEvent } from '../shim/protocol.ts';

/** How much may be under way: lines of 256 KiB. */
const mostAhead = 16 * chunkBytes;
/** What is sent at once: one line for each that has arrived keeps everybody on the way awake for every one of them. */
const leastAtOnce = 4 * chunkBytes;

/** A toolbox on its way to a shim: what it is told next, by what it has said. Pure. */
export class Upload {
  readonly #toolbox: Toolbox;
  /** So much the shim has said that it has; undefined: it has not answered the offer. */
  #there: number | undefined;
  /** What is sent next begins here. */
  #next = 0;
  /** What it said last told nothing new: it may have had no use for a chunk, of which another client's line was in the middle. */
  #hasRefused = false;
  #wasHeard = false;

  constructor(toolbox: Toolbox) {
    this.#toolbox = toolbox;
  }

  /** The line that begins it, and begins it anew: at what the shim has by then. */
  offer(): string {
    this.#there = undefined;
    this.#hasRefused = false;
    return toolsLine(this.#toolbox);
  }

  /** The lines to send now that the shim has said this. */
  take({ offset }: Pick<ToolsEvent, 'offset'>): string[] {
    const before = this.#there;
    this.#wasHeard = true;
    this.#hasRefused = before !== undefined && offset <= before;
    this.#there = offset;
    // It has thrown away what it had, or another client has sent some of it.
    if (before === undefined || offset < before || offset > this.#next) this.#next = offset;
    const lines: string[] = [];
    const end = Math.min(this.#toolbox.archive.length, offset + mostAhead);
    if (end - this.#next < leastAtOnce && end < this.#toolbox.archive.length) return lines;
    for (; this.#next < end; this.#next = Math.min(end, this.#next + chunkBytes)) {
      lines.push(chunkLine(this.#toolbox, this.#next));
    }
    return lines;
  }

  /** Every few seconds: the offer once more, where the shim answers nothing any more and lacks something that it was sent. */
  look(): string | undefined {
    const isStuck = !this.#wasHeard && (this.#there === undefined || this.#hasRefused);
    this.#wasHeard = false;
    return isStuck ? this.offer() : undefined;
  }
}
