import { describe, expect, it } from 'vitest';
import { diskSuiteBesideOthers } from './support/disk.ts';
import { io, refusedIo, startIo } from './support/io.ts';
import { onNode } from './support/node.ts';

const ns = 'chaos-e2e-io-refusals';
const disk = diskSuiteBesideOthers(ns, ['io-data', 'io-nonroot']);

const load = ['--mode', 'write', '--size', '16Mi', '--duration', '5s'];
const throttle = ['--throttle', 'write=1Mi', '--duration', '5s'];

const refused = (words: RegExp, pod: string, ...flags: string[]) => refusedIo(ns, words, pod, ...flags);

describe('io: what cannot work is refused before anything is changed', () => {
  it('a container without the volume that the other one has: with the mounts that it has', async () => {
    const said = await refused(/^error: .*\/data/m, 'io-data', '-c', 'sidecar', '--path', '/data', ...load);
    expect(said).toMatch(/there is no .*mounts it has: \/, \/var\/run\/secrets/);
  });

  it('a file', () =>
    refused(/^error: .*\/etc\/hosts.*not a directory/m, 'io-data', '--path', '/etc/hosts', ...load).then(
      () => undefined,
    ));
  it('a volume that is mounted for reading only', () =>
    refused(/^error: .*read-only/m, 'io-data', '--path', '/readonly', ...load).then(() => undefined));
  it('the root of a container that has it for reading only', () =>
    refused(/^error: .*read-only/m, 'io-data', '--path', '/home', ...load, '--allow-node-disk').then(() => undefined));
  it('memory, of which there is no disk', () =>
    refused(/^error: .*tmpfs/m, 'io-data', '--path', '/memory', ...throttle).then(() => undefined));

  it('the node’s own disk, unless that is asked for', async () => {
    await refused(/^error: .*emptyDir scratch.*the node's own disk.*evict/m, 'io-data', '--path', '/scratch', ...load);
    const ended = await io(
      ns,
      'io-data',
      '--path',
      '/scratch',
      '--mode',
      'sync',
      '--size',
      '1Mi',
      '--duration',
      '3s',
      '--allow-node-disk',
    );
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
  });

  it('a directory that the target’s user may not write to; its root may', async () => {
    await disk().run('mkdir -m 755 nonroot/others');
    await refused(
      /^error: .*uid 65532.*\/data\/others.*--run-as root|^error: .*65532/ms,
      'io-nonroot',
      '--path',
      '/data/others',
      ...load,
    );
    await disk().run('rmdir nonroot/others');
  });

  it('a symlink that leads to the node’s /etc: it ends in the target’s own', async () => {
    await disk().run('ln -s /etc link; ln -s ../../../../../../etc up');
    for (const path of ['/data/link', '/data/up'])
      await refused(/^error: .*read-only/m, 'io-data', '--path', path, ...load, '--allow-node-disk');
    await disk().run('rm link up');
    expect(await onNode('ls -d /etc/.kubectl-chaos-* /proc/1/root/etc/.kubectl-chaos-* 2>/dev/null; true')).toBe('');
  });

  it('a path that is swapped for a symlink during the run: what was opened at first is what is undone', async () => {
    await disk().run('mkdir sub other');
    const plugin = await startIo(ns, 'io-data', '--path', '/data/sub', ...load, '--duration', '30s');
    const [name = ''] = (await disk().run('ls -A sub')).trim().split('\n');
    expect(name).toMatch(/^\.kubectl-chaos-\w{5}-\w{8}$/);
    await disk().run(`mkdir other/${name}; touch other/${name}/precious; mv sub moved; ln -s other sub`);
    plugin.kill('SIGINT');
    const ended = await plugin.ended;
    const left = await disk().run('find moved other');
    await disk().run('rm -r sub moved other');
    expect(ended.code, plugin.said).toBe(130);
    expect(left.trim().split('\n').sort()).toEqual(
      ['moved', 'other', `other/${name}`, `other/${name}/precious`].sort(),
    );
  });
});
