import { describe, expect, it } from 'vitest';
import { apply, until } from './support/cluster.ts';
import { residue } from './support/node.ts';
import { chaos, idOf, type Plugin, start, untilActive } from './support/plugin.ts';
import { suiteBesideOthers } from './support/suite.ts';

const ns = 'chaos-e2e-ls';
suiteBesideOthers(ns, ['distroless', 'busybox']);

interface Listed {
  items: { id: string; state: string; target?: string; fault?: string; node?: string; ends_at?: string }[];
}

async function list(...flags: string[]): Promise<Listed['items']> {
  const { stdout } = await chaos('ls', '-n', ns, '-o', 'json', ...flags);
  return (JSON.parse(stdout) as Listed).items;
}

/** Longer than the kubelet takes to act on what ends it. */
async function whenActive(pod: string, ...flags: string[]): Promise<Plugin> {
  const plugin = start('stress', pod, '-n', ns, '--cpu', '1', '--duration', '10m', ...flags);
  await untilActive(plugin);
  return plugin;
}

/** A plugin that dies without a word, and leaves its fault to the lease. */
async function abandoned(pod: string): Promise<string> {
  const plugin = await whenActive(pod, '--lease', '40s');
  plugin.kill('SIGKILL');
  await plugin.ended;
  return idOf(plugin);
}

/** A ConfigMap as a launch leaves it that was cut off before its pod. */
const orphan = (id: string) => `
apiVersion: v1
kind: ConfigMap
metadata:
  name: ${id}
  labels: {app.kubernetes.io/managed-by: kubectl-chaos, kubectl-chaos.io/experiment: ${id}}
`;

describe('G4 ls and stop', () => {
  it('ls shows an experiment while it runs, and nothing afterwards', async () => {
    const plugin = await whenActive('distroless', '--duration', '60s');
    await until('running', 15, async () => (await list())[0]?.state === 'running');
    const [found] = await list();
    expect(found).toMatchObject({
      id: idOf(plugin),
      targets: [{ namespace: ns, pod: 'distroless', container: 'app' }],
      fault: '1 busy CPU',
    });
    const leftMs = new Date(found?.ends_at ?? 0).getTime() - Date.now();
    expect(leftMs).toBeGreaterThan(20_000);
    expect(leftMs).toBeLessThanOrEqual(61_000);
    const table = await chaos('ls', '-A');
    expect(table.stdout).toMatch(new RegExp(`^${idOf(plugin)} +1 busy CPU +${ns}/distroless/app +.* running `, 'm'));
    plugin.kill('SIGINT');
    await plugin.ended;
    expect(await list()).toEqual([]);
  });

  it('stop ends one whose plugin was killed: reverted, and nothing left', async () => {
    const id = await abandoned('distroless');
    const ended = await chaos('stop', id, '-n', ns);
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    expect(ended.stdout).toBe(`${id} (${ns}/distroless/app): reverted, nothing left\n`);
    expect(await residue()).toEqual([]);
  });

  it('stop ends one that another plugin follows, and that one says what happened', async () => {
    const plugin = await whenActive('busybox');
    const ended = await chaos('stop', idOf(plugin), '-n', ns);
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    expect((await plugin.ended).code, plugin.said).toBe(3);
    expect(plugin.stdout).toMatch(/another command stopped it|terminated externally|deleted by somebody else/);
  });

  it('stop --all ends several, and removes what was left', async () => {
    const ids = [await abandoned('distroless'), await abandoned('busybox'), 'chaos-alone'];
    await apply(orphan('chaos-alone'), ns);
    expect((await list()).map(({ id }) => id).sort()).toEqual([...ids].sort());
    const ended = await chaos('stop', '--all', '-n', ns);
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    for (const id of ids) expect(ended.stdout).toMatch(new RegExp(`^${id}.*nothing left$`, 'm'));
    expect(await residue()).toEqual([]);
  });

  it('stop of one that is not there: exit 1, with those that are', async () => {
    const plugin = await whenActive('distroless');
    const ended = await chaos('stop', 'chaos-zzzzz', '-n', ns);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain(`Available: ${idOf(plugin)}`);
    plugin.kill('SIGINT');
    expect((await plugin.ended).code, plugin.said).toBe(130);
  });
});
