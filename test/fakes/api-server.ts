import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { type WebSocket, WebSocketServer } from 'ws';
import { certificate, privateKey } from './tls.ts';

/** One request as it arrived. */
export interface Received {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: http.IncomingHttpHeaders;
  /** Name, value, name, value, …: repeated fields stay apart. */
  rawHeaders: readonly string[];
  body: unknown;
  /** The client presented the certificate of tls.ts. */
  hasCertificate: boolean;
  /** The name that the client asked for in TLS (SNI); empty: none. */
  serverName: string;
}

export type Handler = (request: Received, response: http.ServerResponse) => unknown;

/** A stream of an attach: the server's end of the WebSocket, with the raw socket below it. */
export interface FakeStream {
  request: Received;
  socket: WebSocket;
  raw: Duplex;
  /** Messages that came from the client. */
  received: Buffer[];
}

/** An API server on loopback with TLS (or without), that answers what a test tells it to, and can misbehave on the wire. */
export class ApiServer {
  readonly received: Received[] = [];
  /** TCP connections accepted so far. */
  connections = 0;
  readonly #server: http.Server;
  readonly #sockets = new Set<Socket>();
  readonly #routes: { method: string; path: RegExp; handler: Handler }[] = [];
  readonly #streams: WebSocketServer;
  readonly #secure: boolean;
  #refusal: { status: number; body: string; headers?: Record<string, string> } | undefined;
  #refusals = 0;
  #refused = /^/;
  #attached: ((stream: FakeStream) => void) | undefined;
  #hang = false;

