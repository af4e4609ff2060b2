import { describe, expect, test } from 'vitest';
import { ChaosError } from '../../src/errors.ts';
import { attachExperiment } from '../../src/experiment/attach.ts';
import type { Plan } from '../../src/experiment/plan.ts';
import { writePlans } from '../../src/experiment/plan-record.ts';
import { isOver, Tidying } from '../../src/experiment/tidying.ts';
import type { Experiment, ExperimentAgent, Remains } from '../../src/ports.ts';
import { FakeClock } from '../fakes/clock.ts';
import { FakeCluster } from '../fakes/cluster.ts';
import { ended, experimentAgent, lastWords, plan, reverted, shimError } from '../fakes/samples.ts';
import { experiment, Scenario } from './scenario.ts';

const now = new FakeClock().date();

/** What stands at the pod of a run that any command may follow. */
const recordOf = (how: Partial<Plan>) => writePlans({ targets: [{ ...plan(), ...how }], of: 1 });

/** Its shim has said this at last; undefined: nothing. */
function withWords(words: string | undefined, change: Partial<ExperimentAgent> = {}): Pick<Experiment, 'agents'> {
  const last = words === undefined ? {} : { lastWords: words };
  return { agents: [experimentAgent({ state: 'ended', ...last, ...change })] };
}

/** What is left of a command that was killed: its shim has reverted when its lease ran out. */
function killed(change: Partial<Experiment> = {}): Experiment {
  const id = change.id ?? 'chaos-aaaaa';
  const remains: Remains[] = [
    { kind: 'pod', name: `${id}-0`, uid: `uid-of-${id}` },
    { kind: 'configmap', name: id, uid: `uid-of-config-of-${id}` },
  ];
  return {
    ...{ id, namespace: 'shop', state: 'ended', objects: [`pod/${id}-0`, `configmap/${id}`], graceMs: 32_000 },
    ...{ createdAt: new Date(now.getTime() - 600_000), deadline: new Date(now.getTime() - 1_000), remains },
    ...{ target: 'shop/web-0/app', ...withWords(lastWords(ended({ reason: 'lease' }), reverted())) },
    ...change,
  };
}

const without = (name: keyof Experiment): Experiment => {
  const { [name]: _gone, ...rest } = killed();
  return rest as Experiment;
};
const unsure = shimError({ code: 'undo', message: 'read-only', state: 'unknown: something may be left' });
const swept = (left: number) =>
  JSON.stringify({ event: 'swept', at_ms: 0, namespaces: 7, found: 1, in_use: 0, removed: 1 - left, left, unseen: 0 });

/** Of several targets, each agent of which has said this at last. */
const several = (...messages: readonly (readonly object[])[]): Pick<Experiment, 'agents'> => ({
  agents: messages.map((words) =>
    experimentAgent({
      ...{ state: 'ended', container: 'agent' },
      lastWords: words.map((word) => JSON.stringify(word)).join('\n'),
    }),
  ),
});
const over = (targets: number, unknown = 0) => ({ event: 'over', reason: 'lease', targets, unknown });
const word = (name: string, more: object = {}) => ({ target: name, end: 'reverted', ...more });
const early = { ended: { reason: 'lease', exit_code: 0, signal: 0, forced: false, run_ms: 9 } };

describe('is over', () => {
  test.each<[string, Experiment]>([
    ['one that was reverted', killed()],
    ['one that never began', killed(withWords(lastWords(shimError({ code: 'not-started', state: 'unchanged' }))))],
    [
      'one without an attach, whose command followed it',
      killed(withWords(lastWords(ended(), reverted()), { plan: recordOf({ noAttach: true }) })),
    ],
    ['a sweep that left nothing', killed({ target: 'node/node-3', ...withWords(swept(0)) })],
    ['a ConfigMap whose pod is gone', killed({ state: 'leftover' })],
    [
      'several targets, all reverted or never begun',
      killed(
        several(
          [over(2), word('a', early), word('b')],
          [over(1), { target: 'c', end: 'unchanged', code: 'not-started', message: 'x' }],
        ),
      ),
    ],
    ['several targets, where there was room only for some', killed(several([over(90), word('a', early)]))],
  ])('%s', (_what, one) => {
    expect(isOver(one, now)).toBe(true);
  });
});

