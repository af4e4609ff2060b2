import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyExperiment } from '../../src/kubernetes/agent-pod.ts';
import type { ConnectionOptions } from '../../src/ports.ts';
import { netRequest, plan, request, requestFor, surroundings, target } from '../fakes/samples.ts';

describe('the arguments of the shim', () => {
  test('as a whole', () => {
    expect(plan().agent.containers).toEqual([
      {
        name: 'target-0',
        target: target(),
        args: [
          ...`run --container ${'a'.repeat(64)} --duration-ms 60000 --lease-ms 15000 --sample-ms 1000`.split(' '),
          ...'--any-signal --grace-ms 2000 --as target --need cpu,cpuacct,memory --oom-score-adj 1000'.split(' '),
          ...'-- stress-ng --timeout 65s --cache-level 1 --cpu 2 --cpu-load 100'.split(' '),
        ],
      },
    ]);
  });

  test('as a whole, of a net fault', () => {
    expect(plan(netRequest()).agent.containers[0]?.args).toEqual([
      ...`hold --container ${'a'.repeat(64)} --duration-ms 60000 --lease-ms 15000`.split(' '),
      ...'--sample-ms 1000 --any-signal --tool tc --tool ip'.split(' '),
    ]);
  });

  test("the shim may work in the node's own network only where that was asked for", () => {
    const args = (allowHostNetwork: boolean) => plan(netRequest({ allowHostNetwork })).agent.containers[0]?.args;
    expect(args(true)).toContain('--allow-host-network');
    expect(args(false)).not.toContain('--allow-host-network');
  });

  test('with tools that are sent: the shim is told so, and has time to get them', () => {
    const [named, sent] = [plan(netRequest()), plan(netRequest({}, { image: undefined }))].map(({ agent }) => agent);
    expect(sent?.containers[0]?.args.join(' ')).toBe(
      named?.containers[0]?.args.join(' ').replace(' --tool ', ' --toolbox --tool '),
    );
    expect(sent?.activeDeadlineSeconds).toBe((named?.activeDeadlineSeconds ?? 0) + 300);
  });

  const option = (name: string, asked = request()) => {
    const args = plan(asked).agent.containers[0]?.args ?? [];
    return args[args.indexOf(name) + 1];
  };

  test('--as root is handed on', () => {
    expect(option('--as', request({}, { runAs: 'root' }))).toBe('root');
  });

  test('has the shim refuse what it cannot put over the workload only when that was asked for', () => {
    expect(plan(request({}, { strict: true })).agent.containers[0]?.args).toContain('--strict');
    expect(plan(request()).agent.containers[0]?.args).not.toContain('--strict');
  });

  test('the OOM killer takes the stressor first unless told otherwise', () => {
    expect(option('--oom-score-adj')).toBe('1000');
    expect(option('--oom-score-adj', requestFor({ memory: { bytes: 1 }, oomVictim: 'app' }))).toBe('-1000');
  });

  test.each([
    [1_000, '125'],
    [2_000, '250'],
    [8_000, '1000'],
    [86_400_000, '1000'],
    [500, '100'],
  ])('a run of %d ms is sampled every %s ms', (durationMs, expected) => {
    expect(option('--sample-ms', request({}, { durationMs }))).toBe(expected);
  });
});

describe('the agent', () => {
  test('goes where the target is, on the image that is named', () => {
    expect(plan().agent).toMatchObject({
      id: 'chaos-7f3k2',
      namespace: 'shop',
      node: 'node-3',
      architecture: 'amd64',
      image: 'tools:1',
    });
    expect(plan().agent.imagePullSecrets).toEqual([]);
  });

  test('or where it is told to', () => {
    const asked = request({}, { agentNamespace: 'chaos', image: 'mine:2', imagePullSecret: 'key' });
    expect(plan(asked).agent).toMatchObject({ namespace: 'chaos', image: 'mine:2', imagePullSecrets: ['key'] });
    expect(plan(asked).undo).toContain(' -n chaos ');
  });

  test("the kubelet's clock runs out after the shim's, with time for the start (G2)", () => {
    expect(plan(request({}, { durationMs: 60_500, graceMs: 2_000 })).agent.activeDeadlineSeconds).toBe(393);
  });

  test('the kubelet waits longer from TERM to KILL than the shim', () => {
    for (const graceMs of [0, 2_000, 600_000]) {
      const seconds = plan(request({}, { graceMs })).agent.terminationGracePeriodSeconds;
      expect(seconds).toBeGreaterThanOrEqual(graceMs / 1_000 + 10);
    }
  });

  test('says what, who, until when, why and the undo', () => {
    expect(plan(request({}, { reason: 'game day' })).agent.annotations).toEqual({
      'kubectl-chaos.io/verb': 'stress',
      'kubectl-chaos.io/fault': '2 busy CPUs',
      'kubectl-chaos.io/target': 'shop/web-7d4b9/app',
      'kubectl-chaos.io/who': 'ada',
      'kubectl-chaos.io/duration': '1m',
      'kubectl-chaos.io/until': '2026-01-02T03:10:37.000Z',
      'kubectl-chaos.io/undo': 'kubectl -n shop delete pod,configmap -l kubectl-chaos.io/experiment=chaos-7f3k2',
      'kubectl-chaos.io/reason': 'game day',
    });
  });
});

