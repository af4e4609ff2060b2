import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { apply, kubectl, repository } from './support/cluster.ts';
import { chaos } from './support/plugin.ts';
import { suite } from './support/suite.ts';

const ns = 'chaos-e2e-readme';
suite(ns, ['deployment']);

describe('what README promises', () => {
  it('the rights of the role that it names are enough', async () => {
    const role = await readFile(`${repository}/krew/rbac.yaml`, 'utf8');
    expect(role).toContain('kind: ClusterRole');
    await apply(role.replace('name: kubectl-chaos', 'name: kubectl-chaos-e2e'), ns);
    await kubectl('delete', 'clusterrolebinding', 'kubectl-chaos-e2e', '--ignore-not-found');
    await kubectl(
      'create',
      'clusterrolebinding',
      'kubectl-chaos-e2e',
      '--clusterrole=kubectl-chaos-e2e',
      '--user=on-call',
    );
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
      await kubectl('delete', 'clusterrolebinding,clusterrole', 'kubectl-chaos-e2e');
    }
  });
});
