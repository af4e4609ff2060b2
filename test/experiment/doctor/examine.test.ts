import { beforeEach, describe, expect, test } from 'vitest';
import { ChaosError } from '../../../src/errors.ts';
import { type DoctorPorts, type DoctorReport, examine } from '../../../src/experiment/doctor/examine.ts';
import { checks } from '../../../src/experiment/doctor/finding.ts';
import type { AgentUpdate } from '../../../src/ports.ts';
import type { DoctorRequest } from '../../../src/requests.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { FakeExaminer } from '../../fakes/examiner.ts';
import { noShape, resolved } from '../../fakes/samples.ts';
import { FakeSignals } from '../../fakes/signals.ts';
import { wireLine } from '../../fakes/wire.ts';
import { rejection } from '../../kubernetes/support.ts';

let clock: FakeClock;
let examiner: FakeExaminer;
let questions: string[];
beforeEach(() => {
  clock = new FakeClock();
  examiner = new FakeExaminer(clock.date());
  questions = [];
});

const target = { kind: 'pod', name: 'web-0', namespace: undefined, container: undefined } as const;
const run = (change: Partial<DoctorRequest> = {}, ports: Partial<DoctorPorts> = {}): Promise<DoctorReport> =>
  examine(
    {
      ...{ target, node: undefined, onNode: false, yes: false, connection: {}, namespace: undefined, shape: noShape },
      ...{ image: undefined, imagePullSecret: undefined, agentNamespace: undefined, output: 'human', verbose: false },
      ...change,
    },
    {
      ...{ examiner, clock, signals: new FakeSignals(), who: 'ada', protectedContexts: undefined },
      ...{ build: { version: '1.2.3', commit: 'x' }, randomSuffix: () => '7f3k2' },
      ...ports,
    },
  );
const of = ({ findings }: DoctorReport, check: string) =>
  findings.flatMap((one) => (one.check === check ? [`${one.state}: ${one.finding}`] : []));

describe('what is asked', () => {
  test('is told in one order, whatever answers first', async () => {
    const { findings, exitCode, target: named, node } = await run();
    const places = findings.map(({ check }) => checks.indexOf(check));
    expect(places).toEqual(places.toSorted((one, other) => one - other));
    expect(new Set(findings.map(({ check }) => check))).toEqual(new Set(checks));
    expect({ exitCode, named, node }).toEqual({
      ...{ exitCode: 0, node: 'node-3', named: { namespace: 'shop', pod: 'web-0', container: 'app' } },
    });
  });

  test('ends with credentials that cannot be had', async () => {
    examiner.fail('credentials', new ChaosError('unauthorized', 'the plugin failed', { hint: 'sign in' }));
    const report = await run();
    expect(report.findings).toEqual([
      { check: 'credentials', state: 'problem', finding: 'the plugin failed', remedy: 'sign in' },
    ]);
    expect(report.exitCode).toBe(1);
    expect(examiner.asked).toEqual(['credentials']);
  });

  test('ends with a server that cannot be reached: every other request would wait as long', async () => {
    examiner.fail('server', new ChaosError('unreachable', 'no answer'));
    expect((await run()).findings.map(({ check, state }) => `${state} ${check}`)).toEqual([
      'problem server',
      'ok credentials',
    ]);
    expect(examiner.asked).toEqual(['credentials', 'server']);
    expect(examiner.cluster.calls).toEqual([]);
  });

  test('goes on where the version alone may not be read', async () => {
    examiner.fail('server', new ChaosError('forbidden', 'no'));
    const report = await run();
    expect(of(report, 'server')).toEqual(['unknown: no']);
    expect(of(report, 'clock')).toEqual([]);
    expect(of(report, 'rights')[0]).toMatch(/^ok/);
  });

  test.each([
    'missing',
    'namespace',
    'watchUpgrade',
    'attachUpgrade',
    'node',
    'room',
    'heartbeat',
    'workload',
    'budgets',
  ] as const)('without %s the rest is told, and nothing is a problem', async (question) => {
    examiner.fail(question, new ChaosError('forbidden', `not allowed: ${question}`));
    const report = await run();
    expect(report.findings.filter(({ finding }) => finding === `not allowed: ${question}`).length).toBeGreaterThan(0);
    expect(report.findings.filter(({ state }) => state === 'problem')).toEqual([]);
    expect(of(report, 'credentials')[0]).toMatch(/^ok/);
    expect(report.exitCode).toBe(0);
  });

  test("who may not see the lease sees the node's status", async () => {
    examiner.machine = { ...examiner.machine, reported: clock.date() };
    examiner.fail('heartbeat', new ChaosError('forbidden', 'no'));
    expect(of(await run(), 'heartbeat')).toEqual(['ok: the kubelet of node-3 reported its status 0ms ago']);
  });

  test('a defect is one', async () => {
    examiner.fail('node', new TypeError('x'));
    expect(await rejection(run())).toBeInstanceOf(TypeError);
  });

  test('who the user is matters where rights are missing alone', async () => {
    await run();
    expect(examiner.asked).not.toContain('user');
  });
});

