import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ChaosError, usageError } from '../../src/errors.ts';
import type { TargetOutcome } from '../../src/experiment/outcome.ts';
import { cgroupPlace } from '../../src/faults/common/place.ts';
import { errorText, harmless, reverted, selected, selection, verdict } from '../../src/terminal/words.ts';
import { resolved, target } from '../fakes/samples.ts';

describe('harmless', () => {
  test.each([
    ['colours', '\u001b[31mred\u001b[0m', 'red'],
    ['the cursor', 'a\u001b[2J\u001b[1;1Hb', 'ab'],
    ['titles', '\u001b]0;title\u0007x', 'x'],
    ['links', '\u001b]8;;http://evil\u001b\\click\u001b]8;;\u001b\\', 'click'],
    ['C1 sequences', '\u009b2Jx', 'x'],
    ['a carriage return that would hide what was said', 'error: x\rok     ', 'error: xok     '],
    ['backspaces and bells', 'a\u0008b\u0007', 'ab'],
    ['lines and tabs stay', 'a\n\tb', 'a\n\tb'],
    ['letters of the world stay', 'größer → 日本 🙂', 'größer → 日本 🙂'],
  ])('%s', (_what, text, expected) => {
    expect(harmless(text)).toBe(expected);
  });

  test('leaves no control character, cut where it may be', () => {
    const piece = fc.constantFrom('\u001b', '[', '2J', ']0;', '\u0007', '\u009b', '31m', 'x', '\r', '\u0000', '\u007f');
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 12 }), (pieces) => {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is the point
        expect(harmless(pieces.join(''))).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
        expect(pieces.map(harmless).join('')).not.toContain('\u001b');
      }),
    );
  });
});

test('what is looked up is said as it was typed, or nearly', () => {
  const from = [{ kind: 'deployment', name: 'web' } as const, { kind: 'pod', name: 'api' } as const];
  expect(selection({ from })).toBe('deployment/web, pod/api');
  expect(selection({ from: { labels: 'app in (web, api)' } })).toBe('-l app in (web, api)');
});

test('what could not be measured is not called without an effect', () => {
  const proof = { what: 'io', effective: false, unmeasured: true, sentence: 'nothing counts it' } as const;
  const judged = { effective: false, unmeasured: true, proofs: [proof] };
  const outcome = { problems: [] as string[], verdict: judged } as unknown as TargetOutcome;
  expect(verdict(outcome)).toEqual(['nothing counts it. NOT measured: whether it was effective is not known.']);
});

test('what was measured is one line a sentence, whatever a target calls its mounts', () => {
  const proof = { what: 'other', effective: true, sentence: 'wrote 1Gi to /da\u001b[2Jta\nNOT effective' } as const;
  const outcome = {
    problems: [] as string[],
    verdict: { effective: true, proofs: [proof] },
  } as unknown as TargetOutcome;
  expect(verdict(outcome)).toEqual(['wrote 1Gi to /data NOT effective. Effective.']);
});

describe('errorText', () => {
  test('what and why, what to do, and how the target is', () => {
    const error = new ChaosError('forbidden', 'you may not create pods in shop', { hint: 'Ask for it.' });
    expect(errorText(error)).toBe(
      'error: you may not create pods in shop\nAsk for it.\nState of the target: nothing was changed.\n',
    );
  });

  test('a wrong command line has not touched any target', () => {
    expect(errorText(usageError('--cpu is missing'))).toBe('error: --cpu is missing\n');
  });

  test('the words of the API server are made harmless', () => {
    const error = new ChaosError('api', 'admission webhook said \u001b]0;owned\u0007no', {
      hint: '\u001b[2J',
      state: '\u009b2J',
    });
    expect(errorText(error)).toBe('error: admission webhook said no\n\nState of the target: .\n');
  });
});

test('a fast revert is told in milliseconds', () => {
  expect(reverted(8.2)).toBe('reverted in 8.2ms');
  expect(reverted(200)).toBe('reverted in 200ms');
});

test('a pod that was chosen is named with what it was chosen from', () => {
  expect(selected(target({ chosenFrom: { workload: 'deployment/web', runningPods: 3 } }))).toBe(
    'pod/web-7d4b9 (app) in shop on node-3, one of 3 running of deployment/web',
  );
});

describe('the place of the cgroup', () => {
  const place = (hierarchy: string, version: 1 | 2, path: string, joined = true) => ({
    hierarchy,
    version,
    path,
    joined,
  });

  test.each([
    ['v2', [place('', 2, '/kubepods/a')], '/kubepods/a'],
    ['v1', [place('memory', 1, '/m'), place('cpu,cpuacct', 1, '/c')], '/c'],
    ['hybrid', [place('', 2, '/u'), place('cpuset', 1, '/s'), place('cpuacct,cpu', 1, '/c')], '/c'],
    ['v1', [place('memory', 1, '/m')], '/m'],
    ['v2', [place('', 2, '/x', false)], '?'],
  ] as const)('on %s', (cgroupMode, cgroups, path) => {
    expect(cgroupPlace(resolved(undefined, { cgroupMode, cgroups: [...cgroups] }))).toBe(
      `cgroup ${cgroupMode} ${path}`,
    );
  });
});
