import type { IncomingMessage } from 'node:http';
import { StringDecoder } from 'node:string_decoder';
import { WebSocket } from 'ws';
import { ChaosError } from '../errors.ts';
import type { Attachment } from '../ports.ts';
import { ApiError, answerError, transportError } from './api-error.ts';
import { Channel, decodeFrame, encodeFrame, streamEnd, subprotocols } from './channel.ts';
import { LineAssembler } from './lines.ts';
import { Queue } from './queue.ts';
import { type ApiRequest, resources } from './request.ts';
import type { Rest } from './rest.ts';

/** Milliseconds and bytes; the defaults are for production, tests shorten them. */
export interface AttachLimits {
  /** Between pings: less than any load balancer's idle time-out that we know of (60 s). */
  pingMs: number;
  /** From a ping to the first sign of life after it. */
  pongMs: number;
  handshakeMs: number;
  /** How much may wait to be sent, before `send` waits. */
  sendBufferBytes: number;
  /** How much of stdout may wait for its reader, before we stop reading the socket. */
  readBufferBytes: number;
  /** How much of stderr may wait for its reader; the oldest is dropped, because stderr must never hold up stdout. */
  stderrBufferBytes: number;
}

export const defaultLimits: AttachLimits = {
  pingMs: 10_000,
  pongMs: 5_000,
  handshakeMs: 15_000,
  sendBufferBytes: 64 * 1024,
  readBufferBytes: 4 * 2 ** 20,
  stderrBufferBytes: 2 ** 20,
};

/** Attaches to a running container's stdin, stdout and stderr. Rejects with ChaosError when the API server or the kubelet refuses. */
export async function attach(
  rest: Rest,
  where: { namespace: string; pod: string; container: string },
  signal: AbortSignal,
  limits: AttachLimits = defaultLimits,
): Promise<Attachment> {
  const request: ApiRequest = {
    verb: 'get',
    resource: resources.pods,
    subresource: 'attach',
    namespace: where.namespace,
    name: where.pod,
    query: { container: where.container, stdin: true, stdout: true, stderr: true, tty: false },
  };
  const dial = await rest.dial(request);
  signal.throwIfAborted();
  const socket = new WebSocket(dial.url, [...subprotocols], {
    agent: dial.agent,
    headers: dial.headers as Record<string, string>,
    handshakeTimeout: limits.handshakeMs,
    perMessageDeflate: false,
    followRedirects: false,
  });
  // From the first moment: what the server sends right behind its 101 would otherwise come before anybody listens.
  const stream = new Stream(socket, limits);
  const abort = (): void => stream.close();
  signal.addEventListener('abort', abort, { once: true });
  void stream.closed.then(() => signal.removeEventListener('abort', abort));
  await opened(socket, request, rest.server);
  signal.throwIfAborted();
  return stream;
}

function opened(socket: WebSocket, request: ApiRequest, server: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('open', () => {
      if (!(subprotocols as readonly string[]).includes(socket.protocol)) {
        socket.terminate();
        return reject(
          new ApiError(0, 'api', `${server} speaks none of ${subprotocols.join(', ')} for attach`, {
            hint: 'the API server, or a proxy before it, is too old or does not pass WebSockets on',
          }),
        );
      }
      resolve();
    });
    socket.once('unexpected-response', (_request, response: IncomingMessage) => {
      void refusal(response, request, server).then((error) => {
        reject(error);
        socket.terminate();
      });
    });
    socket.once('error', (error) => reject(transportError(error, server)));
    socket.once('close', () =>
      reject(new ChaosError('connection-lost', `the attach to ${request.name} was closed before it stood`)),
    );
  });
}

async function refusal(response: IncomingMessage, request: ApiRequest, server: string): Promise<ApiError> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer);
  } catch {
    // The status line alone has to do.
  }
  const body = Buffer.concat(chunks).toString('utf8');
  return answerError(
    { status: response.statusCode ?? 0, body, retryAfter: response.headers['retry-after'] },
    request,
    server,
  );
}

type End = Awaited<Attachment['closed']>;

class Stream implements Attachment {
  readonly stdout: AsyncIterable<string>;
  readonly stderr: AsyncIterable<string>;
  readonly closed: Promise<End>;
  readonly #socket: WebSocket;
  readonly #limits: AttachLimits;
  readonly #stdout: Queue<string>;
  readonly #stderr: Queue<string>;
  readonly #lines = new LineAssembler(2 ** 20);
  readonly #stderrDecoder = new StringDecoder('utf8');
  #waitingOut = 0;
  #waitingErr = 0;
  #end: End | undefined;
  #resolveClosed: (end: End) => void = () => {};
  #lifeTimer: NodeJS.Timeout | undefined;
  #alive = false;

