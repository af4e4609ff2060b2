import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Upload } from '../../src/experiment/upload.ts';
import { ToolboxShim, toolbox } from '../fakes/toolbox-shim.ts';

const sent = toolbox();
const offsetOf = (line: string | undefined) => Number(line?.split(' ')[1]);

/** The shim and the upload by turns, until neither has anything to say; `cut`: the lines that get lost, by their number. */
function deliver(
  upload: Upload,
  shim: ToolboxShim,
  lines: string[],
  cut: (count: number) => boolean = () => false,
): void {
  const waiting = [...lines];
  for (let count = 0; waiting.length > 0; count++) {
    const line = waiting.shift() ?? '';
    if (cut(count)) continue;
    for (const event of shim.hear(line)) if (!event.ready) waiting.push(...upload.take(event));
  }
}

describe('an upload', () => {
  test('is told after its answer, in lines that the shim takes, and never further ahead than 256 KiB', () => {
    const upload = new Upload(sent);
    const shim = new ToolboxShim();
    const answer = shim.hear(upload.offer());
    const first = upload.take(answer[0] ?? shim.says());
    expect(first.every((line) => line.length <= 16 * 1024)).toBe(true);
    expect(first.join('\n').length).toBeGreaterThan(200 * 1024);
    expect(first.join('\n').length).toBeLessThanOrEqual(256 * 1024);
    // What has arrived makes room for as much, which is used when it is worth it.
    expect(upload.take({ offset: 12_000 })).toEqual([]);
    expect(upload.take({ offset: 36_000 })).toEqual([]);
    expect(upload.take({ offset: 48_000 }).map(offsetOf)).toEqual([16, 17, 18, 19].map((piece) => piece * 12_000));
    expect(upload.take({ offset: 144_000 })).toHaveLength(8);
  });

  test('has its end sent as soon as there is room for it', () => {
    const upload = new Upload(toolbox(17 * 12_000 + 1));
    upload.offer();
    expect(upload.take({ offset: 0 })).toHaveLength(16);
    expect(upload.take({ offset: 12_000 })).toEqual([]);
    expect(upload.take({ offset: 24_000 }).map(offsetOf)).toEqual([16 * 12_000, 17 * 12_000]);
  });

  test('arrives whole, whatever the size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300_000 }), (bytes) => {
        const shim = new ToolboxShim();
        shim.sent = toolbox(bytes);
        const upload = new Upload(shim.sent);
        deliver(upload, shim, [upload.offer()]);
        expect(shim.says()).toMatchObject({ offset: bytes, ready: true });
      }),
      { numRuns: 30 },
    );
  });

  test('goes on where the shim is, wherever its stream broke', () => {
    for (let tenth = 0; tenth <= 10; tenth++) {
      const shim = new ToolboxShim();
      const first = new Upload(sent);
      const lines = Math.ceil((sent.archive.length / 12_000) * (tenth / 10)) + 1;
      deliver(first, shim, [first.offer()], (count) => count >= lines);
      const there = shim.offset;
      // By the same command, or by another one.
      for (const upload of [first, new Upload(sent)]) {
        const [answer] = shim.hear(upload.offer());
        const [next] = answer?.ready ? [] : upload.take(shim.says());
        if (!answer?.ready) expect(offsetOf(next)).toBe(there);
      }
      deliver(first, shim, [first.offer()]);
      expect(shim.says(), `at ${tenth}/10`).toMatchObject({ ready: true });
    }
  });

  test('that is sent twice at once arrives once, and whole', () => {
    const shim = new ToolboxShim();
    const [a, b] = [new Upload(sent), new Upload(sent)];
    const lines = { a: [a.offer()], b: [b.offer()] };
    for (let turn = 0; lines.a.length + lines.b.length > 0; turn++) {
      // Both hear all that the shim says.
      const line = (turn % 3 === 0 ? lines.a.shift() : lines.b.shift()) ?? lines.a.shift() ?? lines.b.shift() ?? '';
      for (const event of shim.hear(line)) {
        if (event.ready) continue;
        lines.a.push(...a.take(event));
        lines.b.push(...b.take(event));
      }
    }
    expect(shim.says()).toMatchObject({ ready: true });
  });

  test('of which a line was spoiled is offered once more, and only when the shim has heard the rest', () => {
    const shim = new ToolboxShim();
    const upload = new Upload(sent);
    deliver(upload, shim, [upload.offer()], (count) => count === 5);
    expect(shim.offset).toBe(4 * 12_000);
    // Something was heard a moment ago: what is under way may still be told of.
    expect(upload.look()).toBeUndefined();
    const again = upload.look();
    expect(again).toMatch(/^tools stress /);
    expect(upload.look(), 'the offer is on its way').toBe(again);
    deliver(upload, shim, [again ?? '']);
    expect(shim.says()).toMatchObject({ ready: true });
  });

  test('that is slow is not offered again', () => {
    const upload = new Upload(sent);
    upload.offer();
    upload.take({ offset: 0 });
    for (let look = 0; look < 5; look++) upload.look();
    expect(upload.look()).toBeUndefined();
  });

  test('begins again where the shim has thrown it away', () => {
    const upload = new Upload(sent);
    upload.offer();
    upload.take({ offset: 0 });
    upload.take({ offset: 120_000 });
    expect(upload.take({ offset: 0 }).map(offsetOf).slice(0, 2)).toEqual([0, 12_000]);
  });

  test('passes over what somebody else has sent', () => {
    const upload = new Upload(sent);
    upload.offer();
    upload.take({ offset: 0 });
    expect(upload.take({ offset: 400_000 }).map(offsetOf)[0]).toBe(400_000);
  });

  test('says nothing more when all of it has been sent', () => {
    const upload = new Upload(sent);
    upload.offer();
    expect(upload.take({ offset: sent.archive.length })).toEqual([]);
    upload.look();
    expect(upload.look()).toBeUndefined();
  });
});
