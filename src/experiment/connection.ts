import { messageOf } from '../errors.ts';
import type { Attachment } from '../ports.ts';
import type { Way } from './way.ts';

/** What a connection tells its owner. */
export interface ConnectionEvents {
  attached(): void;
  /** A whole line of the shim's stdout. */
  line(text: string): void;
  /** The workload's output. */
  output(text: string): void;
  /** The stream has ended, or could not be made. */
  lost(loss: ConnectionLoss): void;
}

export interface ConnectionLoss {
  reason: string;
  /** What a failed attempt was rejected with, or why no other stream will do better. */
  error: unknown;
  /** Attempts and streams in a row that ended without a line from the shim. */
  failures: number;
  /** When the owner shall `open` again. */
  retryMs: number;
}

/** What is said when a stream has to be made anew. */
export function brokenStream({ noAttach }: { noAttach?: true }, reason: string): string {
  return noAttach
    ? `the agent's log broke off (${reason}): reading on`
    : `the stream to the agent ended (${reason}): attaching again`;
}

const firstRetryMs = 200;
const longestRetryMs = 2_000;

/**
 * The stream to the shim, made anew as often as it breaks: the container goes on without it, and the lease says for how long.
 */
export class Connection {
  /** Attempts since the shim was last heard. */
  #failures = 0;
  #attachment: Attachment | undefined;
  #opening = false;
  #closed = false;
  /** There was a stream before: it may have broken in the middle of a line. */
  #isAgain = false;
  readonly #way: Way;
  readonly #events: ConnectionEvents;
  readonly #abort = new AbortController();

  constructor(way: Way, events: ConnectionEvents) {
    this.#way = way;
    this.#events = events;
  }

  /** Makes the stream unless there is one, or one on its way. */
  open(): void {
    if (this.#attachment || this.#opening || this.#closed) return;
    this.#opening = true;
    this.#way.open(this.#abort.signal).then(
      (attachment) => this.#serve(attachment),
      (error: unknown) => {
        this.#opening = false;
        this.#lost(messageOf(error), error);
      },
    );
  }

  /**
   * Resolves when it is handed to the socket: true. Without a stream that takes it, it does nothing, and says false:
   * `attached` is where what matters is said again.
   */
  async send(line: string): Promise<boolean> {
    if (this.#way.tell) {
      await this.#way.tell(line);
      return true;
    }
    await this.#attachment?.send(line);
    return this.#attachment !== undefined;
  }

  /** There is a stream by which the shim hears what is sent. */
  get isHeard(): boolean {
    return this.#attachment !== undefined && this.#way.tell === undefined;
  }

  close(): void {
    this.#closed = true;
    this.#abort.abort();
    this.#attachment?.close();
  }

  async #serve(attachment: Attachment): Promise<void> {
    this.#opening = false;
    if (this.#closed) {
      attachment.close();
      return;
    }
    this.#attachment = attachment;
    // An empty line ends what the shim has of a broken one. Failing, it tells of itself as a lost stream.
    if (this.#isAgain && !this.#way.tell) attachment.send('').catch(() => undefined);
    this.#isAgain = true;
    this.#events.attached();
    const output = (async () => {
      for await (const text of attachment.stderr) this.#events.output(text);
    })();
    for await (const line of attachment.stdout) {
      this.#failures = 0;
      this.#events.line(line);
    }
    await output;
    // After the last line: a final event is never overtaken by the end of its stream.
    const { reason, error } = await attachment.closed;
    this.#attachment = undefined;
    this.#lost(reason, error);
  }

  #lost(reason: string, error: unknown): void {
    if (this.#closed) return;
    this.#failures++;
    const retryMs = Math.min(longestRetryMs, firstRetryMs * 2 ** (this.#failures - 1));
    this.#events.lost({ reason, error, failures: this.#failures, retryMs });
  }
}