describe('a net fault', () => {
  test('is announced as one of the pod, whose containers share the network', () => {
    const { summary, announcement } = plan(netRequest());
    expect(summary).toBe('delay 100ms on egress to 10.0.0.7 port 5432');
    expect(announcement).toBe(`${summary} on the network of pod web-7d4b9 for 1m, by ada, as chaos-7f3k2`);
  });

  test('carries what was asked, and whom the cluster knows under these names', () => {
    const { fault } = plan(netRequest({ direction: 'both' }));
    expect(fault).toMatchObject({ fault: 'net', direction: 'both', surroundings: surroundings() });
    expect(fault).not.toHaveProperty('to');
  });
});

describe('what ends all experiments', () => {
  test('needs kubectl alone, and selects the agents of all of them in every namespace', () => {
    const { endAll } = plan(request({}, { connection: { context: 'prod', token: 'SECRET' } }));
    expect(endAll).toBe(`kubectl --context prod delete pods -A -l ${anyExperiment}`);
  });

  test('leaves the kubelet and the shim time to revert: nothing is forced', () => {
    const { endAll, agent } = plan();
    expect(endAll).not.toMatch(/--force|--grace-period|--now/);
    expect(agent.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(30);
  });
});

describe('the undo', () => {
  const undo = (connection: ConnectionOptions) => plan(request({}, { connection })).undo;

  test('leads to the same cluster as the same user', () => {
    expect(
      undo({
        kubeconfig: '/home/ada/my kube',
        context: 'prod',
        cluster: 'c',
        user: 'u',
        server: 'https://a:6443',
        certificateAuthority: 'ca.crt',
        clientCertificate: 'c.crt',
        clientKey: 'c.key',
        tlsServerName: 'kubernetes',
        as: 'system:admin',
        asGroup: ['g 1', 'g2'],
        asUid: '7',
        insecureSkipTlsVerify: true,
        namespace: 'not the agent’s',
        requestTimeoutMs: 5,
      }),
    ).toBe(
      "kubectl --kubeconfig '/home/ada/my kube' --context prod --cluster c --user u --server https://a:6443 --certificate-authority ca.crt --client-certificate c.crt --client-key c.key --tls-server-name kubernetes --as system:admin --as-group 'g 1' --as-group g2 --as-uid 7 --insecure-skip-tls-verify -n shop delete pod,configmap -l kubectl-chaos.io/experiment=chaos-7f3k2",
    );
  });

  test('a token stands nowhere in the plan', () => {
    expect(JSON.stringify(plan(request({}, { connection: { token: 'SECRET', context: 'prod' } })))).not.toContain(
      'SECRET',
    );
  });

  test('every value reaches the command as it is, through a real shell', () => {
    const values = fc
      .sample(
        fc.oneof(
          fc.string(),
          fc.constantFrom("it's", '$HOME', '`id`', 'a\\b', '"', '~', '!!', '*', 'a\nb', '-x', '', '#'),
        ),
        60,
      )
      .filter((value) => !value.includes('\0'));
    // One shell for all of them: each undo calls a function that prints the value of --context.
    const script = values.map((context) => `kubectl() { printf '%s\\0' "$2"; }; ${undo({ context })}`).join('\n');
    const read = execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
    expect(read).toEqual(values);
  });
});
