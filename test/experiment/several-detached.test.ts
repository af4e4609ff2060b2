import { describe, expect, test } from 'vitest';
import { ChaosError } from '../../src/errors.ts';
import type { Detached, Outcome } from '../../src/experiment/outcome.ts';
import { readPlans } from '../../src/experiment/plan-record.ts';
import { request, target } from '../fakes/samples.ts';
import { endOf, errorOf, outcomeOf, Several } from './several-scenario.ts';

const places = [0, 1, 2] as const;

async function detachedOf(several: Several): Promise<Detached> {
  const end = await endOf(several);
  if (end instanceof Error) throw end;
  expect(several.s.reporter.events.at(-1)).toEqual({ kind: 'detached', detached: end });
  return end as Detached;
}

const podsOf = ({ targets }: Detached | Outcome) => targets.map(({ target: { pod } }) => pod);

/** Three that another command has left in force. */
async function left(): Promise<Several> {
  const several = new Several({ detached: true });
  await several.activate();
  await detachedOf(several);
  several.s.reporter.events.length = 0;
  return several;
}

describe('several targets with --detach', () => {
  test('are left in force as soon as all are, without a lease, by agents that end with the last of their shims', async () => {
    const several = new Several({ detached: true });
    await several.activate();
    const detached = await detachedOf(several);
    expect(podsOf(detached)).toEqual(['web-1', 'web-2', 'web-3']);
    expect(detached).toMatchObject({ id: 'chaos-7f3k2', exitCode: 0, leftMs: 60_000, times: { activeMs: 200 } });
    const words = ['agent', '--lease-ms', '0', '--order', 'beat', '--any-signal'];
    expect(several.cluster.specs.map(({ containers }) => containers[0]?.args)).toEqual([words, words]);
    for (const place of places) {
      expect(several.shim(place).words.join(' ')).toContain('--lease-ms 0 ');
      expect(several.shim(place).told).not.toContain('stop');
    }
    expect(several.cluster.count('remove')).toBe(0);
  });

  test('are written down at the agent of each, with how many there are', async () => {
    const { cluster } = await left();
    const records = cluster.specs.map(({ annotations }) => readPlans(annotations['kubectl-chaos.io/plan'] ?? ''));
    expect(records.map((record) => record?.of)).toEqual([3, 3]);
    expect(records.map((record) => record?.targets.map((one) => `${one.name} ${one.target.pod}`))).toEqual([
      ['target-0 web-1', 'target-2 web-3'],
      ['target-1 web-2'],
    ]);
  });

  test('wait for the last of them, with beats', async () => {
    const several = new Several({ detached: true });
    several.cluster.deaf.add('target-1');
    await several.activate();
    await several.pass(6_000);
    expect(await several.end()).toBeUndefined();
    expect(several.begun).toBe(2);
    expect(several.shim(0).told.filter((line) => line === 'beat').length).toBeGreaterThan(2);
    several.shim(1).begin();
    expect((await detachedOf(several)).targets).toHaveLength(3);
  });

  test('are all taken back when one of them cannot begin', async () => {
    const several = new Several({ detached: true });
    several.cluster.stillborn.add('target-1');
    await several.activate();
    await several.pass(2_000);
    const outcome = await outcomeOf(several);
    expect(outcome).toMatchObject({ exitCode: 3, left: [] });
    expect(outcome.targets.map(({ reverted }) => reverted)).toEqual([true, true, true]);
    for (const place of [0, 2]) expect(several.shim(place).told).toContain('stop');
    expect(several.s.reporter.of('stopping').map(({ why }) => why)).toContain(
      'pod/web-2 (app) ended before all were in force (--detach)',
    );
  });

  test('are all taken back when one ends while another is waited for', async () => {
    const several = new Several({ detached: true });
    several.cluster.deaf.add('target-1');
    await several.activate();
    await several.pass(2_000);
    const gone = several.plans[0]?.target;
    if (!gone) throw new Error('not planned');
    several.shim(0).isMute = true;
    several.cluster.ofTargets.push({ target: gone, update: { kind: 'deleted', message: 'pod/web-1 was deleted' } });
    await several.pass(200);
    // It is being stopped when the last becomes active: nobody is left.
    several.shim(1).begin();
    await several.pass(200);
    expect(await several.end()).toBeUndefined();
    several.shim(0).end({ reason: 'target-gone' });
    await several.pass(3_000);
    expect((await outcomeOf(several)).exitCode).toBe(3);
    for (const place of [1, 2]) expect(several.shim(place).told).toContain('stop');
  });

  test('are all taken back by Ctrl-C before all are in force', async () => {
    const several = new Several({ detached: true });
    several.cluster.deaf.add('target-1');
    await several.activate();
    await several.s.interrupt();
    await several.pass(1_000);
    expect((await outcomeOf(several)).exitCode).toBe(130);
  });

  test.each([
    [128, 'launched'],
    [129, 'refused'],
  ])('of which %i are on one node are %s: its agent has room for 128', async (count, what) => {
    const many = Array.from({ length: count }, (_, index) =>
      target({ pod: `web-${index}`, podUid: `uid-${index}`, node: 'node-1' }),
    );
    const several = new Several({ detached: true }, many);
    await several.launch();
    expect(several.cluster.count('launch')).toBe(what === 'launched' ? 1 : 0);
    if (what === 'launched') return;
    expect(await errorOf(several)).toMatchObject({
      ...{ code: 'target-unsuitable', exitCode: 1 },
      message: '129 targets are on node node-1, and an agent has room for 128',
    });
  });

  test('are refused where the record of an agent would not fit into its pod', async () => {
    const many = Array.from({ length: 120 }, (_, index) =>
      target({ pod: `${'x'.repeat(240)}${index}`, podUid: `uid-${index}`, node: 'node-1' }),
    );
    const shape = { ...request().run.shape, annotations: { 'example.com/note': 'ä'.repeat(70_000) } };
    const several = new Several({ detached: true, shape }, many);
    await several.launch();
    const error = await errorOf(several);
    expect(error).toMatchObject({ code: 'target-unsuitable', exitCode: 1 });
    expect(error.message).toMatch(/^what the agent pod on node node-1 has to hold of its 120 targets is 2\d\dKi, /);
    expect(several.cluster.count('launch')).toBe(0);
  });
});

