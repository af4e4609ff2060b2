import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleOptions } from '../../krew/bundle.ts';
import { tarOfParts } from '../../krew/layout.ts';
import { completionScript } from '../../src/cli/completion.ts';
import { repository } from '../support/counts.ts';
import { EmptyRoot, noEmptyRoot, programOnPath } from '../support/empty-root.ts';

const reason = noEmptyRoot();
if (reason !== undefined && process.env.CI === 'true') throw new Error(`must be tried where CI is set, and ${reason}`);

/** All that can be had without a compiler and a network: the real bundle, launchers and Node, and files in place of shims and tools. */
let folder = '';
let root: EmptyRoot;

/** Runs a program of the empty machine. */
function run(env: Readonly<Record<string, string>>, ...words: string[]) {
  const [program, ...rest] = root.words(env, ...words);
  const { status, stdout, stderr } = spawnSync(program, rest, { encoding: 'utf8', timeout: 20_000 });
  return { status, stdout, stderr };
}

/** Node would end before its first line, load this, or look for packages there. */
const hostile = {
  NODE_OPTIONS: '--require /nonexistent.cjs --inspect-brk',
  NODE_PATH: '/home',
  NODE_CHANNEL_FD: '7',
  NODE_UNIQUE_ID: '1',
  NODE_COMPILE_CACHE: '/home/elsewhere',
};

const title = `the archive, on a machine with nothing but a shell${reason === undefined ? '' : ` (skipped: ${reason})`}`;
describe.skipIf(reason !== undefined)(title, () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'chaos-installed-'));
    const dist = join(folder, 'dist');
    await build(bundleOptions(join(repository, 'src/bin.ts'), dist, { version: '1.2.3', commit: 'abc' }));
    copyFileSync(join(repository, 'krew/kubectl-chaos.cjs'), join(dist, 'kubectl-chaos'));
    copyFileSync(join(repository, 'LICENSE'), join(dist, 'LICENSE'));
    const texts = {
      'kubectl_complete-chaos': completionScript,
      'package.json': '{"type":"commonjs"}',
      ...{ 'nsexec-amd64': 'a shim', 'nsexec-arm64': 'another', 'THIRD-PARTY-NOTICES': 'notices without Node' },
    };
    // What the umask makes of modes must not matter.
    for (const [name, text] of Object.entries(texts)) writeFileSync(join(dist, name), text, { mode: 0o600 });
    const node = realpathSync(process.execPath);
    const musl = { name: 'musl', version: '1', licence: 'MIT', text: 'the text of musl' };
    const parts = { dist, components: { bundled: [], musl }, node: { node, licence: join(repository, 'LICENSE') } };
    writeFileSync(join(folder, 'archive.tar'), tarOfParts(parts, join(folder, 'work')));
    root = new EmptyRoot(join(folder, 'root'), node);
    root.install(join(folder, 'archive.tar'), '1.2.3');
    mkdirSync(join(root.folder, 'x y'));
    symlinkSync('../krew/store/chaos/v1.2.3/kubectl-chaos', join(root.folder, 'x y/a'));
    symlinkSync('a', join(root.folder, 'x y/b c'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('there is no Node, npm or compiler, and no other program', () => {
    expect(readdirSync(join(root.folder, 'bin')).sort()).toEqual(['readlink', 'sh']);
    expect(run({}, 'sh', '-c', 'command -v node npm gcc python3 perl').stdout).toBe('');
    expect(readdirSync(root.folder).filter((name) => !existsSync(join('/', name)))).toEqual(['krew', 'x y']);
  });

  it('says its version, and which Node it runs on', () => {
    const { status, stdout, stderr } = run({}, 'kubectl-chaos', 'version');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^version +1\.2\.3$/m);
    expect(stdout).toContain(process.version);
  });

  it('prints help', () => {
    expect(run({}, 'kubectl-chaos', '--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('Usage:') });
  });

  it.each(Object.entries(hostile))('is started by its own Node alone: %s', (name, value) => {
    const { status, stdout, stderr } = run({ [name]: value }, 'kubectl-chaos', '--version');
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '1.2.3\n', stderr: '' });
    expect(existsSync(join(root.folder, 'home/elsewhere'))).toBe(false);
  });

  it('hears of a company’s certificates', () => {
    const { stderr } = run(
      { NODE_EXTRA_CA_CERTS: '/nonexistent.pem' },
      'kubectl-chaos',
      'ls',
      '-s',
      'https://127.0.0.1:1',
    );
    expect(stderr).toContain('/nonexistent.pem');
  });

  it('keeps compiled code at home', () => {
    expect(existsSync(join(root.folder, 'home/.cache/kubectl-chaos/compiled'))).toBe(true);
  });

  it('completes, as kubectl asks it to', () => {
    const store = '/krew/store/chaos/v1.2.3';
    expect(run({}, `${store}/kubectl_complete-chaos`, 'str')).toEqual({
      status: 0,
      stdout: expect.stringMatching(/^stress\t.*\n:4\n$/),
      stderr: '',
    });
  });

  it.each([
    ['by links that are relative, one to the other', 'cd "/x y"; "./b c" --version'],
    ['by a shell', 'cd /krew/store/chaos/v1.2.3; sh kubectl-chaos --version'],
    ['from PATH, by a folder that is relative', 'cd "/x y"; PATH=.:$PATH; a --version'],
  ])('starts %s', (_, script) => {
    expect(run({}, 'sh', '-c', script)).toEqual({ status: 0, stdout: '1.2.3\n', stderr: '' });
  });

  const shell = realpathSync(programOnPath('sh'));
  const says = /(?:dash|busybox)$/.test(shell);
  it.skipIf(!says)(
    `says what Node needs, where it cannot be started${says ? '' : ` (skipped: sh is ${shell})`}`,
    () => {
      // As the kernel has it for a program whose loader is not there.
      writeFileSync(join(root.folder, 'x y/node'), '#!/lib/ld-musl.so\n', { mode: 0o755 });
      copyFileSync(join(repository, 'krew/kubectl-chaos.sh'), join(root.folder, 'x y/kubectl-chaos'));
      const { status, stdout, stderr } = run({}, '/x y/kubectl-chaos', 'version');
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
      expect(stderr).toContain('error: the Node.js of this archive does not start here: it needs glibc 2.28');
    },
  );

  it('has the licences, also of Node', () => {
    const text = run(
      {},
      'sh',
      '-c',
      'while read -r l; do echo "$l"; done </krew/store/chaos/v1.2.3/THIRD-PARTY-NOTICES',
    );
    expect(text.stdout).toContain('==== musl 1 (MIT) ====');
    expect(text.stdout).toContain('==== Node.js');
  });
});
