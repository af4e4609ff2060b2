import type { Volume } from '../../ports.ts';
import type { PathFacts } from '../../shim/protocol.ts';

/** The volume that a path is in by its words: the one that is mounted deepest above it. `volumes` has one at `/`. */
export function volumeAt(volumes: readonly Volume[], path: string): Volume {
  const wanted = segments(path);
  const above = volumes.filter(({ mountPath }) => {
    const mount = segments(mountPath);
    return mount.every((segment, index) => segment === wanted[index]);
  });
  const depth = ({ mountPath }: Volume) => segments(mountPath).length;
  return above.reduce((deepest, one) => (depth(one) >= depth(deepest) ? one : deepest), above[0] ?? root);
}

/**
 * The volume that the shim has found a path in. Symlinks may lead into another volume, and a mount path may contain
 * one: `/var/run/x` is mounted at `/run/x`.
 */
export function volumeBehind(volumes: readonly Volume[], { path, mountPoint }: PathFacts): Volume {
  const mounted = volumeAt(volumes, mountPoint);
  return mounted.kind === 'root' && mountPoint !== '/' ? volumeAt(volumes, path) : mounted;
}

const root: Volume = { kind: 'root', name: '', mountPath: '/', readOnly: false };

function segments(path: string): string[] {
  const found: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') found.pop();
    else if (segment !== '' && segment !== '.') found.push(segment);
  }
  return found;
}
