import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readText } from '../src/experiment-text.ts';
import { bundle, type Program } from './kubectl/programs.ts';

let folder = '';
let plugin: Program;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'chaos-files-'));
  plugin = await bundle(join(folder, 'plugin'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function* nothing(): AsyncGenerator<Uint8Array> {}

async function* chunks(...texts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield typeof text === 'string' ? new TextEncoder().encode(text) : text;
}

function file(name: string, content: string | Uint8Array): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

const read = (path: string, stdin: AsyncIterable<Uint8Array> = nothing()) => readText('--filename', path, stdin);

test('a file, as it is', async () => {
  expect(await read(file('a.yaml', 'a: ü\r\n'))).toBe('a: ü\r\n');
  expect(await read(file('bom.yaml', '\ufeffa: 1\n'))).toBe('a: 1\n');
  expect(await read(file('empty.yaml', ''))).toBe('');
  expect(await read(file('much.yaml', '#'.repeat(65_536)))).toHaveLength(65_536);
});

test('standard input, in pieces', async () => {
  expect(await read('-', chunks('a: ', Uint8Array.of(0xc3), Uint8Array.of(0xbc)))).toBe('a: ü');
  expect(await read('-')).toBe('');
});

async function* without(end: { read: number }): AsyncGenerator<Uint8Array> {
  for (;;) {
    end.read += 1_000;
    yield new Uint8Array(1_000);
  }
}

test('no more than there may be', async () => {
  const larger = 'is larger than 64Ki, which no experiment is';
  const path = file('more.yaml', '#'.repeat(65_537));
  await expect(read(path)).rejects.toThrow(`--filename "${path}": ${larger}`);
  await expect(read('/dev/zero')).rejects.toThrow(`--filename "/dev/zero": ${larger}`);
  const stdin = { read: 0 };
  await expect(read('-', without(stdin))).rejects.toThrow(`--filename "-": ${larger}`);
  expect(stdin.read).toBe(66_000);
});

test('what cannot be read', async () => {
  const failing = (code: string): AsyncIterable<Uint8Array> => ({
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.reject(Object.assign(new Error(`${code}: broken`), { code })),
    }),
  });
  mkdirSync(join(folder, 'b'));
  const socket = join(folder, 's');
  const server = createServer().listen(socket);
  await expect.poll(() => server.listening).toBe(true);
  try {
    const wrong: [path: string, why: string | RegExp, stdin?: AsyncIterable<Uint8Array>][] = [
      [join(folder, 'none.yaml'), 'there is no such file'],
      [join(folder, 'a\u001b[2J'), 'there is no such file'],
      [join(folder, 'b'), 'is a directory; one file is one experiment'],
      [join(folder, 'a.yaml', 'c'), 'cannot be read: ENOTDIR'],
      [socket, 'cannot be read: ENXIO'],
      ['-', 'permission denied', failing('EACCES')],
      ['-', 'cannot be read: EIO: broken', failing('EIO')],
      [file('latin1.yaml', Uint8Array.of(0x61, 0xfc, 0x62)), 'is not a text in UTF-8'],
      [file('utf16.yaml', Buffer.from('\ufeffa: 1', 'utf16le')), 'is not a text in UTF-8'],
    ];
    for (const [path, why, stdin] of wrong) {
      const error = await read(path, stdin).catch((thrown: unknown) => thrown);
      expect(error, path).toMatchObject({ code: 'usage', exitCode: 2 });
      expect((error as Error).message).toContain(`--filename ${JSON.stringify(path)}: ${why}`);
    }
  } finally {
    server.close();
  }
});

test('the plugin itself reads a file, a pipe and its standard input, and says so in its errors', () => {
  const [program, ...first] = plugin;
  const text = 'apiVersion: kubectl-chaos.io/v1\nkind: Experiment\nfault: nett\n';
  const path = file('wrong.yaml', text);
  const run = (name: string, input?: string) => {
    const { status, stdout, stderr } = spawnSync(program, [...first, 'run', '-f', name], {
      encoding: 'utf8',
      input,
      env: {},
    });
    return { status, stdout, stderr: stderr.split('\n')[0] };
  };
  const wrong = (place: string) => ({
    ...{ status: 2, stdout: '' },
    stderr: `error: ${place}:3: fault "nett": must be one of: stress, net, io, kill, pause; did you mean net?`,
  });
  expect(run(path)).toEqual(wrong(path));
  expect(run('-', text)).toEqual(wrong('standard input'));
  const piped = spawnSync('sh', ['-c', 'cat "$0" | "$@"', path, ...plugin, 'run', '-f', '/dev/stdin'], {
    encoding: 'utf8',
  });
  expect(piped.stderr.split('\n')[0]).toBe(wrong('/dev/stdin').stderr);
  expect(run('-', '')).toMatchObject({ status: 2, stderr: 'error: standard input: is empty' });
  expect(run('-', 'x'.repeat(1e6))).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('is larger than 64Ki'),
  });
});