describe('--on-node', () => {
  const ended: AgentUpdate = {
    ...{ kind: 'status', phase: 'Succeeded', reason: '', message: '' },
    containers: { 'target-0': { state: 'terminated', exitCode: 0, reason: 'Completed', message: '' } },
  };
  const confirm = (answer: boolean) => async (question: string) => {
    questions.push(question);
    return answer;
  };
  beforeEach(() => {
    const names = ['sch_netem', 'sch_htb', 'cls_u32', 'sch_ingress', 'act_mirred', 'ifb', 'nf_tables'];
    const modules = names.map((name) => ({ name, state: 'present' as const }));
    examiner.cluster.logs.set('chaos-7f3k2', `${wireLine(resolved(undefined, { modules }))}\n`);
    examiner.cluster.agentUpdates.push(ended);
  });

  test('asks, looks, removes, and tells what was not known', async () => {
    const report = await run({ onNode: true }, { confirm: confirm(true) });
    expect(questions).toEqual([
      'This creates a privileged pod on node node-3, in namespace shop, which looks at the target and is removed. Go on? [y/N] ',
    ]);
    expect(examiner.cluster.launched).toMatchObject({
      ...{ id: 'chaos-7f3k2', namespace: 'shop', node: 'node-3', image: 'i' },
      containers: [{ name: 'target-0', args: ['inspect', '--container', 'id-app'] }],
      annotations: {
        'kubectl-chaos.io/who': 'ada',
        'kubectl-chaos.io/target': 'node/node-3',
        'kubectl-chaos.io/undo': 'kubectl -n shop delete pod,configmap -l kubectl-chaos.io/experiment=chaos-7f3k2',
      },
    });
    expect(examiner.cluster.removed).toMatchObject({ id: 'chaos-7f3k2' });
    expect(
      report.findings.filter(({ check, state }) => state === 'unknown' && ['kernel', 'oom'].includes(check)),
    ).toEqual([]);
    expect(of(report, 'kernel').slice(-2)).toEqual([
      expect.stringMatching(/^ok: cgroup /),
      expect.stringMatching(/^ok: the kernel has every module/),
    ]);
  });

  test('with --yes asks nobody', async () => {
    await run({ onNode: true, yes: true }, { confirm: confirm(false) });
    expect(questions).toEqual([]);
    expect(examiner.cluster.count('launch')).toBe(1);
  });

  test.each([
    ['no', { confirm: confirm(false) }],
    ['nobody is there', {}],
  ])('creates nothing where the answer is: %s', async (_what, ports) => {
    const report = await run({ onNode: true }, ports);
    expect(of(report, 'agent pod').at(-1)).toBe(
      'unknown: nothing was looked at from the node: nobody has agreed to a pod there',
    );
    expect(examiner.cluster.count('launch')).toBe(0);
    expect(report.exitCode).toBe(0);
  });

  test('creates nothing where something stops a run', async () => {
    examiner.machine = { ...examiner.machine, troubles: { Ready: 'is not ready' } };
    const report = await run({ onNode: true, yes: true });
    expect(of(report, 'agent pod').at(-1)).toMatch(/^unknown: .* the problems come first$/);
    expect(examiner.cluster.count('launch')).toBe(0);
    expect(report.exitCode).toBe(1);
  });

  test('a look that fails is a problem, and its agent is gone', async () => {
    examiner.cluster.failNext('readLog', new ChaosError('forbidden', 'not allowed to get pods/log', { hint: 'ask' }));
    const report = await run({ onNode: true, yes: true });
    expect(of(report, 'agent pod').at(-1)).toBe(
      'problem: it could not look from the node: not allowed to get pods/log',
    );
    expect(of(report, 'kernel').at(-1)).toMatch(/^unknown: /);
    expect(examiner.cluster.count('remove')).toBe(1);
    expect(report.exitCode).toBe(1);
  });

  test('an agent that is left is the error of the command', async () => {
    examiner.cluster.removal = { left: ['pod/chaos-7f3k2-0'], why: 'no answer' };
    expect(await rejection(run({ onNode: true, yes: true }))).toMatchObject({ code: 'not-reverted', exitCode: 4 });
  });
});
