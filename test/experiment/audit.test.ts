import { describe, expect, test } from 'vitest';
import { ChaosError } from '../../src/errors.ts';
import type { AuditEvent, Target } from '../../src/ports.ts';
import { request, target } from '../fakes/samples.ts';
import { Scenario } from './scenario.ts';
import { Several } from './several-scenario.ts';

const announced = {
  type: 'Normal',
  reason: 'ChaosStarted',
  message: expect.stringMatching(/^2 busy CPUs in container app for 10s, by ada, as chaos-7f3k2: game day$/),
};

function scenario(): Scenario {
  return new Scenario(request({}, { durationMs: 10_000, reason: 'game day' }));
}

describe('the Events about the target', () => {
  test('tell of the begin and of the end, with what was measured', async () => {
    const s = scenario();
    await s.activate();
    expect(s.cluster.events).toEqual([announced]);
    s.signals.send('SIGINT');
    const outcome = await s.outcome();
    expect(s.cluster.events).toEqual([
      announced,
      {
        type: 'Normal',
        reason: 'ChaosEnded',
        message: `chaos-7f3k2: reverted, nothing left. ${outcome.verdict?.proofs[0]?.sentence}`,
      },
    ]);
  });

  test('warn of what went wrong', async () => {
    const s = scenario();
    s.cluster.removal = { left: ['pod/chaos-7f3k2-0'], why: 'the kubelet is silent' };
    await s.activate();
    s.signals.send('SIGINT');
    await s.outcome();
    expect(s.cluster.events.at(-1)).toMatchObject({
      type: 'Warning',
      message: expect.stringMatching(/^chaos-7f3k2: NOT confirmed to be reverted; by hand: kubectl /),
    });
  });

  test('may not be written: the experiment is the same', async () => {
    const s = scenario();
    s.cluster.failNext('recordEvent', new ChaosError('api', 'etcd is away'), new ChaosError('api', 'etcd is away'));
    await s.activate();
    s.signals.send('SIGINT');
    expect((await s.outcome()).exitCode).toBe(130);
    expect(s.cluster.count('recordEvent')).toBe(2);
    expect(s.cluster.events).toEqual([]);
  });

  test('are not tried again by who may not write them', async () => {
    const s = scenario();
    s.cluster.failNext('recordEvent', new ChaosError('forbidden', 'no'));
    await s.activate();
    s.signals.send('SIGINT');
    expect((await s.outcome()).exitCode).toBe(130);
    expect(s.cluster.count('recordEvent')).toBe(1);
  });

  test('are not waited for longer than two seconds', async () => {
    const s = scenario();
    s.cluster.hold('recordEvent');
    await s.activate();
    s.signals.send('SIGINT');
    await s.pass(2_100);
    expect((await s.outcome()).exitCode).toBe(130);
  });

  test('say nothing of a fault that never began', async () => {
    const s = scenario();
    await s.launch();
    s.signals.send('SIGINT');
    await s.pass(1_000);
    expect(s.cluster.count('recordEvent')).toBe(0);
  });
});

describe('the Events about several targets', () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, place) => target({ pod: `web-${place}`, podUid: `uid-${place}` }));

  test('are written for each when all are active, a few at once, and each end after its begin', async () => {
    const several = new Several({}, many(20));
    const { cluster } = several;
    let most = 0;
    let now = 0;
    const told: string[] = [];
    cluster.recordEvent = async ({ pod }: Target, { reason }: AuditEvent) => {
      most = Math.max(most, ++now);
      await Promise.resolve();
      told.push(`${pod} ${reason}`);
      now--;
    };
    cluster.mute.add('target-19');
    await several.launch();
    await several.start();
    await several.pass(3_000);
    expect(told).toEqual([]);
    several.shim(19).isMute = false;
    await several.pass(5_000);
    expect(new Set(told)).toEqual(new Set(many(20).map(({ pod }) => `${pod} ChaosStarted`)));
    await several.s.interrupt();
    await several.pass(2_000);
    expect(told.slice(20).sort()).toEqual(
      many(20)
        .map(({ pod }) => `${pod} ChaosEnded`)
        .sort(),
    );
    expect(most).toBe(8);
    expect(several.leftovers()).toMatchObject({ timers: 0 });
  });

  test('are written a second later where one of them does not become active', async () => {
    const several = new Several({}, many(3));
    several.cluster.stillborn.add('target-2');
    await several.launch();
    await several.start();
    await several.pass(300);
    expect(several.cluster.events).toEqual([]);
    await several.pass(1_000);
    expect(several.cluster.events.map(({ reason }) => reason)).toEqual(['ChaosStarted', 'ChaosStarted']);
    await several.s.interrupt();
    await several.pass(2_000);
    expect(several.cluster.events).toHaveLength(4);
    expect(several.leftovers()).toMatchObject({ timers: 0 });
  });
});
