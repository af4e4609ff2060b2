/**
 * npm run release -- URL [HOMEPAGE]: makes a release twice, from two fresh clones of HEAD, under other names, umasks and environments, the second
 * time with none of what earlier builds have left but what was fetched; compares the two, and leaves one in build/krew/. Exits with 1 when they differ.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../src/errors.ts';
import { packRequest } from './arguments.ts';
import { differences, readSums } from './sums.ts';

const root = new URL('..', import.meta.url).pathname;
const work = join(root, 'build/release');
const words = process.argv.slice(2);
const git = (...words: string[]) => execFileSync('git', words, { cwd: root, encoding: 'utf8' }).trim();

interface Build {
  /** Of the clone. */
  folder: string;
  umask: string;
  env: Record<string, string>;
}

/** The release that one clone makes: the folder with its files. */
function make({ folder, umask, env }: Build, commit: string): string {
  const clone = join(work, folder);
  process.stdout.write(`== ${folder}: umask ${umask}\n`);
  git('clone', '--quiet', '--no-hardlinks', root, clone);
  execFileSync('git', ['checkout', '--quiet', '--detach', commit], { cwd: clone });
  const began = Date.now();
  const script = `umask ${umask} && exec npm run --silent pack -- "$@"`;
  execFileSync('sh', ['-c', script, 'sh', ...words], { cwd: clone, env: { ...process.env, ...env }, stdio: 'inherit' });
  process.stdout.write(`== ${folder}: ${Math.round((Date.now() - began) / 1_000)} s\n`);
  return join(clone, 'build/krew');
}

/** A cache with nothing in it but the files that were fetched, which are checked whenever they are used. */
function freshCache(): string {
  const mine = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'kubectl-chaos');
  const fresh = join(work, 'cache');
  for (const fetched of ['node', 'toolbox/debs']) {
    const place = join(fresh, 'kubectl-chaos', fetched);
    mkdirSync(join(place, '..'), { recursive: true });
    if (existsSync(join(mine, fetched))) symlinkSync(join(mine, fetched), place);
  }
  return fresh;
}

function release(): void {
  const commit = git('rev-parse', 'HEAD');
  if (git('status', '--porcelain')) process.stdout.write('what is not committed is not in this release\n');
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const first = make({ folder: 'first', umask: '022', env: {} }, commit);
  const other = { TZ: 'Asia/Tokyo', LC_ALL: 'C.UTF-8', TAR_OPTIONS: '--mtime=@1', KUBECTL_CHAOS_IMAGE: 'other:1' };
  const env = { ...other, XDG_CACHE_HOME: freshCache() };
  const second = make({ folder: 'a-second-one-elsewhere', umask: '077', env }, commit);

  const [one, two] = [first, second].map((folder) => readSums(readFileSync(join(folder, 'SHA256SUMS'), 'utf8')));
  if (!one?.size || !two) throw new Error('a build has made nothing');
  for (const [name, sum] of one) {
    process.stdout.write(`${sum}  ${String(statSync(join(first, name)).size).padStart(10)}  ${name}\n`);
  }
  const found = differences(one, two);
  if (found.length > 0) throw new Error(`not reproducible; both are in ${work}\n${found.join('\n')}`);
  rmSync(join(root, 'build/krew'), { recursive: true, force: true });
  cpSync(first, join(root, 'build/krew'), { recursive: true });
  rmSync(work, { recursive: true, force: true });
  process.stdout.write(`the same twice, of ${commit}: build/krew\n`);
}

try {
  packRequest(words);
} catch (error) {
  process.stderr.write(`${messageOf(error).replace('npm run pack', 'npm run release')}\n`);
  process.exit(2);
}
try {
  release();
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
}
