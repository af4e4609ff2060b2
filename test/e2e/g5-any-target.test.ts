import { describe, expect, it } from 'vitest';
import { lasting } from './support/cluster.ts';
import { chaos, report } from './support/plugin.ts';
import { suite } from './support/suite.ts';

const ns = 'chaos-e2e-g5';
const limited = ['nonroot', 'shared-pid', 'readonly-root'];
suite(ns, [...limited, 'no-limits']);

describe('G5 any target', () => {
  for (const pod of limited) {
    it(`${pod}: short of CPU and memory`, async () => {
      const ended = await chaos(
        'stress',
        pod,
        '-n',
        ns,
        '--cpu',
        '1',
        '--memory',
        '32Mi',
        '--duration',
        lasting(5),
        '-o',
        'json',
      );
      expect(ended.code, ended.stdout + ended.stderr).toBe(0);
      expect(report(ended).verdict.proofs.map(({ what, effective }) => [what, effective])).toEqual([
        ['cpu', true],
        ['memory', true],
      ]);
    });
  }

  it('a container without limits: busy to what was asked, not more', async () => {
    const ended = await chaos(
      'stress',
      'no-limits',
      '-n',
      ns,
      '--cpu',
      '1',
      '--cpu-load',
      '50',
      '--duration',
      lasting(6),
      '-o',
      'json',
    );
    const result = report(ended);
    expect(ended.code, ended.stdout).toBe(0);
    expect(result.verdict.during?.cpu_cores).toBeGreaterThan(0.35);
    expect(result.verdict.during?.cpu_cores).toBeLessThan(0.75);
  });
});
