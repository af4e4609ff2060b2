import { describe, expect, it } from 'vitest';
import { lasting, until } from './support/cluster.ts';
import { type Disk, diskSuite, type Space } from './support/disk.ts';
import { dd, inTarget, io, startIo } from './support/io.ts';
import { deleteAgentsByForce, killShims, ourShims } from './support/node.ts';

const ns = 'chaos-e2e-io-fill';
const disk = diskSuite(ns, ['io-data', 'io-nonroot']);
const MiB = 2 ** 20;

/** As df has it: without what is reserved for root. */
const used = ({ blocks, free, available }: Space) => (blocks - free) / (blocks - free + available);

/** It is as full as it was, to the block. */
async function untilEmptyAgain(of: Disk, before: Space, seconds: number): Promise<void> {
  await until('the space is back', seconds, async () => JSON.stringify(await of.space()) === JSON.stringify(before));
}

describe('io --fill', () => {
  it('to a percentage of what the target’s user may use, proven, and back to the block', async () => {
    const before = await disk().space();
    const plugin = await startIo(
      ns,
      'io-nonroot',
      '--path',
      '/data',
      '--fill',
      '90%',
      '--leave',
      '1Mi',
      '--duration',
      lasting(5),
      '-v',
    );
    const during = await disk().space();
    const ended = await plugin.ended;
    expect(used(during)).toBeGreaterThan(0.895);
    expect(used(during)).toBeLessThan(0.905);
    expect(ended.code, plugin.said).toBe(0);
    expect(plugin.said).toContain('fallocate');
    expect(ended.stdout).toContain('Effective.');
    expect(await disk().space()).toEqual(before);
  });

  it('by a size: so many bytes more, and the target meets the end of its disk', async () => {
    const before = await disk().space();
    const plugin = await startIo(ns, 'io-data', '--path', '/data', '--fill', '150Mi', '--leave', '16Mi');
    const during = await disk().space();
    const said = await inTarget(
      ns,
      'io-data',
      'dd if=/dev/zero of=/data/mine bs=1M count=100 2>&1; rm /data/mine; true',
    );
    plugin.kill('SIGINT');
    const ended = await plugin.ended;
    const taken = (before.free - during.free) * before.blockBytes;
    expect(taken).toBeGreaterThanOrEqual(150 * MiB);
    // The file system's own records of it.
    expect(taken).toBeLessThan(152 * MiB);
    expect(said).toContain('No space left on device');
    expect(ended.code, plugin.said).toBe(130);
    expect(await disk().space()).toEqual(before);
    expect(await dd(ns, 'io-data', 'if=/dev/zero of=/data/mine bs=1M count=100')).toBeGreaterThan(0);
    await inTarget(ns, 'io-data', 'rm /data/mine');
  });

  it('while a neighbour writes to that disk: judged by what the fill holds, which both together show', async () => {
    const before = await disk().space();
    const neighbour = disk().run(
      'i=0; while test ! -e stop && test $i -lt 120; do i=$((i+1)); dd if=/dev/zero of=neighbour.$i bs=1M count=1 conv=fsync 2>/dev/null; sleep 0.2; done',
    );
    const words = ['--path', '/data', '--fill', '40Mi', '--leave', '1Mi', '--duration', lasting(5)];
    const plugin = await startIo(ns, 'io-data', ...words);
    // Between two looks at what it has written it has written nothing.
    const written = 'du -c -B 1 neighbour.* | tail -n 1';
    const text = await disk().run(
      `while :; do a=$(${written}); f=$(stat -f -c %f .); b=$(${written}); test "$a" = "$b" && break; done; echo "$f"; echo "$b"`,
    );
    const [free = 0, others = 0] = text.split('\n').map((line) => Number.parseInt(line, 10));
    const ended = await plugin.ended;
    await disk().run('touch stop');
    await neighbour;
    await disk().run('rm stop neighbour.*');
    const held = (before.free - free) * before.blockBytes - others;
    // The file system has records of it all.
    expect(held, text).toBeGreaterThan(38 * MiB);
    expect(held, text).toBeLessThan(44 * MiB);
    expect(ended.code, plugin.said).toBe(0);
    expect(ended.stdout).toMatch(/: took 40Mi, .* free afterwards, since others took \d+Mi meanwhile\. Effective\./);
    await untilEmptyAgain(disk(), before, 5);
  });

  it('a file system of 64Mi: the default leaves a twentieth of it free', async () => {
    // The runtime gives each container one in memory; what an emptyDir in memory has is not bounded on every version.
    const plugin = await startIo(ns, 'io-data', '--path', '/dev/shm', '--fill', '95%', '--duration', lasting(3));
    const [, used = 0, available = 0] = (await inTarget(ns, 'io-data', 'df -k /dev/shm | tail -n 1'))
      .trim()
      .split(/ +/)
      .slice(1, 4)
      .map(Number);
    const ended = await plugin.ended;
    expect(used).toBeGreaterThan(0.94 * 65_536);
    expect(available).toBeGreaterThan(0.04 * 65_536);
    expect(ended.code, plugin.said).toBe(0);
    expect(ended.stdout).toContain('Effective.');
  });

  it('leaves what is to stay free, whatever is asked, and says so', async () => {
    const plugin = await startIo(ns, 'io-data', '--path', '/data', '--fill', '100%', '--leave', '32Mi');
    const { available, free, blockBytes } = await disk().space();
    plugin.kill('SIGINT');
    await plugin.ended;
    // Root in the target has what is reserved for root.
    const left = Math.max(available, free) * blockBytes;
    expect(left).toBeGreaterThanOrEqual(32 * MiB);
    expect(Math.min(available, free) * blockBytes).toBeLessThan(34 * MiB);
    expect(plugin.said).toMatch(/would leave less than 32Mi/);
  });

  it('inodes', async () => {
    const before = await disk().space();
    const plugin = await startIo(ns, 'io-data', '--path', '/data', '--fill-inodes', '5000');
    const taken = async () => before.inodesFree - (await disk().space()).inodesFree;
    await until('they are taken', 5, async () => (await taken()) >= 5_000);
    expect(await taken()).toBeLessThan(5_010);
    plugin.kill('SIGINT');
    const ended = await plugin.ended;
    expect(ended.code, plugin.said).toBe(130);
    expect(ended.stdout).toContain('nothing left');
    expect((await disk().space()).inodesFree).toBe(before.inodesFree);
  });

  it('more than there is: refused, with what there is', async () => {
    const ended = await io(ns, 'io-data', '--path', '/data', '--fill', '1Gi');
    expect(ended.code, ended.stderr).toBe(1);
    expect(ended.stderr).toMatch(/^error: \/data has too little room to be filled by 1Gi: .* free/m);
    expect(ended.stderr).toMatch(/at most --fill 2\d\dMi/);
    expect(ended.stderr).toContain('nothing was changed');
  });

  const ends: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['the shim killed by -9', () => killShims()],
    ['the agent pod deleted by force', () => deleteAgentsByForce(ns)],
  ];
  it.each(ends)('%s: the space is back within 2 s, to the block', async (_what, end) => {
    const before = await disk().space();
    const plugin = await startIo(
      ns,
      'io-data',
      '--path',
      '/data',
      '--fill',
      '80%',
      '--leave',
      '1Mi',
      '--fill-inodes',
      '1000',
    );
    expect(await ourShims()).not.toEqual([]);
    await end();
    await untilEmptyAgain(disk(), before, 2);
    const ended = await plugin.ended;
    expect([3, 4], plugin.said).toContain(ended.code);
  });
});
