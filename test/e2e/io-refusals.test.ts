import { describe, expect, it } from 'vitest';
import { kubectl, until } from './support/cluster.ts';
import { diskSuite } from './support/disk.ts';
import { inTarget, io, startIo } from './support/io.ts';
import { onNode } from './support/node.ts';

const ns = 'chaos-e2e-io-refusals';
const disk = diskSuite(ns, ['io-data', 'io-nonroot', 'io-fuse']);

const load = ['--mode', 'write', '--size', '16Mi', '--duration', '5s'];
const throttle = ['--throttle', 'write=1Mi', '--duration', '5s'];

async function refused(words: RegExp, pod: string, ...flags: string[]): Promise<string> {
  const ended = await io(ns, pod, ...flags);
  expect(ended.code, ended.stdout + ended.stderr).toBe(1);
  expect(ended.stderr).toMatch(words);
  expect(ended.stderr).toContain('nothing was changed');
  expect(ended.stderr.split('\n').filter((line) => line.startsWith('error:'))).toHaveLength(1);
  return ended.stderr;
}

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
    expect(name).toMatch(/^\.kubectl-chaos-\w{5}$/);
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

describe('io: mounts that look alive', () => {
  async function serve(options: string): Promise<void> {
    await inTarget(
      ns,
      'io-fuse',
      `fuse /mnt ${options} >/tmp/fuse 2>&1 & for i in 1 2 3 4 5 6 7 8 9 10; do grep -q ready /tmp/fuse && exit 0; sleep 0.2; done; cat /tmp/fuse; exit 1`,
    );
  }
  const signal = (name: string) => inTarget(ns, 'io-fuse', `killall -${name} fuse`);
  const unmount = () => inTarget(ns, 'io-fuse', 'killall -9 fuse 2>/dev/null; umount -l /mnt; true');

  it('one whose server was killed: refused at once, and named', async () => {
    await serve('');
    await signal('KILL');
    const began = Date.now();
    await refused(/^error: .*\/mnt.*(ENOTCONN|not connected|server is gone)/im, 'io-fuse', '--path', '/mnt', ...load);
    expect(Date.now() - began).toBeLessThan(10_000);
    await unmount();
  });

  it.each([
    ['that KILL reaches', '--unread'],
    ['that not even KILL reaches', ''],
  ])(
    'one whose server does not answer, in a wait %s: refused within seconds, and the agent goes',
    async (_what, options) => {
      await serve(options);
      await signal('USR1');
      const began = Date.now();
      await refused(/^error: .*\/mnt.*(does not answer|hang)/im, 'io-fuse', '--path', '/mnt', ...load);
      expect(Date.now() - began).toBeLessThan(15_000);
      await until('the agent pod is gone', 10, async () => {
        const pods = await kubectl(
          '-n',
          ns,
          'get',
          'pods',
          '-l',
          'app.kubernetes.io/managed-by=kubectl-chaos',
          '-o',
          'name',
        );
        return pods === '';
      });
      await unmount();
    },
  );

  it('one that works has no disk to be slowed, and can be filled and loaded', async () => {
    await serve('--size 134217728');
    await refused(/^error: .*\/mnt cannot be throttled: it is fuse/m, 'io-fuse', '--path', '/mnt', ...throttle);
    const ended = await io(ns, 'io-fuse', '--path', '/mnt', '--fill', '8Mi', '--duration', '3s', '--leave', '1Mi');
    await unmount();
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    expect(ended.stdout + ended.stderr).toMatch(/written blocks|written/);
  });

  it('one whose server stops answering during the run, and comes back: what it has of ours goes then', async () => {
    await serve('--size 134217728');
    const plugin = await startIo(ns, 'io-fuse', '--path', '/mnt', '--mode', 'sync', '--size', '1Mi');
    await signal('USR1');
    plugin.kill('SIGINT');
    await until('it has heard', 5, () => plugin.stderr.includes('stopping'));
    await signal('USR2');
    const ended = await plugin.ended;
    expect(ended.code, plugin.said).toBe(130);
    expect(ended.stdout).toContain('nothing left');
    expect(await inTarget(ns, 'io-fuse', 'ls -A /mnt')).toBe('');
    await unmount();
  });
});
