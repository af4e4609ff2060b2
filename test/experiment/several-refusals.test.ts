import { describe, expect, test } from 'vitest';
import { ChaosError } from '../../src/errors.ts';
import type { AgentUpdate } from '../../src/ports.ts';
import { Several } from './several-scenario.ts';

async function errorOf(several: Several): Promise<ChaosError> {
  const end = await several.end();
  if (!(end instanceof ChaosError)) throw new Error(`no error: ${JSON.stringify(end)}`);
  expect(several.begun).toBe(0);
  expect(several.cluster.count('remove')).toBe(1);
  return end;
}

/** Of the agent of the second node, once those of the first are armed. */
async function told(several: Several, ...updates: AgentUpdate[]): Promise<ChaosError> {
  await several.launch();
  await several.start('chaos-7f3k2-0');
  await several.pass(200);
  for (const update of updates) several.cluster.updates.get('chaos-7f3k2-1')?.push(update);
  await several.pass(2_000);
  return errorOf(several);
}

describe('several targets, of which none is begun', () => {
  test('where something on the way drops the upgrade, by which tools are to be sent: found at once, with what to do about it', async () => {
    const several = new Several({ image: undefined });
    const hint = 'let it pass on "Upgrade: websocket"';
    const dropped = () =>
      new ChaosError('unreachable', 'the proxy drops the upgrade', { hint, isPermanent: true, barsAttach: true });
    several.cluster.failNext('attach', ...Array.from({ length: 20 }, dropped));
    await several.activate();
    await several.pass(1_000);
    expect(await errorOf(several)).toMatchObject({
      message: expect.stringContaining('the proxy drops the upgrade'),
      ...{ hint, exitCode: 1, state: 'nothing was changed' },
    });
    expect(several.cluster.count('attach')).toBe(2);
  });

  test('where one node has no address left for its agent: at the third failure, with the reason', async () => {
    const message = 'no IP addresses available in range set: 10.244.1.1-10.244.1.254';
    const failure = { kind: 'warning', reason: 'FailedCreatePodSandBox', message } as const;
    expect(await told(new Several(), failure, failure, failure)).toMatchObject({
      message: expect.stringMatching(/^pod\/web-2 \(app\): node node-2 has failed 3 times .*no IP addresses available/),
      hint: expect.stringContaining('no address left'),
    });
  });

  test('where one agent pod was changed and cannot start: the change is the reason', async () => {
    const several = new Several();
    several.cluster.agentFacts = { changes: ['added init container wait'] };
    const waits = { state: 'waiting', reason: 'ErrImagePull', message: 'no such image', blockedBy: 'wait' } as const;
    const status = { kind: 'status', phase: 'Pending', reason: '', message: '' } as const;
    const error = await told(several, { ...status, containers: { agent: waits } });
    expect(error.message).toMatch(
      /^pod\/web-2 \(app\): the init container wait, which the agent pod did not ask for, fails on node node-2: .*; a webhook or policy changed the agent pod: added init container wait$/,
    );
  });
});
