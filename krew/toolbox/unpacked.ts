import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Tree } from './closure.ts';
import { readElf } from './elf.ts';
import { type Architecture, type Part, triplets } from './parts.ts';

/** Debian packages unpacked into one directory, and nothing of them installed or executed. */
export class Unpacked implements Tree {
  readonly #root: string;
  readonly #architecture: Architecture;
  readonly #owners = new Map<string, string>();

  constructor(root: string, architecture: Architecture) {
    this.#root = root;
    this.#architecture = architecture;
    mkdirSync(root, { recursive: true });
  }

  /** `deb` is a file. A package that has no own files for us adds nothing. */
  add(deb: string, name: string): void {
    const list = execFileSync('dpkg-deb', ['--fsys-tarfile', deb], { maxBuffer: 2 ** 30 });
    // Of merged /usr: what still says /lib or /bin means the same place.
    const words = [
      '-x',
      '-C',
      this.#root,
      '-v',
      '--transform=s,^\\./\\(bin\\|sbin\\|lib\\|lib64\\)/,./usr/\\1/,',
      '--show-transformed-names',
    ];
    const said = execFileSync('tar', words, { input: list, encoding: 'utf8', maxBuffer: 2 ** 26 });
    for (const line of said.split('\n'))
      if (line && !line.endsWith('/')) this.#owners.set(line.replace(/^\.\//, ''), name);
  }

  /** The package that a file is from. */
  ownerOf(file: string): string {
    const owner = this.#owners.get(relative(realpathSync(this.#root), realpathSync(file)));
    if (owner === undefined) throw new Error(`${file} is of no package`);
    return owner;
  }

  program(name: string): string {
    const file = ['usr/bin', 'usr/sbin'].map((folder) => join(this.#root, folder, name)).find(existsSync);
    if (file === undefined) throw new Error(`no package has the program ${name}`);
    return realpathSync(file);
  }

  library(soname: string): string | undefined {
    const folders = [join('usr/lib', triplets[this.#architecture]), 'usr/lib64', 'usr/lib'];
    const file = folders.map((folder) => join(this.#root, folder, soname)).find(existsSync);
    return file === undefined ? undefined : realpathSync(file);
  }

  read = readElf;

  /** The regular files that stand right in the part's directories: their names in the archive, and where they are. */
  data(part: Part): { name: string; from: string }[] {
    return part.directories.flatMap((pattern) => {
      const folder = pattern.replace('TRIPLET', triplets[this.#architecture]);
      const entries = readdirSync(join(this.#root, folder), { withFileTypes: true }).filter((entry) => entry.isFile());
      return entries.map(({ name }) => ({ name: `${folder}/${name}`, from: join(this.#root, folder, name) }));
    });
  }

  /** The package's copyright file, which may be that of another package of the same source. */
  copyrightFile(name: string): string {
    return realpathSync(join(this.#root, 'usr/share/doc', name, 'copyright'));
  }

  copyright(name: string): string {
    return readFileSync(this.copyrightFile(name), 'utf8');
  }
}
