import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BuildResult, build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleOptions } from '../../krew/bundle.ts';
import { repository } from '../support/counts.ts';

let folder = '';
let made: BuildResult<{ metafile: true }>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'chaos-bundle-'));
  const options = bundleOptions(join(repository, 'src/bin.ts'), folder, { version: '1.2.3', commit: 'abc' });
  made = await build({ ...options, metafile: true });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the bundle', () => {
  it('is one file, which asks for nothing but parts of Node, wherever it lies', () => {
    const outputs = Object.values(made.metafile.outputs);
    expect(outputs).toHaveLength(1);
    const asked = outputs.flatMap(({ imports }) => imports.map(({ path }) => path.replace(/^node:/, '')));
    expect(asked.length).toBeGreaterThan(10);
    expect(asked.filter((name) => !builtinModules.includes(name))).toEqual([]);
  });

  it('is made without a warning, which would name what CommonJS has not', () => {
    expect(made.warnings).toEqual([]);
  });

  it('prints its version without loading what talks to a cluster or draws', () => {
    const code = `
      process.argv.push('chaos.cjs', '--version');
      process.on('exit', () => {
        const loaded = process.moduleLoadList.map((name) => name.replace('NativeModule ', ''));
        console.error(['http', 'https', 'tls', 'zlib'].filter((name) => loaded.includes(name)).join());
      });
      require(${JSON.stringify(join(folder, 'chaos.cjs'))});`;
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', code], { encoding: 'utf8', env: {} });
    expect({ stdout, stderr }).toEqual({ stdout: '1.2.3\n', stderr: '\n' });
  });
});
