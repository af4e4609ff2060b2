import { describe, expect, it } from 'vitest';
import { chaos, report } from './support/plugin.ts';
import { suite } from './support/suite.ts';

/** What is the same with every version of cgroups. */
const ns = 'chaos-e2e-g1-loud';
suite(ns, ['busybox']);

describe('G1 effective or loud', () => {
  it('presses forks', async () => {
    const ended = await chaos('stress', 'busybox', '-n', ns, '--processes', '4', '--duration', '5s', '-o', 'json');
    const result = report(ended);
    expect(ended.code, ended.stdout).toBe(0);
    expect(result.verdict.proofs[0]).toMatchObject({ what: 'processes', effective: true });
  });

  it('hands other stressors on to stress-ng, and judges by what changed', async () => {
    const ended = await chaos('stress', 'busybox', '-n', ns, '--duration', '5s', '-o', 'json', '--', '--switch', '1');
    expect(ended.code, ended.stdout).toBe(0);
    expect(report(ended).verdict.proofs[0]).toMatchObject({ what: 'other', effective: true });
  });

  it('exits 3 and says so when nothing changed in the target (L4)', async () => {
    const ended = await chaos(
      'stress',
      'busybox',
      '-n',
      ns,
      '--duration',
      '5s',
      '-o',
      'json',
      '--',
      '--cpu',
      '1',
      '--cpu-load',
      '1',
      // Else stress-ng fills memory of the size of the node's largest cache, which on some is enough to be seen.
      '--cache-level',
      '1',
    );
    const result = report(ended);
    expect(ended.code, ended.stdout).toBe(3);
    expect(result.effective).toBe(false);
    expect(result.verdict.proofs[0]?.sentence).toContain('nothing changed');
    expect(result.reverted).toBe(true);
  });

  it('exits 3 and shows the workload’s own words when stress-ng does not start', async () => {
    const ended = await chaos('stress', 'busybox', '-n', ns, '--duration', '10s', '--', '--no-such-stressor', '1');
    expect(ended.code, ended.stdout + ended.stderr).toBe(3);
    expect(ended.stdout).toMatch(/stress-ng ended after .* with exit code/);
    expect(ended.stderr).toContain('no-such-stressor');
    expect(ended.seconds).toBeLessThan(60);
  });
});
