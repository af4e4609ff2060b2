import type { MemoryNeed } from '../common/memory-risk.ts';
import { stressNg } from '../common/stress-ng.ts';
import { stressNgBytes } from '../common/stress-ng-memory.ts';
import { loadBytes } from './room.ts';
import type { LoadMode, LoadRequest } from './types.ts';

/** Of one read or write, bytes, where the user names none; absent: stress-ng chooses, and its buffer is small. */
const blockBytes: Readonly<Partial<Record<LoadMode, number>>> = { write: 2 ** 20, sync: 4_096, mixed: 2 ** 16 };

/** Whether a load reads from the disk, and whether it writes to it. */
export const reads: Readonly<Record<LoadMode, boolean>> = {
  read: true,
  write: false,
  mixed: true,
  metadata: false,
  sync: false,
};
export const writes: Readonly<Record<LoadMode, boolean>> = {
  read: false,
  write: true,
  mixed: true,
  metadata: true,
  sync: true,
};

/**
 * argv of stress-ng, as 0.15.06 and 0.19.02 take it, which makes its files in its working directory. Each way reaches the disk: what is only in
 * the page cache slows nobody. Of its other stressors `iomix` stays in the page cache for the most part, and `dentry`
 * and `io` call sync(2), which writes out, and waits for, every file system of the node.
 */
export function loadCommand(load: LoadRequest, durationMs: number): string[] {
  return [...stressNg(durationMs), '--temp-path', '.', ...stressor(load)];
}

function blockOf({ mode, blockBytes: asked }: LoadRequest): number {
  return asked ?? blockBytes[mode] ?? 0;
}

/**
 * What a load takes of the container's memory: stress-ng itself, and a buffer of one block in each worker. Its page
 * cache is not counted: the kernel takes that back.
 */
export function memoryNeed(load: LoadRequest): MemoryNeed {
  return { ownBytes: stressNgBytes({ disk: load.workers }, { bufferBytes: blockOf(load) }), victim: 'stressor' };
}

function stressor(load: LoadRequest): string[] {
  const workers = String(load.workers);
  // Divided among the workers by stress-ng.
  const bytes = String(loadBytes(load));
  switch (load.mode) {
    case 'read':
      // Written once; from then on dropped from the page cache and read, over and over.
      return ['--readahead', workers, '--readahead-bytes', bytes];
    case 'write':
      // It reads back what it has written, always: out of the page cache, unless that is opened past it.
      return hdd(load, workers, bytes, 'dsync,wr-seq');
    case 'sync':
      return hdd(load, workers, bytes, 'fsync,wr-seq');
    case 'mixed':
      // In order: at random it takes offsets of 512 bytes, which a disk with sectors of 4 KiB refuses past the page cache.
      return hdd(load, workers, bytes, 'direct,wr-seq,rd-seq');
    case 'metadata':
      // Creates, renames and deletes, and syncs the directory each time.
      return ['--rename', workers];
  }
}

function hdd(load: LoadRequest, workers: string, bytes: string, options: string): string[] {
  return ['--hdd', workers, '--hdd-bytes', bytes, '--hdd-write-size', String(blockOf(load)), '--hdd-opts', options];
}
