import { describe, expect, it } from 'vitest';
import { cleanEnv, kubeconfig, repository } from './support/cluster.ts';
import { chaos, Plugin, report } from './support/plugin.ts';
import { suiteBesideOthers } from './support/suite.ts';

const ns = 'chaos-e2e-g8';
suiteBesideOthers(ns, ['busybox']);

describe('G8 faithful', () => {
  it('passes the workload’s exit code on', async () => {
    const ended = await chaos(
      'stress',
      'busybox',
      '-n',
      ns,
      '--duration',
      '10s',
      '-o',
      'json',
      '--',
      '--no-such-stressor',
      '1',
    );
    expect(report(ended).ended).toMatchObject({ reason: 'exited', exit_code: 1, signal: 0 });
  });

  it('passes $ and quotes in arguments on, unexpanded by Kubernetes and by any shell', async () => {
    const ended = await chaos('stress', 'busybox', '-n', ns, '--duration', '10s', '--', '--no-such=$(HOME) $$ `id`');
    expect(ended.code).toBe(3);
    expect(ended.stderr).toContain('--no-such=$(HOME) $$ `id`');
  });

  it('runs as kubectl’s plugin, found on PATH', async () => {
    const plugin = new Plugin(
      ['chaos', 'stress', 'busybox', '-n', ns, '--kubeconfig', kubeconfig, '--memory', '16Mi', '--duration', '4s'],
      {
        program: 'kubectl',
        env: { PATH: `${repository}/dist:${repository}/node_modules/.bin:${cleanEnv.PATH}` },
      },
    );
    const ended = await plugin.ended;
    expect(ended.code, plugin.said).toBe(0);
    expect(ended.stdout).toContain('Effective.');
  });

  it('prints events as they come with -o ndjson, and nothing else on stdout', async () => {
    const ended = await chaos('stress', 'busybox', '-n', ns, '--memory', '16Mi', '--duration', '4s', '-o', 'ndjson');
    const kinds = ended.stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { kind: string }).kind);
    for (const kind of [
      'selected',
      'planned',
      'resolved',
      'active',
      'sample',
      'ended',
      'reverted',
      'removed',
      'outcome',
    ]) {
      expect(kinds).toContain(kind);
    }
    expect(kinds.at(-1)).toBe('outcome');
  });
});
