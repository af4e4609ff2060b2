import { ChaosError, messageOf } from '../errors.ts';
import type { Agent, Attachment } from '../ports.ts';
import { Queue } from '../queue.ts';
import { ApiError } from './api-error.ts';
import { LineAssembler } from './lines.ts';
import { type ApiRequest, resources } from './request.ts';
import type { Rest } from './rest.ts';
import { type Patience, withPauses } from './watch.ts';

/** As a stream through which nothing comes: the shim writes at least every second, so that after this the log itself is asked. */
const silentMs = 3_000;
/** An event is far shorter; more than this in one line is not the shim's. */
const longestLine = 16 * 2 ** 20;

/** A line's time as the kubelet writes it (RFC 3339, nanoseconds), and one blank. */
const stamp = /(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d) /;
const stamped = new RegExp(`^${stamp.source}`);
/** A runtime cuts a line after 8 KiB at the earliest. */
const cutLength = 8_000;

/** How far a container's log has been read, whichever way its lines came and how often. */
export class LogPosition {
  /** Epoch milliseconds of the newest line, a whole second. */
  #second = Number.NEGATIVE_INFINITY;
  /** The lines of that second, with their times. */
  readonly #seen = new Set<string>();

  /**
   * The line without its time; undefined for one that has been taken before.
   * @throws ChaosError api for one without a time, which is no line of the log but what the kubelet says in its place.
   */
  take(line: string): string | undefined {
    const [time, seconds, zone] = stamped.exec(line) ?? [];
    if (time === undefined) throw new ChaosError('api', `the kubelet gave no log: ${line.slice(0, 200)}`);
    const second = Date.parse(`${seconds}${zone}`);
    if (second < this.#second || this.#seen.has(line)) return undefined;
    if (second > this.#second) this.#seen.clear();
    this.#second = second;
    this.#seen.add(line);
    const text = line.slice(time.length);
    // Kubernetes before 1.27 puts a time before each piece in which the runtime has written a long line (kubernetes/kubernetes#77603).
    return text.length > cutLength ? text.replaceAll(new RegExp(stamp, 'g'), '') : text;
  }

  /** Where to go on, for the request: whole seconds, as the API server hands it to the kubelet. Undefined: nothing has been read. */
  get since(): { sinceTime: string } | undefined {
    if (!Number.isFinite(this.#second)) return undefined;
    return { sinceTime: new Date(this.#second).toISOString().replace('.000Z', 'Z') };
  }
}

/**
 * The log of a container of the agent as a stream that nothing can be said to. It is followed, and also asked for whenever nothing has come for a while, since a proxy may keep back an answer until
 * it is complete. It ends when the connection does: the next one goes on at `position`, with the second in which it broke, of which it drops what is known; what a rotated log has lost meanwhile is
 * lost. `fromNow`: what has been written before is not of interest.
 * Resolves once something has come, or nothing for a while; rejects with ChaosError.
 */
export async function followLog(
  rest: Rest,
  { namespace, pod }: Pick<Agent, 'namespace' | 'pod'>,
  container: string,
  position: LogPosition,
  fromNow: boolean,
  signal: AbortSignal,
  pauseMs: number = silentMs,
): Promise<Attachment> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const request = (follow: boolean): ApiRequest => {
    // The API server takes one of the two.
    const since = position.since ?? (fromNow ? { sinceSeconds: 1 } : {});
    const query = { container, timestamps: true, ...since, ...(follow ? { follow } : {}) };
    return { verb: 'get', resource: resources.pods, subresource: 'log', namespace, name: pod, query };
  };
  const stdout = new Queue<string>();
  let hasTaken = false;
  const take = (lines: readonly string[]): void => {
    for (const line of lines) {
      const text = line === '' ? undefined : position.take(line);
      if (text === undefined) continue;
      hasTaken = true;
      stdout.push(text);
    }
  };
  const pieces = withPauses((one) => readLines(rest, request(true), one), after(pauseMs), either);
  const next = async (): Promise<boolean> => {
    const { done, value } = await pieces.next();
    // What comes behind the last newline is still being written.
    if (!done) take(value === undefined ? (await rest.text(request(false), either)).split('\n').slice(0, -1) : [value]);
    return !done;
  };
  const first = next();
  await first.catch((error: unknown) => {
    if (hasTaken) return;
    void pieces.return(undefined);
    throw notYet(error);
  });
  const closed = (async () => {
    try {
      for (let more = await first; more; ) more = await next();
      return { clean: true, reason: 'the log ended' };
    } catch (error) {
      if (either.aborted) return { clean: true, reason: 'closed by this command' };
      return { clean: false, reason: messageOf(error), ...(isFinal(error) ? { error } : {}) };
    } finally {
      stdout.end();
      void pieces.return(undefined);
    }
  })();
  const stderr = new Queue<string>();
  stderr.end();
  return {
    stdout,
    stderr,
    closed,
    send: () => Promise.reject(new ChaosError('connection-lost', 'nothing can be said to a shim by its log')),
    close: () => stop.abort(),
  };
}

/** The kubelet answers 400 for a container that is about to start: another attempt will do better. */
function notYet(error: unknown): unknown {
  return error instanceof ApiError && error.status === 400 ? new ApiError(400, 'api', error.message) : error;
}

/** Always so many milliseconds. */
function after(pauseMs: number): Patience {
  return {
    onPause: (callback) => {
      const timer = setTimeout(callback, pauseMs);
      return () => clearTimeout(timer);
    },
  };
}

function isFinal(error: unknown): error is ChaosError {
  return error instanceof ChaosError && error.isPermanent;
}

async function* readLines(rest: Rest, request: ApiRequest, signal: AbortSignal): AsyncGenerator<string> {
  const lines = new LineAssembler(longestLine);
  const response = await rest.open(request, signal);
  try {
    for await (const piece of response) yield* lines.write(piece as Buffer);
    yield* lines.end();
  } finally {
    response.destroy();
  }
}
