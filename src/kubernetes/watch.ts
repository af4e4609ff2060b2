import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesObject, V1ListMeta, V1Status } from '@kubernetes/client-node';
import { ApiError, isStatus } from './api-error.ts';
import { LineAssembler } from './lines.ts';
import type { ApiRequest } from './request.ts';
import type { Rest } from './rest.ts';

export interface WatchEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: T;
}

/** What to watch: a list request without its verb. */
export type WatchedList = Omit<ApiRequest, 'verb' | 'body' | 'name' | 'subresource'>;

/** Where to begin. */
export interface WatchStart<T> {
  /**
   * After this version of the list; `''`: with the objects there are now, as ADDED; undefined: with a list, from which what has changed since `known`
   * is reported.
   */
  resourceVersion?: string | undefined;
  /** The objects that the reader knows already: one of them that goes while nobody watches is reported as DELETED all the same. */
  known?: readonly T[];
  /** Of other objects that the list has, nothing is told or kept. Undefined: all are of interest. */
  isOurs?: (object: T) => boolean;
  /**
   * Milliseconds of silence on a connection that has not carried an event yet, after which a list tells what may have been kept back: a proxy that
   * buffers answers passes on a watch only when it ends, and its head may wait as well. Again after twice the time, and so on, up to 15 s; once a
   * list has told something that the watch has not, always after this time. Undefined: never.
   */
  silenceMs?: number;
  /**
   * Aborted when another watch by the same way has turned out to be kept back: from then on this one is distrusted as well until it carries an event.
   * Without it a watch that is quiet because nothing happens would cost a list every few seconds.
   */
  distrust?: AbortSignal;
  /** Called once, when a list has told what the watch has not. */
  onSilence?: () => void;
  /** Called with the reason after each attempt that failed, and with undefined when a connection stands again. */
  onContact?: (problem: string | undefined) => void;
}

/** How long a watch that is distrusted may be silent, milliseconds: the kubelet reports a pod that it takes up within a second or two. */
export const silenceMs = 3_000;
const firstBackoffMs = 100;
const maxBackoffMs = 5_000;
const maxSilenceMs = 15_000;
/** A watch that held this long was a good one, also when nothing happened in it: proxies cut idle ones. */
const steadyMs = 5_000;
/** An object is at most some 1.5 MiB in etcd; more than this in one line is not a watch. */
const maxLineLength = 16 * 2 ** 20;

/**
 * Watches until `signal` is aborted, across everything that ends a watch meanwhile: the server's time-out, a broken connection, an expired resource
 * version (410: lists anew and
 * reports what changed). Throws ApiError only for what trying again will not change (401, 403, 404, another 4xx).
 */