describe('attach to several', () => {
  test('follows all to their end, over one stream of each agent, judges each, and takes all away', async () => {
    const several = await left();
    const before = several.cluster.attachments.length;
    await several.attach();
    await several.pass(15_000);
    expect(several.cluster.attachments.length - before).toBe(2);
    const said = several.cluster.attachments.slice(before).flatMap(({ sent }) => sent);
    expect(said.filter((line) => line.startsWith('begin '))).toEqual([]);
    expect(several.s.reporter.of('watching').map(({ target: { pod } }) => pod)).toEqual(['web-1', 'web-2', 'web-3']);
    for (const place of places) several.shim(place).end();
    const outcome = await outcomeOf(several);
    expect(podsOf(outcome)).toEqual(['web-1', 'web-2', 'web-3']);
    expect(outcome).toMatchObject({ exitCode: 0, left: [] });
    for (const one of outcome.targets) {
      expect(one).toMatchObject({ reverted: true, revertedBy: 'shim', problems: [], verdict: { effective: true } });
    }
    expect(several.cluster.removed).toMatchObject({ id: 'chaos-7f3k2', reverted: true });
  });

  test('ends by a signal, and all go on', async () => {
    const several = await left();
    await several.attach();
    await several.pass(3_000);
    await several.s.interrupt();
    const detached = await detachedOf(several);
    expect(podsOf(detached)).toEqual(['web-1', 'web-2', 'web-3']);
    expect(several.cluster.count('remove')).toBe(0);
    for (const place of places) expect(several.shim(place).told).not.toContain('stop');
  });

  test('left when some have ended names those that go on, and removes nothing', async () => {
    const several = await left();
    await several.attach();
    await several.pass(3_000);
    several.shim(0).end();
    await several.pass(1_000);
    await several.s.interrupt();
    expect(podsOf(await detachedOf(several))).toEqual(['web-2', 'web-3']);
    expect(several.cluster.count('remove')).toBe(0);
  });

  test('the worst decides the exit code; what another command has stopped is said', async () => {
    const several = await left();
    await several.attach();
    await several.pass(3_000);
    several.shim(1).end({ reason: 'stopped', runMs: 12_000 });
    for (const place of [0, 2]) several.shim(place).end();
    const outcome = await outcomeOf(several);
    expect(outcome.exitCode).toBe(3);
    expect(outcome.targets.map(({ problems }) => problems.length)).toEqual([0, 1, 0]);
  });

  test('is told of one that has gone before, and does not call it effective', async () => {
    const several = await left();
    several.cluster.gone('target-2', 'reverted');
    await several.attach();
    await several.pass(3_000);
    for (const place of [0, 1]) several.shim(place).end();
    const outcome = await outcomeOf(several);
    expect(outcome.exitCode).toBe(0);
    expect(outcome.targets[2]).toMatchObject({ target: { pod: 'web-3' }, reverted: true, watchedMs: 0 });
    expect(outcome.targets[2]?.verdict).toBeUndefined();
  });

  test('is told why one has ended before its time, when nobody was there', async () => {
    const several = await left();
    several.cluster.gone('target-2', 'reverted', { reason: 'target-gone', runMs: 9_000 });
    await several.attach();
    await several.pass(3_000);
    for (const place of [0, 1]) several.shim(place).end();
    const outcome = await outcomeOf(several);
    expect(outcome.exitCode).toBe(3);
    expect(outcome.targets[2]).toMatchObject({
      ...{ reverted: true, ended: { reason: 'target-gone', runMs: 9_000 } },
      problems: ["the target's process ended after 9s"],
    });
  });

  test('reads the end of agents that have ended', async () => {
    const several = await left();
    await several.attach((agents) => agents.map((agent) => ({ ...agent, state: 'ended' })));
    expect(several.cluster.attachments.filter(({ isClosed }) => !isClosed)).toEqual([]);
    for (const [pod, names] of [
      ['chaos-7f3k2-0', ['target-0', 'target-2']],
      ['chaos-7f3k2-1', ['target-1']],
    ] as const) {
      const over = { event: 'over', targets: names.length, unknown: 0, unchanged: 0, reverted: names.length };
      const how = { exit_code: 0, signal: 0, forced: false };
      const ended = { ended: { ...how, reason: 'overwritten', run_ms: 9_000 } };
      const word = (each: string) => ({ target: each, end: 'reverted', ...(each === 'target-1' ? ended : {}) });
      const message = [over, ...names.map(word)].map((line) => JSON.stringify(line));
      several.cluster.updates.get(pod)?.push({
        ...{ kind: 'status', phase: 'Succeeded', reason: '', message: '' },
        containers: { agent: { state: 'terminated', exitCode: 0, reason: 'Completed', message: message.join('\n') } },
      });
    }
    await several.pass(3_000);
    const outcome = await outcomeOf(several);
    expect(outcome).toMatchObject({ exitCode: 3, left: [] });
    for (const one of outcome.targets) expect(one).toMatchObject({ reverted: true, watchedMs: 0 });
    expect(outcome.targets.map(({ problems }) => problems)).toEqual([
      [],
      [expect.stringMatching(/^somebody else overwrote .* after 9s/)],
      [],
    ]);
  });

  test('leaves all alone when one agent may not be attached to', async () => {
    const several = await left();
    several.cluster.failNext('attach', new ChaosError('forbidden', 'no pods/attach', { isPermanent: true }));
    await several.attach();
    await several.pass(1_000);
    const error = await errorOf(several);
    expect(error).toMatchObject({ code: 'connection-lost', state: expect.stringContaining('the fault continues') });
    expect(several.cluster.count('remove')).toBe(0);
  });

  test.each<[string, Parameters<Several['attach']>[0], RegExp]>([
    ['an agent is gone', (agents) => agents.slice(0, 1), /of 1 of its 3 targets the agent pod is gone/],
    [
      'one has no record',
      (agents) => agents.map(({ plan, ...agent }, at) => (at > 0 ? agent : { ...agent, plan: plan ?? '' })),
      /was modified/,
    ],
    ['one has the record of one', (agents) => agents.map((agent) => ({ ...agent, container: 'target-0' })), /modified/],
    ['two have the same', (agents) => agents.map((agent) => ({ ...agent, plan: agents[0]?.plan ?? '' })), /modified/],
  ])('is refused where %s', async (_what, change, message) => {
    const several = await left();
    await several.attach(change);
    const error = await errorOf(several);
    expect(error).toMatchObject({ code: 'target-unsuitable', exitCode: 1 });
    expect(error.message).toMatch(message);
    expect(error.hint).toContain('kubectl chaos stop chaos-7f3k2 -n shop');
  });
});
