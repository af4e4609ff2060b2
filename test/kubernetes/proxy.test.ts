import http from 'node:http';
import { type AddressInfo, connect, createServer, Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { attach } from '../../src/kubernetes/attach.ts';
import { chooseProxy, isExcepted } from '../../src/kubernetes/proxy.ts';
import { resources } from '../../src/kubernetes/request.ts';
import { Rest } from '../../src/kubernetes/rest.ts';
import { ApiServer, json } from '../fakes/api-server.ts';
import { certificate } from '../fakes/tls.ts';
import { rejection, thrown } from './support.ts';

const where = { namespace: 'n', pod: 'p', container: 'c', node: 'a', runtime: async () => undefined };

describe('NO_PROXY', () => {
  it.each([
    ['https://127.0.0.1:6443', '', true],
    ['https://localhost', '', true],
    ['https://[::1]:6443', '', true],
    ['https://k8s.example.com', '', false],
    ['https://k8s.example.com', '*', true],
    ['https://k8s.example.com', 'other, example.com', true],
    ['https://k8s.example.com', '.example.com', true],
    ['https://example.com', '.example.com', false],
    ['https://k8s.example.com', '*.example.com', true],
    ['https://notexample.com', 'example.com', false],
    ['https://k8s.example.com:6443', 'k8s.example.com:6443', true],
    ['https://k8s.example.com:6443', 'k8s.example.com:443', false],
    ['https://k8s.example.com', 'k8s.example.com:443', true],
    ['https://10.1.2.3:6443', '10.0.0.0/8', true],
    ['https://11.1.2.3:6443', '10.0.0.0/8', false],
    ['https://10.1.2.3:6443', '10.1.2.3', true],
    ['https://10.1.2.3:6443', '10.1.2.3:6443', true],
    ['https://[fd00::1]:6443', 'fd00::/8', true],
    ['https://[fd00::1]:6443', 'fd00::1', true],
    ['https://[fd00::1]:6443', '10.0.0.0/8', false],
    ['https://10.1.2.3:6443', '10.0.0.0/99', false],
    ['https://10.1.2.3:6443', '10.9.9.9/8', true],
    ['https://[fd00::1]:6443', 'fd00:0:0::/48', true],
    ['https://k8s.example.com', '10.0.0.0/8', false],
  ])('of %s with %j: %s', (server, noProxy, excepted) => {
    expect(isExcepted(new URL(server), noProxy)).toBe(excepted);
  });
});

describe('chooseProxy', () => {
  const access = (server: string, proxyUrl?: string) => ({
    server: new URL(server),
    namespace: 'n',
    cluster: proxyUrl ? { proxyUrl } : {},
    user: {},
    contexts: [],
  });

  it('prefers proxy-url, then the environment in both spellings', () => {
    expect(chooseProxy(access('https://k', 'http://p:1'), { HTTPS_PROXY: 'http://q:2', NO_PROXY: '*' })?.host).toBe(
      'p:1',
    );
    expect(chooseProxy(access('https://k'), { https_proxy: 'q:2' })?.host).toBe('q:2');
    expect(chooseProxy(access('https://k'), { HTTPS_PROXY: 'q:2', NO_PROXY: 'k' })).toBeUndefined();
    expect(chooseProxy(access('http://127.0.0.1:8001'), { HTTP_PROXY: 'q:2' })).toBeUndefined();
    expect(chooseProxy(access('http://k'), { HTTP_PROXY: 'q:2', HTTPS_PROXY: 'r:3' })?.host).toBe('q:2');
    expect(chooseProxy(access('http://k'), { http_proxy: 'q:2' })?.host).toBe('q:2');
    expect(chooseProxy(access('http://k'), { HTTPS_PROXY: 'r:3', ALL_PROXY: 's:4' })).toBeUndefined();
    expect(chooseProxy(access('http://k'), { HTTP_PROXY: 'q:2', NO_PROXY: 'k:80' })).toBeUndefined();
    expect(chooseProxy(access('https://k'), { HTTP_PROXY: 'q:2' })).toBeUndefined();
  });

  it('refuses loudly what it cannot use', () => {
    expect(thrown(() => chooseProxy(access('https://k', 'socks4://p:1'), {})).message).toContain('socks4://');
    expect(thrown(() => chooseProxy(access('https://k', 'http://['), {})).message).toContain('not the URL of a proxy');
  });

  it.each([
    ['http://me:p#w@proxy:3128', '"http://…@proxy:3128" is not the URL of a proxy'],
    ['socks5://me:100%@proxy:1080', '"socks5://…@proxy:1080" is not the URL of a proxy'],
    ['me:a/b@proxy', '"…@proxy" is not the URL of a proxy'],
  ])('says of a password what it has to be written like, and not the password: %s', (url, message) => {
    const error = thrown(() => chooseProxy(access('https://k', url), {}));
    expect(error).toMatchObject({ code: 'kubeconfig', message, hint: expect.stringContaining('# is %23') });
    expect(error.cause).toBeUndefined();
  });
});

describe('a proxy', () => {
  const closers: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });

  /** Lets through to `port`, whatever is asked for; `asked` has what was. */
  async function proxyTo(
    port: number,
    status = 200,
  ): Promise<{ url: string; asked: { authority: string; authorization: string | undefined }[] }> {
    const asked: { authority: string; authorization: string | undefined }[] = [];
    const sockets = new Set<Socket>();
    const proxy = http.createServer((request, response) => {
      asked.push({ authority: request.url ?? '', authorization: request.headers['proxy-authorization'] });
      if (status !== 200) return void response.writeHead(status).end();
      const { pathname, search } = new URL(request.url ?? '');
      const { 'proxy-authorization': _ours, ...headers } = request.headers;
      const { method = 'GET' } = request;
      const there = http.request({ port, host: '127.0.0.1', path: pathname + search, method, headers }, (answer) => {
        answer.pipe(response.writeHead(answer.statusCode ?? 0, answer.headers));
      });
      request.pipe(there.on('error', () => response.destroy()));
    });
    proxy.on('connect', (request, socket: Socket) => {
      sockets.add(socket);
      asked.push({ authority: request.url ?? '', authorization: request.headers['proxy-authorization'] });
      if (status !== 200) return void socket.end(`HTTP/1.1 ${status} No\r\n\r\n`);
      const there = connect(port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        socket.pipe(there).pipe(socket);
      });
      sockets.add(there);
      for (const each of [socket, there]) each.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    closers.push(() => {
      for (const socket of sockets) socket.destroy();
      proxy.close();
    });
    return { url: `http://me:p%40ss@127.0.0.1:${(proxy.address() as AddressInfo).port}`, asked };
  }

  const restThrough = (server: string, proxyUrl: string, timeoutMs?: number): Rest => {
    const cluster = {
      proxyUrl,
      tlsServerName: 'api-server.test',
      certificateAuthorityData: Buffer.from(certificate).toString('base64'),
    };
    const rest = new Rest(
      { server: new URL(server), namespace: 'n', cluster, user: {}, contexts: [] },
      {},
      { interactive: false },
      timeoutMs,
    );
    closers.push(() => rest.close());
    return rest;
  };

  it('carries requests and streams, with TLS to the server through it', async () => {
    const server = await ApiServer.start();
    closers.push(() => server.stop());
    server.on('GET', '/api/v1/nodes/a', (_, response) => json(response, 200, { kind: 'Node' }));
    server.onAttach(({ socket }) => socket.close(1000));
    const { url, asked } = await proxyTo(server.port);
    const rest = restThrough('https://k8s.example.com', url);
    expect(await rest.json({ verb: 'get', resource: resources.nodes, name: 'a' })).toEqual({ kind: 'Node' });
    const stream = await attach(rest, where, new AbortController().signal);
    await stream.closed;
    expect(asked[0]).toEqual({
      authority: 'k8s.example.com:443',
      authorization: `Basic ${Buffer.from('me:p@ss').toString('base64')}`,
    });
    expect(server.received.map(({ path }) => path)).toEqual(['/api/v1/nodes/a', '/api/v1/namespaces/n/pods/p/attach']);
  });

  /** A SOCKS5 server (RFC 1928, RFC 1929) that lets through to `port`, or answers with `reply`; `asked` has names and passwords. */
  async function socksTo(port: number, reply = 0): Promise<{ host: string; asked: string[] }> {
    const asked: string[] = [];
    const sockets = new Set<Socket>();
    const proxy = createServer((socket) => {
      sockets.add(socket.on('error', () => undefined));
      const text = (bytes: Buffer): string => bytes.subarray(1, 1 + (bytes[0] ?? 0)).toString();
      socket.once('data', (greeting) => {
        const withPassword = greeting.subarray(2).includes(2);
        const connected = (): void =>
          void socket.once('data', (request) => {
            asked.push(`${text(request.subarray(4))}:${request.readUInt16BE(request.length - 2)}`);
            socket.write(Buffer.of(5, reply, 0, 1, 0, 0, 0, 0, 0, 0));
            if (reply !== 0) return void socket.end();
            const there = connect(port, '127.0.0.1');
            sockets.add(there.on('error', () => undefined));
            socket.pipe(there).pipe(socket);
          });
        socket.write(Buffer.of(5, withPassword ? 2 : 0));
        if (!withPassword) return connected();
        socket.once('data', (login) => {
          asked.push(`${text(login.subarray(1))}/${text(login.subarray(2 + (login[1] ?? 0)))}`);
          connected();
          socket.write(Buffer.of(1, 0));
        });
      });
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    closers.push(() => {
      for (const socket of sockets) socket.destroy();
      proxy.close();
    });
    return { host: `127.0.0.1:${(proxy.address() as AddressInfo).port}`, asked };
  }

  it.each([
    ['socks5://', ['k8s.example.com:443']],
    ['socks5h://', ['k8s.example.com:443']],
    ['socks5://me:p%40ss@', ['me/p@ss', 'k8s.example.com:443']],
  ])('of the kind %s carries requests and streams', async (scheme, expected) => {
    const server = await ApiServer.start();
    closers.push(() => server.stop());
    server.on('GET', '/api/v1/nodes/a', (_, response) => json(response, 200, { kind: 'Node' }));
    server.onAttach(({ socket }) => socket.close(1000));
    const { host, asked } = await socksTo(server.port);
    const rest = restThrough('https://k8s.example.com', `${scheme}${host}`);
    expect(await rest.json({ verb: 'get', resource: resources.nodes, name: 'a' })).toEqual({ kind: 'Node' });
    expect(asked).toEqual(expected);
    const stream = await attach(rest, where, new AbortController().signal);
    await stream.closed;
  });

  const getNode = { verb: 'get', resource: resources.nodes, name: 'a' } as const;

  async function plainServer(): Promise<ApiServer> {
    const server = await ApiServer.start({ secure: false });
    closers.push(() => server.stop());
    server.on('GET', '/api/v1/nodes/a', (_, response) => json(response, 200, { kind: 'Node' }));
    server.onAttach(({ socket }) => socket.close(1000));
    return server;
  }

  it('before a server without TLS is given whole requests, and a tunnel for each WebSocket, as by kubectl', async () => {
    const server = await plainServer();
    const { url, asked } = await proxyTo(server.port);
    const rest = restThrough('http://k8s.example.com', url);
    expect(await rest.json(getNode)).toEqual({ kind: 'Node' });
    const stream = await attach(rest, where, new AbortController().signal);
    await stream.closed;
    const authorization = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
    expect(asked).toEqual([
      { authority: 'http://k8s.example.com/api/v1/nodes/a', authorization },
      { authority: 'k8s.example.com:80', authorization },
    ]);
    expect(server.received.map(({ headers }) => headers.host)).toEqual(['k8s.example.com', 'k8s.example.com']);
    expect(server.received.flatMap(({ headers }) => headers['proxy-authorization'] ?? [])).toEqual([]);
  });

  it('of the kind socks5:// carries requests and streams to a server without TLS', async () => {
    const server = await plainServer();
    const { host, asked } = await socksTo(server.port);
    const rest = restThrough('http://k8s.example.com:8080', `socks5://${host}`);
    expect(await rest.json(getNode)).toEqual({ kind: 'Node' });
    const stream = await attach(rest, where, new AbortController().signal);
    await stream.closed;
    expect(asked.at(0)).toBe('k8s.example.com:8080');
  });

  it.each([
    ['https://k8s.example.com', 'http'],
    ['https://k8s.example.com', 'socks5'],
    ['http://k8s.example.com', 'http'],
  ])('before %s of the kind %s gets 3 s for each of its addresses, not the 250 ms of Node', async (to, kind) => {
    const server = to.startsWith('https') ? await ApiServer.start() : await plainServer();
    closers.push(() => server.stop());
    server.on('GET', '/api/v1/nodes/a', (_, response) => json(response, 200, { kind: 'Node' }));
    const host = kind === 'http' ? new URL((await proxyTo(server.port)).url).host : (await socksTo(server.port)).host;
    const connected: unknown[] = [];
    const original = Socket.prototype.connect;
    const connects = vi.spyOn(Socket.prototype, 'connect').mockImplementation(function (this: Socket, ...args) {
      // As net.connect hands them on: an array of its arguments.
      const [options] = args.flat() as unknown as [{ port: number; autoSelectFamilyAttemptTimeout?: number }];
      if (Number(options.port) === Number(host.split(':')[1])) connected.push(options.autoSelectFamilyAttemptTimeout);
      return original.apply(this, args as never);
    });
    expect(await restThrough(to, `${kind}://${host}`).json(getNode)).toEqual({ kind: 'Node' });
    connects.mockRestore();
    expect(connected).toEqual([3_000]);
  });

  it.each(['http', 'socks5'])('of the kind %s gives an answer without TLS as long as any other', async (kind) => {
    const server = await plainServer();
    const answers: (() => void)[] = [];
    server.on('GET', '/api/v1/nodes/a', (_, response) => answers.push(() => json(response, 200, { kind: 'Node' })));
    const url = kind === 'http' ? (await proxyTo(server.port)).url : `socks5://${(await socksTo(server.port)).host}`;
    const rest = restThrough('http://k8s.example.com', url);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const answer = rest.json(getNode);
      while (answers.length === 0) await new Promise((resolve) => setImmediate(resolve));
      vi.advanceTimersByTime(20_000);
      answers[0]?.();
      expect(await answer).toEqual({ kind: 'Node' });
    } finally {
      vi.useRealTimers();
    }
  });

  it('before a server without TLS that refuses, or is not there, is named', async () => {
    const { url } = await proxyTo(1, 407);
    expect(await rejection(restThrough('http://k8s.example.com', url).json(getNode))).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('the proxy before http://k8s.example.com wants a user and a password (407)'),
      hint: 'put them into the URL of the proxy: proxy-url of the kubeconfig, or HTTP_PROXY',
    });
    expect(await rejection(restThrough('http://k8s.example.com', 'http://127.0.0.1:9').json(getNode))).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('the proxy 127.0.0.1:9 cannot be used'),
    });
  });

  it('of SOCKS that refuses is named', async () => {
    const { host } = await socksTo(1, 5);
    const rest = restThrough('https://k8s.example.com', `socks5://${host}`);
    expect(await rejection(rest.json({ verb: 'get', resource: resources.nodes, name: 'a' }))).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining(`the proxy ${host} did not connect to k8s.example.com:443: `),
    });
  });

  it.each(['http', 'socks5'])(
    'that is silent (%s) holds no request beyond its time, and none that is given up',
    async (scheme) => {
      const proxy = createServer((socket) => socket.on('error', () => undefined));
      await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
      closers.push(() => proxy.close());
      const url = `${scheme}://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
      const timely = restThrough('https://k8s.example.com', url, 50);
      expect(await rejection(timely.json(getNode))).toMatchObject({
        code: 'unreachable',
        message: 'https://k8s.example.com did not answer to get nodes within 0.05s',
      });
      const patient = restThrough('https://k8s.example.com', url);
      const stop = new AbortController();
      const waiting = rejection(patient.json(getNode, stop.signal));
      stop.abort(new Error('enough'));
      expect((await waiting).message).toContain('enough');
    },
  );

  it('that refuses, or is not there, is named', async () => {
    const { url } = await proxyTo(1, 407);
    const refused = await rejection(
      restThrough('https://k8s.example.com', url).json({ verb: 'get', resource: resources.nodes, name: 'a' }),
    );
    expect(refused).toMatchObject({
      code: 'unreachable',
      message: expect.stringMatching(/the proxy 127\.0\.0\.1:\d+ refused CONNECT to k8s\.example\.com:443: 407/),
    });
    const gone = await rejection(
      restThrough('https://k8s.example.com', 'http://127.0.0.1:9').json({
        verb: 'get',
        resource: resources.nodes,
        name: 'a',
      }),
    );
    expect(gone).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('the proxy 127.0.0.1:9 cannot be used'),
    });
  });
});
