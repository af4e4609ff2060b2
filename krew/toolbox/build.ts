import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { assemble, builders } from './assemble.ts';
import { Debs } from './debs.ts';
import { readLock } from './lock.ts';

const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'kubectl-chaos', 'toolbox');

/**
 * Puts the toolboxes and their manifest into `to`, and returns what it has put there. They are made once for the same lock, sources and
 * compilers, and kept in the cache.
 */
export function buildToolboxes(to: string): { file: string; bytes: number }[] {
  const made = join(cache, `made-${keyOf()}`);
  if (!existsSync(made)) make(made);
  const now = new Date();
  utimesSync(made, now, now);
  return readdirSync(made).map((file) => {
    copyFileSync(join(made, file), join(to, file));
    return { file, bytes: statSync(join(to, file)).size };
  });
}

function make(made: string): void {
  console.log("making the toolboxes of Debian's packages (once, usually 20-60 s)");
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'making-'));
  const lock = readLock();
  try {
    const debs = new Debs(join(cache, 'debs'), work, lock.suite);
    const whole = join(work, 'whole');
    mkdirSync(whole);
    assemble(lock, debs, whole, join(work, 'parts'));
    // Another build may have been quicker; what it has made is the same.
    if (!existsSync(made)) renameSync(whole, made);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  tidy();
}

/** What was made the longest ago goes, but for the three latest, for work trees side by side; and what a killed build has left for a day. */
function tidy(): void {
  const entries = readdirSync(cache).map((name) => ({ name, at: statSync(join(cache, name)).mtimeMs }));
  const old = entries.filter(({ name }) => name.startsWith('made-')).toSorted((a, b) => b.at - a.at);
  const left = entries.filter(({ name, at }) => name.startsWith('making-') && at < Date.now() - 86_400_000);
  for (const { name } of [...old.slice(3), ...left]) rmSync(join(cache, name), { recursive: true, force: true });
}

/** Of all that decides which bytes come out: the files of this folder, the lock among them, and the compilers. */
function keyOf(): string {
  const hash = createHash('sha256').update(builders());
  const folder = new URL('.', import.meta.url).pathname;
  for (const name of readdirSync(folder).sort()) hash.update(name).update(readFileSync(join(folder, name)));
  return hash.digest('hex').slice(0, 16);
}
