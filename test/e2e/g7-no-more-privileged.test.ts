import { describe, expect, it } from 'vitest';
import { containerId, onNode, splitProcesses } from './support/node.ts';
import { start, untilActive } from './support/plugin.ts';
import { suiteBesideOthers } from './support/suite.ts';

const ns = 'chaos-e2e-g7';
suiteBesideOthers(ns, ['nonroot', 'busybox']);

const fields = ['Uid', 'Gid', 'Groups', 'NoNewPrivs', 'CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'];

/** /proc/PID/status by field, and the inode of each namespace. */
async function identity(pid: number): Promise<Record<string, string>> {
  const text = await onNode(
    `cat /proc/${pid}/status; for n in user mnt net ipc uts cgroup; do echo "$n: $(readlink /proc/${pid}/ns/$n)"; done`,
  );
  return Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const match = /^(\w+):\s*(.*?)\s*$/.exec(line);
      return match ? [[match[1] ?? '', match[2] ?? '']] : [];
    }),
  );
}

const pick = (all: Record<string, string>, names: string[]) =>
  Object.fromEntries(names.map((name) => [name, all[name]]));

async function during(
  pod: string,
  flags: string[],
  look: (target: Record<string, string>, stressors: Record<string, string>[], pids: number[]) => Promise<void>,
) {
  const id = await containerId(ns, pod);
  const plugin = start('stress', pod, '-n', ns, '--cpu', '1', '--duration', '60s', ...flags);
  try {
    await untilActive(plugin);
    const { stressors: all, own } = await splitProcesses(id);
    const stressors = all.filter(({ name }) => name.startsWith('stress-ng'));
    expect(stressors.length, plugin.said).toBeGreaterThan(0);
    await look(
      await identity(own[0]?.pid ?? 0),
      await Promise.all(stressors.map(({ pid }) => identity(pid))),
      stressors.map(({ pid }) => pid),
    );
  } finally {
    plugin.kill('SIGINT');
    await plugin.ended;
  }
}

describe('G7 the target is no more privileged than before', () => {
  for (const pod of ['nonroot', 'busybox']) {
    it(`${pod}: the stressor has the target’s user, groups, capabilities, no_new_privs and namespaces`, () =>
      during(pod, [], async (target, stressors) => {
        for (const stressor of stressors) {
          expect(pick(stressor, fields)).toEqual(pick(target, fields));
          expect(pick(stressor, ['user', 'mnt', 'net', 'ipc', 'uts', 'cgroup'])).toEqual(
            pick(target, ['user', 'mnt', 'net', 'ipc', 'uts', 'cgroup']),
          );
        }
      }));
  }

  it('--run-as root: uid 0 of the target’s user namespace, when asked for', () =>
    during('nonroot', ['--run-as', 'root'], async (target, stressors) => {
      for (const stressor of stressors) {
        expect(stressor.Uid).toMatch(/^0\t0\t0\t0$/);
        // And no more than the target can ever get.
        expect(pick(stressor, ['CapPrm', 'CapEff', 'CapBnd'])).toEqual({
          CapPrm: target.CapBnd,
          CapEff: target.CapBnd,
          CapBnd: target.CapBnd,
        });
      }
    }));

  it('what the target sees as /proc/PID/exe cannot be written', () =>
    during('busybox', [], async (_target, _stressors, pids) => {
      for (const pid of pids) {
        const answer = await onNode(`(echo x >> /proc/${pid}/exe) 2>&1; readlink /proc/${pid}/exe; true`);
        expect(answer).toMatch(/Operation not permitted|Text file busy|Permission denied/);
        expect(answer).toContain('memfd:');
      }
    }));
});
