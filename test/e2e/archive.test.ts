import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Components } from '../../krew/components.ts';
import { tarOfParts } from '../../krew/layout.ts';
import { gzip } from '../../krew/toolbox/archive.ts';
import { EmptyRoot, noEmptyRoot, programOnPath } from '../support/empty-root.ts';
import { cleanEnv, kubectl, lasting, repository, until } from './support/cluster.ts';
import { Plugin, report, untilActive } from './support/plugin.ts';
import { suiteBesideOthers } from './support/suite.ts';

const ns = 'chaos-e2e-archive';
suiteBesideOthers(ns, ['busybox']);

const obstacle = noEmptyRoot();
if (obstacle !== undefined && process.env.CI === 'true')
  throw new Error(`must be tried where CI is set, and ${obstacle}`);

const managed = 'app.kubernetes.io/managed-by=kubectl-chaos';
const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { version: string };
let folder = '';
let root: EmptyRoot;

/** Starts `kubectl WORDS…` of the empty machine, where the plugin is what krew has linked. */
function kubectlThere(...words: string[]): Plugin {
  const [program, ...rest] = root.words(
    { KUBECONFIG: '/home/kubeconfig', NODE_OPTIONS: '--require /nonexistent.cjs' },
    'kubectl',
    ...words,
  );
  // Its end is that of the plugin: each of these programs becomes the next.
  return new Plugin(rest, { program, env: cleanEnv });
}

const title = `the archive, on a machine with nothing but kubectl${obstacle === undefined ? '' : ` (skipped: ${obstacle})`}`;
describe.skipIf(obstacle !== undefined)(title, () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'chaos-e2e-archive-'));
    // The one of the lock file, whose checksum is that of krew/node.json.
    const node = realpathSync(process.execPath);
    const components = JSON.parse(readFileSync(join(repository, 'build/components.json'), 'utf8')) as Components;
    const parts = {
      dist: join(repository, 'dist'),
      components,
      node: { node, licence: join(dirname(node), '../LICENSE') },
    };
    const archive = join(folder, 'archive.tar.gz');
    writeFileSync(archive, gzip(tarOfParts(parts, join(folder, 'work')), 1));
    root = new EmptyRoot(join(folder, 'root'), node, [programOnPath('kubectl')]);
    root.install(archive, version);
    // With the certificates in it: their files are not there.
    const config = await kubectl('config', 'view', '--raw', '--flatten', '--minify');
    writeFileSync(join(root.folder, 'home/kubeconfig'), config, { mode: 0o600 });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('is found by kubectl', async () => {
    const ended = await kubectlThere('chaos', 'version').ended;
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    expect(ended.stdout).toMatch(new RegExp(`^version +${version.replaceAll('.', '\\.')}$`, 'm'));
  });

  it("runs stress on the target's own image, with the tools that it brings: effective, and nothing is left", async () => {
    const flags = ['-n', ns, '--memory', '16Mi', '--duration', lasting(5), '-o', 'json'];
    const plugin = kubectlThere('chaos', 'stress', 'pod/busybox', ...flags);
    let image = '';
    await until('the agent is seen', 30, async () => {
      image = await kubectl(
        '-n',
        ns,
        'get',
        'pods',
        '-l',
        managed,
        '-o',
        'jsonpath={.items[*].spec.containers[*].image}',
      );
      return image !== '';
    });
    const ended = await plugin.ended;
    expect(image).toBe('localhost/kubectl-chaos/test/busybox:1');
    expect(ended.code, plugin.said).toBe(0);
    expect(report(ended)).toMatchObject({ effective: true, reverted: true, left: [], problems: [] });
  });

  it('stops and reverts when its user presses Ctrl-C', async () => {
    const plugin = kubectlThere('chaos', 'stress', 'pod/busybox', '-n', ns, '--memory', '16Mi', '--duration', '10m');
    await untilActive(plugin);
    plugin.kill('SIGINT');
    const ended = await plugin.ended;
    expect(ended.code, plugin.said).toBe(130);
    expect(ended.stdout).toContain('nothing left');
  });
});
