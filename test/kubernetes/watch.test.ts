import type { V1Pod } from '@kubernetes/client-node';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resources } from '../../src/kubernetes/request.ts';
import type { Rest } from '../../src/kubernetes/rest.ts';
import { type WatchStart, watch } from '../../src/kubernetes/watch.ts';
import { ApiServer, json, type Received, status, until, WatchFeed } from '../fakes/api-server.ts';
import { rejection, restFor } from './support.ts';

const path = '/api/v1/namespaces/shop/pods';
const list = { resource: resources.pods, namespace: 'shop', query: { fieldSelector: 'metadata.name=a' } };
const pod = (uid: string, resourceVersion: string, note = ''): V1Pod => ({
  metadata: { name: 'a', uid, resourceVersion, annotations: { note } },
});

let server: ApiServer;
let rest: Rest;
let feed: WatchFeed;
let lists: V1Pod[][];
let abort: AbortController;

beforeEach(async () => {
  server = await ApiServer.start();
  rest = restFor(server, { requestTimeoutMs: 500 });
  feed = new WatchFeed();
  lists = [];
  abort = new AbortController();
  server.on('GET', path, (request, response) => {
    if (request.query.has('watch')) return feed.handler(request, response);
    return json(response, 200, { metadata: { resourceVersion: '100' }, items: lists.shift() ?? [] });
  });
});
afterEach(async () => {
  abort.abort();
  rest.close();
  await server.stop();
});

/** Collects a watch in the background. */
function collect(start: WatchStart<V1Pod>): { seen: string[]; done: Promise<void> } {
  const seen: string[] = [];
  const done = (async () => {
    for await (const { type, object } of watch<V1Pod>(rest, list, start, abort.signal)) {
      seen.push(
        `${type} ${object.metadata?.uid} ${object.metadata?.resourceVersion}${object.metadata?.annotations?.note ?? ''}`,
      );
    }
  })();
  done.catch(() => undefined);
  return { seen, done };
}

const watches = (): Received[] => server.received.filter(({ query }) => query.has('watch'));

