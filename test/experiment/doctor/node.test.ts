import { describe, expect, test } from 'vitest';
import {
  judgeHeartbeat,
  judgeKernel,
  judgeNode,
  judgePlatform,
  judgeRoom,
} from '../../../src/experiment/doctor/node.ts';
import type { NodeFacts, RoomFacts } from '../../../src/facts.ts';

const node = (change: Partial<NodeFacts> = {}): NodeFacts => ({
  ...{ name: 'node-3', os: 'linux', architecture: 'amd64', osImage: 'Debian 13', kernel: '6.12.48+deb13-amd64' },
  ...{ kubelet: 'v1.33.1', runtime: 'containerd://2.1.4', isUnschedulable: false, troubles: {}, labels: {} },
  ...{ annotations: [], provider: '', allocatable: { cpu: 4, memory: 8 * 2 ** 30, pods: 110 } },
  ...change,
});
const told = (findings: readonly { state: string; finding: string }[]) =>
  findings.map(({ state, finding }) => `${state}: ${finding}`);

describe('readiness', () => {
  test('a cordon does not matter', () => {
    expect(told(judgeNode(node({ isUnschedulable: true })))).toEqual([
      'ok: node-3 is ready; it is cordoned, which does not matter to the agent',
    ]);
  });

  test('pressure: of memory the kubelet admits the agent, of the rest not', () => {
    const troubles = { MemoryPressure: 'is under memory pressure', PIDPressure: 'is under PID pressure' };
    const findings = judgeNode(node({ troubles }));
    expect(findings.map(({ state }) => state)).toEqual(['warning', 'problem']);
    expect(findings[1]?.remedy).toContain('--priority-class system-node-critical');
  });

  test('one that is not ready has nothing else to say', () => {
    const troubles = { Ready: 'is not ready', DiskPressure: 'is under disk pressure' };
    expect(told(judgeNode(node({ troubles })))).toEqual([
      'problem: node-3 is not ready: the agent would not start there',
    ]);
  });
});

describe('the platform', () => {
  const judge = (change: Partial<NodeFacts>, isAdmitted?: boolean) =>
    judgePlatform(node(change), 'chaos', isAdmitted)[0];

  test.each<[what: string, change: Partial<NodeFacts>, state: string, words: string]>([
    ['Debian', {}, 'ok', 'linux/amd64, Debian 13, containerd 2.1.4'],
    [
      'CRI-O on arm64',
      { architecture: 'arm64', runtime: 'cri-o://1.37.0' },
      'ok',
      'linux/arm64, Debian 13, cri-o 1.37.0',
    ],
    ['Docker', { runtime: 'docker://20.10.5' }, 'ok', 'docker 20.10.5'],
    ['another runtime', { runtime: 'frakti://1.0' }, 'warning', 'not tried'],
    ['Windows', { os: 'windows' }, 'problem', 'needs a Linux node'],
    ['s390x', { architecture: 's390x' }, 'problem', 'amd64 and arm64'],
    ['Fargate by its name', { name: 'fargate-ip-10-0-0-1' }, 'problem', 'AWS Fargate'],
    ['a virtual kubelet by its label', { labels: { type: 'virtual-kubelet' } }, 'problem', 'a virtual kubelet'],
    ['a virtual kubelet by its version', { kubelet: 'v1.25.0-vk-azure-aci-1.6.1' }, 'problem', 'a virtual kubelet'],
    ['Autopilot', { name: 'gk3-cluster-pool-1' }, 'problem', 'GKE Autopilot'],
    ['GKE', { labels: { 'cloud.google.com/gke-nodepool': 'p' } }, 'ok', 'Google GKE'],
    ['k3s', { kubelet: 'v1.33.1+k3s1' }, 'ok', 'k3s'],
    ['kind', { provider: 'kind://docker/kind/kind-control-plane' }, 'ok', 'kind'],
  ])('%s', (_what, change, state, words) => {
    expect(judge(change)).toMatchObject({ state, finding: expect.stringContaining(words) });
  });

  test('OpenShift wants a permission, unless the dry run shows that it is there', () => {
    const labels = { 'node.openshift.io/os_id': 'rhcos' };
    expect(judge({ labels })).toMatchObject({
      state: 'warning',
      remedy: 'oc adm policy add-scc-to-user privileged -z default -n chaos',
    });
    expect(judge({ labels }, false)?.state).toBe('warning');
    expect(judge({ labels }, true)).toMatchObject({ state: 'ok', finding: expect.stringContaining('OpenShift') });
  });

  test('of no name that JavaScript knows', () => {
    expect(judge({ labels: { constructor: 'x' } })?.state).toBe('ok');
  });
});

