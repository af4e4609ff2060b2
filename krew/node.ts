import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { PlatformName } from './platforms.ts';

/** An npm package that has Node; `integrity` is that of its file, as the registry and package-lock.json have it: `sha512-BASE64`. */
interface NodePackage {
  readonly name: string;
  readonly integrity: string;
}

/** `node.json`: the version of Node in the archives, and the npm package of each platform that has it; and the one that comes next, on which the unit tests run as well. */
export interface NodeLock {
  readonly version: string;
  readonly packages: Readonly<Record<PlatformName, NodePackage>>;
  /** For linux-amd64. */
  readonly next: NodePackage & { readonly version: string };
}

export const nodeLock = JSON.parse(readFileSync(new URL('node.json', import.meta.url), 'utf8')) as NodeLock;

/** Where they are, unpacked. */
export interface NodeFiles {
  readonly node: string;
  readonly licence: string;
}

const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'kubectl-chaos', 'node');

/** Node of the lock for a platform, unpacked into the directory `to`. npm fetches it once, from the registry that it is configured for. */
export function unpackNode(platform: PlatformName, to: string): NodeFiles {
  return unpack({ ...nodeLock.packages[platform], version: nodeLock.version }, to);
}

/** The next Node, for linux-amd64. As `unpackNode`. */
export function unpackNextNode(to: string): NodeFiles {
  return unpack(nodeLock.next, to);
}

function unpack({ name, version, integrity }: NodeLock['next'], to: string): NodeFiles {
  const kept = join(cache, `${name}-${version}.tgz`);
  if (!existsSync(kept)) fetchPackage(`${name}@${version}`, kept);
  const found = integrityOf(readFileSync(kept));
  if (found !== integrity) {
    rmSync(kept);
    throw new Error(`${name} ${version} is another file than krew/node.json names: its integrity is ${found}`);
  }
  mkdirSync(to, { recursive: true });
  execFileSync('tar', ['-xzf', kept, '-C', to, '--strip-components=1', 'package/bin/node', 'package/LICENSE']);
  return { node: join(to, 'bin/node'), licence: join(to, 'LICENSE') };
}

function fetchPackage(what: string, kept: string): void {
  console.log(`fetching ${what}`);
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'fetching-'));
  try {
    const words = ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder, what];
    execFileSync('npm', words, { stdio: ['ignore', 'ignore', 'inherit'] });
    const [file] = readdirSync(folder);
    if (!file) throw new Error(`npm pack has brought nothing for ${what}`);
    renameSync(join(folder, file), kept);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const integrityOf = (bytes: Buffer) => `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
