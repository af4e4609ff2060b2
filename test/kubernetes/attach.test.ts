import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type AttachTarget, attach } from '../../src/kubernetes/attach.ts';
import { type AttachLimits, defaultLimits } from '../../src/kubernetes/attachment.ts';
import { Offers } from '../../src/kubernetes/channel.ts';
import type { Rest } from '../../src/kubernetes/rest.ts';
import type { Attachment } from '../../src/ports.ts';
import { ApiServer, type FakeStream, frame, status, until } from '../fakes/api-server.ts';
import { forbidden, recorded, recordedStreams } from '../fakes/recorded.ts';
import { rejection, restFor } from './support.ts';

const where: AttachTarget = {
  ...{ namespace: 'shop', pod: 'chaos-1', container: 'target-0', node: 'node-3' },
  runtime: async () => 'cri-o://1.37.0',
};
const success = JSON.stringify({ metadata: {}, status: 'Success' });

let server: ApiServer;
let rest: Rest;
let streams: FakeStream[];
let abort: AbortController;
let offers: Offers;

beforeEach(async () => {
  server = await ApiServer.start();
  streams = [];
  server.onAttach((stream) => streams.push(stream));
  rest = restFor(server);
  abort = new AbortController();
  offers = new Offers();
});
afterEach(async () => {
  vi.useRealTimers();
  abort.abort();
  rest.close();
  await server.stop();
});

async function open(limits: Partial<AttachLimits> = {}): Promise<{ stream: Attachment; peer: FakeStream }> {
  const before = streams.length;
  const stream = await attach(rest, where, abort.signal, offers, { ...defaultLimits, ...limits });
  await until('the server has the stream', () => streams.length > before);
  const peer = streams.at(-1);
  if (!peer) throw new Error('no stream');
  return { stream, peer };
}

async function all(pieces: AsyncIterable<string>): Promise<string[]> {
  const collected: string[] = [];
  for await (const piece of pieces) collected.push(piece);
  return collected;
}

