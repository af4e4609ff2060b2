import { describe, expect, it } from 'vitest';
import { apply, kubectl } from './support/cluster.ts';
import { chaos } from './support/plugin.ts';
import { suite } from './support/suite.ts';

const ns = 'chaos-e2e-readme';
suite(ns, ['deployment']);

describe('what README promises', () => {
  it('the rights that "rbac" prints are enough', async () => {
    const printed = await chaos('rbac', '--user', 'on-call');
    expect(printed.code, printed.stderr).toBe(0);
    expect(printed.stdout).toContain('kind: ClusterRole\n');
    // Under names of the test's own: a role of the cluster's is not to be replaced.
    await apply(printed.stdout.replaceAll('name: kubectl-chaos', 'name: kubectl-chaos-e2e'), ns);
    try {
      const ended = await chaos('stress', 'deploy/web', '-n', ns, '--as', 'on-call', '--cpu', '1', '--duration', '4s');
      expect(ended.code, ended.stdout + ended.stderr).toBe(0);
      expect(ended.stderr).not.toMatch(/not (?:checked|watched|known)/);
      await kubectl('-n', ns, 'create', 'service', 'clusterip', 'db', '--tcp=5432');
      const cut = [
        'net',
        'deploy/web',
        '-n',
        ns,
        '--as',
        'on-call',
        '--partition',
        '--to',
        'svc/db',
        '--duration',
        '2s',
      ];
      const unheard = await chaos(...cut);
      expect(unheard.stdout, unheard.stderr).toContain('No packet matched: does the target talk to svc/db?');
      const load = ['--path', '/tmp', '--mode', 'sync', '--size', '1Mi', '--allow-node-disk', '--duration', '3s'];
      const loaded = await chaos('io', 'deploy/web', '-n', ns, '--as', 'on-call', ...load);
      expect(loaded.code, loaded.stdout + loaded.stderr).toBe(0);
      const listed = await chaos('ls', '-A', '--as', 'on-call');
      expect(listed.code, listed.stderr).toBe(0);
      expect(listed.stderr).toBe('No experiments in any namespace.\n');
    } finally {
      await kubectl('delete', 'clusterrolebinding', 'kubectl-chaos-e2e:user:on-call', '--ignore-not-found');
      await kubectl('delete', 'clusterrole', 'kubectl-chaos-e2e', '--ignore-not-found');
    }
  });

  it('those of one namespace are enough there, and nowhere else', async () => {
    const printed = await chaos('rbac', '--user', 'on-call-here', '-n', ns);
    expect(printed.code, printed.stderr).toBe(0);
    expect(printed.stderr).toMatch(/^note: left out, .*: list and watch pods /);
    await apply(printed.stdout.replaceAll('name: kubectl-chaos', 'name: kubectl-chaos-e2e-ns'), ns);
    try {
      const asked = ['--as', 'on-call-here', '--cpu', '1', '--duration', '4s'];
      const ended = await chaos('stress', 'deploy/web', '-n', ns, ...asked);
      expect(ended.code, ended.stdout + ended.stderr).toBe(0);
      expect(ended.stderr).toContain(`not checked: experiments outside ${ns}`);
      const elsewhere = await chaos('stress', 'pod/web', '-n', 'kube-system', ...asked);
      expect(elsewhere.code, elsewhere.stdout + elsewhere.stderr).toBe(1);
      expect(elsewhere.stderr).toMatch(/not allowed to .*kubectl chaos rbac .*-n kube-system/s);
    } finally {
      await kubectl(
        'delete',
        'clusterrolebinding',
        'kubectl-chaos-e2e-ns-cluster:user:on-call-here',
        '--ignore-not-found',
      );
      await kubectl('delete', 'clusterrole', 'kubectl-chaos-e2e-ns-cluster', '--ignore-not-found');
    }
  });
});
