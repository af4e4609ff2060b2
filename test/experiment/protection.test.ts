import { describe, expect, test } from 'vitest';
import { prepare } from '../../src/experiment/prepare.ts';
import { contextProtection } from '../../src/experiment/protection.ts';
import { runExperiment } from '../../src/experiment/run.ts';
import { settle } from '../fakes/clock.ts';
import { request } from '../fakes/samples.ts';
import { experiment, Scenario } from './scenario.ts';

describe('a context in KUBECTL_CHAOS_PROTECTED', () => {
  test.each([
    ['prod', 'prod', 'context prod is listed in KUBECTL_CHAOS_PROTECTED'],
    ['prod-eu', 'staging, prod-*', 'context prod-eu is listed in KUBECTL_CHAOS_PROTECTED (as prod-*)'],
    ['arn:aws:eks:eu:1:cluster/prod', '*prod*', 'context arn:aws:eks:eu:1:cluster/prod is listed'],
  ])('%s is protected by %s', (context, listed, reason) => {
    expect(contextProtection(context, listed)).toContain(reason);
  });

  test.each([
    ['prod-eu', 'prod'],
    ['staging', 'prod-*'],
    ['prodXeu', 'prod.eu'],
    ['staging', ' , ,'],
    ['staging', undefined],
  ])('%s is not protected by %s', (context, listed) => {
    expect(contextProtection(context, listed)).toBeUndefined();
  });
});

const byNamespace = ['annotation kubectl-chaos.io/protected on namespace shop'];

describe('a protected target', () => {
  experiment('is refused before anything is created, with the reasons and what would work', async (s) => {
    s.cluster.around = { ...s.cluster.around, protectedBy: byNamespace };
    await s.launch();
    expect(await s.error()).toMatchObject({
      code: 'protected',
      exitCode: 1,
      message: 'pod/web-7d4b9 in namespace shop is protected: annotation kubectl-chaos.io/protected on namespace shop',
      hint: 'To run the experiment all the same, add --yes.',
      state: 'nothing was changed',
    });
    expect(s.cluster.count('launch')).toBe(0);
    expect(s.reporter.kinds).toEqual(['selecting', 'selected', 'impact', 'planned', 'protected']);
  });

  test('by its context is refused as well', async () => {
    const s = new Scenario();
    const refused = runExperiment(s.request, { ...s.ports, protectedContexts: 'stag*' });
    await expect(refused).rejects.toThrow('context staging is listed in KUBECTL_CHAOS_PROTECTED (as stag*)');
    expect(s.cluster.count('launch')).toBe(0);
  });

  experiment(
    'is run on with --yes, and said to be protected',
    async (s) => {
      s.cluster.around = { ...s.cluster.around, protectedBy: byNamespace };
      await s.activate();
      expect(s.reporter.of('protected')).toMatchObject([{ reasons: byNamespace }]);
      await s.interrupt();
    },
    request({}, { yes: true }),
  );

  test.each([
    [true, 1],
    [false, 0],
  ])('where somebody can answer: asked; %s', async (answer, launches) => {
    const s = new Scenario();
    s.cluster.around = { ...s.cluster.around, protectedBy: byNamespace };
    const run = runExperiment(s.request, { ...s.ports, confirm: async () => answer });
    run.catch(() => undefined);
    await settle();
    expect(s.cluster.count('launch')).toBe(launches);
    if (answer) await s.interrupt();
    const end = await run.catch((error: unknown) => error);
    expect(end).toMatchObject(answer ? { exitCode: 130 } : { code: 'protected' });
  });

  test('is shown by a dry run, which changes nothing', async () => {
    const s = new Scenario(request({}, { dryRun: 'client' }));
    s.cluster.around = { ...s.cluster.around, protectedBy: byNamespace };
    expect(await prepare(s.request, s.ports)).toMatchObject([{ id: 'chaos-7f3k2', cluster: { context: 'staging' } }]);
    expect(s.reporter.of('protected')).toHaveLength(1);
  });
});

experiment('what cannot be checked is one warning, and no reason to refuse', async (s) => {
  const unchecked = [
    'whether namespace shop is protected (you may not get namespaces)',
    'experiments outside shop (no)',
  ];
  s.cluster.around = { ...s.cluster.around, unchecked };
  await s.activate();
  expect(s.reporter.of('warning').map(({ message }) => message)).toEqual([
    'not checked: whether namespace shop is protected (you may not get namespaces); experiments outside shop (no)',
  ]);
  await s.interrupt();
});