describe('is not over', () => {
  test.each<[string, Experiment]>([
    ['before its deadline, when its command may be at it', killed({ deadline: new Date(now.getTime() + 1_000) })],
    ['a ConfigMap before its deadline', killed({ state: 'leftover', deadline: new Date(now.getTime() + 1_000) })],
    ['one whose deadline is not known', without('deadline')],
    ['one of which something is not ours', without('remains')],
    ['one whose undo failed', killed(withWords(lastWords(ended(), unsure)))],
    ['one that reverted before its undo failed', killed(withWords(lastWords(reverted(), unsure)))],
    ['one that left something', killed(withWords(lastWords(ended(), reverted({ left: 1 }))))],
    ['one whose state differs', killed(withWords(lastWords(ended(), reverted({ differs: ['qdisc'] }))))],
    ['one that has ended and not reverted', killed(withWords(lastWords(ended())))],
    ['one whose shim has said nothing, as when its node was lost', killed(withWords(undefined))],
    ['one that says what no shim says', killed(withWords('reverted'))],
    ['several targets, one of which has not said', killed(several([over(2, 1), word('b')], [over(1), word('a')]))],
    [
      'several targets, one of which is as it was not',
      killed(several([over(1), word('a', { code: 'differs', message: 'x' })])),
    ],
    [
      'several targets, where there was no room for one without a code',
      killed(several([over(90), word('a', { code: 'apply', message: 'x' })])),
    ],
    ['several targets, of which an agent was killed', killed(several([over(1), word('a')], [word('b')]))],
    ['a sweep that left something', killed({ target: 'node/node-3', ...withWords(swept(1)) })],
    // README promises that it stays until somebody attaches to it or stops it.
    ['a detached one', killed(withWords(lastWords(ended(), reverted()), { plan: recordOf({ detached: true }) }))],
    [
      'a detached one without an attach',
      killed(withWords(lastWords(ended(), reverted()), { plan: recordOf({ noAttach: true, detached: true }) })),
    ],
    ['one with the record of another version', killed(withWords(lastWords(ended(), reverted()), { plan: '{}' }))],
    ['one that runs', killed({ state: 'running' })],
    ['one that starts', killed({ state: 'starting' })],
    ['one that somebody removes', killed({ state: 'stopping' })],
  ])('%s', (_what, one) => {
    expect(isOver(one, now)).toBe(false);
  });
});

describe('tidying', () => {
  const world = (isOn = true) => {
    const cluster = new FakeCluster();
    const clock = new FakeClock();
    return { cluster, clock, tidying: new Tidying(cluster, clock, isOn) };
  };

  test('removes what is over by its uids, and says so', async () => {
    const { cluster, clock, tidying } = world();
    const one = killed();
    expect(await tidying.remove([killed({ id: 'chaos-bbbbb', state: 'running' }), one])).toEqual([one]);
    expect(cluster.discarded).toEqual([{ namespace: 'shop', remains: one.remains }]);
    expect(await tidying.end()).toEqual([
      'removed pod/chaos-aaaaa-0 and configmap/chaos-aaaaa of experiment chaos-aaaaa in namespace shop: it was over, and nothing of its fault was left',
    ]);
    expect(clock.pending).toBe(0);
  });

  test('what cannot be removed is said, and no failure', async () => {
    const { cluster, tidying } = world();
    cluster.failNext('discard', new ChaosError('forbidden', 'you may not delete pods'));
    expect(await tidying.remove([killed()])).toEqual([]);
    expect((await tidying.end()).join()).toContain('could not be removed: you may not delete pods');
  });

  test('an API server that is silent holds nobody up', async () => {
    const { cluster, clock, tidying } = world();
    cluster.hold('discard');
    void tidying.remove([killed()]);
    const end = tidying.end();
    await clock.advance(3_000);
    expect((await end).join()).toContain('could not be removed: no answer in time');
  });

  test('is no burst', async () => {
    const { cluster, tidying } = world();
    await tidying.remove(
      Array.from({ length: 100 }, (_, at) => killed({ id: `chaos-${String(at).padStart(5, '0')}` })),
    );
    expect(cluster.discarded.length).toBe(20);
  });

  test('does nothing when it is not to', async () => {
    const { cluster, tidying } = world(false);
    await tidying.remove([killed()]);
    expect(await tidying.end()).toEqual([]);
    expect(cluster.count('discard')).toBe(0);
  });
});

describe('beside a run', () => {
  const around = (s: Scenario, experiments: Experiment[]) => {
    s.cluster.around = { protectedBy: [], experiments, nodeTroubles: [], unchecked: [] };
  };

  experiment('what is over in its namespace is removed, and in another is not', async (s) => {
    around(s, [killed({ namespace: 'bank' }), killed()]);
    await s.launch();
    expect(s.cluster.discarded.map(({ namespace }) => namespace)).toEqual(['shop']);
    await s.interrupt();
  });

  experiment('a removal that hangs does not hold the run up', async (s) => {
    around(s, [killed()]);
    s.cluster.hold('discard');
    await s.activate();
    await s.pass(60_000);
    await s.finish();
    expect((await s.outcome()).exitCode).toBe(0);
  });

  test('an attach removes what is over, but for what it is asked for', async () => {
    const s = new Scenario();
    s.cluster.experiments = { found: [killed(), killed({ id: 'chaos-bbbbb' })], unseen: [] };
    const asked = { id: 'chaos-aaaaa', connection: {}, namespace: undefined, allNamespaces: false } as const;
    const attached = attachExperiment({ ...asked, output: 'human', verbose: false, cleanup: true }, s.ports);
    await expect(attached).rejects.toMatchObject({ code: 'target-unsuitable' });
    expect(s.cluster.discarded.map(({ remains }) => remains)).toEqual([killed({ id: 'chaos-bbbbb' }).remains]);
  });
});
