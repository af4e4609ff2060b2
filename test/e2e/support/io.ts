import { expect } from 'vitest';
import { kubectl } from './cluster.ts';
import type { Disk } from './disk.ts';
import { containerId, onNode } from './node.ts';
import { chaos, type Ended, type Plugin, report, start, untilActive } from './plugin.ts';

/** `io` on a pod's container `app`, to its end. */
export function io(namespace: string, pod: string, ...flags: string[]): Promise<Ended> {
  return chaos('io', `pod/${pod}`, '-n', namespace, ...container(flags), ...flags);
}

/** `io` is refused with these words, on one line, and nothing was changed; stderr. */
export async function refusedIo(namespace: string, words: RegExp, pod: string, ...flags: string[]): Promise<string> {
  const ended = await io(namespace, pod, ...flags);
  expect(ended.code, ended.stdout + ended.stderr).toBe(1);
  expect(ended.stderr).toMatch(words);
  expect(ended.stderr).toContain('nothing was changed');
  expect(ended.stderr.split('\n').filter((line) => line.startsWith('error:'))).toHaveLength(1);
  return ended.stderr;
}

/** Resolves when it is active, fails at once when it ends before. It lasts longer than the kubelet takes to act on what ends it. */
export async function startIo(namespace: string, pod: string, ...flags: string[]): Promise<Plugin> {
  const plugin = start('io', `pod/${pod}`, '-n', namespace, '--duration', '10m', ...container(flags), ...flags);
  await untilActive(plugin);
  return plugin;
}

const container = (flags: readonly string[]) => (flags.includes('-c') ? [] : ['-c', 'app']);

/** What `-o json` says was measured. */
export interface Measured {
  read_bytes?: number;
  written_bytes?: number;
  read_ops?: number;
  written_ops?: number;
  write_us_before?: number;
  write_us_during?: number;
  read_us_before?: number;
  read_us_during?: number;
  available_bytes_before: number;
  available_bytes_during: number;
  available_bytes_after?: number;
  inodes_free_during?: number;
}

export function measured(ended: Ended): Measured {
  return (report(ended).verdict as unknown as { io: Measured }).io;
}

/** Bytes and operations of the disk since it was made, by anybody. */
export interface Traffic {
  readBytes: number;
  readOps: number;
  writtenBytes: number;
  writtenOps: number;
}

async function trafficOf(disk: Disk): Promise<Traffic> {
  const text = await disk.run('cat /sys/dev/block/$(mountpoint -d .)/stat');
  const [readOps = 0, , readSectors = 0, , writtenOps = 0, , writtenSectors = 0] = text.trim().split(/ +/).map(Number);
  return { readBytes: readSectors * 512, readOps, writtenBytes: writtenSectors * 512, writtenOps };
}

/** What the disk was asked for while `work` went on. */
export async function trafficDuring<T>(disk: Disk, work: () => Promise<T>): Promise<{ value: T; traffic: Traffic }> {
  const before = await trafficOf(disk);
  const value = await work();
  const after = await trafficOf(disk);
  return {
    value,
    traffic: {
      readBytes: after.readBytes - before.readBytes,
      readOps: after.readOps - before.readOps,
      writtenBytes: after.writtenBytes - before.writtenBytes,
      writtenOps: after.writtenOps - before.writtenOps,
    },
  };
}

/** A command that is none of ours, in the target's own container; stdout. */
export function inTarget(namespace: string, pod: string, script: string): Promise<string> {
  return kubectl('-n', namespace, 'exec', pod, '-c', 'app', '--', 'sh', '-c', script);
}

/** Seconds that dd takes in the target's container, with these words, past the page cache. */
export async function dd(namespace: string, pod: string, words: string): Promise<number> {
  const text = await inTarget(namespace, pod, `{ time dd ${words}; } 2>&1`);
  const [, minutes, seconds] = /^real\s+(\d+)m ([\d.]+)s$/m.exec(text) ?? [];
  if (seconds === undefined) throw new Error(`dd ${words}: ${text}`);
  return Number(minutes) * 60 + Number(seconds);
}

/** All limits on the I/O of a pod's container, as the kernel has them; empty: none. */
export async function limitsOf(namespace: string, pod: string): Promise<string> {
  const id = await containerId(namespace, pod);
  return onNode(
    `cd /host/cgroup; grep -r --include=io.max --include='blkio.throttle.*_device' . $(find . -type d -name ${id}); true`,
  );
}
