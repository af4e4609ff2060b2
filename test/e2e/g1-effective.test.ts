import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { clusterKind, lasting, until } from './support/cluster.ts';
import { containerId, onNode, splitProcesses } from './support/node.ts';
import { chaos, report, start, startWithoutImage, untilActive } from './support/plugin.ts';
import { suite } from './support/suite.ts';

const MiB = 2 ** 20;

/** The first of these files in the container's own cgroup; empty: there is none. */
async function cgroupFile(id: string, names: readonly string[]): Promise<string> {
  const tests = names.map((name) => `-name ${name}`).join(' -o ');
  return (await onNode(`find /host/cgroup -path '*${id}*' \\( ${tests} \\) | head -n 1`)).trim();
}

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

  it('takes a percentage of the limit that the kernel enforces, the pod having one alone', async () => {
    const id = await containerId(ns, 'busybox');
    const file = await cgroupFile(id, ['memory.limit_in_bytes', 'memory.max']);
    const [container, pod] = [`'${file}'`, `"$(dirname "$(dirname '${file}')")/${basename(file)}"`];
    const isV1 = file.endsWith('limit_in_bytes');
    const before = await onNode(`cat ${container} ${pod}`);
    await onNode(`echo ${isV1 ? -1 : 'max'} > ${container}; echo ${64 * MiB} > ${pod}`);
    const plugin = startWithoutImage('stress', 'busybox', '-n', ns, '--memory', '50%', '--duration', '10m');
    try {
      await untilActive(plugin);
      const usage = `cat "$(dirname '${file}')/${isV1 ? 'memory.usage_in_bytes' : 'memory.current'}"`;
      await until('the memory is held', 30, async () => Number(await onNode(usage)) > 30 * MiB);
      expect(Number(await onNode(usage)), plugin.said).toBeLessThan(48 * MiB);
    } finally {
      plugin.kill('SIGINT');
      await plugin.ended;
      const [own, ofPod] = before.trim().split('\n');
      await onNode(`echo ${ofPod} > ${pod}; echo ${own} > ${container}`);
    }
    expect(plugin.said).toContain("50% of the pod's limit, 64Mi");
  });

  // What it does to the pod's cgroups by hand, and takes back, is for cgroup v1.
  it.skipIf(clusterKind === 'vm')('names the CPUs that a container is held to, and stays on them', async ({ skip }) => {
    const id = await containerId(ns, 'busybox');
    const cpuset = await cgroupFile(id, ['cpuset.cpus']);
    const quota = await cgroupFile(id, ['cpu.cfs_quota_us', 'cpu.max']);
    skip(cpuset === '' || quota === '', 'this node gives the container no cpuset');
    const ofPod = `"$(dirname "$(dirname '${quota}')")/${basename(quota)}"`;
    const free = quota.endsWith('max') ? 'max' : '-1';
    const before = await onNode(`cat '${cpuset}' '${quota}' ${ofPod}`);
    await onNode(`echo 0 > '${cpuset}'; echo ${free} > ${ofPod}; echo ${free} > '${quota}'`);
    const plugin = start('stress', 'busybox', '-n', ns, '--cpu', '2', '--duration', lasting(4));
    let allowed: string[] = [];
    try {
      await untilActive(plugin);
      const { stressors } = await splitProcesses(id);
      allowed = await Promise.all(
        stressors.map(({ pid }) =>
          onNode(`sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/${pid}/status 2>/dev/null || true`),
        ),
      );
      await plugin.ended;
    } finally {
      plugin.kill('SIGINT');
      await plugin.ended;
      const lines = before.split('\n');
      const [own = '', mine = '', pods = ''] = lines;
      await onNode(`echo '${pods}' > ${ofPod}; echo '${mine}' > '${quota}'; echo '${own}' > '${cpuset}'`);
    }
    // What has ended meanwhile tells nothing.
    expect(new Set(allowed.map((list) => list.trim()).filter((list) => list !== ''))).toEqual(new Set(['0']));
    expect(plugin.said).toContain('the container may use 1.00 of CPU 0');
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
