import type { Resolved } from '../../shim/protocol.ts';

/**
 * The target's place, as the shim read it on the host: v2's path, or on v1 the one of its hierarchy for disks, or for
 * CPUs where no disk is meant.
 */
export function cgroupPlace(resolved: Resolved): string {
  const places = resolved.cgroups.filter((place) => place.joined);
  const place =
    resolved.cgroupMode === 'v2'
      ? places.find(({ version }) => version === 2)
      : places.find(({ hierarchy }) => hierarchy.split(',').includes(resolved.path ? 'blkio' : 'cpu'));
  return `cgroup ${resolved.cgroupMode} ${shortPath(place?.path ?? places[0]?.path ?? '?')}`;
}

/** The ids in a cgroup's path, 32 to 64 characters long each, by their beginning. */
function shortPath(path: string): string {
  return path.replace(/([0-9a-f]{8})[-_0-9a-f]{24,}/g, '$1…');
}