describe('the kernel', () => {
  const judge = (kernel: string) => judgeKernel(node({ kernel })).map(({ state }) => state);

  test.each([
    ['4.18.0-553.el8', ['problem']],
    ['5.2.21', ['problem']],
    ['5.3.0', ['warning', 'unknown']],
    ['5.5.19', ['warning', 'unknown']],
    ['5.6.0', ['ok', 'unknown']],
    ['5.10.0-35-amd64', ['ok', 'unknown']],
    ['6.1', ['ok', 'unknown']],
    ['', ['unknown', 'unknown']],
  ])('%j: %j', (kernel, states) => {
    expect(judge(kernel)).toEqual(states);
  });
});

describe('room', () => {
  const where = { namespace: 'chaos', node: 'node-3' };
  const room = (change: Partial<RoomFacts> = {}): RoomFacts => ({
    ...{ pods: 10, cpu: 1, memory: 2 ** 30, agent: { cpu: 0.1, memory: 128 * 2 ** 20 } },
    ...change,
  });

  test('that there is', () => {
    expect(told(judgeRoom(node(), room(), where))).toEqual([
      'ok: node-3 has room for 100 more pods, 3 cores of CPU and 7Gi of memory; the agent asks for 100m and 128Mi',
    ]);
  });

  test('to the last of it', () => {
    const last = room({ pods: 109, cpu: 3.9, memory: 8 * 2 ** 30 - 128 * 2 ** 20 });
    expect(judgeRoom(node(), last, where).map(({ state }) => state)).toEqual(['ok']);
  });

  test('that there is not, each with what helps', () => {
    const findings = judgeRoom(node(), room({ pods: 110, cpu: 3.95, memory: 8 * 2 ** 30 }), where);
    expect(told(findings)).toEqual([
      'problem: node-3 runs 110 pods of 110',
      'problem: node-3 has 50m of CPU left to request, and the agent asks for 100m',
      'problem: node-3 has 0 bytes of memory left to request, and the agent asks for 128Mi',
    ]);
    expect(findings.map(({ remedy }) => remedy)).toEqual([
      expect.stringContaining('Delete one'),
      expect.stringContaining('--agent-requests cpu=10m'),
      expect.stringContaining('--agent-requests memory=32Mi'),
    ]);
  });

  test('of a node that does not say', () => {
    expect(judgeRoom(node({ allocatable: {} }), room(), where).map(({ state }) => state)).toEqual(['unknown']);
  });
});

describe('the heartbeat', () => {
  const now = new Date('2026-06-01T12:00:00Z');
  const judge = (agoMs: number) => judgeHeartbeat(new Date(now.getTime() - agoMs), 'node-3', now);

  test.each([
    [5_000, 'ok'],
    [-5_000, 'ok'],
    [39_000, 'ok'],
    [60_000, 'warning'],
    [-60_000, 'warning'],
  ])('%d ms ago: %s', (agoMs, state) => {
    expect(judge(agoMs).state).toBe(state);
  });

  test('of a status, which is written every five minutes', () => {
    const last = (agoMs: number) => judgeHeartbeat(new Date(now.getTime() - agoMs), 'node-3', now, 'status');
    expect(last(299_000)).toMatchObject({
      state: 'ok',
      finding: 'the kubelet of node-3 reported its status 4m59s ago',
    });
    expect(last(400_000).state).toBe('warning');
  });

  test('that never was', () => {
    expect(judgeHeartbeat(undefined, 'node-3', now).state).toBe('unknown');
  });
});
