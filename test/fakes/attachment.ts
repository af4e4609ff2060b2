import { ChaosError } from '../../src/errors.ts';
import type { Attachment } from '../../src/ports.ts';
import type { ShimEvent } from '../../src/shim/protocol.ts';
import { Channel } from './channel.ts';
import { wireLine } from './wire.ts';

/** One stream to a shim that the test plays. */
export class FakeAttachment implements Attachment {
  readonly stdout = new Channel<string>();
  readonly stderr = new Channel<string>();
  readonly closed: Attachment['closed'];
  /** The lines that came from the run, in order. */
  readonly sent: string[] = [];
  /** Plays the shim: called with each line that arrives. */
  onLine: ((line: string) => void) | undefined;
  /** A stream that is open and carries nothing any more. */
  silent = false;
  isClosed = false;
  #resolveClosed: (end: Awaited<Attachment['closed']>) => void = () => undefined;

  constructor() {
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  async send(line: string): Promise<void> {
    if (this.isClosed) throw new ChaosError('connection-lost', 'the stream has ended');
    if (this.silent) return;
    this.sent.push(line);
    this.onLine?.(line);
  }

  close(): void {
    this.drop('closed', true);
  }

  /** The stream ends: by the network, the kubelet, or the container's end. `error`: no other will do better. */
  drop(reason: string, clean = false, error?: ChaosError): void {
    this.isClosed = true;
    this.stdout.end();
    this.stderr.end();
    this.#resolveClosed({ clean, reason, ...(error ? { error } : {}) });
  }

  say(...events: ShimEvent[]): void {
    if (this.silent) return;
    for (const event of events) this.stdout.push(wireLine(event));
  }
}