describe('an attach', () => {
  it('asks for the container and its three streams, as whom we are', async () => {
    const { peer } = await open();
    expect(peer.request.path).toBe('/api/v1/namespaces/shop/pods/chaos-1/attach');
    expect(Object.fromEntries(peer.request.query)).toEqual({
      container: 'target-0',
      stdin: 'true',
      stdout: 'true',
      stderr: 'true',
      tty: 'false',
    });
    expect(peer.request.headers.authorization).toBe('Bearer secret');
    expect(peer.request.headers['sec-websocket-protocol']).toBe('v5.channel.k8s.io,v4.channel.k8s.io');
    expect(rest.counts()).toEqual({ 'get pods/attach': 1 });
  });

  it('repeats Impersonate-Group on the upgrade too', async () => {
    rest = restFor(server, { as: 'jane', asGroup: ['a', 'b'] });
    const { peer } = await open();
    const raw = peer.request.rawHeaders;
    expect(raw.filter((_, index) => index % 2 === 1 && raw[index - 1]?.toLowerCase() === 'impersonate-group')).toEqual([
      'a',
      'b',
    ]);
  });

  it('gives lines of stdout and pieces of stderr, cut anywhere', async () => {
    const { stream, peer } = await open();
    const bytes = Buffer.from('one\ntwö €\n{"a":1}\nrest');
    for (const byte of bytes) peer.socket.send(frame(1, Buffer.of(byte)));
    for (const byte of Buffer.from('ä😀')) peer.socket.send(frame(2, Buffer.of(byte)));
    peer.socket.send(frame(1, ''));
    peer.socket.send(frame(3, success));
    expect(await all(stream.stdout)).toEqual(['one', 'twö €', '{"a":1}', 'rest']);
    expect((await all(stream.stderr)).join('')).toBe('ä😀');
    expect(await stream.closed).toEqual({ clean: true, reason: 'the container ended' });
  });

  it('sends lines to stdin on channel 0', async () => {
    const { stream, peer } = await open();
    await stream.send('start');
    await stream.send('beat ä');
    await until('both have come', () => peer.received.length === 2);
  });

  it('sends what is said in one turn in few messages: whole lines, in their order, no more than a proxy takes', async () => {
    const { stream, peer } = await open();
    const lines = Array.from({ length: 12 }, (_, index) => `${index} ${'x'.repeat(9_000)}`);
    await Promise.all(lines.map((line) => stream.send(line)));
    await until('all have come', () => peer.received.length === 4);
    const messages = peer.received.map((message) => message.subarray(1).toString());
    expect(messages).toEqual([0, 3, 6, 9].map((first) => `${lines.slice(first, first + 3).join('\n')}\n`));
  });

  it('falls back to v4', async () => {
    await server.stop();
    server = await ApiServer.start({ subprotocols: ['v4.channel.k8s.io'] });
    server.onAttach((stream) => streams.push(stream));
    rest = restFor(server);
    const { peer } = await open();
    expect(peer.socket.protocol).toBe('v4.channel.k8s.io');
  });

  it.each(recordedStreams())('reads what 1.36 sends by $subprotocol', async ({ subprotocol, messages, closeCode }) => {
    await server.stop();
    server = await ApiServer.start({ subprotocols: [subprotocol] });
    server.onAttach((stream) => streams.push(stream));
    rest = restFor(server);
    const { stream, peer } = await open();
    for (const { channel, data } of messages) peer.socket.send(frame(channel, data));
    peer.socket.close(closeCode);
    expect(await all(stream.stdout)).toEqual(['out', 'hello']);
    expect((await all(stream.stderr)).join('')).toBe('err\n');
    const hasStatus = messages.some(({ channel }) => channel === 3);
    expect(await stream.closed).toEqual({
      clean: false,
      reason: hasStatus
        ? 'command terminated with non-zero exit code: command terminated with exit code 3'
        : 'the server closed the stream with code 1000',
    });
  });

  it('refuses a server that speaks neither', async () => {
    await server.stop();
    server = await ApiServer.start({ subprotocols: ['channel.k8s.io'] });
    rest = restFor(server);
    expect(await rejection(attach(rest, where, abort.signal))).toMatchObject({
      name: 'ChaosError',
      message: expect.stringContaining('v4.channel.k8s.io'),
    });
  });
});

