/**
 * npm run pack -- URL [HOMEPAGE]: builds dist/ and packs it into build/krew/: an archive with its own Node for each platform, one without, the
 * manifest for krew that names those at URL, an index with it, the bill of materials, the notices, and the checksums of all.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { messageOf } from '../src/errors.ts';
import { type PackRequest, packRequest } from './arguments.ts';
import type { Components } from './components.ts';
import { keepPlacesOnly } from './environment.ts';
import { tarOfParts } from './layout.ts';
import { manifestOf, pluginName } from './manifest.ts';
import { archiveProblems, manifestProblems, type PluginManifest, type Unpacked } from './manifest-rules.ts';
import { nodeLock, unpackNode } from './node.ts';
import { archiveName, type Form, forms, platformNames, withoutNode } from './platforms.ts';
import { sbomOf } from './sbom.ts';
import { gzip } from './toolbox/archive.ts';
import type { Manifest } from './toolbox/manifest.ts';

const path = (name: string) => new URL(`../${name}`, import.meta.url).pathname;
const readJson = <T>(name: string) => JSON.parse(readFileSync(path(name), 'utf8')) as T;
const sha256Of = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');
const to = path('build/krew');

function pack({ url, homepage, forms: chosen, level }: PackRequest): void {
  const { version } = readJson<{ version: string }>('package.json');
  const components = readJson<Components>('build/components.json');
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to, { recursive: true });
  for (const form of chosen) makeArchive(form, join(to, archiveName(version, form)), components, level);

  const toolbox = readJson<Manifest>('dist/toolbox.json');
  writeFileSync(
    join(to, `kubectl-chaos-v${version}.cdx.json`),
    sbomOf({ ...components, version, node: nodeLock, toolbox }),
  );
  writeFileSync(join(to, notices), noticesIn(join(to, archiveName(version, chosen[0] ?? withoutNode))));
  // A manifest without one of the platforms would take it away from those who have it.
  if (chosen.length === forms.length) makeManifest(version, url, homepage);
  const named = readdirSync(to).filter((name) => name !== 'index');
  const sums = named.sort().map((name) => `${sha256Of(join(to, name))}  ${name}\n`);
  writeFileSync(join(to, 'SHA256SUMS'), sums.join(''));
  process.stdout.write(sums.map((line) => line.replace('  ', `  ${to}/`)).join(''));
}

const notices = 'THIRD-PARTY-NOTICES';

/** Those of an archive with Node speak of all that is in the others. */
function noticesIn(archive: string): Buffer {
  return execFileSync('tar', ['-xzOf', archive, notices]);
}

function makeArchive(form: Form, file: string, components: Components, level: number): void {
  const work = mkdtempSync(join(tmpdir(), 'kubectl-chaos-pack-'));
  try {
    const node = form === withoutNode ? {} : { node: unpackNode(form, join(work, 'node')) };
    writeFileSync(file, gzip(tarOfParts({ dist: path('dist'), components, ...node }, join(work, 'parts')), level));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function makeManifest(version: string, url: string, homepage: string): void {
  const file = `${pluginName}.yaml`;
  const archives = platformNames.map((platform) => {
    const name = archiveName(version, platform);
    return { platform, uri: `${url}/${name}`, sha256: sha256Of(join(to, name)) };
  });
  const text = manifestOf({ version, homepage, archives });
  const manifest = parse(text) as PluginManifest;
  const problems = [
    ...manifestProblems(file, manifest),
    ...manifest.spec.platforms.flatMap((platform) => {
      const archive = join(to, platform.uri.slice(url.length + 1));
      return archiveProblems(platform, readFileSync(archive).subarray(0, 4), unpacked(archive));
    }),
  ];
  if (problems.length > 0) throw new Error(`krew would not take this release: ${problems.join('; ')}`);
  writeFileSync(join(to, file), text);
  // `kubectl krew index add` takes a git repository with such a folder.
  mkdirSync(join(to, 'index/plugins'), { recursive: true });
  copyFileSync(join(to, file), join(to, 'index/plugins', file));
}

/** What the archive leaves in an empty directory. */
function unpacked(archive: string): Unpacked[] {
  const folder = mkdtempSync(join(tmpdir(), 'kubectl-chaos-unpacked-'));
  try {
    execFileSync('tar', ['-xzf', archive, '-C', folder]);
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => {
      const status = lstatSync(join(folder, name));
      const kind = status.isFile() ? 'file' : status.isDirectory() ? 'directory' : 'other';
      return { name, kind, executable: (status.mode & 0o111) === 0o111 };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

let request: PackRequest | undefined;
try {
  request = packRequest(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 2;
}
if (request) {
  keepPlacesOnly();
  execFileSync(process.execPath, [path('krew/build.ts')], { stdio: 'inherit' });
  pack(request);
}
