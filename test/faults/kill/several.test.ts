import { expect, test } from 'vitest';
import { ChaosError } from '../../../src/errors.ts';
import type { Outcome } from '../../../src/experiment/outcome.ts';
import { runExperiment } from '../../../src/experiment/run.ts';
import type { StandingUpdate, Target } from '../../../src/ports.ts';
import { Scenario } from '../../experiment/scenario.ts';
import { Channel } from '../../fakes/channel.ts';
import { settle } from '../../fakes/clock.ts';
import { FakeCluster } from '../../fakes/cluster.ts';
import { selection, target } from '../../fakes/samples.ts';
import { deletionRequest, standing } from './standings.ts';

/** Pods of one deployment, of which each is told how it stands. */
class ManyPods extends FakeCluster {
  readonly updates = new Channel<{ target: Target; update: StandingUpdate }>();
  /** Those that are gone when they are to be deleted. */
  readonly gone = new Set<string>();

  override async *followStandings(_targets: readonly Target[], signal: AbortSignal) {
    this.calls.push('followStandings');
    this.watching(signal, this.updates);
    yield* this.updates;
  }

  override async deleteTarget(at: Target, graceSeconds: number | undefined): Promise<void> {
    if (this.gone.has(at.pod)) throw new ChaosError('target-unsuitable', `pod/${at.pod} is gone already`);
    await super.deleteTarget(at, graceSeconds);
  }
}

/** Two pods of a deployment that are deleted together. */
class Two {
  readonly cluster = new ManyPods();
  readonly s = new Scenario(
    deletionRequest({}, undefined, { selection: selection({ kind: 'deployment', name: 'web' }, { take: 'all' }) }),
  );
  readonly targets = ['web-1', 'web-2'].map((pod) => target({ pod, podUid: `uid of ${pod}` }));
  #end: unknown;

  async launch(): Promise<void> {
    const [first = target(), ...others] = this.targets;
    this.cluster.target = first;
    this.cluster.otherTargets = others;
    runExperiment(this.s.request, { ...this.s.ports, cluster: this.cluster }).then(
      (end) => {
        this.#end = end;
      },
      (error: unknown) => {
        this.#end = error;
      },
    );
    await settle();
  }

  async stands(place: number, change: Partial<ReturnType<typeof standing>> = {}): Promise<void> {
    const at = this.targets[place];
    if (at) this.cluster.updates.push({ target: at, update: { standing: standing(change) } });
    await settle();
  }

  async outcome(): Promise<Outcome> {
    await this.s.clock.advance(1);
    await settle();
    if (!this.#end || this.#end instanceof Error) throw this.#end ?? new Error('still running');
    expect(this.s.clock.pending, 'timers left').toBe(0);
    expect(this.cluster.watches, 'watches left').toBe(0);
    return this.#end as Outcome;
  }
}

const leaving = { pod: { isReady: true, isBeingDeleted: true, phase: 'Running' }, readyPods: 1 };
const back = { ...leaving, readyPods: 3 };

test('several pods are deleted in one tick, as soon as it is known how all of them stand, by one watch', async () => {
  const two = new Two();
  await two.launch();
  await two.stands(0);
  expect(two.cluster.deletions).toEqual([]);
  await two.stands(1);
  expect(two.cluster.deletions.map(({ pod }) => pod)).toEqual(['web-1', 'web-2']);
  expect(two.cluster.calls.filter((call) => call === 'followStandings')).toHaveLength(1);
  for (const place of [0, 1]) await two.stands(place, leaving);
  for (const place of [0, 1]) await two.stands(place, back);
  const { exitCode, targets, left } = await two.outcome();
  expect(exitCode).toBe(0);
  expect(targets.map(({ verdict }) => verdict?.effective)).toEqual([true, true]);
  expect(left).toEqual([]);
  expect(two.cluster.calls).not.toContain('launch');
  expect(two.cluster.calls).not.toContain('remove');
});

test('one that was gone before is told of, and the others go on', async () => {
  const two = new Two();
  two.cluster.gone.add('web-2');
  await two.launch();
  for (const place of [0, 1]) await two.stands(place);
  await two.stands(0, leaving);
  await two.stands(0, back);
  const { exitCode, targets } = await two.outcome();
  expect(targets.map(({ problems }) => problems)).toEqual([[], ['pod/web-2 is gone already']]);
  expect(exitCode).toBe(3);
});
