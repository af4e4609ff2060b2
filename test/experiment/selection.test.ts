import { describe, expect, test } from 'vitest';
import { ChaosError } from '../../src/errors.ts';
import { prepare } from '../../src/experiment/prepare.ts';
import type { RunOptions } from '../../src/requests.ts';
import { netRequest, request, selection, target } from '../fakes/samples.ts';
import { Scenario } from './scenario.ts';

const web = { kind: 'deployment', name: 'web' } as const;

/** A dry run, or a run, that finds three pods. */
function three(run: Partial<RunOptions>, change: Parameters<typeof selection>[1] = {}): Scenario {
  const s = new Scenario(request({}, { selection: selection(web, { take: 'all', ...change }), ...run }));
  s.cluster.otherTargets = [
    target({ pod: 'web-2', podUid: 'uid-2', node: 'node-4' }),
    target({ pod: 'web-3', podUid: 'uid-3' }),
  ];
  return s;
}

describe('the seed', () => {
  test('is the one that is given, or of the experiment', async () => {
    for (const [seed, expected] of [
      [undefined, '7f3k2'],
      ['game day', 'game day'],
    ] as const) {
      const s = new Scenario(request({}, { selection: selection(web, { seed }), dryRun: 'client' }));
      const [plan] = await prepare(s.request, s.ports);
      expect(plan.id).toBe('chaos-7f3k2');
      expect(s.cluster.selection).toEqual({ ...selection(web), seed: expected });
      expect(s.reporter.of('selecting')[0]?.selection.seed).toBe(expected);
    }
  });
});

describe('several targets', () => {
  test('are planned by a dry run, each by itself, under one id', async () => {
    const s = three({ dryRun: 'client' });
    const plans = await prepare(s.request, s.ports);
    expect(plans.map(({ id, target: { pod }, agent }) => [id, pod, agent.node])).toEqual([
      ['chaos-7f3k2', 'web-7d4b9', 'node-3'],
      ['chaos-7f3k2', 'web-2', 'node-4'],
      ['chaos-7f3k2', 'web-3', 'node-3'],
    ]);
    expect(s.reporter.kinds).toEqual(['selecting', 'selected', 'impact', 'planned']);
    expect(s.reporter.of('selected').map(({ target: { pod } }) => pod)).toEqual(['web-7d4b9', 'web-2', 'web-3']);
    expect(s.reporter.of('planned')).toEqual([{ kind: 'planned', plans }]);
  });

  test('that the fault cannot be done to are refused with the reasons', async () => {
    const s = three({ dryRun: 'client' });
    s.cluster.failNext(
      'surroundings',
      new ChaosError('target-unsuitable', 'too small'),
      new ChaosError('target-unsuitable', 'too large'),
    );
    await expect(prepare(s.request, s.ports)).rejects.toMatchObject({
      code: 'target-unsuitable',
      message: 'the fault cannot be done to 2 of 3 targets: pod/web-7d4b9: too small; pod/web-2: too large',
      hint: 'To leave such targets out, add --skip-unsuitable.',
    });
  });

  test('or are left out with the reasons, and the last one is run', async () => {
    const s = three({ dryRun: 'client' }, { skipUnsuitable: true });
    s.cluster.skipped = [{ pod: 'web-4', why: 'it is not ready' }];
    s.cluster.failNext(
      'surroundings',
      new ChaosError('target-unsuitable', 'too small'),
      new ChaosError('target-unsuitable', 'too large'),
    );
    const plans = await prepare(s.request, s.ports);
    expect(plans.map(({ target: { pod } }) => pod)).toEqual(['web-3']);
    expect(s.reporter.of('skipped')).toEqual([
      {
        kind: 'skipped',
        skipped: [
          { pod: 'web-4', why: 'it is not ready' },
          { pod: 'web-7d4b9', why: 'too small' },
          { pod: 'web-2', why: 'too large' },
        ],
      },
    ]);
  });

  test('none of which the fault can be done to are refused, whatever may be left out', async () => {
    const s = three({ dryRun: 'client' }, { skipUnsuitable: true });
    const error = new ChaosError('target-unsuitable', 'no');
    s.cluster.failNext('surroundings', error, error, error);
    const end = await prepare(s.request, s.ports).catch((thrown: unknown) => thrown);
    expect(end).toMatchObject({
      message: expect.stringContaining('cannot be done to 3 of 3 targets'),
      hint: undefined,
    });
  });

  test('are not left out for what is no matter of theirs', async () => {
    const s = three({ dryRun: 'client' }, { skipUnsuitable: true });
    s.cluster.failNext('surroundings', new ChaosError('unreachable', 'no route'));
    await expect(prepare(s.request, s.ports)).rejects.toMatchObject({ code: 'unreachable' });
  });
});

test('one target that the fault cannot be done to keeps its own reason', async () => {
  const s = new Scenario(netRequest());
  s.cluster.failNext('surroundings', new ChaosError('target-unsuitable', 'no', { hint: 'do this' }));
  await expect(prepare(s.request, s.ports)).rejects.toMatchObject({ message: 'no', hint: 'do this' });
});
