import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { Apt } from './apt.ts';
import type { LockedPackage } from './lock.ts';
import type { Architecture } from './parts.ts';

/** The packages of the lock, in a cache by their checksums: what has been fetched once is not fetched again. */
export class Debs {
  readonly #cache: string;
  readonly #work: string;
  readonly #suite: string;
  readonly #apts = new Map<Architecture, Apt>();

  /** `cache` is a directory that stays, `work` one that is removed when all is done. */
  constructor(cache: string, work: string, suite: string) {
    this.#cache = cache;
    this.#work = work;
    this.#suite = suite;
    mkdirSync(cache, { recursive: true });
  }

  /** Makes sure that the files of the packages are there, and are those of the lock. */
  fetch(packages: readonly LockedPackage[], architecture: Architecture): void {
    const missing = packages.filter((wanted) => !existsSync(this.file(wanted)));
    if (missing.length === 0) return;
    const fetched = mkdtempSync(join(this.#work, 'fetched-'));
    try {
      const names = missing.map(({ name, version }) => `${name}=${version}`);
      this.#apt(architecture).download(fetched, names);
    } catch (error) {
      throw new Error(gone(architecture, this.#suite, String((error as { stderr?: unknown }).stderr ?? error)));
    }
    for (const deb of readdirSync(fetched)) this.#keep(join(fetched, deb), missing);
    for (const wanted of missing) {
      if (!existsSync(this.file(wanted))) throw new Error(another(wanted, architecture));
    }
  }

  file = ({ sha256 }: LockedPackage) => join(this.#cache, `${sha256}.deb`);

  #keep(deb: string, wanted: readonly LockedPackage[]): void {
    const sha256 = createHash('sha256').update(readFileSync(deb)).digest('hex');
    const locked = wanted.find((one) => one.sha256 === sha256);
    if (!locked) return;
    copyFileSync(deb, `${this.file(locked)}.${process.pid}`);
    renameSync(`${this.file(locked)}.${process.pid}`, this.file(locked));
  }

  #apt(architecture: Architecture): Apt {
    const known = this.#apts.get(architecture);
    const apt = known ?? new Apt(join(this.#work, `apt-${architecture}`), this.#suite, architecture);
    this.#apts.set(architecture, apt);
    return apt;
  }
}

/** What to say when Debian does not give what the lock names. */
function gone(architecture: Architecture, suite: string, said: string): string {
  return [
    `packages that krew/toolbox/lock.json names cannot be fetched from Debian's ${suite} for ${architecture}: ${said.trim()}`,
    'If Debian has newer versions by now, take them: run `node krew/lock-toolbox.ts`, build, run the tests, and commit the lock.',
  ].join('\n');
}

function another({ name, version, sha256 }: LockedPackage, architecture: Architecture): string {
  return `${name} ${version} for ${architecture} is another file than krew/toolbox/lock.json names: its SHA-256 is not ${sha256}`;
}
