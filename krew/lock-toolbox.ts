/**
 * node krew/lock-toolbox.ts [SUITE]: writes toolbox/lock.json anew, with what Debian's suite has today (default: the suite of the lock).
 * It fetches all that the packages depend on, and keeps in the lock what a file of the toolbox is from.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Apt } from './toolbox/apt.ts';
import { closure, importsFrom } from './toolbox/closure.ts';
import { licencesOf } from './toolbox/licences.ts';
import { type Lock, type LockedPart, lockFile, readLock } from './toolbox/lock.ts';
import { type Architecture, type Part, type PartName, partNames, parts } from './toolbox/parts.ts';
import { Unpacked } from './toolbox/unpacked.ts';

/** One package of `apt-cache show`. */
function fieldsOf(stanza: string): Record<string, string> {
  return Object.fromEntries([...stanza.matchAll(/^(\S+): (.*)$/gm)].map(([, name, value]) => [name, value]));
}

/** Fetches and unpacks what the packages of all parts depend on. */
function unpackAll(apt: Apt, architecture: Architecture, work: string): Unpacked {
  const packages = partNames.flatMap((part) => parts[part].packages);
  const plan = apt.run('apt-get', '-s', '-o', 'APT::Install-Recommends=false', 'install', ...packages);
  const names = [...plan.matchAll(/^Inst (\S+) \(/gm)].map((match) => (match[1] ?? '').replace(/:.*/, ''));
  // Drivers of GPUs, 100 MB of them, are loaded by name where there is one: no file names them as needed.
  const wanted = names.filter((name) => !/^(libllvm|libz3-|mesa-libgallium)/.test(name));
  const unpacked = new Unpacked(join(work, 'unpacked'), architecture);
  const fetched = join(work, 'fetched');
  apt.download(fetched, wanted);
  for (const deb of readdirSync(fetched)) unpacked.add(join(fetched, deb), deb.split('_')[0] ?? deb);
  return unpacked;
}

function lockPart(apt: Apt, part: Part, unpacked: Unpacked): LockedPart {
  const programs = new Map(part.programs.map((name) => [name, unpacked.program(name)]));
  const members = closure(programs, new Set(Object.keys(part.leftOut)), unpacked);
  const needed = new Set(members.flatMap(({ elf }) => elf.needed));
  const stubs = Object.keys(part.leftOut)
    .filter((soname) => needed.has(soname))
    .map((soname): [string, string[]] => {
      const library = unpacked.library(soname);
      if (library === undefined) throw new Error(`no package has ${soname}`);
      return [soname, importsFrom(unpacked.read(library), soname, members)];
    });
  const owners = new Set([...members, ...unpacked.data(part)].map(({ from }) => unpacked.ownerOf(from)));
  for (const name of [...owners]) owners.add(unpacked.ownerOf(unpacked.copyrightFile(name)));
  const shown = apt.run('apt-cache', '--no-all-versions', 'show', ...[...owners].sort());
  const packages = shown
    .split('\n\n')
    .filter(Boolean)
    .map((stanza) => {
      const { Package: name = '', Version: version = '', SHA256: sha256 = '', Source = name } = fieldsOf(stanza);
      const [, source = '', sourceVersion = version] = /^(\S+)(?: \((.*)\))?$/.exec(Source) ?? [];
      return { name, version, sha256, source, sourceVersion, licences: licencesOf(source, unpacked.copyright(name)) };
    });
  return { packages, stubs: Object.fromEntries(stubs) };
}

function lockArchitecture(suite: string, architecture: Architecture, work: string): Record<PartName, LockedPart> {
  const apt = new Apt(join(work, 'apt'), suite, architecture);
  const unpacked = unpackAll(apt, architecture, work);
  return { net: lockPart(apt, parts.net, unpacked), stress: lockPart(apt, parts.stress, unpacked) };
}

const suite = process.argv[2] ?? readLock().suite;
const work = mkdtempSync(join(tmpdir(), 'toolbox-lock-'));
try {
  const amd64 = lockArchitecture(suite, 'amd64', join(work, 'amd64'));
  const arm64 = lockArchitecture(suite, 'arm64', join(work, 'arm64'));
  const lock: Lock = {
    suite,
    parts: {
      net: { amd64: amd64.net, arm64: arm64.net },
      stress: { amd64: amd64.stress, arm64: arm64.stress },
    },
  };
  writeFileSync(lockFile, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`${lockFile}: ${suite}. Build, run the tests, and commit it.`);
} finally {
  rmSync(work, { recursive: true, force: true });
}
