import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../src/experiment/events.ts';
import type { Outcome, TargetOutcome } from '../../src/experiment/outcome.ts';
import type { Plan } from '../../src/experiment/plan.ts';
import type { Effect } from '../../src/faults/fault.ts';
import type { Target } from '../../src/ports.ts';
import { Crowd, outcomeLines } from '../../src/terminal/crowd.ts';
import { PlainReporter } from '../../src/terminal/plain.ts';
import { BufferOutput } from '../fakes/output.ts';
import { active, plan, target } from '../fakes/samples.ts';

const targets = (count: number) =>
  Array.from({ length: count }, (_, index) => target({ pod: `web-${index}`, node: `node-${index % 3}` }));

const planned = (all: ReturnType<typeof targets>): RunEvent => ({
  kind: 'planned',
  plans: all.map((each) => ({ target: each })) as unknown as readonly [Plan, ...Plan[]],
});

const sampleOf = (each: Target, effect: Effect = 'seen'): RunEvent => {
  const live = { head: ['TARGET', 'CPU'], row: [each.pod, '0.50'] };
  return { kind: 'sample', target: each, live, leftMs: 5_000, effect, document: { kind: 'sample' } };
};

/** A crowd of so many, of whom each has become active and told a sample, but for the first `silent`. */
function busy(count: number, silent = 0): { crowd: Crowd; all: ReturnType<typeof targets> } {
  const crowd = new Crowd();
  const all = targets(count);
  crowd.on(planned(all));
  for (const [index, each] of all.slice(silent).entries()) {
    crowd.on({ kind: 'active', target: each, active: active(), where: [], activeMs: 2_000 + 10 * index });
    crowd.on(sampleOf(each));
  }
  return { crowd, all };
}

/** The names of the rows. */
const named = (crowd: Crowd, limit?: number) =>
  (crowd.table(limit) ?? []).flatMap((line) => /web-\d+/.exec(line)?.[0] ?? []);

describe('the table of several targets', () => {
  test('has a row each, at most so many, and says how the others are', () => {
    expect(busy(3).crowd.table()).toEqual([
      '  STATE       TARGET   CPU    left',
      '  effective   web-0    0.50   5s',
      '  effective   web-1    0.50   5s',
      '  effective   web-2    0.50   5s',
    ]);
    expect(busy(37, 3).crowd.table(2)).toEqual([
      '  STATE     TARGET            CPU   left',
      '  waiting   pod/web-0 (app)   -     -',
      '  waiting   pod/web-1 (app)   -     -',
      '  … 35 more: 1 waiting, 34 effective',
    ]);
    expect(busy(1).crowd.table()).toEqual(['  TARGET   CPU    left', '  web-0    0.50   5s']);
  });

  test('leaves out what is measured where there is no room, and never the time that is left', () => {
    const { crowd } = busy(2);
    const row = (width: number) => crowd.table(undefined, width)?.at(-1);
    expect(row(34)).toBe('  effective   web-1    0.50   5s');
    expect(row(33)).toBe('  effective   web-1    5s');
    expect(row(10)).toBe('  effective   web-1    5s');
    const one = busy(1).crowd;
    expect(one.table(undefined, 22)).toEqual(['  TARGET   CPU    left', '  web-0    0.50   5s']);
    expect(one.table(undefined, 21)).toEqual(['  TARGET   left', '  web-0    5s']);
  });

  test('has the worst first: failed, without an effect, not measured, waiting, effective', () => {
    const { crowd, all } = busy(6, 1);
    const [, , second, third, fourth] = all;
    if (!second || !third || !fourth) throw new Error('too few');
    crowd.on(sampleOf(second, 'unmeasured'));
    crowd.on(sampleOf(third, 'unseen'));
    crowd.on({ kind: 'failed', target: fourth, why: 'the target pod was deleted' });
    expect(crowd.table()).toEqual([
      '  STATE           TARGET            CPU    left',
      '  failed          pod/web-4 (app)   -      -',
      '  no effect yet   web-3             0.50   5s',
      '  not measured    web-2             0.50   5s',
      '  waiting         pod/web-0 (app)   -      -',
      '  effective       web-1             0.50   5s',
      '  effective       web-5             0.50   5s',
    ]);
    expect(crowd.table(1)?.at(-1)).toBe('  … 5 more: 1 no effect yet, 1 not measured, 1 waiting, 2 effective');
  });

  test('keeps the order of the plan among those that are alike, whoever tells first', () => {
    const { crowd, all } = busy(5);
    const before = named(crowd);
    for (const each of all.toReversed()) crowd.on(sampleOf(each));
    expect(named(crowd)).toEqual(before);
    const [, , middle] = all;
    if (!middle) throw new Error('too few');
    crowd.on(sampleOf(middle, 'unseen'));
    expect(named(crowd)).toEqual(['web-2', 'web-0', 'web-1', 'web-3', 'web-4']);
    crowd.on(sampleOf(middle));
    expect(named(crowd)).toEqual(before);
  });

  test('loses the row of one whose fault has ended, and is gone with the last, whoever has failed', () => {
    const { crowd, all } = busy(3);
    for (const [index, each] of all.entries()) {
      crowd.on({ kind: 'reverted', target: each, revertMs: 1, confirmedBy: 'shim' });
      if (index === 0) crowd.on({ kind: 'failed', target: each, why: 'the target ended' });
      expect(named(crowd)).toEqual([['web-0', 'web-1', 'web-2'], ['web-0', 'web-2'], []][index]);
    }
    expect(crowd.table()).toBeUndefined();
  });

  test('is printed once for all of them', () => {
    const { crowd, all } = busy(3);
    expect(all.filter((each) => crowd.isTurnOf(each))).toEqual([all[0]]);
  });

  test('is not given up for one that is stopped while others go on', () => {
    const { crowd, all } = busy(3);
    const stopping = all.map((each) => {
      crowd.on({ kind: 'stopping', target: each, why: 'SIGINT received' });
      return crowd.isStopping;
    });
    expect(stopping).toEqual([false, false, true]);
  });
});

