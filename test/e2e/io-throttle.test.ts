import { describe, expect, it } from 'vitest';
import { until } from './support/cluster.ts';
import { diskSuite } from './support/disk.ts';
import { dd, io, limitsOf, startIo } from './support/io.ts';
import { containerId, killShims, onNode } from './support/node.ts';
import { idOf } from './support/plugin.ts';

const ns = 'chaos-e2e-io-throttle';
const disk = diskSuite(ns, ['io-data']);

const limits = () => limitsOf(ns, 'io-data');

/** By somebody else: `write_bps_device` of 8 MiB/s. */
async function limitBySomebodyElse(bytesPerSecond: number): Promise<void> {
  const id = await containerId(ns, 'io-data');
  const device = (await disk().run('mountpoint -d .')).trim();
  await onNode(
    `echo "${device} ${bytesPerSecond}" >$(find /host/cgroup/blkio -type d -name ${id})/blkio.throttle.write_bps_device`,
  );
}

describe('io --throttle', () => {
  it('bytes and operations, both ways, of a dd that is not ours; the rest of the node goes on as it did', async () => {
    await disk().run('dd if=/dev/zero of=data bs=1M count=8 conv=fsync 2>/dev/null');
    const plugin = await startIo(
      ns,
      'io-data',
      '--path',
      '/data',
      '--throttle',
      'write=1Mi,read=4Mi,write-iops=50,read-iops=100',
      '--duration',
      // Longer than the four below take together.
      '30s',
    );
    const written = await dd(ns, 'io-data', 'if=/dev/zero of=/data/x bs=128k count=16 oflag=direct');
    const read = await dd(ns, 'io-data', 'if=/data/data of=/dev/null bs=128k count=64 iflag=direct');
    const writes = await dd(ns, 'io-data', 'if=/dev/zero of=/data/x bs=4k count=100 oflag=direct');
    const reads = await dd(ns, 'io-data', 'if=/data/data of=/dev/null bs=4k count=200 iflag=direct');
    const began = Date.now();
    await disk().run('dd if=/dev/zero of=other bs=1M count=8 oflag=direct 2>/dev/null; rm other data x');
    const others = (Date.now() - began) / 1_000;
    const ended = await plugin.ended;
    const said = JSON.stringify({ written, read, writes, reads, others });
    // 2 MiB at 1, 8 MiB at 4, 100 at 50 and 200 at 100 a second. The probe takes its share of them.
    for (const seconds of [written, read, writes, reads]) {
      expect(seconds, said).toBeGreaterThan(1.7);
      expect(seconds, said).toBeLessThan(4);
    }
    // 8 MiB at 1 MiB/s are eight seconds.
    expect(others, said).toBeLessThan(4);
    expect(ended.code, plugin.said).toBe(0);
    expect(ended.stdout).toContain('Effective.');
    expect(await limits()).toBe('');
    expect(await dd(ns, 'io-data', 'if=/dev/zero of=/data/x bs=128k count=16 oflag=direct')).toBeLessThan(1);
  });

  it('what stood there before stands there again', async () => {
    await limitBySomebodyElse(8 << 20);
    try {
      const before = await limits();
      const plugin = await startIo(ns, 'io-data', '--path', '/data', '--throttle', 'write=1Mi');
      const during = await limits();
      plugin.kill('SIGINT');
      const ended = await plugin.ended;
      expect(before).toMatch(/ 8388608$/m);
      expect(during).toMatch(/ 1048576$/m);
      expect(await limits()).toBe(before);
      expect(ended.code, plugin.said).toBe(130);
      expect(ended.stdout).toContain('nothing left');
    } finally {
      await limitBySomebodyElse(0);
    }
  });

  it('a second experiment on the container: refused, and the first goes on', async () => {
    const plugin = await startIo(ns, 'io-data', '--path', '/data', '--throttle', 'write=1Mi');
    const before = await limits();
    const second = await io(ns, 'io-data', '--path', '/data', '--throttle', 'read=1Mi', '--duration', '5s');
    expect(await limits()).toBe(before);
    plugin.kill('SIGINT');
    await plugin.ended;
    expect(second.code, second.stdout + second.stderr).toBe(1);
    expect(second.stderr).toMatch(/^error: /m);
    expect(second.stderr).toContain('nothing was changed');
    expect(idOf(plugin)).not.toBe('');
  });

  it('the shim killed by -9: the limits are gone within 2 s, and it is told', async () => {
    const plugin = await startIo(ns, 'io-data', '--path', '/data', '--throttle', 'write=1Mi,read-iops=50');
    await killShims();
    await until('no limit', 2, async () => (await limits()) === '');
    const ended = await plugin.ended;
    expect(ended.code, plugin.said).toBe(3);
    expect(ended.stdout).toContain('nothing left');
  });
});
