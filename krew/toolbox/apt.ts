import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Architecture } from './parts.ts';

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * apt with lists, state and sources of its own, for one architecture: the machine's stay as they are, and none of its packages counts as
 * installed. apt checks what it fetches against the signatures of Debian's archive.
 */
export class Apt {
  readonly #config: string;
  readonly #folder: string;

  /** `folder` is where it works: whatever it leaves there may be removed. `suite` is a code name of Debian's, such as `trixie`. */
  constructor(folder: string, suite: string, architecture: Architecture) {
    this.#folder = folder;
    this.#config = join(folder, 'apt.conf');
    for (const name of ['lists/partial', 'archives/partial']) mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, 'sources.list'), `deb [signed-by=${keyring}] ${archiveOfThisMachine()} ${suite} main\n`);
    writeFileSync(this.#config, config(folder, architecture));
    this.run('apt-get', '-qq', 'update');
  }

  /** Fetches packages (`NAME` or `NAME=VERSION`) into the directory `to`, which it makes. */
  download(to: string, names: readonly string[]): void {
    mkdirSync(to, { recursive: true });
    this.#run(to, 'apt-get', ['-qq', 'download', ...names]);
  }

  /** What it prints; throws when it fails. */
  run(program: 'apt-get' | 'apt-cache', ...words: string[]): string {
    return this.#run(this.#folder, program, words);
  }

  #run(cwd: string, program: string, words: readonly string[]): string {
    return execFileSync(program, words, {
      cwd,
      env: { ...process.env, APT_CONFIG: this.#config, LC_ALL: 'C' },
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
}

function config(folder: string, architecture: Architecture): string {
  const settings: Record<string, string> = {
    'APT::Architecture': architecture,
    'APT::Architectures::': architecture,
    'APT::Sandbox::User': 'root',
    'APT::Update::Error-Mode': 'any',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '2',
    'Dir::Cache': folder,
    'Dir::Etc::preferencesparts': '/dev/null',
    'Dir::Etc::sourcelist': join(folder, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State': folder,
    'Dir::State::lists': join(folder, 'lists'),
    'Dir::State::status': '/dev/null',
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";`);
  return `#clear APT::Architectures;\n${lines.join('\n')}\n`;
}

/** Where this machine gets Debian's packages from. apt says whose an archive is only when it has its lists. */
function archiveOfThisMachine(): string {
  const words = ['indextargets', '--format', '$(REPO_URI)', 'Identifier: Packages', 'Origin: Debian'];
  const ask = () =>
    execFileSync('apt-get', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n')[0];
  let archive = ask();
  if (!archive && process.getuid?.() === 0) {
    execFileSync('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', 'update'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    archive = ask();
  }
  if (!archive) {
    throw new Error(
      "apt on this machine knows no archive of Debian's: build on Debian, and run `apt-get update` as root once",
    );
  }
  return archive;
}
