import { StringDecoder } from 'node:string_decoder';

/** Puts lines together out of pieces of UTF-8 that may be cut anywhere, also within a character. */
export class LineAssembler {
  readonly #decoder = new StringDecoder('utf8');
  readonly #maxLength: number;
  #rest = '';

  /** A line longer than `maxLength` UTF-16 units is handed out in pieces, so that no peer can make us hold it all. */
  constructor(maxLength: number = Number.POSITIVE_INFINITY) {
    this.#maxLength = maxLength;
  }

  /** The lines that this piece completes, without their newline. */
  write(piece: Buffer): string[] {
    return this.#split(this.#decoder.write(piece));
  }

  /** What is left without a newline at the end; none if the stream ended with one. */
  end(): string[] {
    const lines = this.#split(this.#decoder.end());
    if (this.#rest !== '') lines.push(this.#rest);
    this.#rest = '';
    return lines;
  }

  #split(text: string): string[] {
    const lines = text.split('\n');
    lines[0] = this.#rest + (lines[0] ?? '');
    this.#rest = lines.pop() ?? '';
    while (this.#rest.length > this.#maxLength) {
      lines.push(this.#rest.slice(0, this.#maxLength));
      this.#rest = this.#rest.slice(this.#maxLength);
    }
    return lines;
  }
}
