import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const launcher = new URL('../../krew/kubectl-chaos.cjs', import.meta.url).pathname;
let directory = '';
let installed = '';

/** Runs what is installed with Node; `cache` is XDG_CACHE_HOME. */
function start(cache: string, file = installed) {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [file, '--given'], {
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
});
