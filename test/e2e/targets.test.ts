import { describe, expect, it } from 'vitest';
import { apply, kubectl, kubectlJson, lasting, repository, until } from './support/cluster.ts';
import { containerId, splitProcesses } from './support/node.ts';
import { chaos, idOf, start, untilActive } from './support/plugin.ts';
import { suiteBesideOthers } from './support/suite.ts';

const ns = 'chaos-e2e-targets';
suiteBesideOthers(ns, ['two-containers', 'deployment', 'nonroot']);

/** What of a dry run's document is looked at here. */
interface DryRun {
  targets: { target: { pod: string; chosen_from: { workload: string; running_pods: number; seed?: string } } }[];
  selection: { seed: string; skipped: unknown[] };
  impact: {
    pods: number;
    workloads: { name: string; hit: number; ready: number; ready_left: number }[];
    broken_budgets: { name: string; healthy_left: number; needed: number }[];
    unknown: string[];
  };
}

async function dryRun(...words: string[]): Promise<DryRun> {
  const ended = await chaos('stress', '-n', ns, '--cpu', '1', '--dry-run', '-o', 'json', ...words);
  expect(ended.code, ended.stdout + ended.stderr).toBe(0);
  return JSON.parse(ended.stdout) as DryRun;
}

/** Of the version that Kubernetes 1.20 has, and later ones until 1.25. */
const budget = `
apiVersion: policy/v1beta1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 2, selector: {matchLabels: {app: web}}}
`;