describe('the end of an attach', () => {
  it('by a connection that is cut is noticed', async () => {
    const { stream, peer } = await open();
    peer.socket.send(frame(1, 'a\nhalf'));
    await until('it was sent', () => peer.socket.bufferedAmount === 0);
    peer.raw.destroy();
    expect(await stream.closed).toMatchObject({ clean: false, reason: 'the connection was cut' });
    expect(await all(stream.stdout)).toEqual(['a', 'half']);
    expect(await all(stream.stderr)).toEqual([]);
  });

  it('by close code 1011 is noticed, with its reason', async () => {
    const { stream, peer } = await open();
    peer.socket.close(1011, 'kubelet gone');
    expect(await stream.closed).toEqual({
      clean: false,
      reason: 'the server closed the stream with code 1011: kubelet gone',
    });
  });

  it('by a normal close without a Status is not a clean one', async () => {
    const { stream, peer } = await open();
    peer.socket.close(1000);
    expect(await stream.closed).toMatchObject({ clean: false });
  });

  it('survives bytes on channels that nobody asked for', async () => {
    const { stream, peer } = await open();
    for (const channel of [0, 4, 7, 200]) peer.socket.send(frame(channel, 'x'));
    peer.socket.send(Buffer.alloc(0));
    peer.socket.send(frame(1, 'still here\n'));
    peer.socket.send(frame(3, success));
    expect(await all(stream.stdout)).toEqual(['still here']);
  });

  it("by the close frame of v5 touches no stream of the process's own", async () => {
    const { stream, peer } = await open();
    for (const channel of [1, 2]) peer.socket.send(frame(255, Buffer.of(channel)));
    peer.socket.send(frame(3, success));
    expect(await stream.closed).toMatchObject({ clean: true });
    expect(process.stdout.writableEnded).toBe(false);
  });

  it('by a Status of failure says why', async () => {
    const { stream, peer } = await open();
    peer.socket.send(frame(3, JSON.stringify(status(500, 'InternalError', 'container not running'))));
    expect(await stream.closed).toEqual({ clean: false, reason: 'container not running' });
  });

  it('by a Status waits for output that it overtook', async () => {
    const { stream, peer } = await open();
    peer.socket.send(frame(3, success));
    peer.socket.send(frame(1, 'late\n'));
    expect(await all(stream.stdout)).toEqual(['late']);
    expect(await stream.closed).toMatchObject({ clean: true });
  });

  it('is told once, whatever comes after it, and never as an unhandled error', async () => {
    const { stream, peer } = await open();
    peer.socket.send(frame(3, success));
    await stream.closed;
    peer.raw.destroy();
    expect(await stream.closed).toMatchObject({ clean: true });
    await until('nothing is open', () => server.open === 0);
  });

  it('by a peer that is silent: no pong, no data', async () => {
    const { stream, peer } = await open({ pingMs: 50, pongMs: 100 });
    (peer.raw as import('node:net').Socket).pause();
    const before = performance.now();
    expect(await stream.closed).toEqual({ clean: false, reason: 'no sign of life for 0.1s after a ping' });
    // Those of the defaults would take fifteen seconds.
    expect(performance.now() - before).toBeLessThan(10_000);
  });

  it('does not come while pongs do, though this process is held up when one is due', async () => {
    const { stream, peer } = await open({ pingMs: 20, pongMs: 50 });
    let pings = 0;
    peer.socket.on('ping', () => {
      pings++;
      for (const end = performance.now() + 100; performance.now() < end; );
    });
    await until('some pings have come', () => pings >= 3);
    expect(await Promise.race([stream.closed, Promise.resolve('open')])).toBe('open');
  });

  it('by us closes the socket, and the server sees a normal close', async () => {
    const { stream, peer } = await open();
    const code = new Promise((resolve) => peer.socket.on('close', resolve));
    stream.close();
    stream.close();
    expect(await stream.closed).toEqual({ clean: true, reason: 'closed by this command' });
    expect(await code).toBe(1000);
    await until('nothing is open', () => server.open === 0);
  });

  it('by us does not wait for a peer that never answers', async () => {
    const { stream, peer } = await open();
    (peer.raw as import('node:net').Socket).pause();
    stream.close();
    await stream.closed;
    (peer.raw as import('node:net').Socket).resume();
    await until('nothing is open', () => server.open === 0);
  });

  it('by the signal leaves nothing behind', async () => {
    const { stream } = await open();
    abort.abort();
    expect(await stream.closed).toMatchObject({ clean: true });
    await until('nothing is open', () => server.open === 0);
  });

  it('makes every later send a connection-lost', async () => {
    const { stream, peer } = await open();
    peer.raw.destroy();
    await stream.closed;
    for (const failure of await Promise.all(['beat', 'start'].map((line) => rejection(stream.send(line)))))
      expect(failure).toMatchObject({ code: 'connection-lost', state: expect.stringContaining('lease') });
  });

  it('does not make a line lost that was handed over before the one that was', async () => {
    const { stream, peer } = await open({ sendBufferBytes: 1_000 });
    (peer.raw as import('node:net').Socket).pause();
    const start = stream.send('start');
    const big = rejection(stream.send('x'.repeat(8 * 2 ** 20)));
    await start;
    peer.raw.destroy();
    expect(await big).toMatchObject({ code: 'connection-lost' });
  });
});

