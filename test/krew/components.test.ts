import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundleOptions } from '../../krew/bundle.ts';
import { bundledComponents, type Component, packageFolders } from '../../krew/components.ts';
import { nodeLock } from '../../krew/node.ts';
import { noticesOf } from '../../krew/notices.ts';
import { sbomOf } from '../../krew/sbom.ts';
import type { Manifest } from '../../krew/toolbox/manifest.ts';
import { repository } from '../support/counts.ts';

const musl: Component = { name: 'musl', version: '1.2.3-1', licence: 'MIT', text: 'the text of musl' };

/** As esbuild's metafile has it: the bytes that came out of each file. */
function metafile(inputs: Record<string, number>) {
  const entries = Object.entries(inputs).map(([file, bytesInOutput]) => [file, { bytesInOutput }]);
  const output = { bytes: 1, imports: [], exports: [], inputs: Object.fromEntries(entries) };
  return { inputs: {}, outputs: { 'chaos.cjs': output } };
}

describe('the packages in a bundle', () => {
  it('are those that bytes of it are from, also in another package', () => {
    const inputs = {
      'src/bin.ts': 9,
      'node_modules/ora/node_modules/ansi/a.js': 1,
      'node_modules/ora/index.js': 1,
      'node_modules/@colors/colors/lib/x.js': 1,
      'node_modules/@colors/colors/lib/y.js': 1,
      'node_modules/unused/index.js': 0,
    };
    const folders = ['node_modules/@colors/colors', 'node_modules/ora', 'node_modules/ora/node_modules/ansi'];
    expect(packageFolders(metafile(inputs))).toEqual(folders);
  });

  it('cannot be shipped without the text of their licence', () => {
    const root = mkdtempSync(join(tmpdir(), 'chaos-components-'));
    mkdirSync(join(root, 'node_modules/a'), { recursive: true });
    const write = (text: object) => writeFileSync(join(root, 'node_modules/a/package.json'), JSON.stringify(text));
    const made = metafile({ 'node_modules/a/index.js': 1 });
    try {
      write({ name: 'a', version: '1.0.0', license: 'MIT' });
      expect(() => bundledComponents(made, root)).toThrow('node_modules/a does not say under which licence it is');
      writeFileSync(join(root, 'node_modules/a/licence.md'), ' the text\n');
      writeFileSync(join(root, 'node_modules/a/NOTICE'), 'a notice\n');
      const component = { name: 'a', version: '1.0.0', licence: 'MIT', text: 'a notice\n\nthe text' };
      expect(bundledComponents(made, root)).toEqual([component]);
      write({ name: 'a', version: '1.0.0' });
      expect(() => bundledComponents(made, root)).toThrow('node_modules/a does not say');
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});

describe('of the plugin', () => {
  let bundled: Component[] = [];
  beforeAll(async () => {
    const options = bundleOptions(join(repository, 'src/bin.ts'), 'nowhere', { version: '0.0.0', commit: 'test' });
    const made = await build({ ...options, absWorkingDir: repository, metafile: true, write: false });
    bundled = bundledComponents(made.metafile, repository);
  });

  it('the notices have the licence of each package, of musl and of Node, and say where the source of the tools is', () => {
    expect(bundled.map(({ name }) => name)).toEqual(expect.arrayContaining(['commander', 'ws', 'yaml', 'ora']));
    const node = { name: 'Node.js', version: '22.0.0', licence: 'MIT', text: 'the text of Node' };
    const text = noticesOf({ bundled, musl }, node);
    for (const component of [...bundled, musl, node]) {
      expect(text).toContain(
        `==== ${component.name} ${component.version} (${component.licence}) ====\n\n${component.text}`,
      );
    }
    expect(text).toContain('toolbox-copyright.txt');
    expect(noticesOf({ bundled, musl })).not.toContain('Node.js');
  });
});

describe('the bill of materials', () => {
  const tool = {
    ...{ name: 'libc6', version: '2.41-12', source: 'glibc', sourceVersion: '2.41-12', licences: ['LGPL-2.1+'] },
    architecture: 'amd64' as const,
  };
  const toolbox = (file: string) => ({
    ...{ file, sha256: '', bytes: 1, unpackedBytes: 1 },
    programs: [],
    files: [],
    packages: [tool],
  });
  const manifest: Manifest = {
    ...{ suite: 'trixie', sourceAt: '', sourceBy: '' },
    toolboxes: {
      net: { amd64: toolbox('net-amd64'), arm64: { ...toolbox('net-arm64'), packages: [] } },
      stress: { amd64: toolbox('stress-amd64'), arm64: { ...toolbox('stress-arm64'), packages: [] } },
    },
  };
  const packages = [{ name: '@colors/colors', version: '1.5.0', licence: 'MIT', text: '' }];
  const made = sbomOf({ bundled: packages, musl, version: '1.2.3', node: nodeLock, toolbox: manifest });
  const document = JSON.parse(made) as {
    components: { name: string; purl: string; licenses: object[]; properties: { value: string }[] }[];
    dependencies: { dependsOn: string[] }[];
  };

  it('has the packages, musl, each Node and the tools, each once and with its licence', () => {
    expect(document.components.map(({ purl }) => purl)).toEqual([
      'pkg:npm/%40colors/colors@1.5.0',
      'pkg:deb/debian/musl@1.2.3-1?arch=amd64',
      'pkg:deb/debian/musl@1.2.3-1?arch=arm64',
      ...Object.values(nodeLock.packages).map(({ name }) => `pkg:npm/${name}@${nodeLock.version}`),
      'pkg:deb/debian/libc6@2.41-12?arch=amd64',
    ]);
    for (const { licenses } of document.components) expect(licenses).toHaveLength(1);
    expect(document.components.at(-1)?.properties.map(({ value }) => value)).toEqual(['net-amd64', 'stress-amd64']);
    expect(document.dependencies[0]?.dependsOn).toHaveLength(document.components.length);
  });

  it('says nothing of when it was made', () => {
    expect(made).not.toMatch(/timestamp|serialNumber/);
  });
});
