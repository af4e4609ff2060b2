import { readFileSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';

/** The source packages whose copyright file is prose: what it says of the files that we take. */
const stated: Readonly<Record<string, readonly string[]>> = {
  'gcc-14': ['GPL-3+ with GCC-exception-3.1'],
  judy: ['LGPL-2.1+'],
  libxcrypt: ['0BSD', 'BSD-2-clause', 'BSD-3-clause', 'LGPL-2.1+', 'public-domain'],
  mpfr4: ['LGPL-3+'],
};

/**
 * The licences that a package's copyright file names, sorted. Most are machine-readable, with a `License` field in each paragraph:
 * https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
 */
export function licencesOf(source: string, copyright: string): readonly string[] {
  if (!/^Format:/m.test(copyright)) {
    const licences = stated[source];
    if (!licences)
      throw new Error(`the copyright file of ${source} is prose: read it, and say in licences.ts what it says`);
    return licences;
  }
  return [
    ...new Set([...copyright.matchAll(/^License:[ \t]*(\S.*)$/gim)].map((match) => match[1]?.trim() ?? '')),
  ].sort();
}

/** Where Debian has the texts of common licences; a copyright file refers to them there. */
const commonLicences = '/usr/share/common-licenses';

/** The licences that these copyright files refer to, their texts by their names: `GPL` is the latest of GPL. */
export function referredLicences(copyrights: Iterable<string>): ReadonlyMap<string, string> {
  const paths = [...copyrights].flatMap((text) =>
    [...text.matchAll(/common-licenses\/([A-Za-z]+(?:-\d+(?:\.\d+)?)?)/g)].map((match) =>
      realpathSync(join(commonLicences, match[1] ?? '')),
    ),
  );
  return new Map([...new Set(paths)].sort().map((path) => [basename(path), readFileSync(path, 'utf8')]));
}
