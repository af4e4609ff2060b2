import { beforeAll, describe, expect, it } from 'vitest';
import { kubectl, patience, startTarget } from './support/cluster.ts';
import { containerId, killProcesses, splitProcesses } from './support/node.ts';
import { chaos, type Plugin, report, start, untilActive } from './support/plugin.ts';
import { suiteBesideOthers } from './support/suite.ts';

const ns = 'chaos-e2e-changes';
suiteBesideOthers(ns, []);

/** A target for each test: the kubelet takes up to a minute to end a pod, which the next test need not wait for. */
const pods = ['restarted', 'deleted', 'agentless', 'full'] as const;
const startPod = (pod: string) => startTarget(ns, 'busybox', (text) => text.replace('name: busybox', `name: ${pod}`));

/** Longer than the kubelet takes to act on what ends it. */
async function whenActive(pod: (typeof pods)[number]): Promise<Plugin> {
  const plugin = start('stress', pod, '-n', ns, '--cpu', '1', '--duration', '10m');
  await untilActive(plugin);
  return plugin;
}

describe('the target changes during the run: noticed, reported as what it was, reverted, exit 3', () => {
  beforeAll(() => Promise.all(pods.map(startPod)));

  it('restarted', async () => {
    const plugin = await whenActive('restarted');
    const id = await containerId(ns, 'restarted');
    const { own } = await splitProcesses(id);
    const began = Date.now();
    // Its first process among them, which its child may come before in the order of names.
    await killProcesses(own);
    const ended = await plugin.ended;
    // Long before its time is over.
    expect(Date.now() - began).toBeLessThan(30_000 * patience);
    expect(ended.code, plugin.said).toBe(3);
    // A kubelet is waited for two seconds.
    expect(ended.stdout).toMatch(
      /was restarted during the experiment|ended during the experiment|the target's process ended after/,
    );
    expect(ended.stdout).toContain('nothing left');
  });

  it('deleted', async () => {
    const plugin = await whenActive('deleted');
    await kubectl('-n', ns, 'delete', 'pod', 'deleted', '--wait=false');
    const ended = await plugin.ended;
    expect(ended.code, plugin.said).toBe(3);
    expect(ended.stdout).toContain('was deleted during the experiment');
  });

  it('agent pod deleted by somebody else', async () => {
    const plugin = await whenActive('agentless');
    await kubectl('-n', ns, 'delete', 'pod', '-l', 'app.kubernetes.io/managed-by=kubectl-chaos', '--wait=false');
    const ended = await plugin.ended;
    expect(ended.code, plugin.said).toBe(3);
    expect(ended.stdout).toMatch(/terminated externally|deleted by somebody else/);
  });

  it('memory beyond the limit: warned before, the stressor is the first choice of the OOM killer, the target lives on', async () => {
    const before = await containerId(ns, 'full');
    const ended = await chaos('stress', 'full', '-n', ns, '--memory', '200%', '--duration', '6s', '-o', 'json');
    const result = report(ended);
    expect(await containerId(ns, 'full')).toBe(before);
    expect(result.ended.oom_kills ?? result.verdict.during?.oom_kills).toBeGreaterThan(0);
    expect(result.verdict.proofs[0], ended.stdout).toMatchObject({ what: 'memory', effective: true });
  });
});
