import { createHash } from 'node:crypto';
import type { Toolbox } from '../../src/ports.ts';
import type { ToolsEvent } from '../../src/shim/protocol.ts';

/** A toolbox of so many bytes, each of which tells its place. */
export function toolbox(bytes = 500_000): Toolbox {
  const archive = Uint8Array.from({ length: bytes }, (_, at) => (at * 7 + (at >> 8)) % 251);
  const sha256 = createHash('sha256').update(archive).digest('hex');
  return { name: 'stress', archive, sha256, unpackedBytes: 3 * bytes };
}

/** Receives a toolbox as the shim does: in order, verified when all of it is there, and ready when it has been unpacked. */
export class ToolboxShim {
  sent = toolbox();
  /** False: unpacking goes on until `unpack` is called. */
  isQuick = true;
  /** It takes the lines, and answers none. */
  isSilent = false;
  /** What it finds wrong when all of it has come. */
  problem: string | undefined;
  /** Called with what has come after each line. */
  onOffset: ((offset: number) => void) | undefined;
  /** How often one was announced. */
  offers = 0;
  #promised: { name: string; bytes: number; sha256: string } | undefined;
  #got = Buffer.alloc(0);
  #isReady = false;

  get offset(): number {
    return this.#got.length;
  }

  /** What it says to a line. */
  hear(line: string): ToolsEvent[] {
    const [verb, ...words] = line.split(' ');
    if (verb === 'tools') this.#promise(words);
    else if (verb === 'chunk') this.#take(words);
    else return [];
    this.onOffset?.(this.offset);
    return this.isSilent ? [] : [this.says()];
  }

  /** All of it has come, and is ready now. */
  unpack(): ToolsEvent {
    this.isQuick = true;
    return this.says();
  }

  says(change: Partial<ToolsEvent> = {}): ToolsEvent {
    if (!this.#promised) throw new Error('nothing was announced');
    const isWhole = this.offset === this.#promised.bytes;
    const isWrong = isWhole && createHash('sha256').update(this.#got).digest('hex') !== this.#promised.sha256;
    const problem = isWrong ? 'its SHA-256 is another' : isWhole ? this.problem : undefined;
    this.#isReady ||= isWhole && problem === undefined && this.isQuick;
    if (problem !== undefined) this.#got = Buffer.alloc(0);
    return {
      ...{ event: 'tools', atMs: 1, ...this.#promised, offset: this.offset, ready: this.#isReady },
      ...(this.#isReady ? { unpackMs: 40 } : {}),
      ...(problem === undefined ? {} : { problem }),
      ...change,
    };
  }

  #promise([name = '', bytes, sha256 = '', unpacked]: string[]): void {
    if (Number(unpacked) !== this.sent.unpackedBytes) throw new Error(`unpacked it is not ${unpacked}`);
    this.offers++;
    this.#promised = { name, bytes: Number(bytes), sha256 };
  }

  #take([offset, base64 = '']: string[]): void {
    if (!this.#promised) throw new Error('a chunk of nothing that was announced');
    const chunk = Buffer.from(base64, 'base64');
    if (Number(offset) === this.offset) this.#got = Buffer.concat([this.#got, chunk]);
  }
}
