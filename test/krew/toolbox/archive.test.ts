import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ArchivedFile, tarOf } from '../../../krew/toolbox/archive.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'chaos-toolbox-'));
  for (const name of ['tool', 'library']) writeFileSync(join(directory, name), `this is ${name}`, { mode: 0o600 });
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const files = (): ArchivedFile[] => [
  { name: 'lib/libstdc++.so.6', from: join(directory, 'library'), executable: false },
  { name: 'bin/stress-ng', from: join(directory, 'tool'), executable: true },
];

/** The headers of a ustar archive, field by field, and what stands behind the last file. */
function headersOf(tar: Buffer) {
  const headers: Record<string, string>[] = [];
  let at = 0;
  while (tar[at] !== 0) {
    const text = (offset: number, length: number) =>
      tar.toString('latin1', at + offset, at + offset + length).replace(/\0.*$/s, '');
    const header = {
      name: text(0, 100),
      mode: text(100, 8),
      uid: text(108, 8),
      gid: text(116, 8),
      size: text(124, 12),
    };
    headers.push({
      ...header,
      mtime: text(136, 12),
      type: text(156, 1),
      magic: text(257, 6),
      version: text(263, 2),
      prefix: text(345, 155),
    });
    at += 512 + Math.ceil(Number.parseInt(text(124, 12), 8) / 512) * 512;
  }
  return { headers, end: tar.subarray(at) };
}

describe('tarOf', () => {
  it('makes a ustar archive of regular files, sorted, without owners and times', () => {
    const { headers, end } = headersOf(tarOf(files(), join(directory, 'tree')));
    const same = {
      uid: '0000000',
      gid: '0000000',
      mtime: '00000000000',
      type: '0',
      magic: 'ustar',
      version: '00',
      prefix: '',
    };
    expect(headers).toEqual([
      { name: 'bin/stress-ng', mode: '0000755', size: '00000000014', ...same },
      { name: 'lib/libstdc++.so.6', mode: '0000644', size: '00000000017', ...same },
    ]);
    expect(end.equals(Buffer.alloc(1_024))).toBe(true);
  });

  it('is the same for the same files, whatever their order, times, and the umask', () => {
    const before = tarOf(files(), join(directory, 'tree'));
    utimesSync(join(directory, 'tool'), 1, 1);
    const umask = process.umask(0o077);
    try {
      expect(tarOf(files().reverse(), join(directory, 'again')).equals(before)).toBe(true);
    } finally {
      process.umask(umask);
    }
  });

  it.each([
    '/bin/tool',
    '../tool',
    'bin/../tool',
    'bin//tool',
    'bin/',
    'bin/a b',
    'bin/ä',
    './tool',
    `lib/${'x'.repeat(100)}`,
  ])('refuses the name %s, which the shim does not take', (name) => {
    const file = { name, from: join(directory, 'tool'), executable: true };
    expect(() => tarOf([file], join(directory, 'tree'))).toThrow(`the shim does not take a file of the name ${name}`);
  });
});
