import type { LockedPackage } from './lock.ts';
import type { Architecture, PartName } from './parts.ts';

/** `dist/toolbox.json`: which archives there are, and for those who want to know, what is in them, under which licence, and where its source is. */
export interface Manifest {
  /** Debian's code name. */
  readonly suite: string;
  /** Where the source of any of the packages is, for `{source}` and `{sourceVersion}`; and what else gets it. */
  readonly sourceAt: string;
  readonly sourceBy: string;
  readonly toolboxes: Readonly<Record<PartName, Readonly<Record<Architecture, Toolbox>>>>;
}

interface Toolbox {
  /** The archive, beside the manifest. */
  readonly file: string;
  /** Of the archive as it is sent, in hex. */
  readonly sha256: string;
  readonly bytes: number;
  /** Of the tar archive in it. */
  readonly unpackedBytes: number;
  /** Names of the programs in `bin/`. */
  readonly programs: readonly string[];
  readonly files: readonly ManifestFile[];
  readonly packages: readonly ManifestPackage[];
}

export interface ManifestFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
  /** The Debian package that it is from, exactly as packaged; absent: it is a stub of ours, in place of a library that no fault calls. */
  readonly package?: string;
}

type ManifestPackage = Omit<LockedPackage, 'sha256'> & { readonly architecture: Architecture };

export const sourceAt = 'https://snapshot.debian.org/package/{source}/{sourceVersion}/';
export const sourceBy = 'apt-get source {source}={sourceVersion}, with a deb-src line for the suite';
