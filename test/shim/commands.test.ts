import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  applyLine,
  askLine,
  chunkLine,
  clearLine,
  compareLine,
  countLine,
  encodeWord,
  settingLine,
  toolsLine,
  undoLine,
  workloadLine,
} from '../../src/shim/commands.ts';

/** As the shim reads a word: bytes, and `%XX` for a byte. */
function decode(word: string): string {
  const bytes: number[] = [];
  for (let at = 0; at < word.length; at++) {
    if (word[at] === '%') {
      bytes.push(Number.parseInt(word.slice(at + 1, at + 3), 16));
      at += 2;
    } else {
      bytes.push(word.charCodeAt(at));
    }
  }
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
}

/** Any text of whole characters: half a surrogate pair has no UTF-8. */
const texts = fc.string({ unit: 'binary' });

describe('encodeWord', () => {
  test('what the shim reads is what was meant', () => {
    fc.assert(
      fc.property(texts, (word) => {
        expect(decode(encodeWord(word))).toBe(word);
      }),
    );
  });

  test('only bytes that a line may have are written', () => {
    fc.assert(
      fc.property(texts, (word) => {
        const encoded = encodeWord(word);
        expect(encoded).toMatch(/^(?:[!-$&-;=-~]|%[0-9A-F]{2})*$/);
      }),
    );
  });

  test.each([
    ['10.0.0.1/8', '10.0.0.1/8'],
    ['a b', 'a%20b'],
    ['100%', '100%25'],
    ['<x>', '%3Cx>'],
    ['one\ntwo\t', 'one%0Atwo%09'],
    ['\u0000\u007f', '%00%7F'],
    ['ü€𝄞', '%C3%BC%E2%82%AC%F0%9D%84%9E'],
    ['', ''],
  ])('%j becomes %j', (word, encoded) => {
    expect(encodeWord(word)).toBe(encoded);
  });
});

describe('lines', () => {
  test('are the words of the contract', () => {
    expect(askLine({ id: 'links', verb: 'ask', argv: ['ip', '-j', 'link'] })).toBe('ask links ip -j link');
    expect(askLine({ id: 'netem', verb: 'fresh', argv: ['tc', '-batch', '-'], input: 'a b\n' })).toBe(
      'fresh netem tc -batch - <a%20b%0A',
    );
    expect(askLine({ id: 'lookup:db', verb: 'lookup', argv: ['db'] })).toBe('lookup lookup:db db');
    expect(askLine({ id: 'r 1', verb: 'connect', argv: ['fd00::1', '80'] })).toBe('connect r%201 fd00::1 80');
    expect(applyLine({ argv: ['nft', '-f', '-'], input: 'add table inet x' })).toBe(
      'apply nft -f - <add%20table%20inet%20x',
    );
    expect(applyLine({ argv: ['tc', 'qdisc', 'add'], input: '' })).toBe('apply tc qdisc add <');
    expect(compareLine('qdisc', ['tc', 'qdisc', 'show'])).toBe('compare qdisc tc qdisc show');
    expect(countLine('eth0', ['tc', '-s'])).toBe('count eth0 tc -s');
    expect(clearLine).toBe('clear');
  });

  test('of the undo', () => {
    expect(undoLine({ kind: 'qdisc', device: 'eth0', handle: 'c4a0:' })).toBe('undo qdisc eth0 c4a0:');
    expect(undoLine({ kind: 'ingress', device: 'eth0' })).toBe('undo ingress eth0');
    expect(undoLine({ kind: 'link', name: 'chaos7f3k20' })).toBe('undo link chaos7f3k20');
    expect(undoLine({ kind: 'table', name: 'kubectl_chaos_7f3k2' })).toBe('undo table kubectl_chaos_7f3k2');
  });

  test('of a limit: a number, or several words', () => {
    const device = '8:16';
    expect(settingLine({ file: 'blkio.throttle.write_bps_device', device, value: '1048576' })).toBe(
      'setting blkio.throttle.write_bps_device 8:16 1048576',
    );
    expect(settingLine({ file: 'io.max', device, value: 'rbps=4194304 wiops=50' })).toBe(
      'setting io.max 8:16 rbps=4194304 wiops=50',
    );
  });

  test('hold no newline, and as many words as were given', () => {
    fc.assert(
      fc.property(fc.array(texts.filter(Boolean), { minLength: 1 }), texts, (argv, input) => {
        const line = applyLine({ argv, input });
        expect(line).not.toContain('\n');
        const [verb, ...words] = line.split(' ');
        expect(verb).toBe('apply');
        expect(words.map((word) => decode(word.replace(/^</, '')))).toEqual([...argv, input]);
      }),
    );
  });
});

test('a workload of as many words, and as long, as the shim takes', () => {
  expect(workloadLine(['stress-ng', 'a b'])).toBe('workload stress-ng a%20b');
  expect(workloadLine(Array.from({ length: 63 }, () => 'x'))).toBeDefined();
  expect(workloadLine(Array.from({ length: 64 }, () => 'x'))).toBeUndefined();
  expect(workloadLine(['x'.repeat(16_384 - 'workload '.length)])).toBeDefined();
  expect(workloadLine(['x'.repeat(16_384 - 'workload '.length + 1)])).toBeUndefined();
});

describe('a toolbox', () => {
  const toolbox = (archive: Uint8Array) => ({ name: 'net', archive, sha256: 'c'.repeat(64), unpackedBytes: 9 });

  test('is announced with all that the shim verifies', () => {
    expect(toolsLine(toolbox(Uint8Array.of(1, 2)))).toBe(`tools net 2 ${'c'.repeat(64)} 9`);
  });

  test('is sent in lines of at most 16 KiB, whose bytes are its own and nobody else’s', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40_000 }), fc.nat(40_000), (bytes, at) => {
        // An archive need not begin where its memory does.
        const around = Uint8Array.of(255, ...bytes, 255);
        const offset = at % bytes.length;
        const line = chunkLine(toolbox(around.subarray(1, -1)), offset);
        const [verb, place, base64 = ''] = line.split(' ');
        expect([verb, place]).toEqual(['chunk', String(offset)]);
        expect(line.length).toBeLessThan(16 * 1024);
        const decoded = Buffer.from(base64, 'base64');
        expect(decoded.length).toBe(Math.min(12_000, bytes.length - offset));
        expect(decoded.equals(bytes.subarray(offset, offset + 12_000))).toBe(true);
      }),
    );
  });

  test('of 64 MiB, the most that the shim takes, fits into such lines to its end', () => {
    const archive = new Uint8Array(64 * 2 ** 20);
    expect(chunkLine(toolbox(archive), archive.length - 12_000).length).toBeLessThan(16 * 1024);
  });
});
