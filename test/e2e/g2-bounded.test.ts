import { describe, expect, it } from 'vitest';
import { kubectl, kubectlJson, kubeletSeconds, patience, until } from './support/cluster.ts';
import { containerId, killShims, splitProcesses, untilNothingLeft } from './support/node.ts';
import { chaos, report, start, untilActive } from './support/plugin.ts';
import { suite } from './support/suite.ts';

const ns = 'chaos-e2e-g2';
suite(ns, ['distroless']);

const stressors = async (id: string) => (await splitProcesses(id)).stressors;

/** kubectl's words for the agent pods that there are. */
const agents = ['-n', ns, 'get', 'pods', '-l', 'app.kubernetes.io/managed-by=kubectl-chaos'];

describe('G2 bounded', () => {
  it('ends at its deadline, by the shim’s clock', async () => {
    const ended = await chaos('stress', 'distroless', '-n', ns, '--cpu', '1', '--duration', '3s', '-o', 'json');
    const result = report(ended);
    expect(result.ended.reason).toBe('deadline');
    expect(result.ended.run_ms).toBeGreaterThanOrEqual(2_900);
    expect(result.ended.run_ms).toBeLessThan(3_000 + 1_000 * patience);
  });

  it('gives the kubelet a deadline of its own', async () => {
    const plugin = start('stress', 'distroless', '-n', ns, '--cpu', '1', '--duration', '30s', '--grace', '5s');
    await untilActive(plugin);
    const pods = await kubectlJson<{ items: { spec: { activeDeadlineSeconds?: number } }[] }>(...agents);
    plugin.kill('SIGTERM');
    const ended = await plugin.ended;
    expect(pods.items[0]?.spec.activeDeadlineSeconds).toBeGreaterThanOrEqual(35);
    // Half a minute for its own start and end, and what pulling an image and sending tools may take: five minutes each.
    expect(pods.items[0]?.spec.activeDeadlineSeconds).toBeLessThanOrEqual(35 + 30 + 2 * 300);
    expect(ended.code, plugin.said).toBe(143);
  });
});

describe('G3 reverts without us (the lease)', () => {
  it('ends the fault when the plugin is killed by -9, within the lease', async () => {
    const id = await containerId(ns, 'distroless');
    const plugin = start('stress', 'distroless', '-n', ns, '--cpu', '1', '--duration', '10m', '--lease', '5s');
    await untilActive(plugin);
    expect((await stressors(id)).length).toBeGreaterThan(0);
    plugin.kill('SIGKILL');
    await plugin.ended;
    const killedAt = Date.now();
    await until('the stressors gone', 12 / patience + 3, async () => (await stressors(id)).length === 0);
    expect(Date.now() - killedAt).toBeLessThan((5 + 2) * 1_000 + 1_500 * patience);
    // A deletion that overtakes the kubelet's report of the end is seen through by a kubelet of 1.20 up to a minute later.
    await until('the end of the agent is reported', kubeletSeconds, async () =>
      /Succeeded|Failed/.test(await kubectl(...agents, '-o', 'jsonpath={.items[*].status.phase}')),
    );
    // The pod and its ConfigMap outlive a plugin that cannot remove them; the printed command does, and needs nothing else.
    const undo = /undo\s+kubectl (.*)$/m.exec(plugin.stderr)?.[1]?.split(' ') ?? [];
    expect(undo, plugin.said).toContain('delete');
    await kubectl(...undo.filter((word, index) => word !== '--kubeconfig' && undo[index - 1] !== '--kubeconfig'));
    await untilNothingLeft(10);
  });

  it('kills every stressor when the shim itself is killed by -9', async () => {
    const id = await containerId(ns, 'distroless');
    const plugin = start('stress', 'distroless', '-n', ns, '--cpu', '2', '--duration', '10m');
    await untilActive(plugin);
    await killShims();
    await until('the stressors gone', 2, async () => (await stressors(id)).length === 0);
    const ended = await plugin.ended;
    expect(ended.code, plugin.said).toBe(3);
    expect(ended.stdout).toContain('did not report its end');
  });
});
