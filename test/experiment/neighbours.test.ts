import { describe, expect, test } from 'vitest';
import { warningsOf } from '../../src/experiment/neighbours.ts';
import type { Outcome } from '../../src/experiment/outcome.ts';
import type { Experiment, NodeUpdate } from '../../src/ports.ts';
import { settle } from '../fakes/clock.ts';
import { detachedExperiment, request, target } from '../fakes/samples.ts';
import { experiment, type Scenario } from './scenario.ts';
import { Several } from './several-scenario.ts';

/** Another experiment of three CPUs, on the target of the scenario unless it is told otherwise. */
function other(change: Partial<Experiment> = {}): Experiment {
  return { ...detachedExperiment(new Date(0)), id: 'chaos-abcde', fault: '3 busy CPUs', who: 'ada', ...change };
}

const none = { protectedBy: [], experiments: [], nodeTroubles: [], unchecked: [] };
const warned = (...experiments: Experiment[]) => warningsOf({ ...none, experiments }, target());

describe('another experiment is named before the start', () => {
  test('on the same container', () => {
    expect(warned(other())).toEqual([
      'experiment chaos-abcde (3 busy CPUs, by ada) already runs on this container: what is measured is of both',
    ]);
  });

  test('on another container of the pod', () => {
    expect(warned(other({ target: 'shop/web-7d4b9/proxy' }))).toEqual([
      'experiment chaos-abcde (3 busy CPUs, by ada) already runs on container proxy of this pod',
    ]);
  });

  test('elsewhere on the node, all in one sentence', () => {
    const { who: _, fault: __, ...unsaid } = other({ id: 'chaos-fghij', target: 'bank/db-0/db' });
    expect(warned(other({ target: 'shop/web-7d4b90/app' }), unsaid)).toEqual([
      'also on node node-3: experiment chaos-abcde (3 busy CPUs, by ada) on shop/web-7d4b90/app; experiment chaos-fghij on bank/db-0/db',
    ]);
  });

  test.each<Partial<Experiment>>([
    { state: 'ended' },
    { state: 'leftover' },
    { target: 'node/node-3' },
    { target: 'made up' },
  ])('but not one that has no fault in force: %o', (change) => {
    expect(warned(other(change))).toEqual([]);
  });
});

const messages = (s: Scenario) => s.reporter.of('warning').map(({ message }) => message);

describe('two experiments on one container', () => {
  experiment('the later one is warned, and its verdict says that it is shared', async (s) => {
    s.cluster.around = { ...none, experiments: [other()] };
    await s.activate();
    expect(messages(s)).toEqual([expect.stringContaining('what is measured is of both')]);
    await s.pass(60_000);
    await s.finish();
    expect(await s.outcome()).toMatchObject({
      exitCode: 0,
      sharedWith: ['chaos-abcde'],
      shared: 'On the same container ran experiment chaos-abcde (3 busy CPUs, by ada): what was measured is of both',
    });
    expect(s.cluster.events.at(-1)?.message).toContain('. On the same container ran experiment chaos-abcde');
  });

  experiment('the earlier one hears of the later one, once, and its verdict says so as well', async (s) => {
    await s.activate();
    s.cluster.nodeUpdates.push({ kind: 'experiment', experiment: other({ id: 'chaos-7f3k2' }) });
    for (const id of ['chaos-abcde', 'chaos-abcde']) {
      s.cluster.nodeUpdates.push({ kind: 'experiment', experiment: other({ id, state: 'starting' }) });
    }
    s.cluster.nodeUpdates.push({ kind: 'experiment', experiment: other({ id: 'chaos-zzzzz', target: 'a/b/c' }) });
    await s.pass(60_000);
    await s.finish();
    expect(messages(s)).toEqual([
      'experiment chaos-abcde (3 busy CPUs, by ada) began on this container: from here on what is measured is of both',
    ]);
    expect(await s.outcome()).toMatchObject({ sharedWith: ['chaos-abcde'] });
  });

  experiment('one that is followed is told by the same listing', async (s) => {
    await s.attachTo();
    expect(s.cluster.calls.filter((call) => call === 'listExperiments')).toHaveLength(1);
    await s.pass(50_000);
    await s.finish();
    expect(await s.outcome()).not.toHaveProperty('sharedWith');
  });

  test('of several targets the one that is shared is warned of, and says so', async () => {
    const several = new Several();
    several.cluster.around = { ...none, experiments: [other({ target: 'shop/web-2/app' })] };
    await several.activate();
    const shared = several.s.reporter.of('warning').filter(({ message }) => message.includes('of both'));
    expect(shared.map(({ target }) => target.pod)).toEqual(['web-2']);
    await several.pass(5_000);
    for (const place of [0, 1, 2]) several.shim(place).end();
    const { targets } = (await several.end()) as Outcome;
    expect(targets.map(({ target, sharedWith }) => [target.pod, sharedWith])).toEqual([
      ['web-1', undefined],
      ['web-2', ['chaos-abcde']],
      ['web-3', undefined],
    ]);
  });

  experiment('alone, nothing is said of sharing', async (s) => {
    await s.activate();
    await s.pass(60_000);
    await s.finish();
    expect(await s.outcome()).not.toHaveProperty('shared');
    expect(messages(s)).toEqual([]);
  });
});

