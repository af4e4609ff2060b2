import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type ArchivedFile, gzip, inOrder, tarOf } from './archive.ts';
import { closure, problemsOf } from './closure.ts';
import type { Debs } from './debs.ts';
import { referredLicences } from './licences.ts';
import type { Lock } from './lock.ts';
import { type Manifest, type ManifestFile, sourceAt, sourceBy } from './manifest.ts';
import { type Architecture, architectures, type PartName, partNames, parts } from './parts.ts';
import { compilers, makeStub } from './stub.ts';
import { Unpacked } from './unpacked.ts';

/** What besides the sources here and the lock decides which bytes come out. */
export function builders(): string {
  const first = (program: string, ...words: string[]) =>
    execFileSync(program, words, { encoding: 'utf8' }).split('\n')[0];
  return [
    ...Object.values(compilers).map((compiler) => first(compiler, '--version')),
    first('libdeflate-gzip', '-V'),
    // The texts of the common licences are this machine's.
    first('dpkg-query', '-W', 'base-files'),
  ].join('\n');
}

/** Makes the archives of all parts, their manifest and the copyright notices in `to`. `work` is a directory for what is needed meanwhile. */
export function assemble(lock: Lock, debs: Debs, to: string, work: string): void {
  const notices = new Map<string, string>();
  const toolbox = (part: PartName, architecture: Architecture) =>
    assembleOne(lock, debs, { part, architecture, to, notices, work: join(work, `${part}-${architecture}`) });
  const toolboxes = Object.fromEntries(
    partNames.map((part) => [
      part,
      Object.fromEntries(architectures.map((architecture) => [architecture, toolbox(part, architecture)])),
    ]),
  ) as Manifest['toolboxes'];
  const manifest: Manifest = { suite: lock.suite, sourceAt, sourceBy, toolboxes };
  writeFileSync(join(to, 'toolbox.json'), `${JSON.stringify(manifest)}\n`);
  writeFileSync(join(to, 'toolbox-copyright.txt'), noticesOf(notices, referredLicences(notices.values())));
}

interface One {
  part: PartName;
  architecture: Architecture;
  to: string;
  work: string;
  /** Copyright files by source package; it adds its own. */
  notices: Map<string, string>;
}

function assembleOne(
  lock: Lock,
  debs: Debs,
  { part, architecture, to, work, notices }: One,
): Manifest['toolboxes']['net']['amd64'] {
  const { packages, stubs } = lock.parts[part][architecture];
  const unpacked = new Unpacked(join(work, 'unpacked'), architecture);
  debs.fetch(packages, architecture);
  for (const locked of packages) unpacked.add(debs.file(locked), locked.name);
  for (const { name, source, sourceVersion } of packages)
    notices.set(`${source} ${sourceVersion}`, unpacked.copyright(name));

  const programs = new Map(parts[part].programs.map((name) => [name, unpacked.program(name)]));
  const members = closure(programs, new Set(Object.keys(stubs)), unpacked);
  mkdirSync(join(work, 'stubs'));
  const ours = Object.entries(stubs).map(([soname, symbols]) => {
    const from = join(work, 'stubs', soname);
    makeStub(from, soname, symbols, parts[part].leftOut[soname] ?? 'something else', architecture);
    return { name: `lib/${soname}`, from, executable: false };
  });
  const packaged: ArchivedFile[] = [
    // The kernel starts the loader itself, of which it asks that it be executable.
    ...members.map(({ name, from }) => ({
      name,
      from,
      executable: !name.startsWith('lib/') || basename(name).startsWith('ld-'),
    })),
    ...unpacked.data(parts[part]).map((file) => ({ ...file, executable: false })),
  ];
  const described: ManifestFile[] = [
    ...packaged.map((file) => ({ ...describe(file), package: unpacked.ownerOf(file.from) })),
    ...ours.map(describe),
  ];
  const problems = problemsOf([...members, ...ours.map((file) => ({ ...file, elf: unpacked.read(file.from) }))]);
  if (problems.length > 0) throw new Error(`toolbox ${part} for ${architecture}: ${problems.join('; ')}`);

  const tar = tarOf([...packaged, ...ours], join(work, 'tree'));
  const archive = gzip(tar);
  const file = `toolbox-${part}-${architecture}.tar.gz`;
  writeFileSync(join(to, file), archive);
  return {
    ...{ file, sha256: sha256Of(archive), bytes: archive.length, unpackedBytes: tar.length },
    programs: parts[part].programs,
    files: inOrder(described),
    packages: packages.map(({ sha256: _, ...kept }) => ({ ...kept, architecture })),
  };
}

const sha256Of = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

const describe = ({ name, from }: ArchivedFile) => ({
  name,
  bytes: statSync(from).size,
  sha256: sha256Of(readFileSync(from)),
});

/** The copyright files as packaged, each once, and the licences that they refer to. */
function noticesOf(notices: ReadonlyMap<string, string>, licences: ReadonlyMap<string, string>): string {
  const sections = (texts: ReadonlyMap<string, string>) =>
    inOrder([...texts].map(([name, text]) => ({ name, text }))).map(
      ({ name, text }) => `==== ${name} ====\n\n${text.trim()}\n`,
    );
  const head = `The toolboxes beside this file hold programs and libraries of Debian, as packaged. toolbox.json says which, and where their source is.\nThe copyright file of each source package follows, then each licence whose text these leave to /usr/share/common-licenses.\n`;
  return [head, ...sections(notices), ...sections(licences)].join('\n');
}
