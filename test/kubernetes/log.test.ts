import type http from 'node:http';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { followLog, LogPosition } from '../../src/kubernetes/log.ts';
import type { Rest } from '../../src/kubernetes/rest.ts';
import type { Attachment } from '../../src/ports.ts';
import { ApiServer, json, type Received, status, until } from '../fakes/api-server.ts';
import { rejection, restFor } from './support.ts';

const path = '/api/v1/namespaces/shop/pods/chaos-7f3k2-0/log';
const agent = { namespace: 'shop', pod: 'chaos-7f3k2-0' };
const at = (seconds: number, text: string): string =>
  `2026-01-02T03:04:${String(Math.floor(seconds)).padStart(2, '0')}.${seconds.toFixed(3).slice(-3)}000000Z ${text}`;

let server: ApiServer;
let rest: Rest;
let position: LogPosition;
let abort: AbortController;
/** The requests that follow, and their answers. */
let follows: { request: Received; response: http.ServerResponse }[];
/** What there is of the log for a request that does not. */
let written: string[];

beforeEach(async () => {
  server = await ApiServer.start();
  rest = restFor(server);
  position = new LogPosition();
  abort = new AbortController();
  follows = [];
  written = [];
  server.on('GET', path, (request, response) => {
    if (request.query.get('follow') === 'true') follows.push({ request, response });
    else response.writeHead(200, { 'content-type': 'text/plain' }).end(written.map((line) => `${line}\n`).join(''));
  });
});
afterEach(async () => {
  abort.abort();
  rest.close();
  await server.stop();
});

const open = (pauseMs = 60_000, fromNow = false): Promise<Attachment> =>
  followLog(rest, agent, 'target-0', position, fromNow, abort.signal, pauseMs);

/** The answer to the newest request that follows. */
async function following(count: number): Promise<http.ServerResponse> {
  await until('it is followed', () => follows.length === count, 30_000);
  return follows.at(-1)?.response as http.ServerResponse;
}

/** A log that is followed, with these lines in it. */
async function opened(...lines: string[]): Promise<{ log: Attachment; response: http.ServerResponse }> {
  const opening = open();
  const response = await following(follows.length + 1);
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.write(lines.map((line) => `${line}\n`).join(''));
  return { log: await opening, response };
}

async function all({ stdout }: Attachment): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of stdout) lines.push(line);
  return lines;
}

/** The next lines, so many. */
async function next({ stdout }: Attachment, count: number): Promise<string[]> {
  const lines: string[] = [];
  while (lines.length < count) {
    const { value, done } = await (stdout as AsyncIterableIterator<string>).next();
    if (done) break;
    lines.push(value);
  }
  return lines;
}

