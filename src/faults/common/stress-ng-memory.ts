/**
 * What stress-ng takes of a container's memory for itself: its processes, their page tables and kernel memory, and what
 * its workers share. Measured with 0.15.06 on x86-64, Linux 6.18, as the growth of a memory cgroup that nothing else is
 * in, run by the shim: 5.7 MiB with one `--cpu`, 11.5 with four, 4.7 with one `--fork`, 4.3 beside the 64 of one
 * `--vm`; beside the shim, 5.3 with one `--hdd` that writes 1 MiB at a time (without page cache, which the kernel takes
 * back), 9.1 with four; of 4 KiB at a time 4 and 4.9, as with `--rename`. By its processes alone
 * 0.19.02 takes less: 0.6 MiB with one `--cpu`, 2.7 with four, 0.3 with one `--fork` or `--vm`; what it shares, stress-ng.ts
 * keeps small. Rounded up: the figures are for "about", not for a limit.
 */

const MiB = 2 ** 20;

/** Of whatever it is told to do. */
const baseBytes = 4 * MiB;
/** Of each worker besides. */
const workerBytes = { cpu: 2 * MiB, vm: MiB / 2, fork: MiB, disk: MiB / 2, other: MiB };
/** Page tables have 8 bytes for each page of 4 KiB. */
const pageTableShare = 8 / 4_096;

/** How many workers of which kind; `other`: of a stressor that nobody has measured. */
export type Workers = Readonly<Partial<Record<keyof typeof workerBytes, number>>>;

/**
 * Bytes that stress-ng takes for itself. `heldBytes`: what its workers are told to hold, for its page tables;
 * `bufferBytes`: of each `disk` worker.
 */
export function stressNgBytes(workers: Workers, { heldBytes = 0, bufferBytes = 0 } = {}): number {
  const kinds = Object.keys(workerBytes) as Array<keyof typeof workerBytes>;
  const ofWorkers = kinds.map(
    (kind) => (workers[kind] ?? 0) * (workerBytes[kind] + (kind === 'disk' ? bufferBytes : 0)),
  );
  return ofWorkers.reduce((sum, bytes) => sum + bytes, baseBytes + Math.ceil(heldBytes * pageTableShare));
}
