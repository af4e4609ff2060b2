import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Candidate, choosePods, numberOf } from '../../src/kubernetes/choice.ts';

const seed = fc.string({ minLength: 1, maxLength: 8 });
const percent = fc.integer({ min: 1, max: 100 });

/** Pods with names of their own on a few nodes, each node in one zone, some in none. */
const candidates: fc.Arbitrary<Candidate[]> = fc
  .array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 30 })
  .map((nodes) =>
    nodes.map((node, index) => ({
      ...{ name: `web-${index}`, node: `node-${node}` },
      ...(node === 0 ? {} : { zone: `zone-${node % 3}` }),
    })),
  );

const shuffled = candidates.chain((pods) =>
  fc.tuple(
    fc.constant(pods),
    fc.shuffledSubarray(pods, { minLength: pods.length, maxLength: pods.length }),
    fc.integer({ min: 1, max: pods.length }),
    seed,
  ),
);

function count(values: readonly (string | undefined)[]): Map<string | undefined, number> {
  const counts = new Map<string | undefined, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

describe('numberOf', () => {
  it.each([
    [1, 10, 1],
    [10, 10, 1],
    [11, 10, 2],
    [50, 3, 2],
    [99, 3, 3],
    [100, 3, 3],
    [29, 100, 29],
    [57, 100, 57],
    [1, 1, 1],
    [33, 1, 1],
  ])('%d%% of %d pods are %d', (each, available, number) => {
    expect(numberOf({ percent: each }, available)).toBe(number);
  });

  it('of a percentage is the least whole number that is no less, and at least one', () => {
    fc.assert(
      fc.property(percent, fc.integer({ min: 1, max: 5_000 }), (each, available) => {
        const number = numberOf({ percent: each }, available);
        expect(number).toBeGreaterThanOrEqual(1);
        expect(number).toBeLessThanOrEqual(available);
        expect(number * 100).toBeGreaterThanOrEqual(available * each);
        expect((number - 1) * 100).toBeLessThan(available * each);
      }),
    );
  });

  it('is all, or as many as are asked for', () => {
    expect(numberOf('all', 7)).toBe(7);
    expect(numberOf({ count: 9 }, 7)).toBe(9);
  });
});

describe('choosePods', () => {
  it('takes the same with the same seed, whatever the order of the list', () => {
    fc.assert(
      fc.property(shuffled, ([pods, others, number, text]) => {
        for (const take of ['one', { count: number }] as const) {
          expect(choosePods([others], take, text)).toEqual(choosePods([pods], take, text));
        }
      }),
    );
  });

  it('takes as many as are asked for, each once, by name', () => {
    fc.assert(
      fc.property(shuffled, ([pods, , number, text]) => {
        const names = choosePods([pods], { count: number }, text).map(({ name }) => name);
        expect(new Set(names).size).toBe(number);
        expect(names).toEqual([...names].sort());
        expect(choosePods([pods], { count: number + pods.length }, text)).toHaveLength(pods.length);
      }),
    );
  });

  it('takes no second pod of a node while another node that has a pod has fewer taken', () => {
    fc.assert(
      fc.property(shuffled, ([pods, , number, text]) => {
        const chosen = choosePods([pods], { count: number }, text);
        const taken = count(chosen.map(({ node }) => node));
        const there = count(pods.map(({ node }) => node));
        for (const [node, most] of taken) {
          for (const [other, available] of there) {
            const least = taken.get(other) ?? 0;
            if (other !== node && least < available) expect(most - least).toBeLessThanOrEqual(1);
          }
        }
      }),
    );
  });

  it('takes every zone once before it takes one twice, where each pod is on a node of its own', () => {
    const alone = fc
      .array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 20 })
      .map((zones) =>
        zones.map((zone, index): Candidate => ({ name: `p${index}`, node: `n${index}`, zone: `z${zone}` })),
      );
    fc.assert(
      fc.property(alone, fc.integer({ min: 1, max: 5 }), seed, (pods, number, text) => {
        const zones = new Set(pods.map(({ zone }) => zone)).size;
        const chosen = choosePods([pods], { count: number }, text);
        expect(new Set(chosen.map(({ zone }) => zone)).size).toBe(Math.min(number, zones, pods.length));
      }),
    );
  });

  it('with more asked for adds pods, and keeps those of fewer', () => {
    fc.assert(
      fc.property(shuffled, ([pods, , number, text]) => {
        const fewer = choosePods([pods], { count: number }, text);
        expect(choosePods([pods], { count: number + 1 }, text)).toEqual(expect.arrayContaining(fewer));
      }),
    );
  });

  it('keeps its choice when a pod that it has not taken is gone', () => {
    fc.assert(
      fc.property(shuffled, ([pods, , , text]) => {
        const [chosen] = choosePods([pods], 'one', text);
        for (const gone of pods) {
          if (gone.name === chosen?.name) continue;
          expect(choosePods([pods.filter((pod) => pod !== gone)], 'one', text)).toEqual([chosen]);
        }
      }),
    );
  });

  it('takes any of the pods with some seed', () => {
    const pods = ['a', 'b', 'c', 'd'].map((name): Candidate => ({ name, node: 'n' }));
    const taken = Array.from({ length: 200 }, (_, index) => choosePods([pods], 'one', `${index}`)[0]?.name);
    for (const { name } of pods) {
      expect(taken.filter((each) => each === name).length, name).toBeGreaterThan(25);
    }
  });

  it('takes one of each group, and never a pod twice', () => {
    const pod = (name: string): Candidate => ({ name, node: name });
    const [a, b, c] = [pod('a'), pod('b'), pod('c')];
    for (let text = 0; text < 20; text++) {
      expect(choosePods([[a, b], [a]], 'one', `${text}`)).toEqual([a, b]);
      expect(choosePods([[a], [a]], 'one', `${text}`)).toEqual([a]);
      expect(choosePods([[a, b], [], [c]], 'one', `${text}`)).toHaveLength(2);
      expect(
        choosePods(
          [
            [a, b],
            [b, c],
          ],
          'all',
          `${text}`,
        ),
      ).toEqual([a, b, c]);
    }
  });

  it('spreads over the nodes those of all groups', () => {
    const on = (name: string, node: string): Candidate => ({ name, node });
    const groups = [
      [on('a1', 'n1')],
      [on('b1', 'n1'), on('b2', 'n2')],
      [on('c1', 'n1'), on('c2', 'n2'), on('c3', 'n3')],
    ];
    for (let text = 0; text < 20; text++) {
      const chosen = choosePods(groups, 'one', `${text}`);
      expect(new Set(chosen.map(({ node }) => node)).size, `${text}`).toBeGreaterThanOrEqual(2);
      expect(
        choosePods(groups, { count: 3 }, `${text}`)
          .map(({ node }) => node)
          .sort(),
      ).toEqual(['n1', 'n2', 'n3']);
    }
  });
});