describe('a watch', () => {
  it('goes on from the given version, with bookmarks and the selector, and frees its connection when aborted', async () => {
    const { seen, done } = collect({ resourceVersion: '7' });
    await until('the watch is open', () => feed.open === 1);
    expect(Object.fromEntries(feed.requests[0]?.query ?? [])).toEqual({
      fieldSelector: 'metadata.name=a',
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: '7',
    });
    feed.send('MODIFIED', pod('u', '8'));
    await until('the event is seen', () => seen.length === 1);
    abort.abort();
    await done;
    await until('nothing is open', () => server.open === 0);
    expect(seen).toEqual(['MODIFIED u 8']);
  });

  it('takes events apart however they are cut, within characters too', async () => {
    const notes = ['ä€😀', 'x'.repeat(5_000), '"\\n"'];
    const bytes = Buffer.from(
      notes
        .map((note, index) => `${JSON.stringify({ type: 'MODIFIED', object: pod('u', String(index), note) })}\n`)
        .join(''),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: bytes.length }), { maxLength: 6 }), async (places) => {
        const stop = new AbortController();
        const seen: (string | undefined)[] = [];
        const before = feed.requests.length;
        const reading = (async () => {
          for await (const { object } of watch<V1Pod>(rest, list, { resourceVersion: '1' }, stop.signal)) {
            if (seen.push(object.metadata?.annotations?.note) === notes.length) break;
          }
        })();
        await until('the watch is open', () => feed.requests.length === before + 1 && feed.open === 1);
        let from = 0;
        for (const to of [...places.sort((a, b) => a - b), bytes.length]) {
          feed.write(bytes.subarray(from, to));
          from = to;
          await new Promise((resolve) => setImmediate(resolve));
        }
        await reading;
        expect(seen).toEqual(notes);
        stop.abort();
        await until('it is closed', () => feed.open === 0);
      }),
      { numRuns: 15 },
    );
  });

  it('that is quiet is left alone, also beyond the time-out of requests', async () => {
    const { seen } = collect({ resourceVersion: '7' });
    await until('the watch is open', () => feed.open === 1);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    feed.send('MODIFIED', pod('u', '8'));
    await until('the event is seen', () => seen.length === 1);
    expect(watches()).toHaveLength(1);
  });

  it.each(['end', 'cut'] as const)(
    'after an %s goes on from the last version it has seen, a bookmark included',
    async (how) => {
      const { seen } = collect({ resourceVersion: '7' });
      await until('the watch is open', () => feed.open === 1);
      feed.send('MODIFIED', pod('u', '8'));
      feed.send('BOOKMARK', { metadata: { resourceVersion: '20' } });
      await until('the event is seen', () => seen.length === 1);
      feed[how]();
      await until('it watches again', () => watches().length === 2);
      expect(feed.requests.at(-1)?.query.get('resourceVersion')).toBe('20');
      await until('the watch is open', () => feed.open === 1);
      feed.send('DELETED', pod('u', '21'));
      await until('the event is seen', () => seen.length === 2);
      expect(seen).toEqual(['MODIFIED u 8', 'DELETED u 21']);
    },
  );

  it('cut in the middle of an event gets it whole from the next connection', async () => {
    const { seen } = collect({ resourceVersion: '7' });
    await until('the watch is open', () => feed.open === 1);
    feed.write('{"type":"MODIFIED","obj');
    await new Promise((resolve) => setTimeout(resolve, 20));
    feed.cut();
    await until('it watches again', () => watches().length === 2 && feed.open === 1);
    feed.send('MODIFIED', pod('u', '8'));
    await until('the event is seen', () => seen.length === 1);
  });

  it.each(['in the stream', 'as an answer'])(
    'that is expired (410 %s) lists anew and reports what it missed',
    async (where) => {
      lists = [[pod('new', '90'), pod('same', '5')]];
      const expired = status(410, 'Expired', 'too old resource version: 7 (50)');
      if (where === 'as an answer') server.once('GET', path, (_, response) => json(response, 410, expired));
      const { seen } = collect({ resourceVersion: '7', known: [pod('old', '3'), pod('same', '5')] });
      if (where === 'in the stream') {
        await until('the watch is open', () => feed.open === 1);
        feed.send('ERROR', expired);
      }
      await until('it has caught up', () => seen.length === 2 && feed.open === 1);
      expect(seen).toEqual(['DELETED old 3', 'ADDED new 90']);
      expect(feed.requests.at(-1)?.query.get('resourceVersion')).toBe('100');
    },
  );

  it.each([410, 500])('that ends with %i each time it is opened is opened less and less often', async (code) => {
    server.on('GET', path, (request, response) => {
      if (!request.query.has('watch')) return json(response, 200, { metadata: { resourceVersion: '100' }, items: [] });
      response.end(`${JSON.stringify({ type: 'ERROR', object: status(code, 'R', 'no') })}\n`);
    });
    const began = performance.now();
    collect({ resourceVersion: '7' });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    // After 0, 50-100, 150-300, 350-700 and 750-1500 ms.
    expect(watches().length).toBeLessThanOrEqual(1 + doublings(performance.now() - began));
  });

  it('without a version begins with a list', async () => {
    lists = [[pod('u', '90')]];
    const { seen } = collect({ known: [pod('u', '80'), pod('gone', '1')] });
    await until('the watch is open', () => feed.open === 1);
    expect(seen).toEqual(['DELETED gone 1', 'MODIFIED u 90']);
  });

  it('tries again while the server is overloaded, restarting or refuses connections', async () => {
    let answers = 0;
    server.on('GET', path, (request, response) => {
      answers++;
      if (answers === 1) return json(response, 500, status(500, 'InternalError', 'etcd'));
      if (answers === 2) return json(response, 503, status(503, 'ServiceUnavailable', 'starting'));
      if (answers === 3) return response.socket?.destroy();
      return feed.handler(request, response);
    });
    collect({ resourceVersion: '7' });
    await until('the watch is open', () => feed.open === 1);
    expect(answers).toBe(4);
  });

  it.each([401, 403, 404, 422])('gives up at once for %i, which trying again does not change', async (code) => {
    server.on('GET', path, (_, response) => json(response, code, status(code, 'R', 'no')));
    const { done } = collect({ resourceVersion: '7' });
    expect(await rejection(done)).toMatchObject({ name: 'ChaosError', status: code });
    expect(watches()).toHaveLength(1);
  });

  it('ends when its reader leaves', async () => {
    const reading = (async () => {
      for await (const _ of watch<V1Pod>(rest, list, { resourceVersion: '7' }, abort.signal)) break;
    })();
    await until('the watch is open', () => feed.open === 1);
    feed.send('MODIFIED', pod('u', '8'));
    await reading;
    await until('it is closed', () => feed.open === 0);
  });

  it('ends at once when it is aborted while it waits to try again', async () => {
    server.on('GET', path, (_, response) => json(response, 500, status(500, 'InternalError', 'etcd')));
    const { done } = collect({ resourceVersion: '7' });
    await until('it has tried', () => watches().length >= 2);
    abort.abort();
    await done;
  });
});