const harm: ReadonlyArray<[update: NodeUpdate, said: string]> = [
  [
    { kind: 'trouble', trouble: 'is under memory pressure (kubelet has insufficient memory available)' },
    'node node-3 is under memory pressure (kubelet has insufficient memory available)',
  ],
  [
    { kind: 'trouble', trouble: 'is not ready (Kubelet stopped posting node status.)' },
    'node node-3 is not ready (Kubelet stopped posting node status.)',
  ],
  [
    { kind: 'evicted', pod: 'bank/db-0', message: 'The node was low on resource: memory.' },
    'pod bank/db-0 was evicted from node node-3: The node was low on resource: memory.',
  ],
];

describe('harm to the node or to another pod', () => {
  for (const [update, said] of harm) {
    experiment(`while the fault is active ends it, exit 3: ${said}`, async (s) => {
      await s.activate();
      await s.pass(5_000);
      s.cluster.nodeUpdates.push(update);
      await settle();
      expect(s.sent).toContain('stop');
      expect(await s.outcome()).toMatchObject({
        exitCode: 3,
        reverted: true,
        problems: [`${said}; the fault was stopped early, so that no other pod is harmed`],
      });
    });
  }

  const [trouble] = harm[0] ?? [];
  if (!trouble) throw new Error('there is one');

  experiment('ends a detached fault that is followed', async (s) => {
    await s.attachTo();
    await s.pass(3_000);
    s.cluster.nodeUpdates.push(trouble);
    await settle();
    expect(s.sent).toContain('stop');
    expect(await s.outcome()).toMatchObject({ exitCode: 3, problems: [expect.stringContaining('memory pressure')] });
  });

  experiment('before the fault began is warned of, and stops nothing', async (s) => {
    await s.launch();
    s.cluster.nodeUpdates.push(trouble);
    await s.attach();
    await s.pass(200);
    expect(messages(s)).toEqual([
      expect.stringMatching(/^node node-3 is under memory pressure .*, before the fault began$/),
    ]);
    s.cores = 0.99;
    await s.pass(60_000);
    await s.finish();
    expect(await s.outcome()).toMatchObject({ exitCode: 0, problems: [] });
  });

  experiment('that was there before is named, and is no reason to stop', async (s) => {
    s.cluster.around = { ...none, nodeTroubles: ['is under disk pressure (low)'] };
    await s.activate();
    expect(messages(s)).toEqual(['node node-3 is under disk pressure (low) already; that will not stop the fault']);
    await s.interrupt();
  });

  experiment('after the fault was stopped changes nothing of how that is judged', async (s) => {
    s.answers.delete('stop');
    await s.activate();
    await s.pass(5_000);
    await s.interrupt();
    s.cluster.nodeUpdates.push(trouble);
    await settle();
    await s.finish({ reason: 'stopped', runMs: 5_000 });
    expect(await s.outcome()).toMatchObject({ exitCode: 130, problems: [] });
    expect(messages(s)).toEqual([expect.stringContaining('while the fault was being reverted')]);
  });

  experiment(
    'that cannot be watched is said, and the run goes on',
    async (s) => {
      await s.launch();
      s.cluster.nodeUpdates.push({ kind: 'unwatched', what: 'evictions on node node-3', why: 'no right' });
      await s.attach();
      await s.pass(200);
      expect(messages(s)).toEqual(['not watched: evictions on node node-3 (no right)']);
      s.cores = 0.99;
      await s.pass(10_000);
      await s.finish({ runMs: 10_000 });
      expect(await s.outcome()).toMatchObject({ exitCode: 0 });
    },
    request({}, { durationMs: 10_000 }),
  );
});
