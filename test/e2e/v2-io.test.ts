import { describe, expect, it } from 'vitest';
import { clusterKind, lasting, until } from './support/cluster.ts';
import { diskSuite } from './support/disk.ts';
import { dd, io, measured, startIo, trafficDuring } from './support/io.ts';
import { containerId, killShims, onNode } from './support/node.ts';
import { report } from './support/plugin.ts';

/** What cgroup v2 makes different, on a partition with xfs: io.max of the whole disk, io.stat, O_TMPFILE and fallocate of another file system. */
const ns = 'chaos-e2e-v2-io';
const disk = diskSuite(ns, ['io-data'], 'xfs');
const MiB = 2 ** 20;

async function limits(): Promise<string> {
  const id = await containerId(ns, 'io-data');
  return (await onNode(`cat $(find /host/cgroup -type d -name ${id})/io.max`)).trim();
}

describe.skipIf(clusterKind !== 'vm')('io on cgroup v2 and xfs', () => {
  it('throttle: io.max of the whole disk behind the partition, measured by a dd that is not ours, and gone with the shim', async () => {
    const plugin = await startIo(ns, 'io-data', '--path', '/data', '--throttle', 'write=1Mi', '--duration', '5m');
    const during = await limits();
    const slow = await dd(ns, 'io-data', 'if=/dev/zero of=/data/x bs=128k count=24 oflag=direct');
    await killShims();
    await until('no limit', 2, async () => (await limits()) === '');
    const fast = await dd(ns, 'io-data', 'if=/dev/zero of=/data/x bs=128k count=24 oflag=direct');
    const ended = await plugin.ended;
    expect(during).toMatch(/^254:16 rbps=max wbps=1048576 riops=max wiops=max$/);
    expect(slow).toBeGreaterThan(2.5);
    expect(slow).toBeLessThan(8);
    expect(fast).toBeLessThan(slow / 2);
    expect(ended.code, plugin.said).toBe(3);
    expect(ended.stdout).toContain('nothing left');
  });

  it('throttle: above a limit of the pod’s own cgroup, refused before it starts', async () => {
    const limitPod = async (limit: string) =>
      onNode(
        `echo "254:16 ${limit}" >$(dirname $(find /host/cgroup -type d -name ${await containerId(ns, 'io-data')}))/io.max`,
      );
    await limitPod('wbps=2097152');
    try {
      const refused = await io(ns, 'io-data', '--path', '/data', '--throttle', 'write=50Mi');
      const seconds = await dd(ns, 'io-data', 'if=/dev/zero of=/data/x bs=128k count=40 oflag=direct');
      expect(seconds).toBeGreaterThan(2);
      expect(refused.code, refused.stderr).toBe(1);
      expect(refused.stderr).toContain("already limited to 2Mi/s written by the pod's cgroup");
      expect(await limits()).toBe('');
    } finally {
      await limitPod('wbps=max');
    }
  });

  it('load: the target’s io.stat has what the disk has seen', async () => {
    const words = ['--path', '/data', '--mode', 'write', '--size', '32Mi', '--duration', lasting(3), '-o', 'json'];
    const { value: ended, traffic } = await trafficDuring(disk(), () => io(ns, 'io-data', ...words));
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    const { written_bytes: written = 0 } = measured(ended);
    expect(written).toBeGreaterThan(MiB);
    expect(written).toBeLessThanOrEqual(traffic.writtenBytes * 1.05);
    expect(report(ended).left).toEqual([]);
  });

  it('fill: to a percentage and back, to the block', async () => {
    const before = await disk().space();
    const plugin = await startIo(ns, 'io-data', '--path', '/data', '--fill', '80%', '--duration', lasting(3));
    const { blocks, free } = await disk().space();
    const ended = await plugin.ended;
    expect((blocks - free) / blocks).toBeGreaterThan(0.79);
    expect((blocks - free) / blocks).toBeLessThan(0.81);
    expect(ended.code, plugin.said).toBe(0);
    await until('the space is back', 5, async () => (await disk().space()).free === before.free);
  });
});