describe('an attach that opens and then is silent', () => {
  const speak = async (subprotocols: string[]): Promise<void> => {
    await server.stop();
    server = await ApiServer.start({ subprotocols });
    server.onAttach((stream) => streams.push(stream));
    rest = restFor(server);
  };
  const soon = { silentMs: 20, lastSilentMs: 20 };
  const patient = { silentMs: 20, lastSilentMs: 30_000 };

  it('by v5 is made anew by v4, once, and works', async () => {
    const first = await open(patient);
    expect(first.peer.socket.protocol).toBe('v5.channel.k8s.io');
    expect(await first.stream.closed).toEqual({
      clean: false,
      reason: 'nothing came from node node-3 by v5.channel.k8s.io within 0.02s, container runtime cri-o://1.37.0',
    });
    const { stream, peer } = await open(patient);
    expect(peer.request.headers['sec-websocket-protocol']).toBe('v4.channel.k8s.io');
    peer.socket.send(frame(1, 'resolved\n'));
    peer.socket.send(frame(3, success));
    expect(await all(stream.stdout)).toEqual(['resolved']);
    expect(await stream.closed).toEqual({ clean: true, reason: 'the container ended' });
  });

  it('by both is an error that names the runtime, and not to be tried again', async () => {
    await (await open(soon)).stream.closed;
    const { stream } = await open(soon);
    const message =
      'the attach to the agent on node node-3 opens, but nothing comes through it by v5.channel.k8s.io or v4.channel.k8s.io, container runtime cri-o://1.37.0';
    expect(await stream.closed).toMatchObject({
      clean: false,
      error: {
        ...{ code: 'unreachable', message, hint: expect.stringContaining('--server') },
        ...{ isPermanent: true, barsAttach: true },
      },
    });
    await until('nothing is open', () => server.open === 0);
    // Whoever attaches all the same goes on with the last.
    expect((await open(soon)).peer.socket.protocol).toBe('v4.channel.k8s.io');
  });

  it('by v4, the only one that the server speaks, is that error at once', async () => {
    await speak(['v4.channel.k8s.io']);
    const { stream } = await open(soon);
    expect(await stream.closed).toMatchObject({
      error: { message: expect.stringContaining('nothing comes through it by v4.channel.k8s.io,'), isPermanent: true },
    });
  });

  it('by v5, the only one that the server speaks, is told with what it does not speak', async () => {
    await speak(['v5.channel.k8s.io']);
    await (await open(soon)).stream.closed;
    expect(await rejection(attach(rest, where, abort.signal, offers))).toMatchObject({
      message: `${server.url} speaks none of v4.channel.k8s.io for attach, and nothing came by v5.channel.k8s.io`,
      isPermanent: true,
    });
  });

  it('is told without the runtime where that is not known', async () => {
    const { runtime: _runtime, ...others } = where;
    const limits = { ...defaultLimits, ...soon };
    const stream = await attach(rest, { ...others, runtime: async () => undefined }, abort.signal, offers, limits);
    expect((await stream.closed).reason).toBe('nothing came from node node-3 by v5.channel.k8s.io within 0.02s');
  });

  it('is not one that says nothing but that it is open', async () => {
    const { stream, peer } = await open(soon);
    peer.socket.send(Buffer.alloc(0));
    for (const channel of [1, 2]) peer.socket.send(frame(channel, ''));
    expect(await stream.closed).toMatchObject({ reason: expect.stringContaining('nothing came') });
  });

  it.each([1, 2])('is not one that has spoken on channel %i, however long it is silent then', async (channel) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
    const { stream, peer } = await open({ pingMs: 3_600_000 });
    peer.socket.send(frame(channel, 'a word\n'));
    for await (const _word of channel === 1 ? stream.stdout : stream.stderr) break;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await Promise.race([stream.closed, Promise.resolve('open')])).toBe('open');
    expect(offers.silent).toEqual([]);
  });
});

