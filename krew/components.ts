import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

/** Somebody else's work that is in what we ship. */
export interface Component {
  readonly name: string;
  readonly version: string;
  /** An SPDX expression. */
  readonly licence: string;
  /** Its licence and notices, as it comes with them. */
  readonly text: string;
}

/** `build/components.json`: what `npm run build` has found to be in dist/. The toolboxes have a manifest of their own. */
export interface Components {
  /** npm packages in the bundle. */
  readonly bundled: readonly Component[];
  /** The libc in the shims, which are static; a package of Debian's. */
  readonly musl: Component;
}

/** The folders of the packages that bytes of the bundle are from, as the metafile names them: `node_modules/a/node_modules/b`; each once, sorted. */
export function packageFolders({ outputs }: Metafile): string[] {
  const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs));
  const folders = inputs.flatMap(([file, { bytesInOutput }]) => {
    const folder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0];
    return folder && bytesInOutput > 0 ? [folder] : [];
  });
  return [...new Set(folders)].sort();
}

const isLicence = (file: string) => /^(?:licen[cs]e|copying|notice)(?:[-.].*)?$/i.test(file);

/**
 * The packages in the bundle, with their licences; `root` is what the metafile's paths start from.
 * @throws Error when one comes without a licence's text
 */
export function bundledComponents(metafile: Metafile, root: string): Component[] {
  return packageFolders(metafile).map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    const files = readdirSync(join(root, folder)).filter(isLicence).sort();
    if (files.length === 0 || typeof license !== 'string') {
      throw new Error(`${folder} does not say under which licence it is: nothing of it can be shipped`);
    }
    const text = files.map((file) => readFileSync(join(root, folder, file), 'utf8').trim()).join('\n\n');
    return { name, version, licence: license, text };
  });
}

/** musl, as Debian has packaged it on this machine. */
export function muslComponent(): Component {
  const [, version = ''] = /\t(.*)$/m.exec(execFileSync('dpkg-query', ['-W', 'musl-dev'], { encoding: 'utf8' })) ?? [];
  const text = readFileSync('/usr/share/doc/musl-dev/copyright', 'utf8').trim();
  return { name: 'musl', version, licence: 'MIT', text };
}
