import type { Output } from '../../src/ports.ts';

/** Collects what is written. */
export class BufferOutput implements Output {
  text = '';
  isGone = false;
  readonly isTTY: boolean;
  readonly columns: number | undefined;

  constructor(isTTY = false, columns: number | undefined = isTTY ? 100 : undefined) {
    this.isTTY = isTTY;
    this.columns = columns;
  }

  write(text: string): void {
    this.text += text;
  }
}