  constructor(socket: WebSocket, limits: AttachLimits) {
    this.#socket = socket;
    this.#limits = limits;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#stdout = new Queue((line) => {
      this.#waitingOut -= line.length;
      if (socket.isPaused && this.#waitingOut < limits.readBufferBytes / 2) this.#resume();
    });
    this.#stderr = new Queue((text) => {
      this.#waitingErr -= text.length;
    });
    this.stdout = this.#stdout;
    this.stderr = this.#stderr;
    socket.on('message', (data) => this.#receive(data as Buffer));
    socket.on('pong', () => {
      this.#alive = true;
    });
    socket.on('error', (error) => this.#ended({ clean: false, reason: `the connection broke: ${error.message}` }));
    socket.on('close', (code, reason) => this.#ended(closeEnd(code, reason.toString('utf8'))));
    socket.on('open', () => this.#expectPing());
  }

  async send(line: string): Promise<void> {
    while (this.#socket.bufferedAmount > this.#limits.sendBufferBytes && this.#end === undefined) {
      await Promise.race([this.closed, new Promise((resolve) => setTimeout(resolve, 5))]);
    }
    await new Promise<void>((resolve, reject) => {
      const lost = (why: string): void =>
        reject(
          new ChaosError('connection-lost', `the connection to the agent is gone: ${why}`, {
            state: 'unknown to us: the agent reverts by itself when its lease ends',
          }),
        );
      if (this.#end) return lost(this.#end.reason);
      this.#socket.send(encodeFrame(Channel.stdin, `${line}\n`), { binary: true }, (error) => {
        if (error) lost(error.message);
        else resolve();
      });
    });
  }

  close(): void {
    if (this.#end) return;
    // stdinOnce is false: the container keeps its stdin, and goes on.
    this.#socket.close(1000);
    this.#ended({ clean: true, reason: 'closed by us' });
  }

  #receive(message: Buffer): void {
    this.#alive = true;
    const frame = decodeFrame(message);
    if (!frame || frame.data.length === 0) return;
    switch (frame.channel) {
      case Channel.stdout:
        for (const line of this.#lines.write(frame.data)) this.#pushLine(line);
        if (this.#waitingOut > this.#limits.readBufferBytes) this.#pause();
        break;
      case Channel.stderr:
        this.#pushStderr(this.#stderrDecoder.write(frame.data));
        break;
      case Channel.error:
        this.#finish(streamEnd(frame.data.toString('utf8')));
        break;
      default:
        // resize is ours to send, close (v5) is followed by the Status, and an unknown channel carries nothing for us.
        break;
    }
  }

  #pushLine(line: string): void {
    this.#waitingOut += line.length;
    this.#stdout.push(line);
  }

  #pushStderr(text: string): void {
    if (text === '') return;
    this.#waitingErr += text.length;
    this.#stderr.push(text);
    while (this.#waitingErr > this.#limits.stderrBufferBytes)
      this.#waitingErr -= this.#stderr.shift()?.length ?? this.#waitingErr;
  }

  /** The Status came: what the stream had to say is said, and a peer that does not close is not waited for. */
  #finish(end: End): void {
    this.#socket.close(1000);
    this.#ended(end);
  }

  #ended(end: End): void {
    if (this.#end) return;
    this.#end = end;
    clearTimeout(this.#lifeTimer);
    if (this.#socket.isPaused) this.#socket.resume();
    for (const line of this.#lines.end()) this.#stdout.push(line);
    this.#pushStderr(this.#stderrDecoder.end());
    this.#stdout.end();
    this.#stderr.end();
    // ws waits 30 s for the peer's close frame; a peer that is gone never sends one.
    const kill = setTimeout(() => this.#socket.terminate(), 1_000);
    if (this.#socket.readyState === WebSocket.CLOSED) clearTimeout(kill);
    else this.#socket.once('close', () => clearTimeout(kill));
    this.#resolveClosed(end);
  }

  #pause(): void {
    if (this.#socket.isPaused || this.#end) return;
    // Pongs are not read either while paused, so their absence means nothing.
    clearTimeout(this.#lifeTimer);
    this.#socket.pause();
  }

  #resume(): void {
    this.#socket.resume();
    if (!this.#end) this.#expectPing();
  }

  #expectPing(): void {
    clearTimeout(this.#lifeTimer);
    this.#lifeTimer = setTimeout(() => {
      this.#alive = false;
      this.#socket.ping();
      this.#lifeTimer = setTimeout(() => {
        if (this.#alive) return this.#expectPing();
        this.#socket.terminate();
        this.#ended({ clean: false, reason: `no sign of life for ${this.#limits.pongMs / 1_000} s after a ping` });
      }, this.#limits.pongMs);
    }, this.#limits.pingMs);
  }
}

function closeEnd(code: number, reason: string): End {
  // Without a Status before it, a normal close says only that somebody on the way had enough.
  const words =
    code === 1006
      ? 'the connection was cut'
      : `the server closed the stream with code ${code}${reason ? `: ${reason}` : ''}`;
  return { clean: false, reason: words };
}
