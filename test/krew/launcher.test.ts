import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const launcher = new URL('../../krew/kubectl-chaos.cjs', import.meta.url).pathname;
let directory = '';
let installed = '';

/** Runs what is installed with Node; `cache` is XDG_CACHE_HOME. */
function start(cache: string, file = installed, flags: readonly string[] = []) {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [...flags, file, '--given'], {
    env: { XDG_CACHE_HOME: cache, HOME: directory },
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { status, signal, stdout, stderr };
}

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'chaos-launcher-'));
  installed = join(directory, 'store', 'kubectl-chaos');
  mkdirSync(join(directory, 'store'));
  copyFileSync(launcher, installed);
  writeFileSync(join(directory, 'store', 'package.json'), '{"type":"commonjs"}');
  writeFileSync(join(directory, 'store', 'chaos.cjs'), 'console.log(process.argv.slice(2).join(" "));');
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('the launcher', () => {
  const ran = { status: 0, signal: null, stdout: '--given\n', stderr: '' };

  it('makes its cache of compiled code and hands the arguments on', () => {
    const cache = join(directory, 'cache');
    expect(start(cache)).toEqual(ran);
    expect(existsSync(join(cache, 'kubectl-chaos', 'compiled'))).toBe(true);
  });

  it.each(['/proc', '/dev/null', '/nonexistent/deep'])('does without a cache where none can be made: %s', (cache) => {
    expect(start(cache)).toEqual(ran);
  });

  it('finds its neighbours when it is called by a link, as krew makes one', () => {
    const link = join(directory, 'kubectl-chaos');
    symlinkSync(installed, link);
    expect(start('/dev/null', link)).toEqual(ran);
  });

  it('names the Node that it needs on an older one, and that of the clone that it was built in', () => {
    const older = join(directory, 'older.cjs');
    writeFileSync(older, "Object.defineProperty(process.versions, 'node', { value: '20.20.2' });");
    const said = () => start('/dev/null', installed, ['--require', older]);
    const error = 'error: kubectl chaos needs Node 22.19 or newer, and "node" on PATH is 20.20.2\n';
    const remedy = 'put a newer one before it on PATH, or install an archive that brings its own\n';
    expect(said()).toEqual({ status: 1, signal: null, stdout: '', stderr: error + remedy });
    const bin = join(directory, 'node_modules', '.bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'node'), '');
    expect(said().stderr).toBe(`${error}use that of the clone: export PATH="${bin}:$PATH"\n`);
  });
});
