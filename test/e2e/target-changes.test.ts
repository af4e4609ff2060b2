import { beforeEach, describe, expect, it } from 'vitest';
import { kubectl, patience, startTarget } from './support/cluster.ts';
import { containerId, onNode, splitProcesses } from './support/node.ts';
import { chaos, type Plugin, report, start, untilActive } from './support/plugin.ts';
import { suite } from './support/suite.ts';

const ns = 'chaos-e2e-changes';
suite(ns, []);

/** Longer than the kubelet takes to act on what ends it. */
async function whenActive(...flags: string[]): Promise<Plugin> {
  const plugin = start('stress', 'busybox', '-n', ns, '--cpu', '1', '--duration', '10m', ...flags);
  await untilActive(plugin);
  return plugin;
}

describe('the target changes during the run: noticed, reported as what it was, reverted, exit 3', () => {
  beforeEach(async () => {
    await kubectl('-n', ns, 'delete', 'pod', 'busybox', '--ignore-not-found', '--wait=true');
    await startTarget(ns, 'busybox');
  });

  it('restarted', async () => {
    const plugin = await whenActive();
    const id = await containerId(ns, 'busybox');
    const { own } = await splitProcesses(id);
    const began = Date.now();
    await onNode(`kill -9 ${own[0]?.pid}`);
    const ended = await plugin.ended;
    expect(Date.now() - began).toBeLessThan(8_000 * patience);
    expect(ended.code, plugin.said).toBe(3);
    expect(ended.stdout).toMatch(/was restarted during the experiment|ended during the experiment/);
    expect(ended.stdout).toContain('nothing left');
  });

  it('deleted', async () => {
    const plugin = await whenActive();
    await kubectl('-n', ns, 'delete', 'pod', 'busybox', '--wait=false');
    const ended = await plugin.ended;
    expect(ended.code, plugin.said).toBe(3);
    expect(ended.stdout).toContain('was deleted during the experiment');
  });

  it('agent pod deleted by somebody else', async () => {
    const plugin = await whenActive();
    await kubectl('-n', ns, 'delete', 'pod', '-l', 'app.kubernetes.io/managed-by=kubectl-chaos', '--wait=false');
    const ended = await plugin.ended;
    expect(ended.code, plugin.said).toBe(3);
    expect(ended.stdout).toMatch(/terminated externally|deleted by somebody else/);
  });

  it('memory beyond the limit: warned before, the stressor is the first choice of the OOM killer, the target lives on', async () => {
    const before = await containerId(ns, 'busybox');
    const ended = await chaos('stress', 'busybox', '-n', ns, '--memory', '200%', '--duration', '6s', '-o', 'json');
    const result = report(ended);
    expect(await containerId(ns, 'busybox')).toBe(before);
    expect(result.ended.oom_kills ?? result.verdict.during?.oom_kills).toBeGreaterThan(0);
    expect(result.verdict.proofs[0], ended.stdout).toMatchObject({ what: 'memory', effective: true });
  });
});
