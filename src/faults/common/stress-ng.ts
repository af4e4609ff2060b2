/**
 * The beginning of every command line of stress-ng. Its own time-out is a further clock behind ours (G2), a little later, so that it is the shim
 * that ends the run and reports it. Whatever its stressors, stress-ng 0.19 fills shared memory of the size of the largest cache of the node's
 * CPUs, 16 MiB or a gigabyte, of the container's memory: `--cache-level 1` makes that the first cache's, some KiB. It is not for a command line
 * with arguments of the user's, whose stressors may be about caches.
 */
export function stressNg(durationMs: number, { hasOwnArgs = false } = {}): string[] {
  const cache = hasOwnArgs ? [] : ['--cache-level', '1'];
  return ['stress-ng', '--timeout', `${Math.ceil(durationMs / 1_000) + 5}s`, ...cache];
}
