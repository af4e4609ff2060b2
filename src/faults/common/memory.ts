import type { Sample } from '../../shim/protocol.ts';

/**
 * Memory that the target and the stressor hold: what the OOM killer looks at, less the inactive file cache that reclaim
 * takes first (kubelet's working set).
 */
export function workingSet(sample: Sample): number | undefined {
  if (sample.memoryCurrentBytes === undefined) return undefined;
  return Math.max(0, sample.memoryCurrentBytes - (sample.memoryInactiveFileBytes ?? 0));
}

/** The memory limit in bytes as the cgroups enforce it; undefined: none. */
export function memoryLimitBytes(sample: Sample): number | undefined {
  const limit = sample.memoryLimitBytes;
  // v1 writes "no limit" as the largest multiple of a page: more than any machine has.
  return limit === undefined || limit < 0 || limit > 2 ** 60 ? undefined : limit;
}

/** What fits before a limit is met, the target's or one above it that others use as well; undefined: there is none, or it is not known. */
export function memoryRoom(sample: Sample): number | undefined {
  if (sample.memoryRoomBytes !== undefined) return sample.memoryRoomBytes < 0 ? undefined : sample.memoryRoomBytes;
  const [limit, used] = [memoryLimitBytes(sample), workingSet(sample)];
  return limit === undefined || used === undefined ? undefined : Math.max(0, limit - used);
}

/** What fits before the kernel slows down whoever takes more (memory.high of cgroup v2); undefined: nothing does. */
export function memoryHighRoom({ memoryHighRoomBytes: room }: Sample): number | undefined {
  return room === undefined || room < 0 ? undefined : room;
}

/** How much can still be swapped out for the target: what its limits and the node leave. */
export function swapRoom({ memorySwapRoomBytes: room, swapFreeBytes: free }: Sample): number {
  return Math.min(free ?? 0, room === undefined || room < 0 ? Number.POSITIVE_INFINITY : room);
}

/** Memory that the target and the stressor hold, in memory or swapped out. */
export function heldBytes(sample: Sample): number | undefined {
  const used = workingSet(sample);
  return used === undefined ? undefined : used + (sample.memorySwapCurrentBytes ?? 0);
}