describe('a refused upgrade', () => {
  it.each([
    [
      403,
      forbidden('get', 'pods/attach', 'shop', 'jane'),
      {
        code: 'forbidden',
        message: '"jane" is not allowed to get pods/attach in namespace shop',
        barsAttach: true,
      },
    ],
    [401, status(401, 'Unauthorized', 'Unauthorized'), { code: 'unauthorized', barsAttach: false }],
    [
      404,
      status(404, 'NotFound', 'pods "chaos-1" not found', { name: 'chaos-1' }),
      { code: 'not-found', message: 'pods "chaos-1" not found' },
    ],
    [
      500,
      status(500, 'InternalError', 'container not found in pod'),
      { code: 'api', message: expect.stringContaining('container not found in pod') },
    ],
  ])('%i keeps the words of its Status', async (code, body, expected) => {
    server.refuseAttach({ status: code, body: JSON.stringify(body) });
    expect(await rejection(attach(rest, where, abort.signal))).toMatchObject({ ...expected, status: code });
    await until('nothing is open', () => server.open === 0);
  });

  it.each([
    [400, '<html><body><h1>400 Bad Request</h1></body></html>', 'unreachable'],
    [400, JSON.stringify(status(400, 'BadRequest', 'Upgrade request required')), 'unreachable'],
    [403, 'Forbidden', 'forbidden'],
    [404, '<html><h1>404 Not Found</h1></html>', 'unreachable'],
    [404, 'default backend - 404', 'unreachable'],
    [405, 'Method Not Allowed', 'unreachable'],
    [426, 'Upgrade Required', 'unreachable'],
    [501, '', 'unreachable'],
    [502, '', 'unreachable'],
    [200, '{}', 'unreachable'],
  ])('by a proxy that drops Upgrade and answers %i %s is found at once and named', async (code, body, errorCode) => {
    server.refuseAttach({ status: code, body });
    expect(await rejection(attach(rest, where, abort.signal))).toMatchObject({
      code: errorCode,
      message: `${server.url} did not open the WebSocket of attach, it answered ${code}: a proxy or load balancer before it seems to drop "Upgrade: websocket"`,
      hint: 'let it pass on "Connection: Upgrade" and "Upgrade: websocket", or name the API server itself with --server',
      isPermanent: true,
      barsAttach: true,
      doctorLine: 'websocket',
    });
    expect(server.received).toHaveLength(1);
    await until('nothing is open', () => server.open === 0);
  });

  it('by a proxy that redirects it is found at once, and where to is told without its secrets', async () => {
    server.refuseAttach({
      ...{ status: 302, body: 'Found' },
      headers: { location: 'https://sso.example.com/login?state=secret' },
    });
    expect(await rejection(attach(rest, where, abort.signal))).toMatchObject({
      ...{ code: 'unreachable', isPermanent: true, barsAttach: true },
      message: `${server.url} did not open the WebSocket of attach, it answered 302: a proxy or load balancer before it sends it on to https://sso.example.com`,
    });
    expect(server.received).toHaveLength(1);
  });

  it.each([
    [
      403,
      'Forbidden (user=kube-apiserver, verb=create, resource=nodes, subresource=proxy)',
      'does not let the API server attach',
      true,
    ],
    [405, 'Debug endpoints are disabled.', 'answers neither attach, exec nor logs', true],
    [404, 'pod does not exist', 'pod does not exist', false],
    [404, 'rpc error: code = NotFound desc = container not found', 'container not found', false],
  ])("by the kubelet, passed on as a text, is told as the kubelet's: %i %s", async (code, body, said, isPermanent) => {
    server.refuseAttach({ status: code, body });
    expect(await rejection(attach(rest, where, abort.signal))).toMatchObject({
      message: expect.stringContaining(said),
      ...{ isPermanent, barsAttach: false },
    });
  });

  it('without a body still has its code', async () => {
    server.refuseAttach({ status: 502, body: '' });
    expect((await rejection(attach(rest, where, abort.signal))).message).toContain('502');
  });

  it.each([429, 503])('by %i is waited out as long as the server says, and then tried again', async (code) => {
    const body = JSON.stringify(status(code, 'ServiceUnavailable', 'busy'));
    server.refuseAttach({ status: code, body, headers: { 'retry-after': '1' } }, 2);
    const before = performance.now();
    await open();
    expect(performance.now() - before).toBeGreaterThan(1_900);
    expect(server.received).toHaveLength(3);
  });

  it.each([
    [503, '0', 4],
    [503, '60', 1],
    [500, '0', 1],
  ])('by %i with Retry-After %s for good is told after %i attempts', async (code, after, attempts) => {
    const body = JSON.stringify(status(code, 'ServiceUnavailable', 'busy'));
    server.refuseAttach({ status: code, body, headers: { 'retry-after': after } });
    expect(await rejection(attach(rest, where, abort.signal))).toMatchObject({ status: code, code: 'api' });
    expect(server.received).toHaveLength(attempts);
  });

  it.each(['attach-rbac', 'attach-no-container', 'attach-not-websocket'])(
    '%s is sent once, and is final',
    async (name) => {
      server.refuseAttach(recorded(name));
      expect(await rejection(attach(rest, where, abort.signal))).toMatchObject({ isPermanent: true });
      expect(server.received).toHaveLength(1);
    },
  );

  it('with a subprotocol that is none of ours: as 1.36 refuses it', async () => {
    // exec-websocket.txt: an offer of v9.channel.k8s.io alone is answered with 403 and no body.
    server.refuseAttach({ status: 403, body: '' });
    expect(await rejection(attach(rest, where, abort.signal))).toMatchObject({ code: 'forbidden', isPermanent: true });
  });

  it('that never comes ends by itself', async () => {
    server.hangAttach();
    const error = await rejection(attach(rest, where, abort.signal, offers, { ...defaultLimits, handshakeMs: 100 }));
    expect(error).toMatchObject({
      name: 'ChaosError',
      code: 'unreachable',
      message: `${server.url} has not attached to the agent within 0.1s`,
      hint: expect.stringContaining('port 10250'),
      isPermanent: true,
    });
    await until('nothing is open', () => server.open === 0);
  });

  it('can be given up while it hangs', async () => {
    server.hangAttach();
    const attempt = rejection(attach(rest, where, abort.signal));
    await until('the upgrade has arrived', () => server.received.length === 1);
    abort.abort();
    expect(await attempt).toMatchObject({ name: 'ChaosError' });
    await until('nothing is open', () => server.open === 0);
  });

  it('by nobody there names the server', async () => {
    await server.stop();
    expect(await rejection(attach(rest, where, abort.signal))).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('refuses connections'),
    });
    server = await ApiServer.start();
  });
});