  /** `subprotocols`: what the server speaks on attach, the first that the client offers too is taken. */
  private constructor(secure: boolean, subprotocols: readonly string[], identity: { cert: string; key: string }) {
    this.#secure = secure;
    this.#server = secure
      ? https.createServer({
          ...identity,
          ca: certificate,
          requestCert: true,
          rejectUnauthorized: false,
        })
      : http.createServer();
    this.#streams = new WebSocketServer({
      noServer: true,
      handleProtocols: (offered) => [...offered].find((name) => subprotocols.includes(name)) ?? false,
    });
    this.#server.on('connection', (socket: Socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('request', (message, response) => void this.#serve(message, response));
    this.#server.on('upgrade', (message, socket, head) => this.#upgrade(message, socket, head));
  }

  /** `identity`: its certificate, in place of the one that is its own authority. */
  static async start(
    options: { secure?: boolean; subprotocols?: readonly string[]; identity?: { cert: string; key: string } } = {},
  ): Promise<ApiServer> {
    const server = new ApiServer(
      options.secure ?? true,
      options.subprotocols ?? ['v5.channel.k8s.io', 'v4.channel.k8s.io'],
      options.identity ?? { cert: certificate, key: privateKey },
    );
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.#secure ? 'https' : 'http'}://127.0.0.1:${this.port}`;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#sockets.size;
  }

  /** Answers requests of this method and path (whole, without query); the latest rule that matches counts. */
  on(method: string, path: string | RegExp, handler: Handler): this {
    const pattern = typeof path === 'string' ? new RegExp(`^${escapePattern(path)}$`) : path;
    this.#routes.unshift({ method, path: pattern, handler });
    return this;
  }

  /** Answers once, then as before. */
  once(method: string, path: string | RegExp, handler: Handler): this {
    let used = false;
    const before = [...this.#routes];
    return this.on(method, path, (request, response) => {
      if (!used) {
        used = true;
        return handler(request, response);
      }
      const route = before.find((rule) => rule.method === request.method && rule.path.test(request.path));
      return route?.handler(request, response);
    });
  }

  onAttach(attached: (stream: FakeStream) => void): this {
    this.#attached = attached;
    return this;
  }

  /** Refuses to upgrade, with this status and body, so many times; of requests whose path is of `where` alone. */
  refuseAttach(
    answer: { status: number; body: string; headers?: Record<string, string> } | undefined,
    times = Number.POSITIVE_INFINITY,
    where = /^/,
  ): this {
    this.#refused = where;
    this.#refusal = answer;
    this.#refusals = times;
    return this;
  }

  /** Takes upgrade requests and never answers them. */
  hangAttach(): this {
    this.#hang = true;
    return this;
  }

  requestsTo(path: string | RegExp): Received[] {
    return this.received.filter((request) =>
      typeof path === 'string' ? request.path === path : path.test(request.path),
    );
  }

  /** Cuts every connection without a goodbye. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #serve(message: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk as Buffer);
    const request = this.#note(message, Buffer.concat(chunks).toString('utf8'));
    const route = this.#routes.find(({ method, path }) => method === request.method && path.test(request.path));
    if (route) await route.handler(request, response);
    else
      json(response, 404, status(404, 'NotFound', `the server could not find the requested resource: ${request.path}`));
  }

  #upgrade(message: http.IncomingMessage, raw: Duplex, head: Buffer): void {
    const request = this.#note(message, '');
    raw.on('error', () => undefined);
    if (this.#hang) return;
    const refusal = this.#refusals > 0 && this.#refused.test(request.path) ? this.#refusal : undefined;
    if (refusal) {
      this.#refusals--;
      const { status: code, body } = refusal;
      const headers = {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        connection: 'close',
        ...refusal.headers,
      };
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
      raw.end([`HTTP/1.1 ${code} ${http.STATUS_CODES[code]}`, ...lines, '', body].join('\r\n'));
      return;
    }
    this.#streams.handleUpgrade(message, raw, head, (socket) => {
      const stream: FakeStream = { request, socket, raw, received: [] };
      socket.on('message', (data) => stream.received.push(data as Buffer));
      socket.on('error', () => undefined);
      this.#attached?.(stream);
    });
  }

  #note(message: http.IncomingMessage, body: string): Received {
    const url = new URL(message.url ?? '', 'http://x');
    const peer = (message.socket as TLSSocket).getPeerCertificate?.();
    const request: Received = {
      method: message.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: message.headers,
      rawHeaders: message.rawHeaders,
      body: body === '' ? undefined : JSON.parse(body),
      hasCertificate: peer?.subject?.CN === 'api-server.test',
      serverName: (message.socket as TLSSocket).servername || '',
    };
    this.received.push(request);
    return request;
  }
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

export function json(
  response: http.ServerResponse,
  code: number,
  body: unknown,
  headers: http.OutgoingHttpHeaders = {},
): void {
  response.writeHead(code, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** A Status as API servers answer with. */
export function status(
  code: number,
  reason: string,
  message: string,
  details?: Record<string, unknown>,
): Record<string, unknown> {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    code,
    ...(details ? { details } : {}),
  };
}

/** A watch that a test feeds by hand. */
export class WatchFeed {
  /** The requests of each watch that was opened, in order. */
  readonly requests: Received[] = [];
  readonly #responses = new Set<http.ServerResponse>();

  readonly handler: Handler = (request, response) => {
    this.requests.push(request);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    this.#responses.add(response);
    response.on('close', () => this.#responses.delete(response));
  };

  /** Watches that are open now. */
  get open(): number {
    return this.#responses.size;
  }

  send(type: string, object: unknown): void {
    this.write(`${JSON.stringify({ type, object })}\n`);
  }

  write(text: string | Buffer): void {
    for (const response of this.#responses) response.write(text);
  }

  /** Ends the watches as the server's own time-out does. */
  end(): void {
    for (const response of this.#responses) response.end();
  }

  /** Breaks the connections. */
  cut(): void {
    for (const response of this.#responses) response.socket?.destroy();
  }
}

/** A frame of the channel protocol. */
export function frame(channel: number, data: string | Buffer): Buffer {
  return Buffer.concat([Buffer.of(channel), Buffer.from(data as string)]);
}

/** Waits until the condition holds; rejects after `limitMs` with what was waited for. */
export async function until(what: string, condition: () => boolean, limitMs = 20_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited ${limitMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
