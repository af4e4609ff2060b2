import { describe, expect } from 'vitest';
import type { Measurement } from '../../src/faults/common/measure.ts';
import type { Verdict } from '../../src/faults/fault.ts';
import { settle } from '../fakes/clock.ts';
import { request, requestFor, resolved, sample, sampleEvent, target } from '../fakes/samples.ts';
import { experiment } from './scenario.ts';

/** What was measured of the target by itself. */
const measured = (verdict: Verdict | undefined) => (verdict?.document ?? {}) as { before?: Measurement };

describe('an experiment that goes as asked', () => {
  experiment('is effective, reverted, removed, and told in order', async (s) => {
    await s.activate();
    await s.pass(10_000);
    await s.finish();
    const outcome = await s.outcome();

    expect(outcome).toMatchObject({
      exitCode: 0,
      reverted: true,
      left: [],
      problems: [],
      verdict: { effective: true },
    });
    expect(outcome.times.activeMs).toBe(200);
    expect(outcome.requests).toEqual({ 'create pods': 1, 'delete pods': 1 });
    expect(s.reporter.kinds).toEqual(
      'selecting selected impact planned launching resolved active sample ended reverted removing removed outcome'.split(
        ' ',
      ),
    );
    expect(s.cluster.calls).toEqual([
      ...[
        'findTargets',
        'surroundings',
        'memberships',
        'launch',
        'followAgent',
        'followTarget',
        'followNode',
        'attach',
        'recordEvent',
        'remove',
        'recordEvent',
      ],
    ]);
    expect(s.reporter.of('reverted')[0]).toMatchObject({ confirmedBy: 'shim' });
    expect(s.cluster.removed?.reverted).toBe(true);
  });

  experiment('says beat, again after the baseline, start, and then a beat every 3 s', async (s) => {
    await s.launch();
    await s.attach();
    expect(s.sent).toEqual(['beat']);
    await s.pass(199);
    expect(s.sent).toEqual(['beat']);
    await s.pass(1);
    expect(s.sent).toEqual(['beat', 'beat', 'start']);
    await s.pass(9_000);
    expect(s.sent.slice(3)).toEqual(['beat', 'beat', 'beat']);
    await s.finish();
    await s.outcome();
  });

  experiment('starts only after a baseline, though `resolved` comes twice at once', async (s) => {
    // The stream is there before the shim has spoken: its own first word and its answer to our beat.
    await s.launch();
    s.answers.delete('beat');
    await s.attach();
    s.cluster.attachment.say(resolved(sample(0)), resolved(sample(0.001)));
    await settle();
    expect(s.sent).toEqual(['beat']);
    s.answers.add('beat');
    await s.pass(200);
    expect(s.sent.at(-1)).toBe('start');
    await s.pass(10_000);
    await s.finish();
    const { verdict } = await s.outcome();
    expect(measured(verdict).before?.seconds).toBeGreaterThanOrEqual(0.2);
  });

  experiment('keeps samples between start and active out of the baseline', async (s) => {
    s.answers.delete('start');
    await s.launch();
    await s.attach();
    await s.pass(200);
    s.cluster.attachment.say(sampleEvent(0, 0, { ...s.sample(), cpuUsageUs: 900_000_000 }));
    await settle();
    s.cluster.attachment.say({ event: 'active', atMs: 1, pid: 1, entered: 8, of: 8, elapsedMs: 5 });
    await settle();
    await s.pass(5_000);
    await s.finish();
    const { verdict } = await s.outcome();
    expect(measured(verdict).before?.cpuCores).toBeLessThan(0.1);
  });

  experiment('counts down in the samples', async (s) => {
    await s.activate();
    await s.pass(10_000);
    await s.finish();
    await s.outcome();
    const left = s.reporter.of('sample').map(({ leftMs }) => Math.round(leftMs / 1_000));
    expect(left).toEqual([58, 57, 56, 55, 54, 53, 52, 51, 50]);
  });

  experiment('passes on what the workload and a foreign program say', async (s) => {
    await s.activate();
    s.cluster.attachment.stderr.push('stress-ng: info: dispatching\n');
    s.cluster.attachment.stdout.push('not an event');
    await s.pass(3_000);
    await s.finish();
    await s.outcome();
    expect(s.reporter.of('output').map(({ text }) => text)).toEqual([
      'stress-ng: info: dispatching\n',
      'not an event\n',
    ]);
  });

  experiment('is known by status when no event said "started"', async (s) => {
    await s.launch();
    await s.status({ state: 'waiting', reason: 'ContainerCreating', message: '' }, { phase: 'Pending' });
    await s.agent({ kind: 'progress', reason: 'Pulling', message: 'Pulling image "tools:1"' });
    expect(s.cluster.count('attach')).toBe(0);
    await s.status({ state: 'running' });
    await s.status({ state: 'running' });
    expect(s.cluster.count('attach')).toBe(1);
    await s.pass(200);
    s.cores = 1;
    await s.pass(5_000);
    await s.finish();
    expect((await s.outcome()).exitCode).toBe(0);
    expect(s.reporter.of('progress')).toEqual([
      { kind: 'progress', target: target(), message: 'Pulling: Pulling image "tools:1"' },
    ]);
  });

  experiment('names hierarchies that have lost their mount (L8)', async (s) => {
    s.answers.delete('beat');
    await s.launch();
    await s.attach();
    s.cluster.attachment.say(resolved(s.sample(), { unmounted: ['name=cpu_mirror'] }));
    await settle();
    expect(s.reporter.of('warning')[0]?.message).toContain('name=cpu_mirror');
    s.answers.add('beat');
    await s.pass(200);
    s.cores = 1;
    await s.pass(5_000);
    await s.finish();
    await s.outcome();
  });

  experiment(
    'that had no effect ends with 3 and says so',
    async (s) => {
      await s.activate();
      s.cores = 0.02;
      await s.pass(10_000);
      await s.finish();
      const outcome = await s.outcome();
      expect(outcome).toMatchObject({ exitCode: 3, reverted: true, verdict: { effective: false } });
      expect(outcome.verdict?.proofs[0]?.sentence).toContain('no more than before');
    },
    request({ cpu: { workers: 1, loadPercent: 100 } }),
  );

  experiment(
    'of arguments of the user may end by itself',
    async (s) => {
      await s.activate();
      await s.pass(5_000);
      await s.finish({ reason: 'exited', exitCode: 0, signal: 0, runMs: 5_000 });
      expect(await s.outcome()).toMatchObject({ exitCode: 0, problems: [] });
    },
    requestFor({ stressNgArgs: ['--cpu', '1', '--cpu-ops', '9'] }),
  );
});