describe('a log', () => {
  it('is followed with its times, from its beginning, and its lines come without them', async () => {
    const { log, response } = await opened(at(1, '{"event":"resolved"}'), at(1, ''), at(1.5, 'a b'));
    response.end(at(2, 'without an end'));
    expect(await all(log)).toEqual(['{"event":"resolved"}', '', 'a b', 'without an end']);
    expect(await log.closed).toEqual({ clean: true, reason: 'the log ended' });
    expect(Object.fromEntries(follows[0]?.request.query ?? [])).toEqual({
      ...{ container: 'target-0', timestamps: 'true', follow: 'true' },
    });
    expect(rest.counts()).toEqual({ 'get pods/log': 1 });
  });

  it('goes on in the second in which it broke, and gives nothing twice', async () => {
    const { log, response } = await opened(at(1, 'one'), at(2.1, 'two'), at(2.2, 'three'));
    expect(await next(log, 3)).toEqual(['one', 'two', 'three']);
    response.destroy();
    expect(await log.closed).toMatchObject({ clean: false });
    const again = await opened(at(2.1, 'two'), at(2.2, 'three'), at(2.2, 'four'), at(3, 'five'));
    again.response.end();
    expect(await all(again.log)).toEqual(['four', 'five']);
    expect(follows[1]?.request.query.get('sinceTime')).toBe('2026-01-02T03:04:02Z');
  });

  it('that a proxy keeps back is asked for, again and again', async () => {
    written = [at(1, 'one')];
    const log = await open(20);
    expect(await next(log, 1)).toEqual(['one']);
    written.push(at(2, 'two'), at(3, 'three'));
    expect(await next(log, 2)).toEqual(['two', 'three']);
    // What was kept back comes at its end, all at once.
    const response = await following(1);
    response.writeHead(200).end(`${[...written, at(4, 'four')].join('\n')}\n`);
    expect(await all(log)).toEqual(['four']);
  });

  it('that is asked for is taken up to its last whole line, and up to what is none of it', async () => {
    server.on('GET', path, ({ query }, response) => {
      if (query.has('follow')) return;
      response.writeHead(200).end(`${at(1, 'one')}\nunable to retrieve container logs\n${at(2, 'tw')}`);
    });
    const log = await open(20);
    expect(await all(log)).toEqual(['one']);
    expect(await log.closed).toMatchObject({ reason: 'the kubelet gave no log: unable to retrieve container logs' });
    expect(position.since).toEqual({ sinceTime: '2026-01-02T03:04:01Z' });
  });

  it('of one that has begun is read from now on', async () => {
    const opening = open(60_000, true);
    const response = await following(1);
    response.writeHead(200).end(`${at(1, 'one')}\n`);
    await (await opening).closed;
    expect(follows[0]?.request.query.get('sinceSeconds')).toBe('1');
    const again = open(60_000, true);
    (await following(2)).writeHead(200).end();
    await again;
    // The API server refuses both together.
    expect(follows[1]?.request.query.get('sinceSeconds')).toBeNull();
    expect(follows[1]?.request.query.get('sinceTime')).toBe('2026-01-02T03:04:01Z');
  });

  it('is not there yet while its container is about to start: worth another attempt', async () => {
    server.on('GET', path, (_, response) =>
      json(response, 400, status(400, 'BadRequest', 'container "target-0" is waiting to start: ContainerCreating')),
    );
    expect(await rejection(open())).toMatchObject({ isPermanent: false, message: expect.stringContaining('waiting') });
  });

  it('that may not be read is refused for good', async () => {
    const said =
      'pods "x" is forbidden: User "ada" cannot get resource "pods/log" in API group "" in the namespace "shop"';
    server.on('GET', path, (_, response) => json(response, 403, status(403, 'Forbidden', said)));
    expect(await rejection(open())).toMatchObject({ isPermanent: true, code: 'forbidden' });
  });

  it("of a container that is gone is no log: the kubelet's own words are no event", async () => {
    const { log, response } = await opened(at(1, 'one'));
    response.write('{"event":"reverted"}\n');
    expect(await all(log)).toEqual(['one']);
    expect(await log.closed).toMatchObject({ clean: false, reason: 'the kubelet gave no log: {"event":"reverted"}' });
  });

  it('takes nothing that is said to it, and is closed once', async () => {
    const { log } = await opened(at(1, 'one'));
    expect(await rejection(log.send('stop'))).toMatchObject({ code: 'connection-lost' });
    log.close();
    log.close();
    expect(await log.closed).toEqual({ clean: true, reason: 'closed by this command' });
    expect(await all(log)).toEqual(['one']);
  });

  it('is given up with what waits for it', async () => {
    const opening = open();
    opening.catch(() => undefined);
    await following(1);
    abort.abort();
    await rejection(opening);
  });
});

describe('LogPosition', () => {
  it('takes each line once, however often and from wherever it is read again', () => {
    const times = fc.array(fc.nat(2_000), { maxLength: 40 }).map((steps) => {
      let time = 0;
      return steps.map((step) => (time += step + 1));
    });
    const again = fc.array(fc.record({ from: fc.nat(), length: fc.nat(20) }));
    fc.assert(
      fc.property(times, again, fc.constantFrom('Z', '+00:00'), (millis, reads, zone) => {
        const lines = millis.map((ms, index) => `${new Date(ms).toISOString().replace('Z', zone)} line ${index % 3}`);
        const log = new LogPosition();
        const taken: (string | undefined)[] = [];
        const read = (some: readonly string[]) => taken.push(...some.map((line) => log.take(line)));
        let known = 0;
        for (const { from, length } of reads) {
          read(lines.slice(Math.min(from, known), known + length));
          known = Math.min(lines.length, known + length);
        }
        read(lines.slice(known));
        expect(taken.filter((line) => line !== undefined)).toEqual(lines.map((_, index) => `line ${index % 3}`));
      }),
    );
  });

  it.each(['2026-01-02T03:04:05Z x', '2026-01-02T03:04:05.000000001Z x', '2026-01-02T05:04:05.5+02:00 x'])(
    'knows the time of %s',
    (line) => {
      const log = new LogPosition();
      expect(log.take(line)).toBe('x');
      expect(log.since).toEqual({ sinceTime: '2026-01-02T03:04:05Z' });
    },
  );

  it('never throws but for a line without a time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(() => new LogPosition().take(text)).toThrow('the kubelet gave no log');
        expect(new LogPosition().take(`${at(1, '')}${text}`)).toBe(text);
      }),
    );
  });

  it('puts a long line together in which a kubelet before 1.27 has left times', () => {
    const text = JSON.stringify({ event: 'resolved', text: 'x'.repeat(20_000) });
    const pieces = [text.slice(0, 8_192), text.slice(8_192, 16_384), text.slice(16_384)];
    expect(new LogPosition().take(pieces.map((piece) => at(1, piece)).join(''))).toBe(text);
  });
});