export async function* watch<T extends KubernetesObject>(
  rest: Rest,
  list: WatchedList,
  start: WatchStart<T>,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent<T>, void, undefined> {
  const known = new Map((start.known ?? []).map((object) => [uid(object), object]));
  const { isOurs = () => true } = start;
  const silence = new Silence(start);
  let version = start.resourceVersion;
  let backoffMs = firstBackoffMs;
  let isCut = false;
  while (!signal.aborted) {
    const began = performance.now();
    try {
      if (version === undefined) {
        const { items, metadata } = await rest.json<ObjectList<T>>({ ...list, verb: 'list' }, signal);
        version = metadata?.resourceVersion ?? '';
        yield* difference(known, items.filter(isOurs));
      }
      const query = { ...list.query, watch: true, allowWatchBookmarks: true, resourceVersion: version };
      const inContact = (): void => {
        if (isCut) start.onContact?.(undefined);
        isCut = false;
      };
      silence.onConnection();
      const events = (either: AbortSignal) => readEvents<T>(rest, { ...list, verb: 'watch', query }, either, inContact);
      for await (const event of withPauses(events, silence, signal)) {
        if (event === undefined) {
          const { items, metadata } = await rest.json<ObjectList<T>>({ ...list, verb: 'list' }, signal);
          // The server can be reached, although the watch has no head yet.
          inContact();
          version = metadata?.resourceVersion ?? version;
          const news = [...difference(known, items.filter(isOurs))];
          silence.onList(news.length > 0);
          yield* news;
          continue;
        }
        if (event.type === 'ERROR') {
          throw new ApiError(
            (event.object as V1Status).code ?? 0,
            'api',
            (event.object as V1Status).message ?? 'watch ended',
          );
        }
        silence.onEvent();
        backoffMs = firstBackoffMs;
        const { metadata } = event.object as T;
        if (metadata?.resourceVersion && !silence.hasNews) version = metadata.resourceVersion;
        if (event.type === 'BOOKMARK' || !isOurs(event.object as T) || (silence.hasNews && isOld(event, known)))
          continue;
        if (event.type === 'DELETED') known.delete(uid(event.object as T));
        else known.set(uid(event.object as T), event.object as T);
        yield event as WatchEvent<T>;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (isFinal(error)) throw error;
      if (isStatus(error, 410)) version = undefined;
      else if (error instanceof ApiError) {
        isCut = true;
        start.onContact?.(error.message);
      }
    }
    if (performance.now() - began > steadyMs) backoffMs = firstBackoffMs;
    // Half of it by chance, so that many watchers of one restarted server do not come back together.
    await sleep(backoffMs * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {});
    backoffMs = Math.min(backoffMs * 2, maxBackoffMs);
  }
}

interface ObjectList<T> {
  metadata?: V1ListMeta;
  items: T[];
}

interface RawEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: T | V1Status;
}

function uid(object: KubernetesObject): string {
  return object.metadata?.uid ?? object.metadata?.name ?? '';
}

/** Brings `known` up to date with a fresh list and yields what happened in between. */
function* difference<T extends KubernetesObject>(known: Map<string, T>, items: readonly T[]): Generator<WatchEvent<T>> {
  const now = new Map(items.map((item) => [uid(item), item]));
  for (const [id, object] of [...known]) {
    if (now.has(id)) continue;
    known.delete(id);
    yield { type: 'DELETED', object };
  }
  for (const [id, object] of now) {
    const before = known.get(id);
    known.set(id, object);
    if (!before) yield { type: 'ADDED', object };
    else if (before.metadata?.resourceVersion !== object.metadata?.resourceVersion) yield { type: 'MODIFIED', object };
  }
}

/** Whether a list has told this already, or something newer: versions are numbers that grow, the same for all objects of a kind. */
function isOld<T extends KubernetesObject>({ type, object }: RawEvent<T>, known: ReadonlyMap<string, T>): boolean {
  const before = known.get(uid(object as T));
  if (!before) return type === 'DELETED';
  const [was, now] = [before, object as T].map(({ metadata }) => Number(metadata?.resourceVersion));
  return was !== undefined && now !== undefined && now <= was;
}

/** When a watch that is silent is helped out by a list, and whether it has to be. */
class Silence implements Patience {
  /** Until the next list; undefined: the watch is trusted. */
  waitMs: number | undefined;
  /** A list has told what the watch had not: what comes from the watch may be older than what is known. */
  hasNews = false;
  readonly #start: Pick<WatchStart<unknown>, 'silenceMs' | 'distrust' | 'onSilence'>;
  /** Of the news of the last list, the watch has not told anything yet. */
  #isUnheard = false;
  #isBehind = false;
  #isDistrusted = false;

  constructor(start: Pick<WatchStart<unknown>, 'silenceMs' | 'distrust' | 'onSilence'>) {
    this.#start = start;
  }

  onConnection(): void {
    this.waitMs = this.#start.silenceMs ?? (this.#start.distrust?.aborted ? silenceMs : undefined);
  }

  onPause(callback: () => void): () => void {
    const { distrust } = this.#start;
    if (distrust?.aborted) this.#onDistrust();
    const timer = this.waitMs === undefined ? undefined : setTimeout(callback, this.waitMs);
    const distrusted = () => {
      this.#onDistrust();
      callback();
    };
    if (timer === undefined) distrust?.addEventListener('abort', distrusted);
    return () => {
      clearTimeout(timer);
      distrust?.removeEventListener('abort', distrusted);
    };
  }

  #onDistrust(): void {
    if (this.#isDistrusted) return;
    this.#isDistrusted = true;
    this.waitMs ??= silenceMs;
  }

  onList(hasNews: boolean): void {
    // News and the event for it may cross; a whole pause later the event is not on its way any more.
    if (this.#isUnheard && !this.#isBehind) {
      this.#isBehind = true;
      this.#start.onSilence?.();
    }
    this.#isUnheard ||= hasNews;
    this.hasNews ||= hasNews;
    const pauseMs = this.#start.silenceMs ?? silenceMs;
    this.waitMs = this.#isUnheard ? pauseMs : Math.min((this.waitMs ?? 0) * 2, maxSilenceMs);
  }

  onEvent(): void {
    if (this.#isBehind) return;
    this.#isUnheard = false;
    this.waitMs = undefined;
  }
}

/** When a source that is silent is not waited for any longer. */
export interface Patience {
  /** Calls back then; returns what cancels that. */
  onPause(callback: () => void): () => void;
}

/** What the source gives, and undefined whenever it has been silent for too long. The source's signal is aborted when nobody reads on. */
export async function* withPauses<T>(
  source: (signal: AbortSignal) => AsyncGenerator<T>,
  patience: Patience,
  signal: AbortSignal,
): AsyncGenerator<T | undefined> {
  const stop = new AbortController();
  const values = source(AbortSignal.any([signal, stop.signal]));
  let pending = values.next();
  try {
    for (;;) {
      const first = await unlessPaused(pending, patience);
      if (first?.done) return;
      yield first?.value;
      if (first) pending = values.next();
    }
  } finally {
    // How it ends for a reader who has left is of interest to nobody.
    pending.catch(() => undefined);
    stop.abort();
    // A generator that waits for its next piece ends by the signal, one that rests by this.
    void values.return(undefined).catch(() => undefined);
  }
}

/** Undefined: nothing for too long. */
function unlessPaused<T>(pending: Promise<T>, patience: Patience): Promise<T | undefined> {
  let cancel: () => void = () => undefined;
  const pause = new Promise<undefined>((resolve) => {
    cancel = patience.onPause(() => resolve(undefined));
  });
  return Promise.race([pending, pause]).finally(() => cancel());
}

/**
 * The events of one connection, `opened` called when it stands. Throws when it breaks or carries something else. The connection is closed however
 * the reading ends.
 */
async function* readEvents<T>(
  rest: Rest,
  request: ApiRequest,
  signal: AbortSignal,
  opened: () => void,
): AsyncGenerator<RawEvent<T>, void, undefined> {
  const lines = new LineAssembler(maxLineLength);
  const response = await rest.open(request, signal);
  opened();
  try {
    for await (const piece of response) {
      for (const line of lines.write(piece as Buffer)) {
        if (line !== '') yield JSON.parse(line) as RawEvent<T>;
      }
    }
  } finally {
    response.destroy();
  }
}

/** Whether trying again is pointless. */
function isFinal(error: unknown): boolean {
  if (!(error instanceof ApiError)) return !(error instanceof SyntaxError) && !isConnectionError(error);
  return error.status >= 400 && error.status < 500 && ![408, 410, 429].includes(error.status);
}

function isConnectionError(error: unknown): boolean {
  return error instanceof Error && 'code' in error;
}
