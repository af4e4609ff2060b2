import { describe, expect, it } from 'vitest';
import { kubectl, kubeletSeconds, until } from './support/cluster.ts';
import { inTarget, io, refusedIo, startIo } from './support/io.ts';
import { suite } from './support/suite.ts';

/** Alone on the node, since they count how soon an answer is there. */
const ns = 'chaos-e2e-io-mounts';
suite(ns, ['io-fuse']);

const load = ['--mode', 'write', '--size', '16Mi', '--duration', '5s'];
const throttle = ['--throttle', 'write=1Mi', '--duration', '5s'];
const refused = (words: RegExp, pod: string, ...flags: string[]) => refusedIo(ns, words, pod, ...flags);

describe('io: mounts that look alive', () => {
  async function serve(options: string): Promise<void> {
    await inTarget(
      ns,
      'io-fuse',
      `fuse /mnt ${options} >/tmp/fuse 2>&1 & for i in $(seq 100); do grep -q ready /tmp/fuse && exit 0; sleep 0.2; done; cat /tmp/fuse; exit 1`,
    );
  }
  const signal = (name: string) => inTarget(ns, 'io-fuse', `killall -${name} fuse`);
  const unmount = () => inTarget(ns, 'io-fuse', 'killall -9 fuse 2>/dev/null; umount -l /mnt; true');

  it('one whose server was killed: refused at once, and named', async () => {
    await serve('');
    await signal('KILL');
    const began = Date.now();
    await refused(/^error: .*\/mnt.*(ENOTCONN|not connected|server is gone)/im, 'io-fuse', '--path', '/mnt', ...load);
    expect(Date.now() - began).toBeLessThan(20_000);
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
      expect(Date.now() - began).toBeLessThan(30_000);
      await until('the agent pod is gone', kubeletSeconds, async () => {
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
    await until('it has heard', 15, () => plugin.stderr.includes('stopping'));
    await signal('USR2');
    const ended = await plugin.ended;
    expect(ended.code, plugin.said).toBe(130);
    expect(ended.stdout).toContain('nothing left');
    expect(await inTarget(ns, 'io-fuse', 'ls -A /mnt')).toBe('');
    await unmount();
  });
});
