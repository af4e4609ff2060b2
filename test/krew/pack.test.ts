import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { archiveOf, type Packed, pack } from '../../krew/pack.ts';

interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  spec: {
    version: string;
    shortDescription: string;
    platforms: { selector: { matchExpressions: { key: string }[] }; uri: string; sha256: string; bin: string }[];
  };
}

let directory = '';
let dist = '';
let packed: Packed;
let manifest: Manifest;
/** `tar -tv`: mode, owner, …, name. */
let entries: string[][] = [];

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'chaos-pack-'));
  dist = join(directory, 'dist');
  mkdirSync(join(dist, 'lib'), { recursive: true });
  for (const name of ['LICENSE', 'chaos.cjs', 'kubectl-chaos', 'lib/part.cjs', 'nsexec-amd64']) {
    writeFileSync(join(dist, name), name);
  }
  chmodSync(join(dist, 'kubectl-chaos'), 0o755);
  packed = pack(dist, join(directory, 'out'), {
    version: '1.2.3',
    url: 'https://example.org/releases/',
    homepage: 'https://example.org',
  });
  manifest = parse(readFileSync(packed.manifest, 'utf8')) as Manifest;
  const listing = execFileSync('tar', ['-tvzf', packed.archive], { encoding: 'utf8' });
  entries = listing
    .trim()
    .split('\n')
    .map((line) => line.split(/\s+/));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('the archive', () => {
  it('holds plain files and directories only, the licence at its top, and the launcher executable', () => {
    for (const [mode = ''] of entries) expect(mode).toMatch(/^[-d]/);
    const names = entries.map((entry) => entry.at(-1));
    expect(names).toEqual(['LICENSE', 'chaos.cjs', 'kubectl-chaos', 'lib/', 'lib/part.cjs', 'nsexec-amd64']);
    expect(entries[2]?.[0]).toBe('-rwxr-xr-x');
  });

  it('is the same bit by bit, whenever its files were written', () => {
    const before = archiveOf(dist);
    utimesSync(join(dist, 'chaos.cjs'), 1, 1);
    expect(archiveOf(dist).equals(before)).toBe(true);
  });
});

describe('the manifest keeps to what krew checks', () => {
  it('name, version and description', () => {
    expect(manifest).toMatchObject({
      apiVersion: 'krew.googlecontainertools.github.com/v1alpha2',
      kind: 'Plugin',
      metadata: { name: basename(packed.manifest, '.yaml') },
      spec: { version: 'v1.2.3' },
    });
    expect(manifest.spec.shortDescription.length).toBeLessThanOrEqual(50);
    expect(manifest.spec.shortDescription).not.toContain('\n');
  });

  it('the archive by its address and checksum, for platforms told by os and arch alone', () => {
    const [platform, ...others] = manifest.spec.platforms;
    expect(others).toEqual([]);
    expect(platform).toMatchObject({
      uri: 'https://example.org/releases/kubectl-chaos-v1.2.3.tar.gz',
      sha256: createHash('sha256').update(readFileSync(packed.archive)).digest('hex'),
    });
    expect(entries.map((entry) => entry.at(-1))).toContain(platform?.bin);
    for (const { key } of platform?.selector.matchExpressions ?? []) expect(['os', 'arch']).toContain(key);
  });
});
