import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFrame, encodeFrame, streamEnd } from '../../src/kubernetes/channel.ts';
import { LineAssembler } from '../../src/kubernetes/lines.ts';

/** Cuts a buffer at the given places. */
function cut(buffer: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [...new Set(places.map((place) => place % (buffer.length + 1)))].sort((a, b) => a - b);
  return [...sorted, buffer.length].map((end, index) => buffer.subarray(index === 0 ? 0 : sorted[index - 1], end));
}

describe('LineAssembler', () => {
  it('gives back the lines of any text, cut anywhere', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary' }).map((line) => line.replaceAll('\n', ' ').toWellFormed())),
        fc.array(fc.nat()),
        (lines, places) => {
          const assembler = new LineAssembler();
          const pieces = cut(Buffer.from(lines.map((line) => `${line}\n`).join(''), 'utf8'), places);
          expect([...pieces.flatMap((piece) => assembler.write(piece)), ...assembler.end()]).toEqual(lines);
        },
      ),
    );
  });

  it('gives what is left without a newline at the end, once', () => {
    const assembler = new LineAssembler();
    expect(assembler.write(Buffer.from('a\nb€'.slice(0)))).toEqual(['a']);
    expect(assembler.end()).toEqual(['b€']);
    expect(assembler.end()).toEqual([]);
  });

  it('does not hold a line without an end', () => {
    const assembler = new LineAssembler(10);
    const lines = Array.from({ length: 10 }, () => assembler.write(Buffer.from('abcdefgh'))).flat();
    expect(lines.every((line) => line.length === 10)).toBe(true);
    expect(lines.join('') + assembler.end().join('')).toBe('abcdefgh'.repeat(10));
  });
});

describe('frames', () => {
  it('come back as they went', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), fc.uint8Array(), (channel, data) => {
        const frame = decodeFrame(encodeFrame(channel, Buffer.from(data)));
        expect(frame?.channel).toBe(channel);
        expect(frame && Buffer.compare(frame.data, data)).toBe(0);
      }),
    );
  });

  it('may be empty', () => {
    expect(decodeFrame(Buffer.alloc(0))).toBeUndefined();
    expect(decodeFrame(Buffer.of(1))?.data).toHaveLength(0);
  });

  it.each([
    ['{"metadata":{},"status":"Success"}', { clean: true, reason: 'the container ended' }],
    ['{"status":"Failure","message":"gone","reason":"InternalError"}', { clean: false, reason: 'gone' }],
    ['{"status":"Failure","reason":"Timeout"}', { clean: false, reason: 'Timeout' }],
    ['container not found', { clean: false, reason: 'container not found' }],
    ['', { clean: false, reason: 'the stream ended with an unreadable status' }],
  ])('end with %j', (text, end) => {
    expect(streamEnd(text)).toEqual(end);
  });
});
