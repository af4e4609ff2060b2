import { describe, expect, test } from 'vitest';
import { planExperiment } from '../../src/experiment/plan.ts';
import { readPlans } from '../../src/experiment/plan-record.ts';
import type { NetRequest } from '../../src/faults/net/types.ts';
import { settle } from '../fakes/clock.ts';
import { netRequest, plan, recordedTarget, request, shimError, target } from '../fakes/samples.ts';
import { experiment, Scenario } from './scenario.ts';

const detached = request({}, { detached: true });
const detachedNet = (net: Partial<NetRequest> = {}) => netRequest(net, { detached: true });

/** Until `start` has been said. */
async function tellToStart(s: Scenario): Promise<void> {
  await s.launch();
  await s.attach();
  await s.pass(200);
}

describe('a detached stress', () => {
  experiment(
    'is left in force as soon as it is active',
    async (s) => {
      await tellToStart(s);
      expect(await s.detached()).toMatchObject({
        id: 'chaos-7f3k2',
        exitCode: 0,
        targets: [{ target: target(), summary: '2 busy CPUs' }],
        leftMs: 60_000,
        until: new Date(s.clock.date().getTime() + 60_000),
        times: { activeMs: 200 },
      });
      expect(s.reporter.kinds).toEqual(
        'selecting selected impact planned launching resolved active detached'.split(' '),
      );
      expect(s.sent).not.toContain('stop');
      expect(s.cluster.launched?.containers[0]?.args.join(' ')).toContain('--lease-ms 0 ');
    },
    detached,
  );

  experiment(
    'is announced, and its end is not',
    async (s) => {
      const release = s.cluster.hold('recordEvent');
      await tellToStart(s);
      expect(s.isOver, 'before it is announced').toBe(false);
      release();
      await s.detached();
      expect(s.cluster.events.map(({ reason }) => reason)).toEqual(['ChaosStarted']);
    },
    detached,
  );

  experiment(
    'does not wait for an announcement longer than two seconds',
    async (s) => {
      s.cluster.hold('recordEvent');
      await tellToStart(s);
      await s.clock.advance(2_000);
      await s.detached();
    },
    detached,
  );

  experiment(
    'is taken back when it is interrupted before it is active',
    async (s) => {
      s.answers.delete('start');
      await tellToStart(s);
      await s.interrupt();
      expect(s.sent.slice(-2)).toEqual(['start', 'stop']);
      expect(await s.outcome()).toMatchObject({ exitCode: 130, reverted: true, left: [] });
    },
    detached,
  );

  experiment(
    'is taken back when it becomes active after the interrupt',
    async (s) => {
      s.answers.delete('start');
      s.answers.delete('stop');
      await tellToStart(s);
      await s.interrupt();
      s.cluster.attachment.say({ event: 'active', atMs: 1, pid: 1, entered: 8, of: 8, elapsedMs: 5 });
      await settle();
      expect(s.isOver).toBe(false);
      await s.finish({ reason: 'stopped', runMs: 100 });
      expect((await s.outcome()).reverted).toBe(true);
    },
    detached,
  );

  experiment(
    'that the shim refuses is removed',
    async (s) => {
      s.answers.delete('start');
      await tellToStart(s);
      s.cluster.attachment.say(shimError({ state: 'reverted' }));
      expect(await s.error()).toMatchObject({ code: 'shim', exitCode: 1 });
    },
    detached,
  );

  experiment(
    'waits as long as others for an API server that does not answer',
    async (s) => {
      await s.launch();
      await s.agent({ kind: 'contact', problem: 'refused' });
      await s.clock.advance(14_999);
      expect(s.isOver).toBe(false);
      await s.clock.advance(1);
      expect(await s.error()).toMatchObject({ code: 'unreachable', message: expect.stringContaining('15s') });
    },
    detached,
  );

  test('a second signal says when the fault ends by itself', async () => {
    const s = new Scenario(detached);
    s.answers.delete('start');
    s.answers.delete('stop');
    await tellToStart(s);
    await s.interrupt();
    await s.interrupt();
    expect((await s.error()).state).toContain('automatically when its duration of 1m is over');
  });
});

describe('a detached net fault', () => {
  experiment(
    'is left in force as soon as it is active',
    async (s) => {
      await s.launch();
      await s.attach();
      expect(await s.detached()).toMatchObject({ exitCode: 0 });
      expect(s.reporter.kinds.slice(-3)).toEqual(['announced', 'active', 'detached']);
      expect(s.reporter.of('warning')).toEqual([]);
    },
    detachedNet(),
  );

  const host: NetRequest['to'][number] = { kind: 'host', text: 'db.example.com', name: 'db.example.com' };
  experiment(
    'says that nobody follows its names',
    async (s) => {
      s.net.addresses.set('db.example.com', ['10.0.0.9']);
      await s.launch();
      await s.attach();
      await s.detached();
      expect(s.reporter.of('warning').map(({ message }) => message)).toEqual([
        expect.stringMatching(/^db\.example\.com: resolved once/),
      ]);
    },
    detachedNet({ to: [host] }),
  );
});

describe('its commands', () => {
  test('lead to the same cluster as the same user, in the namespace of the agent, and hold no token', () => {
    const connection = {
      ...{ kubeconfig: '/home/ada/my config', context: 'prod', as: 'bob', asGroup: ['dev', 'ops'], token: 'secret' },
      insecureSkipTlsVerify: true,
    };
    const asked = request({}, { detached: true, connection, agentNamespace: 'chaos' });
    const { commands, agent } = planExperiment(asked, target(), {
      ...{
        id: 'chaos-7f3k2',
        who: 'ada',
        now: new Date(),
        surveyed: undefined,
      },
    });
    const flags =
      "-n chaos --kubeconfig '/home/ada/my config' --context prod --as bob --as-group dev --as-group ops --insecure-skip-tls-verify";
    expect(commands).toEqual({
      attach: `kubectl chaos attach chaos-7f3k2 ${flags}`,
      list: `kubectl chaos ls ${flags}`,
      stop: `kubectl chaos stop chaos-7f3k2 ${flags}`,
      sweep: `kubectl chaos sweep node-3 ${flags}`,
    });
    expect(JSON.stringify(agent)).not.toContain('secret');
  });
});

describe('its plan', () => {
  test('is written down for those who attach, of a detached fault alone', () => {
    const recorded = plan(detached).agent.annotations['kubectl-chaos.io/plan'] ?? '';
    expect(readPlans(recorded)?.targets[0]).toMatchObject({
      target: recordedTarget(),
      summary: '2 busy CPUs',
      detached: true,
    });
    expect(plan(request()).agent.annotations).not.toHaveProperty(['kubectl-chaos.io/plan']);
  });
});
