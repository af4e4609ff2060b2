import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { impactOf } from '../../src/experiment/impact.ts';
import { prepare } from '../../src/experiment/prepare.ts';
import type { Memberships } from '../../src/ports.ts';
import { impact as lines } from '../../src/terminal/words.ts';
import { request, target } from '../fakes/samples.ts';
import { Scenario } from './scenario.ts';

const one = target({ podUid: 'a', node: 'n1' });
const two = target({ podUid: 'b', node: 'n2' });
const web = 'deployment/web';

function known(change: Partial<Memberships> = {}): Memberships {
  return {
    pods: [
      { uid: 'a', isReady: true, workload: web },
      { uid: 'b', isReady: true, workload: web },
      { uid: 'c', isReady: false, workload: web },
    ],
    workloads: [{ name: web, readyPods: 3 }],
    ...{ budgets: [], unknown: [] },
    ...change,
  };
}

describe('the impact', () => {
  it('is how many pods of a workload are left', () => {
    expect(impactOf([one, two], known())).toEqual({
      ...{ pods: 2, containers: 2, nodes: 2 },
      workloads: [{ name: web, hit: 2, ready: 3, readyLeft: 1 }],
      ...{ brokenBudgets: [], unknown: [] },
    });
  });

  it('counts a pod once, however many of its containers are targets', () => {
    const impact = impactOf([one, { ...one, container: 'proxy' }], known());
    expect(impact).toMatchObject({ pods: 1, containers: 2, nodes: 1, workloads: [{ hit: 1, readyLeft: 2 }] });
  });

  it('is none on a workload whose pod is not ready in any case, or is no target', () => {
    expect(impactOf([target({ podUid: 'c' })], known()).workloads).toEqual([]);
    const others = known({ workloads: [{ name: 'deployment/api', readyPods: 1 }] });
    expect(impactOf([one], others).workloads).toEqual([]);
  });

  it.each([
    [3, 2, 1, []],
    [3, 3, 1, [{ name: 'web', healthyLeft: 2, needed: 3 }]],
    [3, 2, 2, [{ name: 'web', healthyLeft: 1, needed: 2 }]],
    // It was broken before.
    [1, 2, 1, [{ name: 'web', healthyLeft: 0, needed: 2 }]],
    [0, 1, 1, [{ name: 'web', healthyLeft: 0, needed: 1 }]],
  ])('breaks a budget of %d healthy and %d needed with %d hit: %j', (healthy, needed, hit, broken) => {
    const budgets = [{ name: 'web', pods: ['a', 'b', 'c'], healthy, needed }];
    expect(impactOf([one, two].slice(0, hit), known({ budgets })).brokenBudgets).toEqual(broken);
  });

  it('never leaves fewer than none, nor more than there are', () => {
    const uid = fc.constantFrom('a', 'b', 'c', 'd');
    const pods = fc.uniqueArray(fc.record({ uid, isReady: fc.boolean(), workload: fc.constant(web) }), {
      selector: (pod) => pod.uid,
    });
    fc.assert(
      fc.property(pods, fc.uniqueArray(uid), fc.nat(5), fc.nat(5), fc.nat(5), (there, hit, ready, healthy, needed) => {
        const targets = hit.map((podUid) => target({ podUid }));
        const budgets = [{ name: 'web', pods: there.map((pod) => pod.uid), healthy, needed }];
        const impact = impactOf(targets, {
          ...known({ pods: there, budgets }),
          workloads: [{ name: web, readyPods: ready }],
        });
        for (const { hit: some, readyLeft } of impact.workloads) {
          expect(some).toBeGreaterThan(0);
          expect(some).toBeLessThanOrEqual(hit.length);
          expect(readyLeft).toBe(Math.max(0, ready - some));
        }
        for (const { healthyLeft } of impact.brokenBudgets) expect(healthyLeft).toBeLessThan(needed);
      }),
    );
  });
});

describe('what is said of it', () => {
  it('is nothing, of one target that nothing else depends on', () => {
    expect(lines(impactOf([one], known({ workloads: [] })))).toEqual([]);
  });

  it.each([
    [3, `1 of 3 ready pods of ${web}`],
    [1, `the only ready pod of ${web}`],
  ])('is one line of one target: %d ready', (readyPods, text) => {
    const workloads = [{ name: web, readyPods }];
    expect(lines(impactOf([one], known({ workloads })))).toEqual([text]);
    const budgets = [{ name: 'web', pods: ['a'], healthy: 1, needed: 1 }];
    expect(lines(impactOf([one], known({ workloads, budgets, unknown: ['x (no)'] })))).toEqual([
      `${text}; may break PodDisruptionBudget web: 1 healthy needed, 0 left; not known: x (no)`,
    ]);
  });

  it('is a line each of several targets, at most five of a kind', () => {
    expect(lines(impactOf([one, two], known({ workloads: [{ name: web, readyPods: 2 }] })))).toEqual([
      '2 pods on 2 nodes',
      `all 2 ready pods of ${web}`,
    ]);
    expect(lines(impactOf([one, { ...one, container: 'x' }], known({ workloads: [] })))).toEqual([
      '1 pod (2 containers) on 1 node',
    ]);
    const names = Array.from({ length: 7 }, (_, index) => `deployment/${index}`);
    const many = {
      pods: names.map((workload, index) => ({ uid: `${index}`, isReady: true, workload })),
      workloads: names.map((name) => ({ name, readyPods: 2 })),
    };
    const targets = names.map((_, index) => target({ podUid: `${index}` }));
    const said = lines(impactOf(targets, known(many)));
    expect(said).toHaveLength(7);
    expect(said.at(-1)).toBe('and 2 more');
  });
});

describe('an experiment', () => {
  it('tells it after the targets and before the plan, and keeps it with the plan', async () => {
    const s = new Scenario(request({}, { dryRun: 'client' }));
    s.cluster.belongings = known({ pods: [{ uid: 'target-uid', isReady: true, workload: web }] });
    const [plan] = await prepare(s.request, s.ports);
    expect(s.reporter.kinds).toEqual(['selecting', 'selected', 'impact', 'planned']);
    const impact = s.reporter.of('impact')[0]?.impact;
    expect(impact).toMatchObject({ pods: 1, workloads: [{ name: web, hit: 1, readyLeft: 2 }] });
    expect(plan.scope).toEqual({ seed: '7f3k2', skipped: [], impact });
  });
});
