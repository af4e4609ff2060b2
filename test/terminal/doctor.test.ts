import { describe, expect, test } from 'vitest';
import type { Finding } from '../../src/experiment/doctor/finding.ts';
import { doctorDocument, doctorText } from '../../src/terminal/doctor.ts';
import { faultsOf } from '../support/documents.ts';

const findings: Finding[] = [
  { check: 'server', state: 'ok', finding: 'it is there' },
  { check: 'pod security', state: 'problem', finding: 'it is restricted', remedy: 'label it' },
  { check: 'oom', state: 'unknown', finding: 'nobody knows' },
  { check: 'mesh', state: 'warning', finding: 'a sidecar' },
];

describe('doctor', () => {
  test('prints a line for each finding, the remedy below it, and the sum', () => {
    expect(doctorText({ findings })).toBe(
      [
        'ok       server        it is there',
        'problem  pod security  it is restricted',
        '                       label it',
        'unknown  oom           nobody knows',
        'warning  mesh          a sidecar',
        '1 problem, 1 warning, 1 not known from here.',
        '',
      ].join('\n'),
    );
  });

  test('folds on a terminal what it has found, and leaves a remedy whole, to be copied', () => {
    const remedy = 'kubectl label namespace shop pod-security.kubernetes.io/enforce=privileged';
    const long: Finding = { check: 'pod security', state: 'problem', finding: 'namespace shop is restricted', remedy };
    expect(doctorText({ findings: [long] }, 45).split('\n')).toEqual([
      'problem  pod security  namespace shop is',
      '                       restricted',
      `                       ${remedy}`,
      '1 problem.',
      '',
    ]);
    expect(doctorText({ findings: [long] })).toContain('namespace shop is restricted\n');
  });

  test.each<[states: Finding['state'][], sum: string]>([
    [['ok', 'ok'], 'No problem.'],
    [['warning', 'warning'], 'No problem, 2 warnings.'],
    [['problem', 'problem', 'unknown'], '2 problems, 1 not known from here.'],
  ])('%j: %s', (states, sum) => {
    const some = states.map((state): Finding => ({ check: 'node', state, finding: 'x' }));
    expect(doctorText({ findings: some }).trimEnd().split('\n').at(-1)).toBe(sum);
  });

  test('what others have written is one line, and moves no cursor', () => {
    const finding = 'a webhook says \u001b[2Jnothing\nok  rights  all of them';
    const text = doctorText({ findings: [{ check: 'agent pod', state: 'problem', finding, remedy: 'a\tb\u009b1A' }] });
    expect(text.trimEnd().split('\n')).toHaveLength(3);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });

  test('is one document for programs', () => {
    const places = { namespace: 'shop', agentNamespace: 'chaos' };
    const report = { cluster: { server: 'https://a' }, places, findings, exitCode: 1 };
    const document = JSON.parse(doctorDocument(report, 'json'));
    expect(faultsOf(document)).toEqual([]);
    expect(document).toMatchObject({ kind: 'examined', agent_namespace: 'chaos', findings, exit_code: 1 });
    expect(document).not.toHaveProperty('node');
  });
});
