import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../src/experiment/events.ts';
import type { Plan } from '../../src/experiment/plan.ts';
import { PlainReporter } from '../../src/terminal/plain.ts';
import { BufferOutput } from '../fakes/output.ts';
import { plan, target } from '../fakes/samples.ts';
import { badRun, detachedRun, effectiveRun, harmfulRun, sentRun, unwatchedRun, watchedRun } from './events.ts';

function print(facts: readonly RunEvent[], verbose = false): { stdout: string; stderr: string } {
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
    expect(stdout).toContain('Not confirmed to be gone: pod/chaos-7f3k2-0.');
    expect(stdout).toContain('Remove by hand: kubectl -n shop delete pod,configmap');
    expect(stdout).toContain('was evicted during the experiment: node  was low');
    expect(stdout).not.toContain('nothing left');
    expect(stderr).toContain('pod/chaos-7f3k2-0: the kubelet does not answer');
  });

  test('tools that take long to be sent are told of in a few lines', async () => {
    const sending = (events: readonly RunEvent[], verbose = false) =>
      print(events, verbose)
        .stderr.split('\n')
        .filter((line) => /stress-ng (?:to|on) node-3/.test(line));
    const events = await sentRun();
    const lines = [
      'note: sending stress-ng to node-3: 0.4 of 4 MB',
      'note: sending stress-ng to node-3: 1.2 of 4 MB',
      'note: sending stress-ng to node-3: 2 of 4 MB',
      'note: sending stress-ng to node-3: 3.2 of 4 MB',
      'note: unpacking stress-ng on node-3',
    ];
    expect(sending(events)).toEqual(lines);
    expect(sending(events, true)).toEqual([...lines, 'note: sent stress-ng to node-3: 4 MB in 13s']);
    // At once: there is nothing to tell.
    const quick = events.filter((event) => event.kind !== 'tools' || event.sentBytes === event.bytes);
    expect(sending(quick)).toEqual([]);
  });

  test('a target that was chosen: out of what, by which seed, and what depends on it', () => {
    const chosenFrom = { workload: '-l app=web', runningPods: 3, seed: 'game day' };
    const workloads = [{ name: 'deployment/web', hit: 1, ready: 3, readyLeft: 2 }];
    const { stdout, stderr } = print([
      { kind: 'selected', target: target({ chosenFrom }) },
      { kind: 'impact', impact: { pods: 1, containers: 1, nodes: 1, workloads, brokenBudgets: [], unknown: [] } },
    ]);
    expect(stdout).toBe('');
    expect(stderr.split('\n')).toEqual([
      "target   pod/web-7d4b9 (app) in shop on node-3, one of 3 running of -l app=web (--seed 'game day')",
      'impact   1 of 3 ready pods of deployment/web',
      '',
    ]);
  });

  test('several targets: what depends on them, what is left out and why, what is done, and once what undoes it', () => {
    const plans: [Plan, Plan, Plan] = [plan(), plan(), { ...plan(), summary: '1 busy CPU' }];
    const skipped = Array.from({ length: 7 }, (_, index) => ({ pod: `web-${index}`, why: 'no\nway' }));
    const brokenBudgets = [{ name: 'web', healthyLeft: 0, needed: 2 }];
    const workloads = [{ name: 'deployment/web', hit: 2, ready: 2, readyLeft: 0 }];
    const { stderr } = print([
      { kind: 'skipped', skipped },
      { kind: 'impact', impact: { pods: 2, containers: 3, nodes: 2, workloads, brokenBudgets, unknown: ['x'] } },
      { kind: 'planned', plans },
    ]);
    expect(stderr.split('\n')).toEqual([
      `note: left out: ${[0, 1, 2, 3, 4].map((index) => `web-${index}: no way`).join('; ')}; and 2 more`,
      'impact   2 pods (3 containers) on 2 nodes',
      '         all 2 ready pods of deployment/web',
      '         may break PodDisruptionBudget web: 2 healthy needed, 0 left',
      '         not known: x',
      'fault    2 busy CPUs for 1m, as chaos-7f3k2',
      'fault    1 busy CPU for 1m, as chaos-7f3k2',
      `undo     ${plan().undo}`,
      `end all  ${plan().endAll}`,
      '',
    ]);
  });

  test('the cluster and the target come first, then what ends this and every experiment', async () => {
    const { stderr } = print(await effectiveRun());
    expect(stderr.split('\n').slice(0, 5)).toEqual([
      'cluster  staging (https://cluster.test:6443)',
      'target   pod/web-7d4b9 (app) in shop on node-3',
      'fault    2 busy CPUs for 10s, as chaos-7f3k2',
      'undo     kubectl -n shop delete pod,configmap -l kubectl-chaos.io/experiment=chaos-7f3k2',
      'end all  kubectl delete pods -A -l app.kubernetes.io/managed-by=kubectl-chaos',
    ]);
  });

  test('a run that harms a neighbour says why it was protected, what it shares, and what it did', async () => {
    const { stdout, stderr } = print(await harmfulRun());
    expect(stderr.split('\n')).toEqual(
      expect.arrayContaining([
        'cluster  https://cluster.test:6443',
        'note: experiment chaos-abcde (3 busy CPUs, by ada) already runs on this container: what is measured is of both',
        'note: not checked: whether it rains',
        'note: the target is protected: annotation kubectl-chaos.io/protected= on namespace shop',
      ]),
    );
    expect(stdout.trimEnd().split('\n').slice(-2)).toEqual([
      'On the same container ran experiment chaos-abcde (3 busy CPUs, by ada): what was measured is of both.',
      'Problem: pod bank/db-0 was evicted from node node-3: low on memory; the fault was stopped early, so that no other pod is harmed.',
    ]);
    expect(stdout).toContain('reverted in');
  });

  test('what other people wrote into an annotation stays on its line', () => {
    const message = 'experiment chaos-abcde (3 busy CPUs, by ada\nok: reverted in 81ms   nothing left) already runs';
    const { stderr } = print([{ kind: 'warning', target: target(), message }]);
    expect(stderr).toBe(
      'note: experiment chaos-abcde (3 busy CPUs, by ada ok: reverted in 81ms   nothing left) already runs\n',
    );
  });

  test('-v adds what the shim found and the requests', async () => {
    const facts = await effectiveRun();
    const verbose = print(facts, true).stderr;
    const quiet = print(facts).stderr;
    expect(verbose).toContain('shim 0.1.0 on Linux 6.1.0: pid 4711 (app), uid 65532, v2:/kubepods/pod1/app');
    expect(verbose).toContain('2 API requests: 1 create pods, 1 delete pods');
    expect(quiet).not.toContain('API requests');
  });

  test('a detached run says how to look at it and how to stop it', async () => {
    const { stdout } = print(await detachedRun());
    expect(stdout.split('\n').slice(1)).toEqual([
      'ok: the fault continues without this command for 1m, until 2026-01-02T03:05:06.200Z',
      'look     kubectl chaos attach chaos-7f3k2 -n shop --context prod',
      '         kubectl chaos ls -n shop --context prod',
      'stop     kubectl chaos stop chaos-7f3k2 -n shop --context prod',
      '',
    ]);
  });

  test('one that is watched says since when, and at the end what was seen of it', async () => {
    const { stdout, stderr } = print(await watchedRun());
    const [first, ...rest] = stdout.trimEnd().split('\n');
    expect(first).toBe('ok: in force: 2 busy CPUs   pod/web-7d4b9 (app) on node-3   since 11s, 49s left');
    expect(rest.slice(-2)).toEqual([
      expect.stringMatching(/^Asked for 2 busy CPUs.* Effective\.$/),
      'Observed from 11s after the start until the end.',
    ]);
    expect(stderr).toContain('CPU before → now');
  });

  test('one that is left says that it goes on', async () => {
    const { stdout } = print(await watchedRun(true));
    expect(stdout).toMatch(/^ok: the fault continues without this command for 45s, /m);
    expect(stdout).toMatch(/^stop {5}kubectl chaos stop chaos-7f3k2 -n shop$/m);
    expect(stdout).not.toMatch(/effective|reverted|nothing left/i);
  });

  test('one that nobody watched is reverted, and not called effective', async () => {
    expect(print(await unwatchedRun()).stdout).toBe(
      'ok: reverted in 9ms   nothing left\nNo verdict: not observed long enough to measure its effect. It ended after 1m.\n',
    );
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
    const targets = outcome.outcome.targets.map(({ verdict: _verdict, ended: _ended, ...rest }) => rest);
    const times = { totalMs: 500 };
    const never: RunEvent = { kind: 'outcome', outcome: { ...outcome.outcome, targets, exitCode: 130, times } };
    expect(print([never]).stdout).toBe('ok: nothing left\n');
  });
});
