/**
 * npm run pack -- URL [HOMEPAGE]: packs dist/ for krew into build/krew/: one archive for every platform that runs Node, and the manifest that names it at URL.
 * What krew demands of both: https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { stringify } from 'yaml';

export interface Packed {
  archive: string;
  manifest: string;
}

/** The same bytes for the same files: sorted, without owners, times and extended headers (krew refuses those). */
export function archiveOf(directory: string): Buffer {
  const names = readdirSync(directory).sort();
  const options = ['--format=ustar', '--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mtime=@0'];
  const tar = execFileSync('tar', [...options, '--mode=u+w,go-w', '-C', directory, '-cf', '-', '--', ...names], {
    maxBuffer: 256 * 2 ** 20,
  });
  return gzipSync(tar, { level: 9 });
}

export function manifestOf(release: { version: string; uri: string; sha256: string; homepage: string }): string {
  return stringify({
    apiVersion: 'krew.googlecontainertools.github.com/v1alpha2',
    kind: 'Plugin',
    metadata: { name: 'chaos' },
    spec: {
      version: `v${release.version}`,
      homepage: release.homepage,
      shortDescription: 'Ask a running pod "what if?", and revert it',
      description:
        'Makes one container short of CPU, memory or processes for a bounded time, measures that it really is, and leaves everything as it was. Nothing is installed in the cluster.\n',
      caveats: 'This plugin needs Node 22.19 or newer on PATH.\n',
      platforms: [
        {
          // krew's `bin` must be an .exe on Windows.
          selector: { matchExpressions: [{ key: 'os', operator: 'In', values: ['darwin', 'linux'] }] },
          uri: release.uri,
          sha256: release.sha256,
          bin: 'kubectl-chaos',
        },
      ],
    },
  });
}

/** Writes both into `to`; `url` is where the archive will be served. */
export function pack(from: string, to: string, release: { version: string; url: string; homepage: string }): Packed {
  const archive = `kubectl-chaos-v${release.version}.tar.gz`;
  const bytes = archiveOf(from);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const uri = `${release.url.replace(/\/+$/, '')}/${archive}`;
  mkdirSync(to, { recursive: true });
  writeFileSync(join(to, archive), bytes);
  writeFileSync(join(to, 'chaos.yaml'), manifestOf({ ...release, uri, sha256 }));
  return { archive: join(to, archive), manifest: join(to, 'chaos.yaml') };
}

if (import.meta.main) {
  const [url, homepage = url] = process.argv.slice(2);
  if (!url || !homepage || !URL.canParse(url) || !URL.canParse(homepage)) {
    process.stderr.write(
      'usage: npm run pack -- URL [HOMEPAGE], where URL is the folder that the archive will be served from\n',
    );
    process.exit(2);
  }
  const path = (name: string) => new URL(`../${name}`, import.meta.url).pathname;
  const { version } = JSON.parse(readFileSync(path('package.json'), 'utf8')) as { version: string };
  const packed = pack(path('dist'), path('build/krew'), { version, url, homepage });
  process.stdout.write(`${packed.archive}\n${packed.manifest}\n`);
}
