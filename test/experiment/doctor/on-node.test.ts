import { beforeEach, describe, expect, test } from 'vitest';
import { ChaosError } from '../../../src/errors.ts';
import { judgeResolved, lookOnNode } from '../../../src/experiment/doctor/on-node.ts';
import type { AgentSpec, AgentUpdate } from '../../../src/ports.ts';
import type { Resolved } from '../../../src/shim/protocol.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { FakeCluster } from '../../fakes/cluster.ts';
import { plan, resolved, shimError } from '../../fakes/samples.ts';
import { FakeSignals } from '../../fakes/signals.ts';
import { wireLine } from '../../fakes/wire.ts';
import { rejection } from '../../kubernetes/support.ts';

const undo = 'kubectl -n shop delete pod,configmap -l kubectl-chaos.io/experiment=chaos-7f3k2';
const spec: AgentSpec = { ...plan().agent, containers: [{ name: 'target-0', args: ['inspect', '--container', 'id'] }] };

let cluster: FakeCluster;
let signals: FakeSignals;
let clock: FakeClock;
beforeEach(() => {
  cluster = new FakeCluster();
  signals = new FakeSignals();
  clock = new FakeClock();
});

const look = () => lookOnNode(spec, undo, { cluster, clock, signals });

function ends(exitCode: number, message = ''): AgentUpdate {
  const status = { state: 'terminated' as const, exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', message };
  return { kind: 'status', phase: 'Succeeded', reason: '', message: '', containers: { 'target-0': status } };
}

describe('a look from the node', () => {
  test('creates an agent, reads what it says, and removes it', async () => {
    cluster.logs.set(spec.id, `${wireLine(resolved())}\n`);
    cluster.agentUpdates.push(ends(0));
    expect(await look()).toMatchObject({ event: 'resolved', cgroupMode: resolved().cgroupMode });
    expect(cluster.calls).toEqual(['launch', 'followAgent', 'readLog', 'remove']);
    expect(cluster.removed).toMatchObject({ id: spec.id, namespace: spec.namespace, reverted: true });
    expect(signals.listeners).toBe(0);
    expect(cluster.watches).toBe(0);
  });

  test.each<[what: string, update: AgentUpdate, code: string]>([
    ['the shim finds no target', ends(1, `${wireLine(shimError({ code: 'no-container' }))}\n`), 'shim'],
    ['somebody deletes it', { kind: 'deleted' }, 'agent-failed'],
    ['it ends without a word', ends(137), 'agent-failed'],
  ])('that fails as %s is removed all the same', async (_what, update, code) => {
    cluster.agentUpdates.push(update);
    expect(await rejection(look())).toMatchObject({ code, state: 'nothing was changed' });
    expect(cluster.count('remove')).toBe(1);
  });

  test('whose log says nothing, or may not be read', async () => {
    cluster.agentUpdates.push(ends(0));
    expect(await rejection(look())).toMatchObject({ code: 'shim', message: expect.stringContaining('without a word') });
    cluster = new FakeCluster();
    cluster.agentUpdates.push(ends(0));
    cluster.failNext('readLog', new ChaosError('forbidden', 'not allowed to get pods/log'));
    expect(await rejection(look())).toMatchObject({ code: 'forbidden' });
    expect(cluster.count('remove')).toBe(1);
  });

  test('that cannot be launched leaves nothing to remove', async () => {
    cluster.failNext('launch', new ChaosError('quota', 'no'));
    expect(await rejection(look())).toMatchObject({ code: 'quota' });
    expect(cluster.count('remove')).toBe(0);
    expect(signals.listeners).toBe(0);
  });

  test('whose agent cannot be removed says so, with the command', async () => {
    cluster.logs.set(spec.id, `${wireLine(resolved())}\n`);
    cluster.agentUpdates.push(ends(0));
    cluster.removal = { left: ['pod/chaos-7f3k2-0'], why: 'no answer' };
    expect(await rejection(look())).toMatchObject({
      code: 'not-reverted',
      exitCode: 4,
      hint: `Remove by hand: ${undo}`,
    });
  });

  test('ends on a signal, and removes its agent first', async () => {
    const ended = rejection(look());
    await expect.poll(() => cluster.calls.includes('followAgent')).toBe(true);
    signals.send('SIGINT');
    expect(await ended).toMatchObject({ code: 'interrupted', exitCode: 130 });
    expect(cluster.removed).toMatchObject({ id: spec.id, reverted: false });
    expect(signals.listeners).toBe(0);
  });

  test('is left on a second one, and says what may be left', async () => {
    cluster.hold('remove');
    const ended = rejection(look());
    await expect.poll(() => cluster.calls.includes('followAgent')).toBe(true);
    signals.send('SIGINT');
    await expect.poll(() => cluster.count('remove')).toBe(1);
    signals.send('SIGINT');
    expect(await ended).toMatchObject({ code: 'not-reverted', hint: expect.stringContaining(undo) });
  });
});

describe('what it tells', () => {
  const told = (change: Partial<ReturnType<typeof resolved>['sample']>, more: Partial<Resolved> = {}) =>
    judgeResolved({ ...resolved(), modules: have(), sample: { elapsedUs: 1, ...change }, ...more }).map(
      ({ check, state, finding }) => `${state} ${check}: ${finding}`,
    );
  const names = ['sch_netem', 'sch_htb', 'cls_u32', 'sch_ingress', 'act_mirred', 'ifb', 'nf_tables'];
  const have = (missing: readonly string[] = [], unknown: readonly string[] = []): NonNullable<Resolved['modules']> =>
    names.flatMap((name) =>
      unknown.includes(name) ? [] : [{ name, state: missing.includes(name) ? 'missing' : 'loadable' }],
    );

  test('of memory and of the OOM killer', () => {
    const Mi = 2 ** 20;
    expect(
      told({ memoryLimitBytes: 128 * Mi, memoryRoomBytes: 60 * Mi, memoryOomGroup: 1, swapFreeBytes: 0 }).slice(2),
    ).toEqual([
      'ok limits: 60Mi of memory are left before a limit of the container, or of a cgroup above it, is met',
      'warning oom: memory.oom.group is set: memory beyond the limit kills the whole container, and is refused',
      'ok oom: no swap is free on the node',
    ]);
    expect(told({ memoryLimitBytes: 128 * Mi, memoryRoomBytes: 0, memoryOomGroup: 0 }).at(-1)).toMatch(
      /^ok oom: .*one process/,
    );
    expect(told({ memoryLimitBytes: -1, memoryRoomBytes: -1, memoryOomGroup: 0 }).slice(2)).toEqual([
      'ok limits: no memory limit binds on the node',
      'ok oom: no limit has the OOM killer take the whole container',
    ]);
  });

  test('of the cgroup mode, and of a container that is paused', () => {
    expect(told({})[0]).toMatch(new RegExp(`^ok kernel: cgroup ${resolved().cgroupMode}`));
    expect(told({}, { frozen: true })[0]).toBe('problem target: the container is paused, as the shim sees it');
  });

  test.each<[string, NonNullable<Resolved['modules']>, string[]]>([
    ['all are there', have(), ['ok kernel: the kernel has every module that a net fault may need']],
    [
      'some are missing',
      have(['sch_netem', 'cls_u32', 'nf_tables']),
      [
        'warning kernel: the kernel has no sch_netem: net can only limit the rate, partition and reject',
        'warning kernel: the kernel has no cls_u32: net can only partition and reject',
        'warning kernel: the kernel has no cls_u32: net can shape only what goes out (--direction egress)',
        'warning kernel: the kernel has no nf_tables: net cannot reject',
      ],
    ],
    [
      'its lists could not be read',
      have(['ifb'], ['sch_netem', 'act_mirred']),
      [
        'warning kernel: the kernel has no ifb: net can shape only what goes out (--direction egress)',
        'unknown kernel: whether the kernel has sch_netem and act_mirred is not known from its lists: a net fault tries that before it changes anything',
      ],
    ],
  ])('of the kernel: %s', (_what, modules, lines) => {
    expect(
      told({}, { modules })
        .filter((line) => line.includes(' kernel: '))
        .slice(1),
    ).toEqual(lines);
  });
});
