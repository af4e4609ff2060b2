import { describe, expect, it } from 'vitest';
import { lasting } from './support/cluster.ts';
import { containerId, splitProcesses } from './support/node.ts';
import { chaos, report, start, untilActive } from './support/plugin.ts';
import { suite } from './support/suite.ts';

const ns = 'chaos-e2e-g1';
suite(ns, ['distroless', 'busybox']);

describe('G1 effective or loud', () => {
  it('makes a distroless container short of CPU, and proves it from its own cgroup', async () => {
    const ended = await chaos(
      'stress',
      'pod/distroless',
      '-n',
      ns,
      '--cpu',
      '2',
      '--duration',
      lasting(6),
      '-o',
      'json',
    );
    const result = report(ended);
    expect(ended.code, ended.stdout).toBe(0);
    expect(result.effective).toBe(true);
    // The limit is 500m: two busy CPUs can use half of one, and wait for the rest.
    expect(result.verdict.before?.cpu_cores).toBeLessThan(0.1);
    expect(result.verdict.during?.cpu_cores).toBeGreaterThan(0.4);
    expect(result.verdict.during?.cpu_cores).toBeLessThan(0.65);
    expect(result.verdict.during?.throttled_share).toBeGreaterThan(0.5);
    expect(result.verdict.proofs[0]?.sentence).toContain('the container may use 0.50');
  });

  it('says active only with the stressor in the target’s cgroup (L3), seen from outside', async () => {
    const id = await containerId(ns, 'distroless');
    const plugin = start('stress', 'distroless', '-n', ns, '--cpu', '1', '--duration', '10m');
    await untilActive(plugin);
    const { stressors } = await splitProcesses(id);
    plugin.kill('SIGINT');
    const ended = await plugin.ended;
    expect(stressors.length, plugin.said).toBeGreaterThan(0);
    expect(ended.code, plugin.said).toBe(130);
    expect((await splitProcesses(id)).stressors).toEqual([]);
  });

  it('holds memory, and names the basis of a percentage', async () => {
    const ended = await chaos('stress', 'busybox', '-n', ns, '--memory', '50%', '--duration', lasting(6), '-o', 'json');
    const result = report(ended);
    expect(ended.code, ended.stdout).toBe(0);
    expect(result.verdict.proofs[0]?.sentence).toContain('50% of the container');
    expect(result.verdict.during?.memory_bytes).toBeGreaterThan(60 * 2 ** 20);
    expect(result.verdict.after?.memory_bytes).toBeLessThan(30 * 2 ** 20);
    expect(result.verdict.during?.oom_kills ?? 0).toBe(0);
  });
});
