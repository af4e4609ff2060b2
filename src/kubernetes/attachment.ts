import { StringDecoder } from 'node:string_decoder';
import { WebSocket } from 'ws';
import { ChaosError } from '../errors.ts';
import type { Attachment } from '../ports.ts';
import { Queue } from '../queue.ts';
import { Channel, decodeFrame, encodeFrame, streamEnd } from './channel.ts';
import { LineAssembler } from './lines.ts';

/** Milliseconds and bytes; the defaults are for production, tests shorten them. */
export interface AttachLimits {
  /** Between pings: less than any load balancer's idle time-out that we know of (60 s). */
  pingMs: number;
  /** From a ping to the first sign of life after it. */
  pongMs: number;
  handshakeMs: number;
  /** From an open stream to the first that comes through it, while another subprotocol is left to try: a shim writes every second. */
  silentMs: number;
  /** The same for the last subprotocol: less than a run waits for its shim (10 s), so that the reason is known by then. */
  lastSilentMs: number;
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
  silentMs: 5_000,
  lastSilentMs: 9_000,
  sendBufferBytes: 64 * 1024,
  readBufferBytes: 4 * 2 ** 20,
  stderrBufferBytes: 2 ** 20,
};

export type End = Awaited<Attachment['closed']>;

/** An answer of the shim has two texts of at most 1 MiB each, and JSON may write six characters for a byte. */
const longestLine = 16 * 2 ** 20;

/** Of one message, since servers and proxies limit them. */
const frameBytes = 32 * 1024;

/** How long a peer may take to close its end. */
const closeMs = 500;

interface Outgoing {
  bytes: Buffer;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Takes the lines that go into one message; one that is longer goes by itself, in several. API server, kubelet and container runtime work for each message that they pass on: a few large ones take a part of what many small
 * ones do.
 */
function together(lines: Outgoing[]): Outgoing[] {
  let count = 0;
  for (let bytes = 0; count < lines.length; count++) {
    bytes += lines[count]?.bytes.length ?? 0;
    if (count > 0 && bytes > frameBytes) break;
  }
  return lines.splice(0, count);
}

/** An open attach: channels taken apart, its life watched over. */
export class ContainerStream implements Attachment {
  readonly stdout: AsyncIterable<string>;
  readonly stderr: AsyncIterable<string>;
  readonly closed: Promise<End>;
  readonly #socket: WebSocket;
  readonly #limits: AttachLimits;
  readonly #stdout: Queue<string>;
  readonly #stderr: Queue<string>;
  readonly #lines = new LineAssembler(longestLine);
  /** Lines that are to be sent, in their order. */
  readonly #toSend: Outgoing[] = [];
  #isSending = false;
  readonly #stderrDecoder = new StringDecoder('utf8');
  #waitingOut = 0;
  #waitingErr = 0;
  #status: End | undefined;
  #end: End | undefined;
  #resolveClosed: (end: End) => void = () => {};
  #lifeTimer: NodeJS.Timeout | undefined;
  #alive = false;
  #hasSpoken = false;
  #silenceTimer: NodeJS.Timeout | undefined;

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

  send(line: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#toSend.push({ bytes: Buffer.from(`${line}\n`, 'utf8'), resolve, reject });
      if (this.#isSending) return;
      this.#isSending = true;
      // After all that is said in this turn.
      queueMicrotask(() => void this.#sendAll());
    });
  }

  /** One message after the other: a line that has to wait for a full buffer is not overtaken by the next. Only those fail that are in the message that does. */
  async #sendAll(): Promise<void> {
    for (let some = together(this.#toSend); some.length > 0; some = together(this.#toSend)) {
      try {
        await this.#write(Buffer.concat(some.map(({ bytes }) => bytes)));
        for (const { resolve } of some) resolve();
      } catch (error) {
        for (const { reject } of some) reject(error);
      }
    }
    this.#isSending = false;
  }

  async #write(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; at += frameBytes) {
      while (this.#socket.bufferedAmount > this.#limits.sendBufferBytes && this.#end === undefined) {
        await Promise.race([this.closed, new Promise((resolve) => setTimeout(resolve, 5))]);
      }
      await this.#sendFrame(bytes.subarray(at, at + frameBytes));
    }
  }

  #sendFrame(data: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      const lost = (why: string): void =>
        reject(
          new ChaosError('connection-lost', `the connection to the agent is gone: ${why}`, {
            state: 'unknown: the agent reverts the fault when its lease runs out',
          }),
        );
      if (this.#end) return lost(this.#end.reason);
      this.#socket.send(encodeFrame(Channel.stdin, data), { binary: true }, (error) => {
        if (error) lost(error.message);
        else resolve();
      });
    });
  }

  /** Ends the stream with what `silence` gives, unless something comes through it within `ms`. Of a stream that is open. */
  expectWord(ms: number, silence: () => Promise<End>): void {
    const check = async (): Promise<void> => {
      if (this.#hasSpoken || this.#end) return;
      const end = await silence();
      if (!this.#hasSpoken) this.#ended(end);
    };
    this.#silenceTimer = afterReading(() => void check(), ms);
  }

  close(): void {
    if (this.#end) return;
    // stdinOnce is false: the container keeps its stdin, and goes on.
    this.#socket.close(1000);
    this.#ended({ clean: true, reason: 'closed by this command' });
  }

  #receive(message: Buffer): void {
    this.#alive = true;
    const frame = decodeFrame(message);
    if (!frame || frame.data.length === 0) return;
    this.#hasSpoken = true;
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

  /** The Status came. Output that it overtook may still come before the connection closes; a peer that does not close it is not waited for. */
  #finish(status: End): void {
    this.#status ??= status;
    this.#socket.close(1000);
    clearTimeout(this.#lifeTimer);
    this.#lifeTimer = setTimeout(() => this.#ended(status), closeMs);
  }

  #ended(end: End): void {
    if (this.#end) return;
    this.#end = this.#status ?? end;
    clearTimeout(this.#lifeTimer);
    clearTimeout(this.#silenceTimer);
    if (this.#socket.isPaused) this.#socket.resume();
    for (const line of this.#lines.end()) this.#stdout.push(line);
    this.#pushStderr(this.#stderrDecoder.end());
    this.#stdout.end();
    this.#stderr.end();
    // ws waits 30 s for the peer's close frame; a peer that is gone never sends one.
    const kill = setTimeout(() => this.#socket.terminate(), closeMs);
    if (this.#socket.readyState === WebSocket.CLOSED) clearTimeout(kill);
    else this.#socket.once('close', () => clearTimeout(kill));
    this.#resolveClosed(this.#end);
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
      this.#lifeTimer = afterReading(() => {
        if (this.#end || this.#status || this.#socket.isPaused) return;
        if (this.#alive) return this.#expectPing();
        this.#socket.terminate();
        this.#ended({ clean: false, reason: `no sign of life for ${this.#limits.pongMs / 1_000}s after a ping` });
      }, this.#limits.pongMs);
    }, this.#limits.pingMs);
  }
}

/** A process that was held up is called by its timers before it reads what has come meanwhile: this one calls after it has. */
function afterReading(callback: () => void, ms: number): NodeJS.Timeout {
  return setTimeout(() => setImmediate(callback), ms);
}

function closeEnd(code: number, reason: string): End {
  // Without a Status before it, a normal close does not say that the container has ended: a proxy may have closed the stream.
  const words =
    code === 1006
      ? 'the connection was cut'
      : `the server closed the stream with code ${code}${reason ? `: ${reason}` : ''}`;
  return { clean: false, reason: words };
}
