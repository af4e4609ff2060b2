import { describe, expect, it } from 'vitest';
import { kubectl, kubectlJson } from './support/cluster.ts';
import { containerId, splitProcesses } from './support/node.ts';
import { chaos, idOf, start, untilActive } from './support/plugin.ts';
import { suiteBesideOthers } from './support/suite.ts';

const ns = 'chaos-e2e-targets';
suiteBesideOthers(ns, ['two-containers', 'deployment', 'nonroot']);

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
    const ended = await chaos('stress', 'deploy/web', '-n', ns, '--memory', '16Mi', '--duration', '4s');
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    expect(ended.stderr).toMatch(/pod\/web-\S+ \(app\).*one of 2 running of deployment\/web/);
  });

  it('that is protected is hit only with --yes; two experiments on it are told of each other, and kubectl alone ends them', async () => {
    const stress = ['stress', 'nonroot', '-n', ns, '--cpu', '1', '--duration'];
    await kubectl('annotate', 'namespace', ns, 'kubectl-chaos.io/protected=true');
    try {
      const refused = await chaos(...stress, '20s');
      expect(refused.code, refused.stdout + refused.stderr).toBe(1);
      expect(refused.stderr).toContain(`is protected: annotation kubectl-chaos.io/protected on namespace ${ns}`);
      const first = start(...stress, '2m', '--yes');
      await untilActive(first);
      const second = await chaos(...stress, '3s', '--yes');
      const before = `experiment ${idOf(first)} (1 busy CPU`;
      expect(second.stderr).toMatch(
        /^note: experiment .* already runs on this container: what is measured is of both$/m,
      );
      expect(second.stderr).toContain(before);
      expect(second.stdout).toContain(`On the same container ran ${before}`);
      const endAll = /^end all {2}kubectl .*?(delete pods) -A (-l \S+)$/m.exec(first.stderr);
      await kubectl('-n', ns, ...`${endAll?.[1]} ${endAll?.[2]}`.split(' '));
      const ended = await first.ended;
      expect(ended.code, ended.stdout + ended.stderr).toBe(3);
      expect(ended.stderr).toMatch(
        /^note: experiment .* began on this container: from here on what is measured is of both$/m,
      );
      expect(ended.stdout).toContain('nothing left');
    } finally {
      await kubectl('annotate', 'namespace', ns, 'kubectl-chaos.io/protected-');
    }
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
