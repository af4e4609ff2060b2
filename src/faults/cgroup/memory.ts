import type { Sample } from '../../shim/protocol.ts';

/** Memory that the target and the stressor hold: what the OOM killer looks at, less the inactive file cache that reclaim takes first (kubelet's working set). */
export function workingSet(sample: Sample): number | undefined {
  if (sample.memory_current_bytes === undefined) return undefined;
  return Math.max(0, sample.memory_current_bytes - (sample.memory_inactive_file_bytes ?? 0));
}

/** The memory limit in bytes as the cgroups enforce it; undefined: none. */
export function memoryLimitBytes(sample: Sample): number | undefined {
  const limit = sample.memory_limit_bytes;
  // v1 writes "no limit" as the largest multiple of a page: more than any machine has.
  return limit === undefined || limit < 0 || limit > 2 ** 60 ? undefined : limit;
}
