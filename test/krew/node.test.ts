import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeLock } from '../../krew/node.ts';
import { platformNames } from '../../krew/platforms.ts';
import { repository } from '../support/counts.ts';

const lock = JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, { version: string; integrity: string }>;
};

describe('the Node of the archives', () => {
  it.each(['linux-amd64', 'linux-arm64'] as const)('is the one that the tests run on: %s', (platform) => {
    const { name, integrity } = nodeLock.packages[platform];
    expect(lock.packages[`node_modules/${name}`]).toMatchObject({ version: nodeLock.version, integrity });
  });

  it('is named by a checksum for each platform', () => {
    expect(Object.keys(nodeLock.packages)).toEqual([...platformNames]);
    for (const { integrity } of [...Object.values(nodeLock.packages), nodeLock.next]) {
      expect(integrity).toMatch(/^sha512-[A-Za-z\d+/]{86}==$/);
    }
  });
});
