import { expect, test } from 'vitest';
import type { IoRequest } from '../../../src/faults/io/types.ts';
import { GiB, MiB } from '../../fakes/samples.ts';
import { ioRequest } from './support/fault.ts';

test.each<[flags: string, action: IoRequest['action']]>([
  ['--mode write', { kind: 'load', mode: 'write', workers: 1, sizeBytes: GiB }],
  [
    '--mode mixed --workers 4 --size 512Mi --block-size 16Ki',
    { kind: 'load', mode: 'mixed', workers: 4, sizeBytes: 512 * MiB, blockBytes: 16_384 },
  ],
  ['--mode metadata --workers 2', { kind: 'load', mode: 'metadata', workers: 2, sizeBytes: GiB }],
  ['--mode read --size 1Mi', { kind: 'load', mode: 'read', workers: 1, sizeBytes: MiB }],
  ['--fill 95%', { kind: 'fill', space: { percent: 95 } }],
  ['--fill 2Gi --leave 0', { kind: 'fill', space: { bytes: 2 * GiB }, leaveBytes: 0 }],
  ['--fill-inodes 10k', { kind: 'fill', inodes: { count: 10_000 } }],
  [
    '--fill 99.5% --fill-inodes 100% --leave 1Gi',
    { kind: 'fill', space: { percent: 99.5 }, inodes: { percent: 100 }, leaveBytes: GiB },
  ],
  [
    '--throttle write=1Mi,read=4Mi,write-iops=50',
    { kind: 'throttle', limits: { writeBytesPerSecond: MiB, readBytesPerSecond: 4 * MiB, writeOpsPerSecond: 50 } },
  ],
  [
    '--throttle read-iops=1k --throttle write=4Ki',
    { kind: 'throttle', limits: { readOpsPerSecond: 1_000, writeBytesPerSecond: 4_096 } },
  ],
])('%s', (flags, action) => {
  expect(ioRequest(flags)).toEqual({ fault: 'io', path: '/data', action, allowNodeDisk: false });
});

test.each([
  ['/', '/'],
  ['//', '/'],
  ['/data/', '/data'],
  ['/var/lib/postgresql/data', '/var/lib/postgresql/data'],
  ['/data/mit Leerzeichen und Ümlaut', '/data/mit Leerzeichen und Ümlaut'],
  ['/data/-x', '/data/-x'],
])('--path %s', (path, expected) => {
  expect(ioRequest('--mode write', path).path).toBe(expected);
});

test('--allow-node-disk', () => {
  expect(ioRequest('--mode write --allow-node-disk').allowNodeDisk).toBe(true);
  expect(ioRequest('--mode write --allow-node-disk=false').allowNodeDisk).toBe(false);
});
