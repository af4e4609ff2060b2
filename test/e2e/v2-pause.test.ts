import { describe, expect, it } from 'vitest';
import { clusterKind, kubectl, lasting, until } from './support/cluster.ts';
import { containerId, killShims, onNode } from './support/node.ts';
import { chaos, idOf, start, untilActive } from './support/plugin.ts';
import { suite } from './support/suite.ts';

/** What cgroup v2 makes different: `cgroup.freeze`, and a KILL that reaches who is frozen. */
const ns = 'chaos-e2e-v2-pause';
if (clusterKind === 'vm') suite(ns, ['busybox']);

async function isFrozen(): Promise<boolean> {
  const id = await containerId(ns, 'busybox');
  return (await onNode(`cat $(find /host/cgroup -type d -name ${id})/cgroup.events`)).includes('frozen 1');
}

describe.skipIf(clusterKind !== 'vm')('pause on cgroup v2', () => {
  it('frozen, read back, standing still, and thawed', async () => {
    const plugin = start('pause', 'pod/busybox', '-n', ns, '--duration', lasting(5));
    await untilActive(plugin);
    const during = await isFrozen();
    const ended = await plugin.ended;
    expect(during).toBe(true);
    expect(ended.code, plugin.said).toBe(0);
    expect(ended.stdout).toMatch(/all of it stood still in (\d+) of \1 samples?; its CPU .*0\.00 cores; it goes on/);
    expect(await isFrozen()).toBe(false);
  });

  it('the shim killed by -9: thawed by its guardian', async () => {
    const plugin = start('pause', 'pod/busybox', '-n', ns, '--duration', '10m');
    await untilActive(plugin);
    await killShims();
    await until('it goes on', 20, async () => !(await isFrozen()));
    expect([3, 4], plugin.said).toContain((await plugin.ended).code);
    await chaos('stop', '-n', ns, idOf(plugin));
  });

  it('the pod deleted meanwhile: it goes, and the fault ends', async () => {
    const plugin = start('pause', 'pod/busybox', '-n', ns, '--duration', '10m');
    await untilActive(plugin);
    await kubectl('-n', ns, 'delete', 'pod', 'busybox', '--wait=true');
    expect((await plugin.ended).code, plugin.said).toBe(3);
  });
});