describe('back-pressure', () => {
  it('a reader that is behind stops the socket, and loses nothing', async () => {
    const { stream, peer } = await open({ readBufferBytes: 64 * 1024, pingMs: 50, pongMs: 100 });
    const line = 'x'.repeat(1_023);
    const total = 20_000;
    for (let i = 0; i < total; i++) peer.socket.send(frame(1, `${line}\n`));
    await new Promise((resolve) => setTimeout(resolve, 300));
    // Twenty megabytes do not fit in the kernel's buffers on the way: the server is held up, although not a pong comes meanwhile.
    expect(peer.socket.bufferedAmount).toBeGreaterThan(4 * 2 ** 20);
    peer.socket.send(frame(3, success));
    const lines = await all(stream.stdout);
    expect(lines).toHaveLength(total);
    expect(await stream.closed).toMatchObject({ clean: true });
  });

  it('stderr without a reader never holds up stdout: the oldest of it is dropped', async () => {
    const { stream, peer } = await open({ stderrBufferBytes: 100 * 1024 });
    for (let i = 0; i < 5_000; i++) peer.socket.send(frame(2, `${'e'.repeat(1_000)}${i}\n`));
    peer.socket.send(frame(1, 'event\n'));
    peer.socket.send(frame(3, success));
    expect(await all(stream.stdout)).toEqual(['event']);
    const kept = (await all(stream.stderr)).join('');
    expect(kept.length).toBeLessThanOrEqual(100 * 1024);
    expect(kept.endsWith('4999\n')).toBe(true);
  });

  it('send waits for a peer that does not read', async () => {
    const { stream, peer } = await open({ sendBufferBytes: 1_000 });
    const raw = peer.raw as import('node:net').Socket;
    raw.pause();
    const big = 'x'.repeat(8 * 2 ** 20);
    void stream.send(big).catch(() => undefined);
    let sent = false;
    const second = stream.send('beat').then(() => {
      sent = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(sent).toBe(false);
    raw.resume();
    await second;
    const received = () => Buffer.concat(peer.received.map((message) => message.subarray(1)));
    await until('both have come', () => received().length === big.length + 1 + 'beat\n'.length);
    expect(received().subarray(-7).toString()).toBe('x\nbeat\n');
    // Whole lines, in pieces that no proxy on the way finds too long.
    expect(Math.max(...peer.received.map(({ length }) => length))).toBeLessThanOrEqual(32 * 1024 + 1);
  });
});