describe('targets that are chosen', () => {
  it('are ready pods with the labels: the run takes the one that the dry run showed', async () => {
    const shown = await dryRun('-l', 'app=web');
    const [{ target } = { target: undefined }] = shown.targets;
    const { seed } = shown.selection;
    expect(target?.chosen_from).toEqual({ workload: '-l app=web', running_pods: 2, seed });
    expect(shown.impact.workloads).toEqual([{ name: 'deployment/web', hit: 1, ready: 2, ready_left: 1 }]);
    const words = ['stress', '-l', 'app in (web, api),!gone', '-n', ns, '--memory', '16Mi', '--duration', '4s'];
    const ended = await chaos(...words, '--seed', seed);
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    expect(ended.stderr).toContain(`pod/${target?.pod} (app)`);
    expect(ended.stderr).toMatch(/^impact {3}1 of 2 ready pods of deployment\/web$/m);
  });

  it('may be others with another seed', async () => {
    const chosen = new Set<string | undefined>();
    // The names of the pods are by chance, and with them which seed takes which: not the same one forty times.
    for (let seed = 0; seed < 40 && chosen.size < 2; seed++)
      chosen.add((await dryRun('deploy/web', '--seed', `${seed}`)).targets[0]?.target.pod);
    expect(chosen.size).toBe(2);
  });

  it('may be several: each is hit, begun together, and shown by itself; nothing is left', async () => {
    const shown = await dryRun('-l', 'app=web', '--all');
    expect(shown.targets).toHaveLength(2);
    expect(shown.impact.workloads).toEqual([{ name: 'deployment/web', hit: 2, ready: 2, ready_left: 0 }]);
    expect((await dryRun('deploy/web', 'nonroot')).targets).toHaveLength(2);
    expect((await dryRun('deploy/web', '--percent', '50')).targets).toHaveLength(1);
    expect((await dryRun('deploy/web', '--percent', '51')).targets).toHaveLength(2);
    const plugin = start('stress', '-l', 'app=web', '--all', '-n', ns, '--memory', '16Mi', '--duration', lasting(6));
    await untilActive(plugin);
    for (const { target } of shown.targets) {
      const { stressors } = await splitProcesses(await containerId(ns, target.pod));
      expect(stressors.length, target.pod).toBeGreaterThan(0);
    }
    const list = ['get', 'pods', '-l', `kubectl-chaos.io/experiment=${idOf(plugin)}`, '-o', 'name'];
    expect((await kubectl('-n', ns, ...list)).trim()).toBe(`pod/${idOf(plugin)}-0`);
    expect((await chaos('ls', '-n', ns)).stdout).toMatch(/ and 1 more /);
    const ended = await plugin.ended;
    expect(ended.code, plugin.said).toBe(0);
    expect(ended.stderr).toMatch(/^ {9}all 2 ready pods of deployment\/web$/m);
    expect(ended.stdout).toMatch(/^ok: active after \S+ {3}2 targets on 1 node, within \S+$/m);
    expect(ended.stdout).toMatch(/^Effective on 2 of 2 targets\.$/m);
    expect(ended.stdout).toContain('nothing left');
  });

  it('may stand in a file, as those of the example do', async () => {
    const file = `${repository}krew/experiment.yaml`;
    const shown = await chaos('run', '-f', file, '-n', ns, '--dry-run', '-o', 'json');
    expect(shown.code, shown.stdout + shown.stderr).toBe(0);
    expect((JSON.parse(shown.stdout) as DryRun).targets).toHaveLength(2);
    const ended = await chaos('run', '-f', file, '-n', ns);
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    expect(ended.stderr).toMatch(/^ {9}all 2 ready pods of deployment\/web$/m);
    expect(ended.stdout).toMatch(/^Effective on 2 of 2 targets\.$/m);
    expect(ended.stdout).toContain('nothing left');
  });

  it('are all stopped by Ctrl-C, and by another command', async () => {
    for (const stop of [undefined, 'stop']) {
      const words = ['stress', 'deploy/web', '--all', '-n', ns, '--memory', '16Mi', '--duration', '10m'];
      const plugin = start(...words);
      await untilActive(plugin);
      if (stop === undefined) plugin.kill('SIGINT');
      else expect((await chaos(stop, idOf(plugin), '-n', ns)).code).toBe(0);
      const ended = await plugin.ended;
      expect(ended.code, plugin.said).toBe(stop === undefined ? 130 : 3);
      expect(ended.stdout, plugin.said).toContain('nothing left');
    }
  });

  it('are all let go by their leases when the command is killed, and what is left is stopped by another', async () => {
    const { targets } = await dryRun('deploy/web', '--all');
    const words = ['stress', 'deploy/web', '--all', '-n', ns, '--memory', '16Mi', '--duration', '10m', '--lease', '5s'];
    const plugin = start(...words);
    await untilActive(plugin);
    plugin.kill('SIGKILL');
    const stressors = async () =>
      (
        await Promise.all(
          targets.map(async ({ target }) => (await splitProcesses(await containerId(ns, target.pod))).stressors),
        )
      ).flat();
    expect((await stressors()).length).toBeGreaterThan(0);
    await until('no stressor is left', 10, async () => (await stressors()).length === 0);
    const stopped = await chaos('stop', idOf(plugin), '-n', ns);
    expect(stopped.code, stopped.stdout + stopped.stderr).toBe(0);
  });

  it('are said to break a disruption budget', async () => {
    await apply(budget, ns);
    try {
      const healthy = () => kubectl('-n', ns, 'get', 'pdb', 'web', '-o', 'jsonpath={.status.currentHealthy}');
      await until('the budget has counted its pods', 30, async () => (await healthy()) === '2');
      const { broken_budgets, unknown } = (await dryRun('deploy/web')).impact;
      expect(broken_budgets).toEqual([{ name: 'web', healthy_left: 1, needed: 2 }]);
      expect(unknown).toEqual([]);
    } finally {
      await kubectl('-n', ns, 'delete', 'pdb', 'web');
    }
  });

  it('are never an agent of ours', async () => {
    const plugin = start('stress', 'nonroot', '-n', ns, '--cpu', '1', '--duration', '30s');
    await untilActive(plugin);
    const refused = await chaos('stress', `${idOf(plugin)}-0`, '-n', ns, '--cpu', '1', '--allow-system');
    plugin.kill('SIGINT');
    await plugin.ended;
    expect(refused.code, refused.stdout + refused.stderr).toBe(1);
    expect(refused.stderr).toContain('is an agent of kubectl chaos, which cannot be a target');
  });
});

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
