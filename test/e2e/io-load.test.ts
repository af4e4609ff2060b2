import { describe, expect, it } from 'vitest';
import { kubectl, lasting, until } from './support/cluster.ts';
import { diskSuite } from './support/disk.ts';
import { inTarget, io, measured, startIo, trafficDuring } from './support/io.ts';
import { containerId, onNode, ourProcesses, splitProcesses } from './support/node.ts';
import { report } from './support/plugin.ts';

const ns = 'chaos-e2e-io-load';
const disk = diskSuite(ns, ['io-data', 'io-nonroot', 'io-distroless']);
const MiB = 2 ** 20;
const force = ['--grace-period=0', '--force'];

describe('io --mode', () => {
  const modes = [
    { mode: 'write', flags: ['--size', '32Mi'], least: { writtenBytes: 32 * MiB } },
    { mode: 'read', flags: ['--size', '32Mi'], least: { readBytes: 32 * MiB } },
    {
      mode: 'mixed',
      flags: ['--size', '32Mi', '--workers', '2'],
      least: { readBytes: 16 * MiB, writtenBytes: 32 * MiB },
    },
    { mode: 'sync', flags: ['--size', '32Mi', '--block-size', '8Ki'], least: { writtenBytes: MiB, writtenOps: 100 } },
    { mode: 'metadata', flags: [], least: { writtenOps: 100 } },
  ] as const;

  it.each(modes)('$mode: reaches the disk, is measured, and nothing of it stays', async ({ mode, flags, least }) => {
    const before = await disk().space();
    const words = ['--path', '/data', '--mode', mode, '--duration', lasting(4), '-o', 'json', ...flags];
    const { value: ended, traffic } = await trafficDuring(disk(), () => io(ns, 'io-data', ...words));
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    const said = JSON.stringify({ traffic, measured: measured(ended) }, undefined, 1);
    for (const [what, amount] of Object.entries(least))
      expect(traffic[what as keyof typeof traffic], said).toBeGreaterThanOrEqual(amount);
    // What it says of itself is what the disk has seen, but for the file system's own journal and the time before and after.
    const { written_bytes: written = 0, read_bytes: read = 0 } = measured(ended);
    if (written > 0) {
      expect(written, said).toBeLessThanOrEqual(traffic.writtenBytes * 1.05);
      if (mode === 'write') expect(written, said).toBeGreaterThan(traffic.writtenBytes * 0.6);
    }
    // On other disks it reads as well: programs.
    if (mode === 'read' || mode === 'mixed') expect(read, said).toBeLessThanOrEqual(traffic.readBytes * 1.05);
    expect(measured(ended).write_us_before, said).toBeGreaterThan(0);
    expect(measured(ended).write_us_during, said).toBeGreaterThan(0);
    expect(report(ended).left).toEqual([]);
    expect(await disk().space()).toEqual(before);
  });

  it('a user without any right but that of its group, in a root that is read-only: its files are its own', async () => {
    const plugin = await startIo(ns, 'io-nonroot', '--path', '/data', '--mode', 'write', '--size', '16Mi');
    const seen = await disk().run(
      'cd nonroot; stat -c "%u %g %a %n" .kubectl-chaos-*; find .kubectl-chaos-* -type f -printf "%U %G\\n"',
    );
    plugin.kill('SIGINT');
    const ended = await plugin.ended;
    expect(seen).toMatch(/^65532 2000 2?700 \.kubectl-chaos-\w{5}-\w{8}$/m);
    expect(ended.code, plugin.said).toBe(130);
    expect(ended.stdout).toContain('nothing left');
  });

  it('a target without a shell, whose path has blanks and other letters: said as it is, and hit', async () => {
    const path = '/meine träge daten';
    const plugin = await startIo(ns, 'io-data', '--path', path, '--mode', 'sync', '--size', '16Mi');
    const { stressors } = await splitProcesses(await containerId(ns, 'io-data'));
    const where = await onNode(`readlink ${stressors.map(({ pid }) => `/proc/${pid}/cwd`).join(' ')}; true`);
    plugin.kill('SIGINT');
    const ended = await plugin.ended;
    expect(where).toMatch(/\/meine träge daten\/\.kubectl-chaos-\w{5}/);
    expect(plugin.said).toContain(`"${path}" is ext4 on /dev/loop`);
    expect(plugin.said).toContain('PVC data');
    expect(ended.code, plugin.said).toBe(130);
  });

  it('distroless: stress-ng comes with the agent', async () => {
    const ended = await io(
      ns,
      'io-distroless',
      '--path',
      '/data',
      '--mode',
      'write',
      '--size',
      '16Mi',
      '--duration',
      lasting(3),
    );
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    expect(ended.stdout).toMatch(/to \/data \(ext4, PVC data\)/);
    expect(ended.stdout).toContain('Effective.');
  });

  it('a disk that somebody else fills meanwhile: shown, and taken back', async () => {
    const plugin = await startIo(
      ns,
      'io-data',
      '--path',
      '/data',
      '--mode',
      'write',
      '--size',
      '100Mi',
      '--duration',
      lasting(6),
    );
    // By somebody else, beyond what is left.
    await inTarget(ns, 'io-data', 'dd if=/dev/zero of=/data/rest bs=1M 2>/dev/null; true');
    const ended = await plugin.ended;
    await inTarget(ns, 'io-data', 'rm /data/rest');
    expect(ended.code, plugin.said).toBe(0);
    const [, least = ''] = /^ +free +[\d.]+Mi +([\d.]+)[KM]i/m.exec(ended.stdout) ?? [];
    expect(Number(least), plugin.said).toBeLessThan(110);
    expect(ended.stdout).toContain('nothing left');
  });

  it('a target that is deleted meanwhile: its directory goes from the volume that outlives it', async () => {
    const plugin = await startIo(ns, 'io-distroless', '--path', '/data', '--mode', 'write', '--size', '16Mi');
    await kubectl('-n', ns, 'delete', 'pod', 'io-distroless', '--wait=false');
    const ended = await plugin.ended;
    expect(ended.code, plugin.said).toBe(3);
    expect(ended.stdout).toContain('nothing left');
    expect(await disk().run('ls -A')).not.toContain('.kubectl-chaos');
  });

  it('a volume that lets nothing be removed meanwhile: what is left is said, and goes as soon as it can', async () => {
    const plugin = await startIo(ns, 'io-data', '--path', '/data', '--mode', 'write', '--size', '16Mi');
    await disk().run('chattr +i .');
    plugin.kill('SIGINT');
    const ended = await plugin.ended;
    await disk().run('chattr -i .');
    expect(ended.code, plugin.said).toBe(4);
    expect(plugin.said).toMatch(/\.kubectl-chaos-\w{5}/);
    await until('the guardian is through', 30, async () => (await ourProcesses()).length === 0);
    await kubectl('-n', ns, 'delete', 'pods,configmaps', '-l', 'app.kubernetes.io/managed-by=kubectl-chaos', ...force);
  });
});
