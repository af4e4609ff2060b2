import { ChaosError } from '../errors.ts';
import type { ToolsEvent } from '../shim/protocol.ts';
import { formatMegabytes } from '../text.ts';
import { formatDuration } from '../units.ts';
import type { SentTools } from './plan.ts';
import type { RunContext } from './run-context.ts';
import { timeouts } from './timeouts.ts';
import { Upload } from './upload.ts';

/**
 * Sends a fault's tools to a shim that waits for `start`: across streams that break, as fast as it takes them, and given up when nothing of it arrives any more. How long all of it takes is not limited.
 */
export class Delivery {
  readonly #context: RunContext;
  readonly #sent: SentTools;
  readonly #upload: Upload;
  readonly #onReady: () => void;
  #state: 'waiting' | 'sending' | 'ready' = 'waiting';
  #there = 0;
  #begunAt = 0;
  #toldAt = 0;

  /** `onReady` is called once. */
  constructor(context: RunContext, sent: SentTools, onReady: () => void) {
    this.#context = context;
    this.#sent = sent;
    this.#upload = new Upload(sent);
    this.#onReady = onReady;
  }

  get isReady(): boolean {
    return this.#state === 'ready';
  }

  /** It goes on: whoever waits for the shim waits for that first. */
  get isSending(): boolean {
    return this.#state === 'sending';
  }

  /** The shim is there, on a stream on which it has been told nothing of it yet. */
  begin(): void {
    if (this.isReady) return;
    if (this.#state === 'waiting') this.#begunAt = this.#toldAt = this.#context.clock.now();
    this.#state = 'sending';
    this.#say(this.#upload.offer());
    this.#context.timers.set('tools', timeouts.tools);
  }

  onEvent(event: ToolsEvent): void {
    const { sha256, archive } = this.#sent;
    const isOurs = event.sha256 === sha256 && event.offset <= archive.length;
    if (!this.isSending || !isOurs) return;
    if (event.problem !== undefined) return this.#giveUp('shim', `could not be made ready: ${event.problem}`);
    this.#context.timers.set('tools', timeouts.tools);
    if (event.ready) return this.#ready();
    for (const line of this.#upload.take(event)) this.#say(line);
    this.#tell(event.offset);
  }

  /** With every beat. */
  look(): void {
    const offer = this.isSending ? this.#upload.look() : undefined;
    if (offer !== undefined) this.#say(offer);
  }

  onSilence(): void {
    const bytes = this.#sent.archive.length;
    const isThere = this.#there === bytes;
    const what = isThere ? 'have arrived but are not ready' : `arrive no more (${formatMegabytes(this.#there, bytes)})`;
    this.#giveUp('connection-lost', `${what}: nothing was heard of them for ${formatDuration(timeouts.tools)}`);
  }

  #ready(): void {
    this.#state = 'ready';
    this.#context.timers.stop('tools');
    const { names, archive } = this.#sent;
    const readyMs = this.#context.clock.now() - this.#begunAt;
    this.#context.report({ kind: 'tools', tools: names, bytes: archive.length, sentBytes: archive.length, readyMs });
    this.#onReady();
  }

  /** Twice a second at most, and when all of it has arrived, which may be long before it is ready. */
  #tell(there: number): void {
    const { names, archive } = this.#sent;
    const now = this.#context.clock.now();
    const isNews = there !== this.#there && (there === archive.length || now - this.#toldAt >= timeouts.telling);
    this.#there = there;
    if (!isNews) return;
    this.#toldAt = now;
    this.#context.report({ kind: 'tools', tools: names, bytes: archive.length, sentBytes: there });
  }

  #giveUp(code: 'shim' | 'connection-lost', why: string): void {
    this.#context.timers.stop('tools');
    this.#context.refuse(
      new ChaosError(code, `the tools sent to node ${this.#context.plan.agent.node} (${this.#sent.names}) ${why}`, {
        hint: `Run the command again, or name an image with ${this.#sent.names} in it: --image.`,
      }),
    );
  }

  /** What is lost with a stream is sent anew on the next one, and the loss is told as that of the stream. */
  #say(line: string): void {
    this.#context.connection.send(line).catch(() => undefined);
  }
}
