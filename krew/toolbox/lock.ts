import { readFileSync } from 'node:fs';
import type { Architecture, PartName } from './parts.ts';

/** A Debian package, as the archive's own index describes it. */
export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  /** Of the .deb, in hex. */
  readonly sha256: string;
  readonly source: string;
  readonly sourceVersion: string;
  /** As the package's copyright file names them. */
  readonly licences: readonly string[];
}

export interface LockedPart {
  /** Those that a file of the part or its copyright notice is from, sorted by name. */
  readonly packages: readonly LockedPackage[];
  /** Of each library that is left out, by soname: the symbols that the part's programs import from it, as `NAME` or `NAME@VERSION`. */
  readonly stubs: Readonly<Record<string, readonly string[]>>;
}

export interface Lock {
  /** Debian's code name. */
  readonly suite: string;
  readonly parts: Readonly<Record<PartName, Readonly<Record<Architecture, LockedPart>>>>;
}

export const lockFile = new URL('lock.json', import.meta.url).pathname;

export const readLock = () => JSON.parse(readFileSync(lockFile, 'utf8')) as Lock;
