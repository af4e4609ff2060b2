import { describe, expect, test } from 'vitest';
import { ChaosError } from '../../src/errors.ts';
import { request } from '../fakes/samples.ts';
import { Scenario } from './scenario.ts';

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
    s.cluster.failNext('recordEvent', new ChaosError('forbidden', 'no'), new ChaosError('forbidden', 'no'));
    await s.activate();
    s.signals.send('SIGINT');
    expect((await s.outcome()).exitCode).toBe(130);
    expect(s.cluster.count('recordEvent')).toBe(2);
    expect(s.cluster.events).toEqual([]);
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