/** How often one has waited in a time whose first wait is 50 ms, and each of the next twice as long: a timer of this process may be late. */
const doublings = (ms: number) => Math.floor(Math.log2(ms / 50 + 1));

describe('a watch whose events something on the way keeps back', () => {
  beforeEach(() => {
    rest = restFor(server);
  });
  const keepsAll = () =>
    server.on('GET', path, (request, response) => {
      // Not even the head: a proxy that buffers answers passes them on when they end.
      if (request.query.has('watch')) return;
      json(response, 200, { metadata: { resourceVersion: '100' }, items: lists.length > 1 ? lists.shift() : lists[0] });
    });
  const start = (silent: string[]): WatchStart<V1Pod> => ({
    resourceVersion: '7',
    known: [pod('u', '7')],
    silenceMs: 50,
    onSilence: () => silent.push('silent'),
  });

  it('is helped out by lists, and says so once', async () => {
    lists = [[pod('u', '7')], [pod('u', '8')], [pod('u', '8')], [pod('u', '9')], []];
    keepsAll();
    const silent: string[] = [];
    const { seen } = collect(start(silent));
    await until('its end is told', () => seen.length === 3);
    expect(seen).toEqual(['MODIFIED u 8', 'MODIFIED u 9', 'DELETED u 9']);
    expect(silent).toEqual(['silent']);
    expect(watches()).toHaveLength(1);
  });

  it('whose head does not come in time either is no loss of contact while lists are answered', async () => {
    rest = restFor(server, { requestTimeoutMs: 1_000 });
    lists = [[pod('u', '7')]];
    keepsAll();
    const contact: (string | undefined)[] = [];
    collect({ ...start([]), silenceMs: 300, onContact: (problem) => contact.push(problem) });
    await until('the contact is there again', () => contact.length > 1 && contact.at(-1) === undefined);
    expect(contact[0]).toContain('did not answer to watch pods');
  });

  it('asks less often while there is nothing new', async () => {
    lists = [[pod('u', '7')]];
    keepsAll();
    const began = performance.now();
    const { seen } = collect(start([]));
    await new Promise((resolve) => setTimeout(resolve, 900));
    // After 50, 150, 350 and 750 ms.
    expect(server.received.length - watches().length).toBeLessThanOrEqual(doublings(performance.now() - began));
    expect(seen).toEqual([]);
  });

  it('is not asked beside once it has carried an event', async () => {
    const silent: string[] = [];
    const { seen } = collect({ ...start(silent), silenceMs: 2_000 });
    await until('the watch is open', () => feed.open === 1);
    feed.send('MODIFIED', pod('u', '8'));
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(seen).toEqual(['MODIFIED u 8']);
    expect(server.received).toHaveLength(1);
    expect(silent).toEqual([]);
  });

  it('tells nothing twice, and nothing older than what is known, when it comes late', async () => {
    lists = [[pod('u', '9')]];
    const silent: string[] = [];
    const { seen } = collect({ ...start(silent), silenceMs: 1_500 });
    await until('the list has told', () => seen.length === 1);
    for (const version of ['8', '9', '10']) feed.send('MODIFIED', pod('u', version));
    await until('what is new is told', () => seen.length === 2);
    expect(seen).toEqual(['MODIFIED u 9', 'MODIFIED u 10']);
    // The event and the list crossed: that is no silence.
    expect(silent).toEqual([]);
  });

  it('that is trusted is asked beside as soon as another is found to be kept back, and not before', async () => {
    lists = [[pod('u', '8')]];
    keepsAll();
    const distrust = new AbortController();
    const { silenceMs: _none, ...trusting } = start([]);
    const { seen } = collect({ ...trusting, distrust: distrust.signal });
    await until('it watches', () => watches().length === 1);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(server.received).toHaveLength(1);
    distrust.abort();
    await until('the list has told', () => seen.length === 1);
    expect(seen).toEqual(['MODIFIED u 8']);
  });

  it('is closed when its reader leaves', async () => {
    lists = [[pod('u', '9')]];
    for await (const { object } of watch<V1Pod>(rest, list, { ...start([]), silenceMs: 100 }, abort.signal)) {
      expect(object.metadata?.resourceVersion).toBe('9');
      break;
    }
    await until('the watch is closed', () => feed.open === 0);
  });
});