test('those that are found in force are counted as they are told, and the first ten named', () => {
  const crowd = new Crowd();
  const all = Array.from({ length: 12 }, (_, index) => target({ pod: `web-${index}` }));
  const named = all.map((one) => {
    crowd.on({ kind: 'watching', target: one, plan: { ...plan(), target: one }, agoMs: 1, leftMs: 1 });
    return crowd.isNamedFound;
  });
  expect(named.filter(Boolean)).toHaveLength(10);
  expect(crowd.isMany).toBe(true);
  for (const one of all) crowd.on(sampleOf(one));
  expect(crowd.table(2)?.at(-1)).toBe('  … 10 more: 10 effective');
});

test('all are active when the last one is, with the time between', () => {
  expect(busy(5, 1).crowd.allActive).toBeUndefined();
  expect(busy(5).crowd.allActive).toBe('active after 2s   5 targets on 3 nodes, within 40ms');
});

describe('the outcome of several targets', () => {
  const outcome = (each: readonly Partial<TargetOutcome>[]): Outcome => {
    const effective = { effective: true, proofs: [], table: { head: [], rows: [] }, document: {} };
    return {
      ...{ id: 'chaos-7f3k2', cluster: { server: 's' }, exitCode: 0, left: [], undo: '', sweep: '' },
      ...{ times: { totalMs: 1 }, requests: {} },
      targets: each.map((change, index) => ({
        ...{ target: target({ pod: `web-${index}` }), summary: '', problems: [], reverted: true },
        verdict: effective,
        ...change,
      })),
    };
  };

  test('has those first of which there is something to say, and says it', () => {
    expect(outcomeLines(outcome([{}, { problems: ['the target ended'] }, {}]))).toEqual([
      '  TARGET            NODE     RESULT',
      '  pod/web-1 (app)   node-3   effective',
      '  pod/web-0 (app)   node-3   effective',
      '  pod/web-2 (app)   node-3   effective',
      'pod/web-1 (app): Problem: the target ended.',
      'Effective on 2 of 3 targets.',
    ]);
  });

  test('says once what is the same of several', () => {
    const problems = ['the node was lost'];
    expect(outcomeLines(outcome([{ problems }, { problems }, { problems }, {}])).slice(-2)).toEqual([
      'pod/web-0 (app) and 2 more: Problem: the node was lost.',
      'Effective on 1 of 4 targets.',
    ]);
  });

  test('says how many of those that were detached nobody has seen enough of', () => {
    const unseen = { watchedMs: 0 };
    const of = (each: readonly Partial<TargetOutcome>[]) => {
      const { targets, ...rest } = outcome(each);
      const without = ({ verdict: _verdict, ...one }: TargetOutcome): TargetOutcome => one;
      return outcomeLines({
        ...rest,
        targets: targets.map((one) => (one.watchedMs === undefined ? one : without(one))),
      });
    };
    expect(of([{}, unseen])).toEqual([
      '  TARGET            NODE     RESULT',
      '  pod/web-0 (app)   node-3   effective',
      '  pod/web-1 (app)   node-3   ended',
      'Effective on 1 of 2 targets.',
      'No verdict on 1 target: not observed long enough.',
    ]);
    expect(of([unseen, unseen]).slice(-2)).toEqual([
      '  pod/web-1 (app)   node-3   ended',
      'No verdict on 2 targets: not observed long enough.',
    ]);
  });

  test('counts no effects where a signal came before any was begun', () => {
    const of = (count: number, begun: number) => {
      const { targets, ...rest } = outcome(Array.from({ length: count }, () => ({})));
      const without = ({ verdict: _verdict, ...one }: TargetOutcome): TargetOutcome => one;
      return outcomeLines({ ...rest, targets: targets.map((one, at) => (at < begun ? one : without(one))) });
    };
    expect(of(2, 0)).toEqual([
      '  TARGET            NODE     RESULT',
      '  pod/web-0 (app)   node-3   not begun',
      '  pod/web-1 (app)   node-3   not begun',
      'None of them was begun.',
    ]);
    expect(of(2, 1).at(-1)).toBe('Effective on 1 of 2 targets.');
  });

  test('has at most 20 rows', () => {
    const lines = outcomeLines(outcome(Array.from({ length: 50 }, () => ({}))));
    expect(lines.slice(-2)).toEqual(['  … 30 more: 30 effective', 'Effective on 50 of 50 targets.']);
    expect(lines).toHaveLength(23);
  });
});

