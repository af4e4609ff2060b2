import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { until } from './support/cluster.ts';
import { containerId, onNode } from './support/node.ts';
import { chaos } from './support/plugin.ts';
import { suite } from './support/suite.ts';

const ns = 'chaos-e2e-v2-group';
suite(ns, ['busybox']);

describe('a container whose processes the OOM killer takes all at once (memory.oom.group of cgroup v2)', () => {
  let group: string;
  beforeAll(async () => {
    const id = await containerId(ns, 'busybox');
    group = (await onNode(`find /host/cgroup -path '*${id}*' -name memory.oom.group | head -n 1`)).trim();
    // As the kubelet does it from Kubernetes 1.28 on.
    if (group !== '') await onNode(`echo 1 > '${group}'`);
  });
  beforeEach(({ skip }) => {
    skip(group === '', 'this node has cgroup v1, which has no memory.oom.group');
  });

  it('is not overfilled unless that is asked for, and nothing is changed', async () => {
    const before = await containerId(ns, 'busybox');
    const ended = await chaos('stress', 'busybox', '-n', ns, '--memory', '200%', '--duration', '5s');
    expect(ended.code, ended.stdout + ended.stderr).toBe(1);
    expect(ended.stderr).toMatch(/^error: this would kill the whole container: .*memory\.oom\.group/m);
    expect(ended.stderr).toContain('--oom-victim app');
    expect(ended.stderr).toContain('nothing was changed');
    expect(await containerId(ns, 'busybox')).toBe(before);
  });

  it('dies with --oom-victim app: warned before, and told as what it was', async () => {
    const before = await containerId(ns, 'busybox');
    const ended = await chaos(
      ...['stress', 'busybox', '-n', ns, '--memory', '200%', '--oom-victim', 'app', '--duration', '60s'],
    );
    const said = ended.stdout + ended.stderr;
    expect(ended.code, said).toBe(3);
    expect(said).toContain('every process of the container will be killed at once (memory.oom.group)');
    expect(said).toMatch(/OOM/);
    expect(said).toContain('nothing left');
    await until('restarted', 30, async () => (await containerId(ns, 'busybox')) !== before);
  });
});
