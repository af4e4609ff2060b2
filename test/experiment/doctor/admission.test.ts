import { describe, expect, test } from 'vitest';
import { ChaosError, type ErrorCode } from '../../../src/errors.ts';
import {
  judgeOtherNamespace,
  judgePodSecurity,
  judgeRehearsal,
  type Rehearsal,
} from '../../../src/experiment/doctor/admission.ts';
import { judgeWay } from '../../../src/experiment/doctor/way.ts';
import type { NamespaceFacts, Upgrade } from '../../../src/facts.ts';

const namespace = (change: Partial<NamespaceFacts> = {}): NamespaceFacts => ({
  ...{ name: 'shop', isTerminating: false, protectedBy: [] },
  ...change,
});
const admitted: Rehearsal = { known: { changes: [], warnings: [] } };
const refused = (code: ErrorCode, message = 'no', hint?: string): Rehearsal => ({
  unknown: new ChaosError(code, message, hint === undefined ? {} : { hint }),
});

describe('pod security', () => {
  test.each<[enforced: string | undefined, rehearsal: Rehearsal | undefined, state: string]>([
    [undefined, refused('admission'), 'ok'],
    ['privileged', undefined, 'ok'],
    ['baseline', undefined, 'problem'],
    ['restricted', refused('admission'), 'problem'],
    ['restricted', admitted, 'ok'],
    // Whether it is exempt, nobody has been asked.
    ['restricted', refused('forbidden'), 'warning'],
  ])('%s, %j: %s', (enforced, rehearsal, state) => {
    const facts = namespace(enforced === undefined ? {} : { enforced });
    expect(judgePodSecurity(facts, rehearsal)).toMatchObject({ check: 'pod security', state });
  });

  test('says which label helps', () => {
    expect(judgePodSecurity(namespace({ enforced: 'baseline' }), undefined).remedy).toBe(
      'kubectl label namespace shop pod-security.kubernetes.io/enforce=privileged --overwrite, or --agent-namespace with a namespace of that level',
    );
  });

  test('nothing is created in a namespace that is being deleted', () => {
    expect(judgePodSecurity(namespace({ isTerminating: true, enforced: 'privileged' }), undefined)).toMatchObject({
      ...{ state: 'problem', remedy: 'use --agent-namespace' },
    });
    expect(judgeOtherNamespace(namespace({ isTerminating: true }), 'chaos').state).toBe('warning');
  });

  test('of a target whose agent is elsewhere does not matter', () => {
    expect(judgeOtherNamespace(namespace({ enforced: 'restricted' }), 'chaos')).toMatchObject({ state: 'ok' });
    expect(judgeOtherNamespace(namespace(), 'chaos').finding).toContain('names no level');
  });
});

describe('the agent pod', () => {
  const states = (rehearsal: Rehearsal) => judgeRehearsal(rehearsal, 'chaos').map(({ state }) => state);

  test.each<[what: string, rehearsal: Rehearsal, states: string[]]>([
    ['taken as it is', admitted, ['ok']],
    ['changed, and warned of', { known: { changes: ['a', 'b'], warnings: ['c'] } }, ['warning', 'warning', 'warning']],
    ['refused by a quota', refused('quota'), ['problem']],
    ['refused by admission', refused('admission'), ['problem']],
    ['without an image', refused('image'), ['problem']],
    ['without the right', refused('forbidden'), ['unknown']],
    ['by a webhook without dry runs', refused('api', 'admission webhook "w" does not support dry run'), ['unknown']],
  ])('%s', (_what, rehearsal, expected) => {
    expect(states(rehearsal)).toEqual(expected);
  });

  test('keeps the words and the remedy of the refusal', () => {
    expect(judgeRehearsal(refused('quota', 'exceeded', 'describe it'), 'chaos')).toEqual([
      { check: 'agent pod', state: 'problem', finding: 'exceeded', remedy: 'describe it' },
    ]);
  });
});

describe('WebSockets', () => {
  const open: Upgrade = { state: 'open', carries: true };
  const answered: Upgrade = { state: 'answered', status: 404, message: 'not found' };
  const dropped: Upgrade = { state: 'refused', message: 'dropped', remedy: 'pass it on' };

  test.each<[watch: Upgrade, attach: Upgrade, state: string]>([
    [open, answered, 'ok'],
    [{ state: 'open' }, answered, 'ok'],
    [{ state: 'open', carries: false }, answered, 'warning'],
    [answered, answered, 'unknown'],
    [dropped, answered, 'problem'],
    [open, dropped, 'problem'],
  ])('%j and %j: %s', (watch, attach, state) => {
    expect(judgeWay(watch, attach).state).toBe(state);
  });

  test('say what helps, and what goes on without', () => {
    expect(judgeWay(open, dropped)).toMatchObject({
      finding: 'dropped',
      remedy:
        'pass it on; without them stress, io and pause go on by the log of the agent, with an image that has their tools (--image), if they need any; net does not; kill only where it needs no agent',
    });
  });
});