test('off a terminal the table of several comes when all have told of themselves, and then every ten samples', () => {
  const stderr = new BufferOutput();
  const reporter = new PlainReporter(new BufferOutput(), stderr, false);
  const all = targets(3);
  reporter.report(planned(all));
  const tables: number[] = [];
  for (let round = 0; round < 22; round++) {
    stderr.text = '';
    for (const each of all) reporter.report(sampleOf(each));
    if (stderr.text.includes('STATE')) tables.push(round);
    expect(stderr.text.match(/effective/g)?.length ?? 0).toBe(tables.at(-1) === round ? 3 : 0);
  }
  expect(tables).toEqual([1, 11, 21]);
});

test('what has become of one is said when it has failed, of the first ten', () => {
  const stderr = new BufferOutput();
  const reporter = new PlainReporter(new BufferOutput(), stderr, false);
  const all = targets(13);
  for (const each of all) {
    reporter.report({ kind: 'stopping', target: each, why: 'the target ended' });
    reporter.report({ kind: 'failed', target: each, why: 'its pod was\u001b[2J deleted' });
  }
  expect(stderr.text.match(/^note: pod\/web-\d \(app\) has failed: its pod was deleted$/gm)).toHaveLength(10);
});

test('before the start the first ten are named, and what is announced for each is said once', () => {
  const stderr = new BufferOutput();
  const reporter = new PlainReporter(new BufferOutput(), stderr, false);
  const all = targets(13);
  for (const each of all) reporter.report({ kind: 'selected', target: each });
  reporter.report({
    kind: 'impact',
    impact: { pods: 13, containers: 13, nodes: 3, workloads: [], brokenBudgets: [], unknown: [] },
  });
  expect(stderr.text.match(/^target /gm)).toHaveLength(10);
  expect(stderr.text).toMatch(/^ {9}and 3 more\nimpact {3}13 pods on 3 nodes$/m);
  for (const count of [13, 1]) {
    stderr.text = '';
    const fresh = new PlainReporter(new BufferOutput(), stderr, false);
    const plans = all.slice(0, count).map((each) => ({ ...plan(), target: each }));
    fresh.report({ kind: 'planned', plans: plans as unknown as readonly [Plan, ...Plan[]] });
    for (const each of all) {
      const announced = { lines: ['affected partition'], notes: ['TCP waits'], document: { kind: 'x-announced' } };
      fresh.report({ kind: 'announced', target: each, ...announced });
      fresh.report({ kind: 'warning', target: each, message: 'be careful' });
    }
    for (const text of ['affected partition', 'TCP waits', 'be careful'])
      expect(stderr.text.split(text)).toHaveLength(count === 1 ? 14 : 2);
  }
});
