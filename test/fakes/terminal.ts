import { clearLine, cursorTo, moveCursor } from 'node:readline';
import { Writable } from 'node:stream';
import type { WriteStream } from 'node:tty';
import type { Output } from '../../src/ports.ts';

/** A terminal: takes what a program writes, and knows what is on its screen afterwards. */
export class FakeTerminal extends Writable implements Output {
  readonly isTTY = true;
  columns = 120;
  rows = 40;
  /** Everything that was written, escape sequences and all. */
  text = '';

  override _write(chunk: Buffer | string, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }

  cursorTo(x: number): boolean {
    return cursorTo(this, x);
  }

  moveCursor(dx: number, dy: number): boolean {
    return moveCursor(this, dx, dy);
  }

  clearLine(direction: -1 | 0 | 1): boolean {
    return clearLine(this, direction);
  }

  resize(columns: number, rows: number): void {
    Object.assign(this, { columns, rows });
    this.emit('resize');
  }

  /** As the stream that libraries expect: they use no more of it than there is here. */
  get stream(): WriteStream {
    return this as unknown as WriteStream;
  }

  /** The lines on the screen, as a VT100 would show what was written. */
  get screen(): string[] {
    const lines: string[] = [''];
    let row = 0;
    let column = 0;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal is made of control characters
    for (const [token, parameters = '', command = ''] of this.text.matchAll(/\u001b\[([?\d;]*)([A-Za-z])|[\s\S]/gu)) {
      const line = lines[row] ?? '';
      const count = Number(parameters) || 1;
      if (command === 'G') column = count - 1;
      else if (command === 'A') row = Math.max(0, row - count);
      else if (command === 'K') lines[row] = parameters === '2' ? '' : line.slice(0, column);
      else if (command === '' && token === '\n') {
        row++;
        column = 0;
        lines[row] ??= '';
      } else if (command === '' && token === '\r') column = 0;
      else if (command === '') {
        lines[row] = line.padEnd(column).slice(0, column) + token + line.slice(column + 1);
        column++;
      }
    }
    return lines.map((line) => line.trimEnd());
  }

  get cursorIsHidden(): boolean {
    return this.text.lastIndexOf('\u001b[?25l') > this.text.lastIndexOf('\u001b[?25h');
  }
}
