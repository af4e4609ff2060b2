import { describe, expect, it } from 'vitest';
import { licencesOf, referredLicences } from '../../../krew/toolbox/licences.ts';
import { readLock } from '../../../krew/toolbox/lock.ts';
import { architectures, partNames, parts } from '../../../krew/toolbox/parts.ts';

const lock = readLock();

describe.each(partNames.flatMap((part) => architectures.map((architecture) => [part, architecture] as const)))(
  'the lock of %s for %s',
  (part, architecture) => {
    const { packages, stubs } = lock.parts[part][architecture];

    it('names a version, a checksum, a source and a licence of every package, each package once', () => {
      for (const { name, version, sha256, source, sourceVersion, licences } of packages) {
        expect(name).toMatch(/^[a-z0-9][a-z0-9+.-]+$/);
        expect(source, name).toMatch(/^[a-z0-9][a-z0-9+.-]+$/);
        expect(version, name).toMatch(/^\d/);
        // A package that was built once more has the source's version and a suffix.
        expect(version.replace(/\+b\d+$/, ''), name).toBe(sourceVersion);
        expect(sha256, name).toMatch(/^[0-9a-f]{64}$/);
        expect(licences.length, name).toBeGreaterThan(0);
      }
      expect(packages.map(({ name }) => name)).toEqual([...new Set(packages.map(({ name }) => name))].sort());
    });

    it('has the packages of the programs', () => {
      expect(packages.map(({ name }) => name)).toEqual(expect.arrayContaining([...parts[part].packages]));
    });

    it('has a stub only of a library that is left out', () => {
      expect(Object.keys(parts[part].leftOut)).toEqual(expect.arrayContaining(Object.keys(stubs)));
      for (const symbols of Object.values(stubs)) expect(symbols.length).toBeGreaterThan(0);
    });
  },
);

describe('licencesOf', () => {
  it('reads the fields of a machine-readable copyright file, each licence once', () => {
    const text =
      'Format: https://www.debian.org/x\n\nFiles: *\nLicense: GPL-2+\n text\n\nFiles: a\nLicense: BSD-3-clause\n\nLicense: GPL-2+\n text\n';
    expect(licencesOf('acl', text)).toEqual(['BSD-3-clause', 'GPL-2+']);
  });

  it('says of prose what somebody has read in it', () => {
    expect(licencesOf('mpfr4', 'MPFR was downloaded from …')).toEqual(['LGPL-3+']);
    expect(() => licencesOf('news', 'prose')).toThrow('the copyright file of news is prose');
  });
});

describe('referredLicences', () => {
  it('are the texts that a copyright file leaves to Debian, each once, by the version that a bare name means', () => {
    const texts = referredLicences([
      'see /usr/share/common-licenses/LGPL-2.1, or\n /usr/share/common-licenses/GPL-2.',
      'the latest is in `/usr/share/common-licenses/GPL\'; "/usr/share/common-licenses/GPL-3"',
      'nothing here',
    ]);
    expect([...texts.keys()]).toEqual(['GPL-2', 'GPL-3', 'LGPL-2.1']);
    expect(texts.get('GPL-3')).toMatch(/GNU GENERAL PUBLIC LICENSE\s+Version 3/);
    expect(() => referredLicences(['/usr/share/common-licenses/None-9'])).toThrow('None-9');
  });
});
