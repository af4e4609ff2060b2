import { describe, expect, test } from 'vitest';
import { errorOf, outcomeOf, Several } from './several-scenario.ts';

describe('several targets', () => {
  test('get one agent a node, with a shim each, over one stream, and one watch of all agents, each node and all targets', async () => {
    const several = new Several();
    await several.activate();
    expect(
      several.cluster.specs.map(({ pod, node, containers }) => [pod, node, containers.map(({ name }) => name)]),
    ).toEqual([
      ['chaos-7f3k2-0', 'node-1', ['agent']],
      ['chaos-7f3k2-1', 'node-2', ['agent']],
    ]);
    expect(several.cluster.specs[0]?.annotations['kubectl-chaos.io/target']).toBe('shop/web-1/app,shop/web-3/app');
    for (const [watch, count] of [
      ['followAgents', 1],
      ['followNode', 2],
      ['followTarget', 1],
      ['attach', 2],
    ] as const)
      expect(several.cluster.calls.filter((call) => call === watch)).toHaveLength(count);
    expect(several.cluster.specs[0]?.containers[0]?.args).toEqual(['agent', '--lease-ms', '15000', '--any-signal']);
    expect(several.shim(2).words.slice(0, 2)).toEqual(['run', '--container']);
    expect(several.shim(2).words).not.toContain('--any-signal');
    await several.s.interrupt();
    await several.pass(2_000);
    expect((await outcomeOf(several)).exitCode).toBe(130);
  });

  test('begin together, when the last of them is armed', async () => {
    const several = new Several();
    await several.launch();
    await several.start('chaos-7f3k2-0');
    await several.pass(5_000);
    expect(several.begun).toBe(0);
    await several.start('chaos-7f3k2-1');
    await several.pass(1_000);
    expect(several.begun).toBe(3);
    for (const place of [0, 1, 2]) several.shim(place).end();
    const outcome = await outcomeOf(several);
    expect(outcome.targets.map(({ target, reverted }) => [target.pod, reverted])).toEqual([
      ['web-1', true],
      ['web-2', true],
      ['web-3', true],
    ]);
    expect(outcome.times.activeSpreadMs).toBe(0);
    expect(several.cluster.count('remove')).toBe(1);
    expect(several.cluster.removed).toMatchObject({ id: 'chaos-7f3k2', reverted: true });
  });

  test('are begun once by an agent that tells of itself before it answers', async () => {
    const several = new Several();
    several.cluster.isJustStarted = true;
    await several.activate();
    expect(several.begun).toBe(3);
    await several.s.interrupt();
    await several.pass(2_000);
    expect((await outcomeOf(several)).exitCode).toBe(130);
  });

  test('have their tools read once, and sent to each node once, however late a shim comes', async () => {
    const several = new Several({ image: undefined });
    several.cluster.mute.add('target-2');
    await several.launch();
    await several.start();
    await several.pass(1_000);
    const boxes = [...several.cluster.toolboxes.values()];
    expect(boxes.map(({ offset, offers, sent }) => [offset === sent.archive.length, offers])).toEqual([
      [true, 1],
      [true, 1],
    ]);
    expect(several.toolboxesRead).toEqual(['amd64']);
    expect(several.begun).toBe(0);
    several.shim(2).isMute = false;
    await several.pass(5_000);
    expect(several.begun).toBe(3);
    const told = several.s.reporter.of('tools').filter(({ readyMs }) => readyMs !== undefined);
    expect(told.map(({ target }) => target.pod).sort()).toEqual(['web-1', 'web-2', 'web-3']);
    await several.s.interrupt();
    await several.pass(2_000);
    expect((await outcomeOf(several)).exitCode).toBe(130);
    expect(boxes.map(({ offers }) => offers)).toEqual([1, 1]);
  });

  test('wait for tools as long as some arrive, though one of them alone sends them', async () => {
    const several = new Several({ image: undefined });
    several.cluster.isSilentOfTools = true;
    await several.launch();
    await several.start();
    for (const offset of [100_000, 270_000]) {
      await several.pass(90_000);
      several.cluster.tellOfTools({ offset });
    }
    await several.pass(90_000);
    expect(several.begun).toBe(0);
    several.cluster.tellOfTools({ offset: 500_000, ready: true, unpackMs: 40 });
    await several.pass(1_000);
    expect(several.begun).toBe(3);
    await several.s.interrupt();
    await several.pass(2_000);
    expect((await outcomeOf(several)).exitCode).toBe(130);
  });

  test('are all left alone when one cannot be armed: it is named, with the reason', async () => {
    const several = new Several();
    await several.launch();
    await several.start('chaos-7f3k2-0');
    await several.pass(200);
    several.cluster.updates.get('chaos-7f3k2-1')?.push({
      ...{ kind: 'status', phase: 'Running', reason: '', message: '' },
      containers: { agent: { state: 'waiting', reason: 'ErrImagePull', message: 'no such image' } },
    });
    await several.pass(2_000);
    const error = await errorOf(several);
    expect(error.message).toMatch(/^pod\/web-2 \(app\): .*no such image/);
    expect(error).toMatchObject({ exitCode: 1, state: 'nothing was changed' });
    expect(several.begun).toBe(0);
    expect(several.shim(0).told).toContain('stop');
  });

  test('are all left alone when one of them ends before the start', async () => {
    const several = new Several();
    await several.launch();
    await several.start('chaos-7f3k2-0');
    await several.pass(200);
    const target = several.plans[1]?.target;
    if (!target) throw new Error('not planned');
    several.cluster.ofTargets.push({ target, update: { kind: 'deleted', message: 'pod/web-2 was deleted' } });
    await several.pass(2_000);
    expect((await errorOf(several)).message).toMatch(/^pod\/web-2 \(app\): .*was deleted/);
    expect(several.begun).toBe(0);
  });

  test('are all left alone when the agent does not begin the shim of one', async () => {
    const several = new Several();
    several.cluster.refused.set('target-2', 'no such option');
    await several.activate();
    await several.pass(2_000);
    expect((await errorOf(several)).message).toMatch(/^pod\/web-3 \(app\): /);
    expect(several.begun).toBe(0);
  });

  test('go on over another stream when theirs breaks: no shim is begun twice', async () => {
    const several = new Several();
    await several.activate();
    await several.pass(2_000);
    const first = several.cluster.streams.get('chaos-7f3k2-0');
    const shims = [0, 1, 2].map((place) => several.shim(place));
    first?.drop('reset');
    await several.pass(2_000);
    expect(several.cluster.streams.get('chaos-7f3k2-0')).not.toBe(first);
    expect([0, 1, 2].map((place) => several.shim(place))).toEqual(shims);
    const told = several.shim(0).told.length;
    await several.pass(4_000);
    expect(several.shim(0).told.length).toBeGreaterThan(told);
    for (const place of [0, 1, 2]) several.shim(place).end();
    expect((await outcomeOf(several)).targets.map(({ problems }) => problems)).toEqual([[], [], []]);
  });

  test('begin all the same when the first streams break as soon as they are made', async () => {
    const several = new Several();
    several.cluster.broken = 3;
    await several.activate();
    await several.pass(3_000);
    expect(several.begun).toBe(3);
    for (const place of [0, 1, 2]) several.shim(place).end();
    expect((await outcomeOf(several)).targets.map(({ problems }) => problems)).toEqual([[], [], []]);
  });

  test('are known to be reverted, or not, by what the agent says of a shim that has gone', async () => {
    const several = new Several();
    await several.activate();
    await several.pass(2_000);
    several.cluster.gone('target-0', 'reverted');
    await several.pass(1_000);
    for (const place of [1, 2]) several.shim(place).end();
    const [first] = (await outcomeOf(several)).targets;
    expect(first).toMatchObject({ reverted: true, revertedBy: 'shim' });
  });

  test.each([
    [60_000, 'reverted', []],
    [20_000, 'reverted', ['the shim ended early: its report was lost with the stream']],
    [20_000, 'unknown', ['the shim was killed and did not report its end (its report was lost with the stream)']],
  ] as const)(
    'of which one ends while there is no stream, after %i ms (%s): it is known from the agent',
    async (ms, end, problems) => {
      const several = new Several();
      await several.activate();
      await several.pass(ms - 1_000);
      several.cluster.ends.set('target-0', end);
      several.cluster.streams.get('chaos-7f3k2-0')?.drop('reset');
      await several.pass(2_000);
      expect(several.shim(2).told).not.toContain('stop');
      for (const place of [1, 2]) several.shim(place).end({ runMs: ms });
      const [first] = (await outcomeOf(several)).targets;
      expect(first).toMatchObject({ reverted: true, problems });
    },
  );

  test.each([[[]], [['target-2']], [['target-0', 'target-2']]])(
    'whose agent is killed have ended early, and say the same, whichever shim had time for a last word: %j',
    async (heard) => {
      const several = new Several();
      await several.activate();
      await several.pass(5_000);
      const words = heard.map((name) => JSON.stringify({ target: name, end: 'reverted' }));
      const killed = { state: 'terminated', exitCode: 137, reason: 'Error', message: words.join('\n') } as const;
      several.cluster.updates.get('chaos-7f3k2-0')?.push({
        ...{ kind: 'status', phase: 'Failed', reason: '', message: '' },
        containers: { agent: killed },
      });
      await several.pass(1_000);
      expect(several.shim(1).told).not.toContain('stop');
      several.shim(1).end();
      const early = ['the agent ended early: exit code 137, Error'];
      const { targets, exitCode } = await outcomeOf(several);
      expect(targets.map(({ problems }) => problems)).toEqual([early, [], early]);
      expect(exitCode).toBe(3);
    },
  );

  test.each([
    [137, 'Error', ['the agent ended early: exit code 137, Error']],
    [0, 'Completed', []],
  ])(
    'whose stream has broken have ended as their agent has, when its kubelet says so after their time: exit code %i',
    async (exitCode, reason, problems) => {
      const several = new Several();
      await several.activate();
      await several.pass(40_000);
      several.cluster.broken = 100;
      several.cluster.streams.get('chaos-7f3k2-0')?.drop('the container ended');
      await several.pass(22_000);
      several.shim(1).end();
      const words = ['target-0', 'target-2'].map((name) => JSON.stringify({ target: name, end: 'reverted' }));
      several.cluster.updates.get('chaos-7f3k2-0')?.push({
        ...{ kind: 'status', phase: 'Failed', reason: '', message: '' },
        containers: { agent: { state: 'terminated', exitCode, reason, message: words.join('\n') } },
      });
      const { targets } = await outcomeOf(several);
      expect(targets.map((target) => target.problems)).toEqual([problems, [], problems]);
    },
  );

  test('are all stopped when the lease of an agent has run out, of which only its last words tell', async () => {
    const several = new Several();
    await several.activate();
    await several.pass(5_000);
    const words = ['target-0', 'target-2'].map((name) => JSON.stringify({ target: name, end: 'reverted' }));
    const message = [JSON.stringify({ event: 'over', reason: 'lease', targets: 2, unknown: 0 }), ...words].join('\n');
    several.cluster.updates.get('chaos-7f3k2-0')?.push({
      ...{ kind: 'status', phase: 'Succeeded', reason: '', message: '' },
      containers: { agent: { state: 'terminated', exitCode: 0, reason: 'Completed', message } },
    });
    await several.pass(2_000);
    expect(several.shim(1).told).toContain('stop');
    const lost = ['the shim did not hear from this command for 15s and reverted the fault'];
    const { targets, exitCode } = await outcomeOf(several);
    expect(targets.map(({ problems }) => problems)).toEqual([lost, [], lost]);
    expect(exitCode).toBe(3);
  });

  test('are known by what their agent has kept of the errors of their shims', async () => {
    const several = new Several();
    await several.launch();
    const word = { target: 'target-0', end: 'unchanged', code: 'target-gone', message: 'the target has ended' };
    several.cluster.updates.get('chaos-7f3k2-0')?.push({
      ...{ kind: 'status', phase: 'Failed', reason: '', message: '' },
      containers: { agent: { state: 'terminated', exitCode: 1, reason: 'Error', message: JSON.stringify(word) } },
    });
    await several.pass(2_000);
    expect((await errorOf(several)).message).toBe('pod/web-1 (app): the target has ended');
  });

  test('have their agents ended before their pods are removed', async () => {
    const several = new Several();
    await several.activate();
    for (const place of [0, 1, 2]) several.shim(place).end();
    await outcomeOf(several);
    const said = [...several.cluster.streams.values()].map(({ sent }) => sent.at(-1));
    expect(said).toEqual(['stop', 'stop']);
  });

  test('are all left alone when some are not armed in time', async () => {
    const several = new Several();
    several.cluster.mute.add('target-1');
    await several.activate();
    await several.pass(12_000);
    expect((await errorOf(several)).message).toMatch(/^pod\/web-2 \(app\): .*has not answered/);
    expect(several.begun).toBe(0);
  });

  test('go on when one of them ends early; the worst decides the exit code', async () => {
    const several = new Several();
    await several.activate();
    await several.pass(5_000);
    const target = several.plans[1]?.target;
    if (!target) throw new Error('not planned');
    several.cluster.ofTargets.push({ target, update: { kind: 'deleted', message: 'pod/web-2 was deleted' } });
    await several.pass(2_000);
    expect(several.shim(1).told).toContain('stop');
    expect(several.shim(0).told).not.toContain('stop');
    expect(several.s.reporter.of('failed')).toEqual([
      { kind: 'failed', target, why: expect.stringMatching(/^the target pod of shop\/web-2 .*was deleted/) },
    ]);
    for (const place of [0, 2]) several.shim(place).end();
    const outcome = await outcomeOf(several);
    expect(outcome.exitCode).toBe(3);
    expect(outcome.targets.map(({ problems }) => problems.length)).toEqual([0, 1, 0]);
    expect(several.s.reporter.of('failed')).toHaveLength(1);
  });

  test('whose agent ends early after its pod was changed are told of the change, before the start as well', async () => {
    for (const begun of [true, false]) {
      const several = new Several();
      several.cluster.agentFacts = { changes: ['added the node selector disk=ssd'] };
      if (begun) await several.activate();
      else await several.launch();
      const refused = { phase: 'Failed', reason: 'NodeAffinity', message: 'Predicate NodeAffinity failed' } as const;
      several.cluster.updates.get('chaos-7f3k2-1')?.push({ kind: 'status', ...refused, containers: {} });
      await several.pass(2_000);
      const changed = 'a webhook or policy changed the agent pod: added the node selector disk=ssd';
      if (!begun) {
        expect((await errorOf(several)).message).toMatch(new RegExp(`^pod/web-2 \\(app\\): .*; ${changed}$`));
        continue;
      }
      for (const place of [0, 2]) several.shim(place).end();
      const { targets } = await outcomeOf(several);
      expect(targets.map(({ problems }) => problems.includes(changed))).toEqual([false, true, false]);
    }
  });

  test('of which one cannot begin when the others have: it has failed, they go on', async () => {
    const several = new Several();
    several.cluster.stillborn.add('target-1');
    await several.activate();
    await several.pass(3_000);
    expect(several.begun).toBe(2);
    for (const place of [0, 2]) several.shim(place).end();
    const outcome = await outcomeOf(several);
    expect(outcome.exitCode).toBe(3);
    expect(outcome.targets.map(({ problems }) => problems.length)).toEqual([0, 1, 0]);
    expect(outcome.targets[1]?.problems[0]).toContain('no memory');
  });

  test.each([
    [{ count: 0 }, true],
    [{ percent: 33 }, true],
    [{ count: 1 }, false],
    [{ percent: 34 }, false],
  ])('are stopped when more have failed than may: %o of three', async (maxFailed, stopped) => {
    const several = new Several({ policy: { maxFailed, armMs: 300_000 } });
    await several.activate();
    await several.pass(3_000);
    several.shim(1).end({ reason: 'exited', exitCode: 1 });
    await several.pass(2_000);
    expect(several.shim(0).told.includes('stop')).toBe(stopped);
    for (const place of [0, 2]) if (!stopped) several.shim(place).end();
    expect((await outcomeOf(several)).exitCode).toBe(3);
  });

  test('are all left alone when they are not all armed within --arm-timeout', async () => {
    const several = new Several({ policy: { maxFailed: undefined, armMs: 20_000 } });
    await several.launch();
    await several.start('chaos-7f3k2-1');
    await several.pass(25_000);
    expect((await errorOf(several)).message).toBe(
      'pod/web-1 (app) and pod/web-3 (app) could not be armed in time (--arm-timeout)',
    );
    expect(several.begun).toBe(0);
  });

  test('are all stopped when the lease of one has run out', async () => {
    const several = new Several();
    await several.activate();
    await several.pass(3_000);
    several.shim(2).end({ reason: 'lease' });
    await several.pass(2_000);
    expect(several.shim(0).told).toContain('stop');
    expect((await outcomeOf(several)).exitCode).toBe(3);
    expect(several.s.reporter.of('stopping').map(({ why }) => why)).toContain(
      'the lease of pod/web-3 (app) has run out',
    );
  });

  test('are all stopped by Ctrl-C, before the start as well', async () => {
    for (const armed of [true, false]) {
      const several = new Several();
      await several.launch();
      await several.start(...(armed ? [] : ['chaos-7f3k2-0']));
      await several.pass(500);
      await several.s.interrupt();
      await several.pass(2_000);
      expect((await outcomeOf(several)).exitCode).toBe(130);
      expect(several.begun).toBe(armed ? 3 : 0);
    }
  });
});
