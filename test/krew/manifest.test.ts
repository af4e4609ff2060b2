import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { manifestOf } from '../../krew/manifest.ts';
import {
  archiveProblems,
  manifestProblems,
  type Platform,
  type PluginManifest,
  type Selector,
  selects,
  type Unpacked,
} from '../../krew/manifest-rules.ts';
import { archiveName, platformNames } from '../../krew/platforms.ts';

const archives = platformNames.map((platform, index) => ({
  platform,
  uri: `https://example.org/${archiveName('1.2.3', platform)}`,
  sha256: `${index}`.repeat(64),
}));
const manifest = parse(manifestOf({ version: '1.2.3', homepage: 'https://example.org', archives })) as PluginManifest;

/** The manifest with one thing changed in it. */
const withSpec = (change: Partial<PluginManifest['spec']>): PluginManifest => ({
  ...manifest,
  spec: { ...manifest.spec, ...change },
});
const [first, ...others] = manifest.spec.platforms as [Platform, ...Platform[]];
const withPlatform = (change: Partial<Platform>) => withSpec({ platforms: [{ ...first, ...change }, ...others] });
const withSelector = (selector: Selector) => withPlatform({ selector });

describe('our manifest', () => {
  it('breaks no rule', () => {
    expect(manifestProblems('chaos.yaml', manifest)).toEqual([]);
  });

  it.each([
    ['linux', 'amd64'],
    ['linux', 'arm64'],
    ['darwin', 'amd64'],
    ['darwin', 'arm64'],
  ])('leads %s/%s to its own archive', (os, arch) => {
    const taken = manifest.spec.platforms.filter(({ selector }) => selects(selector ?? {}, os, arch));
    expect(taken.map(({ uri }) => uri)).toEqual([`https://example.org/kubectl-chaos-v1.2.3-${os}-${arch}.tar.gz`]);
  });

  it.each([
    ['linux', '386'],
    ['linux', 'ppc64le'],
    ['windows', 'amd64'],
  ])('has nothing for %s/%s', (os, arch) => {
    expect(manifest.spec.platforms.filter(({ selector }) => selects(selector ?? {}, os, arch))).toEqual([]);
  });
});

describe('a manifest', () => {
  it.each<[string, PluginManifest]>([
    ['apiVersion is v1', { ...manifest, apiVersion: 'v1' }],
    ['kind is Pod', { ...manifest, kind: 'Pod' }],
    ['the file of other is chaos.yaml', { ...manifest, metadata: { name: 'other' } }],
    ['version 1.2.3 is not a semantic one', withSpec({ version: '1.2.3' })],
    ['version v1.2 is not a semantic one', withSpec({ version: 'v1.2' })],
    ['version v1.02.0 is not a semantic one', withSpec({ version: 'v1.02.0' })],
    ['version v1.2.3-01 is not a semantic one', withSpec({ version: 'v1.2.3-01' })],
    ['there is no short description', withSpec({ shortDescription: '' })],
    ['several lines', withSpec({ shortDescription: 'a\nb' })],
    ['longer than 50 characters', withSpec({ shortDescription: 'x'.repeat(51) })],
    ['there is no platform', withSpec({ platforms: [] })],
    ['uri nowhere.zip is not a URL', withPlatform({ uri: 'nowhere.zip' })],
    ['neither .tar.gz nor .zip', withPlatform({ uri: 'https://example.org/a.tar.xz' })],
    ['not one in small hex digits', withPlatform({ sha256: 'A'.repeat(64) })],
    ['not one in small hex digits', withPlatform({ sha256: 'a'.repeat(63) })],
    ['there is no bin', withPlatform({ bin: '' })],
    ['files is there, and empty', withPlatform({ files: [] })],
    ['a file has no from or no to', withPlatform({ files: [{ from: 'a', to: '' }] })],
    ['the selector is empty', withSelector({})],
    ['the selector is empty', withSelector({ matchExpressions: [] })],
    ['matchLabels is there, and empty', withSelector({ matchLabels: {} })],
    ['matchExpressions is there, and empty', withSelector({ matchLabels: { os: 'linux' }, matchExpressions: [] })],
    ['asks for libc', withSelector({ matchLabels: { os: 'linux', libc: 'glibc' } })],
    ['matches no platform', withSelector({ matchLabels: { os: 'plan9' } })],
    [
      "the selector's Like is not one",
      withSelector({ matchExpressions: [{ key: 'os', operator: 'Like', values: ['l'] }] }),
    ],
    ["the selector's In is not one", withSelector({ matchExpressions: [{ key: 'os', operator: 'In' }] })],
    [
      "the selector's Exists is not one",
      withSelector({ matchExpressions: [{ key: 'os', operator: 'Exists', values: ['x'] }] }),
    ],
    ['platforms 0 and 1 both match linux/arm64', withSelector({ matchLabels: { os: 'linux' } })],
    [
      'platforms 0 and 2 both match darwin/amd64',
      withSelector({ matchExpressions: [{ key: 'arch', operator: 'NotIn', values: ['arm64'] }] }),
    ],
  ])('is not taken: %s', (problem, changed) => {
    expect(manifestProblems('chaos.yaml', changed)).toContainEqual(expect.stringContaining(problem));
  });

  it.each([
    ['con.yaml', 'con', 'is a device on Windows'],
    ['a.b.yaml', 'a.b', 'is not of letters'],
  ])('is not taken in a file %s', (file, name, problem) => {
    expect(manifestProblems(file, { ...manifest, metadata: { name } })).toEqual([expect.stringContaining(problem)]);
  });

  it('is taken with a version that is no release yet', () => {
    expect(manifestProblems('chaos.yaml', withSpec({ version: 'v1.2.3-rc.1+build.5' }))).toEqual([]);
  });
});

describe('an archive', () => {
  const gzip = Uint8Array.of(0x1f, 0x8b, 0x08, 0);
  const file = (name: string, executable = false): Unpacked => ({ name, kind: 'file', executable });
  const good = [file('LICENSE'), file('kubectl-chaos', true), file('chaos.cjs')];

  it('with a licence and the program breaks no rule', () => {
    expect(archiveProblems(first, gzip, good)).toEqual([]);
  });

  it.each<[string, Uint8Array, Unpacked[]]>([
    ['is not what its name says', Uint8Array.of(0x50, 0x4b, 0x03, 0x04), good],
    ['there is no file kubectl-chaos', gzip, [file('LICENSE')]],
    ['kubectl-chaos is not executable', gzip, [file('LICENSE'), file('kubectl-chaos')]],
    ['there is no file LICENSE', gzip, [file('kubectl-chaos', true), file('doc/LICENSE')]],
    ['node is neither a file nor a directory', gzip, [...good, { ...file('node'), kind: 'other' }]],
    ['../node leads out of it', gzip, [...good, file('../node')]],
  ])('is not taken: %s', (problem, head, unpacked) => {
    expect(archiveProblems(first, head, unpacked)).toEqual([expect.stringContaining(problem)]);
  });
});
