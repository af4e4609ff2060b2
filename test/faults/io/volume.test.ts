import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { volumeAt, volumeBehind } from '../../../src/faults/io/volume.ts';
import type { Volume } from '../../../src/ports.ts';
import { pathFacts } from '../../fakes/samples.ts';

const volume = (mountPath: string, kind = 'emptyDir'): Volume => ({
  ...{ kind, name: mountPath.replaceAll('/', '-'), mountPath, readOnly: false },
});
const root = volume('/', 'root');
const there = [root, volume('/data'), volume('/data/wal/'), volume('/var/run/app'), volume('/with blank/ü')];

describe('the volume at a path', () => {
  test.each([
    ['/data', '/data'],
    ['/data/', '/data'],
    ['/data/pg/16', '/data'],
    ['/data/wal', '/data/wal/'],
    ['/data/wal/0', '/data/wal/'],
    ['//data//./wal', '/data/wal/'],
    ['/data/../data/pg', '/data'],
    ['/data/..', '/'],
    ['/../..', '/'],
    ['/database', '/'],
    ['/dat', '/'],
    ['/', '/'],
    ['/with blank/ü/x', '/with blank/ü'],
  ])('%s is in the one at %s', (path, mountPath) => {
    expect(volumeAt(there, path).mountPath).toBe(mountPath);
  });

  test('is the deepest one above it, in whatever order they are', () => {
    const segment = fc.constantFrom('a', 'b', 'c');
    const path = fc.array(segment, { maxLength: 4 }).map((segments) => `/${segments.join('/')}`);
    fc.assert(
      fc.property(fc.array(path), path, (mounts, wanted) => {
        const volumes = [root, ...mounts.map((mount) => volume(mount))];
        const found = volumeAt(volumes, wanted).mountPath;
        const above = volumes
          .map(({ mountPath }) => mountPath)
          .filter((mount) => `${wanted}/`.startsWith(mount === '/' ? '/' : `${mount}/`));
        expect(above).toContain(found);
        expect(found.length).toBe(Math.max(...above.map((mount) => mount.length)));
      }),
    );
  });

  test('of a container that nothing is known of is its root', () => {
    expect(volumeAt([], '/data')).toMatchObject({ kind: 'root', mountPath: '/' });
  });
});

describe('the volume behind a path', () => {
  test.each([
    ['as it is spelt', '/data/pg', '/data', '/data'],
    ['a symlink into another volume', '/data/wal-link', '/data/wal', '/data/wal/'],
    ['a symlink out of the volume', '/data/tmp', '/', '/'],
    ['a symlink on the way to the mount', '/var/run/app/x', '/run/app', '/var/run/app'],
    ['a mount that is nobody else’s, in a volume', '/data/sub', '/data/sub', '/data'],
    ['a mount that is no volume', '/dev/shm', '/dev/shm', '/'],
  ])('%s: %s, mounted at %s, is in the one at %s', (_what, path, mountPoint, mountPath) => {
    expect(volumeBehind(there, pathFacts({ path, mountPoint })).mountPath).toBe(mountPath);
  });
});
