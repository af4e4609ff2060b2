import http from 'node:http';
import https from 'node:https';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { certificate, privateKey } from './tls.ts';

/**
 * How a proxy behaves: `http` and `https` take CONNECT, and whole requests for a server without TLS; `socks5` speaks RFC 1928; `refuses` answers 407 to CONNECT, `silent` never answers, `cuts` ends
 * every connection as soon as the tunnel stands. `strips` stands before a server with TLS as if it were that, and passes requests on without `Upgrade`;
 * `buffers` does the same and keeps each answer back until it is whole.
 */
export type ProxyKind = 'http' | 'https' | 'socks5' | 'refuses' | 'silent' | 'cuts' | 'strips' | 'buffers';

export interface FakeProxy {
  /** Host and port, on loopback. */
  host: string;
  /** How many tunnels were asked for. */
  readonly asked: () => number;
  stop(): void;
}

/** A proxy on loopback whose tunnels all lead to `port`, whatever was asked for: names need not resolve. */
export async function startProxy(kind: ProxyKind, port: number): Promise<FakeProxy> {
  const sockets = new Set<Socket>();
  let asked = 0;
  const isBefore = kind === 'strips' || kind === 'buffers';
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  };
  const tunnel = (socket: Socket, stands: string | Buffer): void => {
    asked++;
    if (kind === 'silent') return;
    const there = keep(connect(port, '127.0.0.1'));
    socket.write(stands);
    if (kind === 'cuts') return void socket.end();
    socket.pipe(there).pipe(socket);
  };
  const onConnect = (_: http.IncomingMessage, socket: Socket): void => {
    keep(socket);
    if (kind === 'refuses') return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    tunnel(socket, 'HTTP/1.1 200 OK\r\n\r\n');
  };
  const forward = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    asked++;
    const { pathname, search } = new URL(request.url ?? '', 'http://x');
    const { connection: _connection, upgrade: _upgrade, ...headers } = request.headers;
    const sent = (isBefore ? https : http).request(
      { port, method: request.method, path: `${pathname}${search}`, headers, agent: false, rejectUnauthorized: false },
      (answer) => {
        const head = (): unknown => response.writeHead(answer.statusCode ?? 502, answer.headers);
        if (kind !== 'buffers') {
          head();
          return void answer.pipe(response);
        }
        const held: Buffer[] = [];
        answer.on('data', (part: Buffer) => held.push(part));
        answer.on('end', () => {
          head();
          response.end(Buffer.concat(held));
        });
      },
    );
    request.pipe(sent.on('error', () => response.destroy()));
  };
  const server: Server =
    kind === 'socks5'
      ? createServer((socket) => {
          keep(socket).once('data', () => {
            socket.once('data', () => tunnel(socket, Buffer.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0)));
            socket.write(Buffer.of(5, 0));
          });
        })
      : kind === 'https' || isBefore
        ? https.createServer({ cert: certificate, key: privateKey }, forward).on('connect', onConnect)
        : http.createServer(forward).on('connect', onConnect);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => asked,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
