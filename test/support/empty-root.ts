import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * A machine with nothing on it: a root directory with two or three programs of this machine, the libraries that they load, /proc, and what is put into
 * it. The network is this machine's. It is entered in a mount namespace of its own, which goes with its last process.
 */

/** What `kubectl-chaos` of an archive needs: it is a shell script that follows a link. */
const always = ['sh', 'readlink'];
/** Where krew puts what it links to, and the links. */
const bin = '/krew/bin';

const chroot = ['/usr/sbin/chroot', '/usr/bin/chroot', '/sbin/chroot'].find(existsSync) ?? 'chroot';
const unshare = ['unshare', '--mount', ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'])];

/** Why it cannot be had on this machine; undefined: it can. */
export function noEmptyRoot(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'the archive for linux/amd64 runs nowhere else';
  const { status, stderr, error } = spawnSync(unshare[0] ?? '', [...unshare.slice(1), 'true'], { encoding: 'utf8' });
  return status === 0 ? undefined : `no mount namespace can be made: ${error?.message ?? stderr.trim()}`;
}

export class EmptyRoot {
  readonly folder: string;

  /** `folder` is made; `node` is the program whose libraries have to be there; `programs` are paths of others, which come with theirs. */
  constructor(folder: string, node: string, programs: readonly string[] = []) {
    this.folder = folder;
    for (const name of ['bin', 'dev', 'etc', 'home', 'proc', 'tmp', bin])
      mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, 'dev/null'), '');
    const brought = [...always.map(programOnPath), ...programs];
    for (const program of brought)
      copyFileSync(realpathSync(program), join(folder, 'bin', program.replace(/^.*\//, '')));
    for (const library of new Set([node, ...brought].flatMap(librariesOf))) {
      mkdirSync(join(folder, dirname(library)), { recursive: true });
      copyFileSync(library, join(folder, library));
    }
  }

  /** Installs an archive as krew does: unpacked into a folder of the version's, with one link that leads to its program. */
  install(archive: string, version: string): void {
    const store = `/krew/store/chaos/v${version}`;
    mkdirSync(join(this.folder, store), { recursive: true });
    execFileSync('tar', ['-xf', archive, '-C', join(this.folder, store)]);
    symlinkSync(`${store}/kubectl-chaos`, join(this.folder, bin, 'kubectl-chaos'));
  }

  /** The words that run a program of it, by name, in it; with these variables and none of this process. */
  words(env: Readonly<Record<string, string>>, ...words: readonly string[]): [string, ...string[]] {
    const script =
      'mount --rbind /proc "$1/proc" && mount --bind /dev/null "$1/dev/null" || exit 125; shift; exec env -i "$@"';
    const all: Record<string, string> = { PATH: `${bin}:/bin`, HOME: '/home', ...env };
    const variables = Object.entries(all).map(([name, value]) => `${name}=${value}`);
    const inside = [...variables, chroot, this.folder, ...words];
    return ['unshare', ...unshare.slice(1), 'sh', '-c', script, 'sh', this.folder, ...inside];
  }
}

export const programOnPath = (program: string) =>
  execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();

/** Their paths, the loader's among them, where the program looks for them; a static program has none. */
function librariesOf(program: string): string[] {
  const { stdout } = spawnSync('ldd', [program], { encoding: 'utf8' });
  return [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, library = '']) => library);
}
