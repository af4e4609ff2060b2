import { describe, expect, test } from 'vitest';
import { ChaosError } from '../../src/errors.ts';
import type { Detached } from '../../src/experiment/outcome.ts';
import { readPlans } from '../../src/experiment/plan-record.ts';
import { endOf, errorOf, outcomeOf, Several } from './several-scenario.ts';

const places = [0, 1, 2] as const;
const first = ['chaos-7f3k2-0', 'chaos-7f3k2-1'] as const;
const second = ['chaos-7f3k2-2', 'chaos-7f3k2-3'] as const;
const third = ['chaos-7f3k2-4', 'chaos-7f3k2-5'] as const;

/** What an agent begins by its command line. */
function begins(several: Several, pod: string): string[] {
  const { args = [] } = several.cluster.specs.find((spec) => spec.pod === pod)?.containers[0] ?? {};
  return args.filter((_, index) => args[index - 1] === '--order');
}

/** Until the agents that begin by themselves have begun. */
async function activate(several: Several): Promise<void> {
  await several.launch();
  await several.start(...first);
  await several.pass(2_000);
  await several.start(...second);
  await several.pass(200);
  expect(several.s.reporter.of('active'), 'the faults should be active').toHaveLength(3);
}

describe('several targets without an attach', () => {
  test('are measured by first agents, begun by second ones, heard by one log of each, and never attached to', async () => {
    const several = new Several({ noAttach: true });
    await activate(several);
    await several.pass(10_000);
    for (const place of places) several.shim(place).end();
    const outcome = await outcomeOf(several);
    expect(outcome).toMatchObject({ exitCode: 0, left: [] });
    for (const one of outcome.targets) expect(one).toMatchObject({ reverted: true, verdict: { effective: true } });
    const { cluster } = several;
    expect(cluster.count('attach')).toBe(0);
    expect(cluster.logStreams.map(({ pod }) => pod)).toEqual([...first, ...second]);
    expect(cluster.ended).toEqual([]);
    expect(cluster.removed?.reverted).toBe(true);
  });

  test('have shims that wait for a word in the first agents, and have their orders and no lease in the second', async () => {
    const several = new Several({ noAttach: true });
    await activate(several);
    const args = (pod: string) => several.cluster.specs.find((spec) => spec.pod === pod)?.containers[0]?.args;
    expect(args(first[0])?.slice(0, 4)).toEqual(['agent', '--lease-ms', '15000', '--order']);
    expect(args(second[0])?.slice(0, 4)).toEqual(['agent', '--lease-ms', '0', '--order']);
    expect(begins(several, first[0]).map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual([
      'begin target-0 run',
      'begin target-2 run',
    ]);
    expect(begins(several, first[1]).join()).toContain('--lease-ms 15000 ');
    expect(begins(several, second[1])).toEqual([
      expect.stringMatching(/^begin target-1 run .*--lease-ms 0 --order start .* <$/),
    ]);
    const record = several.cluster.specs.at(-1)?.annotations['kubectl-chaos.io/plan'] ?? '';
    expect(readPlans(record)).toMatchObject({ of: 3, targets: [{ name: 'target-1', noAttach: true }] });
    await several.s.interrupt();
    await several.pass(2_000);
    await outcomeOf(several);
  });

  test('wait for an agent that is late, although the shims of the others do not', async () => {
    const several = new Several({ noAttach: true });
    await several.launch();
    await several.start(first[0]);
    await several.pass(15_000);
    for (const place of [0, 2]) several.shim(place).giveUp();
    await several.pass(5_000);
    expect(several.cluster.count('replace')).toBe(0);
    await several.start(first[1]);
    await several.pass(2_000);
    await several.start(...second);
    await several.pass(2_000);
    for (const place of places) several.shim(place).end();
    expect((await outcomeOf(several)).exitCode).toBe(0);
  });

  test('are stopped by the deletion of their pods, all by one of each', async () => {
    const several = new Several({ noAttach: true });
    await activate(several);
    await several.pass(3_000);
    await several.s.interrupt();
    await several.pass(2_000);
    const outcome = await outcomeOf(several);
    expect(outcome.exitCode).toBe(130);
    expect(outcome.targets.map(({ problems }) => problems)).toEqual([[], [], []]);
    expect(several.cluster.ended.toSorted()).toEqual([...second]);
  });

  test('go on when one of an agent has ended: its pod is not deleted for it', async () => {
    const several = new Several({ noAttach: true });
    await activate(several);
    await several.pass(3_000);
    const gone = several.plans[0]?.target;
    if (!gone) throw new Error('not planned');
    several.cluster.ofTargets.push({ target: gone, update: { kind: 'deleted', message: 'pod/web-1 was deleted' } });
    several.shim(0).end({ reason: 'target-gone' });
    await several.pass(3_000);
    expect(several.cluster.ended).toEqual([]);
    for (const place of [1, 2]) several.shim(place).end();
    const outcome = await outcomeOf(several);
    expect(outcome.exitCode).toBe(3);
    expect(outcome.targets.map(({ problems }) => problems.length)).toEqual([1, 0, 0]);
  });

  test('of which one stays silent are all ended, and its pod deleted, once nobody confirms its revert', async () => {
    const several = new Several({ noAttach: true });
    await activate(several);
    await several.pass(3_000);
    several.shim(0).end = () => undefined;
    const gone = several.plans[0]?.target;
    if (!gone) throw new Error('not planned');
    several.cluster.ofTargets.push({ target: gone, update: { kind: 'deleted', message: 'pod/web-1 was deleted' } });
    await several.pass(50_000);
    const outcome = await outcomeOf(several);
    expect(several.cluster.ended.toSorted()).toEqual([...second]);
    expect(outcome.targets[0]?.problems).toContain('the shim did not confirm the revert in time');
  });

  test('are all left alone when the second agents are refused', async () => {
    const several = new Several({ noAttach: true });
    several.cluster.failNext('replace', new ChaosError('quota', 'exceeded quota'));
    await several.launch();
    await several.start(...first);
    await several.pass(2_000);
    expect(await errorOf(several)).toMatchObject({ code: 'quota' });
    expect(several.cluster.removed?.reverted).toBe(false);
  });

  test('are left in force with --detach, and followed by their logs from now on', async () => {
    const several = new Several({ noAttach: true, detached: true });
    await activate(several);
    expect(((await endOf(several)) as Detached).targets).toHaveLength(3);
    several.cluster.logs.set(
      'chaos-7f3k2',
      '{"event":"gone","name":"target-2","exit_code":0,"signal":0,"end":"reverted"}\n',
    );
    await several.attach((agents) => agents.filter(({ pod }) => second.some((name) => name === pod)));
    await several.pass(12_000);
    expect(several.cluster.logStreams.slice(-2)).toMatchObject(second.map((pod) => ({ pod, fromNow: true })));
    for (const place of [0, 1]) several.shim(place).end();
    const outcome = await outcomeOf(several);
    expect(outcome).toMatchObject({ exitCode: 0, left: [] });
    expect(outcome.targets.map(({ watchedMs = -1 }) => watchedMs > 5_000)).toEqual([true, true, false]);
    expect(several.cluster.count('attach')).toBe(0);
  });
});

describe('an attach that is barred', () => {
  test('is done without, by agents that begin their shims by themselves', async () => {
    const several = new Several();
    const barred = () =>
      new ChaosError('unreachable', 'the proxy drops the upgrade', { isPermanent: true, barsAttach: true });
    several.cluster.failNext('attach', barred(), barred());
    await several.launch();
    await several.start(...first);
    await several.pass(2_000);
    await several.start(...second);
    await several.pass(2_000);
    await several.start(...third);
    await several.pass(5_000);
    for (const place of places) several.shim(place).end();
    const outcome = await outcomeOf(several);
    expect(outcome).toMatchObject({ exitCode: 0, left: [] });
    expect(several.cluster.specs.map(({ pod }) => pod)).toEqual([...first, ...second, ...third]);
    expect(several.s.reporter.of('warning').map(({ message }) => message)).toEqual([
      'no attach through https://cluster.test:6443: going on without it (the proxy drops the upgrade)',
    ]);
  });

  test('by the rights of the user is known before anything is created', async () => {
    const several = new Several();
    several.cluster.target = { ...several.cluster.target, attachBarred: 'you are not allowed to get pods/attach' };
    await activate(several);
    for (const place of places) several.shim(place).end();
    await outcomeOf(several);
    expect(several.cluster.count('attach')).toBe(0);
  });
});
