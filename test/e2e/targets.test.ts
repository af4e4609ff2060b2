import { describe, expect, it } from 'vitest';
import { kubectlJson } from './support/cluster.ts';
import { containerId, splitProcesses } from './support/node.ts';
import { chaos, start, untilActive } from './support/plugin.ts';
import { suite } from './support/suite.ts';

const ns = 'chaos-e2e-targets';
suite(ns, ['two-containers', 'deployment', 'nonroot']);

describe('the target that is named', () => {
  it('hits the chosen container of a pod, and not its neighbour', async () => {
    const neighbour = await containerId(ns, 'two-containers', 'app');
    const chosen = await containerId(ns, 'two-containers', 'sidecar');
    const plugin = start('stress', 'two-containers', '-c', 'sidecar', '-n', ns, '--cpu', '1', '--duration', '30s');
    await untilActive(plugin);
    expect((await splitProcesses(chosen)).stressors.length).toBeGreaterThan(0);
    expect((await splitProcesses(neighbour)).stressors).toEqual([]);
    plugin.kill('SIGINT');
    await plugin.ended;
  });

  it('chooses one running pod of a deployment, and names it', async () => {
    const ended = await chaos('stress', 'deploy/web', '-n', ns, '--cpu', '1', '--duration', '4s');
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    expect(ended.stderr).toMatch(/pod\/web-\S+ \(app\).*one of 2 running of deployment\/web/);
  });

  it('works from another namespace for the agent', async () => {
    const plugin = start(
      'stress',
      'nonroot',
      '-n',
      ns,
      '--agent-namespace',
      'default',
      '--cpu',
      '1',
      '--duration',
      '20s',
    );
    await untilActive(plugin);
    const { items } = await kubectlJson<{ items: unknown[] }>(
      '-n',
      'default',
      'get',
      'pods',
      '-l',
      'app.kubernetes.io/managed-by=kubectl-chaos',
    );
    plugin.kill('SIGINT');
    await plugin.ended;
    expect(items).toHaveLength(1);
  });
});
