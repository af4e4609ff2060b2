import { describe, expect, test } from 'vitest';
import type { Fact } from '../../src/session/facts.ts';
import { PlainReporter } from '../../src/terminal/plain.ts';
import { BufferOutput } from '../fakes/output.ts';
import { badRun, effectiveRun } from './facts.ts';

function print(facts: readonly Fact[], verbose = false): { stdout: string; stderr: string } {
  const stdout = new BufferOutput();
  const stderr = new BufferOutput();
  const reporter = new PlainReporter(stdout, stderr, verbose);
  for (const fact of facts) reporter.report(fact);
  return { stdout: stdout.text, stderr: stderr.text };
}

describe('off a terminal', () => {
  test('an effective run: the result on stdout, the rest on stderr', async () => {
    const { stdout, stderr } = print(await effectiveRun());
    expect(stdout).toMatchSnapshot('stdout');
    expect(stderr).toMatchSnapshot('stderr');
  });

  test('a bad run says what is left, why, and the command', async () => {
    const { stdout, stderr } = print(await badRun());
    expect(stdout).toContain('Not confirmed to be gone: pod/chaos-7f3k2.');
    expect(stdout).toContain('Remove by hand: kubectl -n shop delete pod,configmap');
    expect(stdout).toContain('was evicted meanwhile: node  was low');
    expect(stdout).not.toContain('nothing left');
    expect(stderr).toContain('pod/chaos-7f3k2: the kubelet does not answer');
  });

  test('-v adds what the shim found and the requests', async () => {
    const facts = await effectiveRun();
    const verbose = print(facts, true).stderr;
    const quiet = print(facts).stderr;
    expect(verbose).toContain('shim 0.1.0 on Linux 6.1.0: pid 4711 (app), uid 65532, v2:/kubepods/pod1/app');
    expect(verbose).toContain('2 API requests: 1 create pods, 1 delete pods');
    expect(quiet).not.toContain('API requests');
  });

  test('whole lines only, and nothing that a terminal would obey', async () => {
    for (const facts of [await effectiveRun(), await badRun()]) {
      for (const text of Object.values(print(facts, true))) {
        expect(text.endsWith('\n')).toBe(true);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is the point
        expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
      }
    }
  });

  test('a fault that never began is not said to be reverted', async () => {
    const facts = await effectiveRun();
    const outcome = facts.at(-1);
    if (outcome?.kind !== 'outcome') throw new Error('no outcome');
    const { verdict: _verdict, ended: _ended, ...rest } = outcome.outcome;
    const never: Fact = { kind: 'outcome', outcome: { ...rest, exitCode: 130, times: { totalMs: 500 } } };
    expect(print([never]).stdout).toBe('ok: nothing left\n');
  });
});
