import { describe, expect, test } from 'vitest';
import {
  judgeLimits,
  judgeMesh,
  judgeNetwork,
  judgeOom,
  judgeProbes,
  judgeProtection,
  judgeReplicas,
  judgeTarget,
} from '../../../src/experiment/doctor/target.ts';
import type { NodeFacts, PodFacts } from '../../../src/facts.ts';
import type { NetworkProbe } from '../../../src/ports.ts';

const Mi = 2 ** 20;
const pod = (change: Partial<PodFacts> = {}): PodFacts => ({
  ...{ namespace: 'shop', name: 'web-0', container: 'app', node: 'node-3', image: 'i', imagePullSecrets: [] },
  ...{ isReady: true, isHostNetwork: false, restartCount: 0, protectedBy: [], probes: [], labels: {}, annotations: {} },
  requests: { cpu: 0.1, memory: 64 * Mi },
  limits: { cpu: 0.5, memory: 128 * Mi },
  containers: [{ name: 'app', image: 'i' }],
  ...change,
});
const node = (change: Partial<NodeFacts> = {}): NodeFacts => ({
  ...{
    name: 'node-3',
    os: 'linux',
    architecture: 'amd64',
    osImage: '',
    kernel: '6.12',
    kubelet: 'v1.33.1',
    runtime: '',
  },
  ...{ isUnschedulable: false, troubles: {}, labels: {}, annotations: [], provider: '', allocatable: {} },
  ...change,
});
const told = (findings: readonly { state: string; finding: string }[]) =>
  findings.map(({ state, finding }) => `${state}: ${finding}`);

describe('the target', () => {
  test('that can be one', () => {
    expect(told([judgeTarget(pod())])).toEqual(['ok: pod/web-0 (app) in shop on node-3 is running and ready']);
    const chosenFrom = { workload: 'deployment/web', runningPods: 3 };
    expect(judgeTarget(pod({ chosenFrom })).finding).toContain('one of 3 running of deployment/web');
  });

  test('that is not ready, or cannot be one', () => {
    expect(judgeTarget(pod({ isReady: false }))).toMatchObject({
      state: 'warning',
      remedy: 'kubectl describe pod web-0 -n shop',
    });
    const problem = { message: 'pod/web-0 is being deleted', remedy: 'choose another' };
    expect(judgeTarget(pod({ problem }))).toEqual({
      ...{ check: 'target', state: 'problem', finding: problem.message, remedy: problem.remedy },
    });
  });

  test('that is protected, or not', () => {
    expect(judgeProtection([]).state).toBe('ok');
    expect(judgeProtection(['a', 'b'])).toMatchObject({ state: 'warning', finding: 'it is protected: a; b' });
  });
});

describe('limits', () => {
  test('what a percentage is of', () => {
    expect(told(judgeLimits(pod()))).toEqual([
      'ok: CPU limit 500m (requests 100m): more workers than that are throttled',
      'ok: memory limit 128Mi (requests 64Mi): 80% of it are 102Mi',
    ]);
  });

  test('of the pod, where that is lower or the only one', () => {
    const podMemoryLimitBytes = 100 * Mi;
    for (const limits of [{}, { memory: 128 * Mi }]) {
      expect(told(judgeLimits(pod({ limits, podMemoryLimitBytes }))).at(-1)).toBe(
        'ok: memory limit 100Mi of the pod (requests 64Mi): 80% of it are 80Mi',
      );
    }
    const limits = { memory: 50 * Mi };
    expect(judgeLimits(pod({ limits, podMemoryLimitBytes })).at(-1)?.finding).toContain('memory limit 50Mi (');
  });

  test('that there are none', () => {
    expect(judgeLimits(pod({ limits: {}, requests: {} })).map(({ state }) => state)).toEqual(['warning', 'warning']);
  });
});

describe('the OOM killer', () => {
  const states = (...[ofPod, ofNode]: Parameters<typeof judgeOom>) => judgeOom(ofPod, ofNode).map(({ state }) => state);

  test.each([
    ['v1.27.9', ['ok']],
    ['v1.28.0', ['unknown']],
    ['v1.33.1+k3s1', ['unknown']],
    ['', ['unknown']],
  ])('kubelet %s: %j', (kubelet, expected) => {
    expect(states(pod(), node({ kubelet }))).toEqual(expected);
  });

  test('without a limit there is nothing to say, and without a node nothing is known', () => {
    expect(states(pod({ limits: {} }), node())).toEqual([]);
    expect(states(pod(), undefined)).toEqual(['unknown']);
    expect(states(pod({ limits: {}, podMemoryLimitBytes: Mi }), undefined)).toEqual(['unknown']);
  });

  test('swap, where it is reported', () => {
    expect(told(judgeOom(pod(), node({ swapBytes: 0 }))).at(-1)).toBe('ok: node-3 has no swap');
    expect(told(judgeOom(pod(), node({ swapBytes: 2 ** 30 }))).at(-1)).toContain('node-3 has 1Gi of swap');
  });
});

describe('probes', () => {
  const probe = (change: Partial<NetworkProbe>): NetworkProbe => ({
    ...{ container: 'app', kind: 'liveness', by: 'http', port: 8080, path: '/live' },
    ...{ periodSeconds: 10, timeoutSeconds: 1, failureThreshold: 3 },
    ...change,
  });

  test('what each of them does when it fails, and when', () => {
    const probes = [
      probe({}),
      probe({ kind: 'readiness', by: 'grpc', periodSeconds: 5 }),
      probe({ kind: 'startup', container: 'job', isFinal: true, failureThreshold: 30 }),
    ];
    expect(told(judgeProbes(pod({ probes })))).toEqual([
      'warning: liveness of app (http :8080/live, every 10s, within 1s, 3 failures): a fault that it notices restarts app after about 30s, which ends the fault',
      'ok: readiness of app (grpc :8080/live, every 5s, within 1s, 3 failures): a fault that it notices takes the pod out of its services after about 15s',
      'warning: startup of job (http :8080/live, every 10s, within 1s, 30 failures): a fault that it notices ends job, for good, after about 5m, which ends the fault',
    ]);
  });

  test('none', () => {
    expect(judgeProbes(pod()).map(({ state }) => state)).toEqual(['ok']);
  });
});

describe('replicas', () => {
  const of = (ready: number, wanted?: number, isReady = true) =>
    told(
      judgeReplicas(
        pod({ isReady }),
        { name: 'deployment/web', ready, ...(wanted === undefined ? {} : { wanted }) },
        [],
      ),
    );

  test('the only ready pod', () => {
    expect(of(1, 3)[0]).toMatch(/^warning: this is the only ready pod of deployment\/web/);
    // Another one is ready, and this one is not.
    expect(of(1, 2, false)).toEqual(['warning: 1 of 2 pods of deployment/web are ready: it is short of them already']);
  });

  test('enough of them, or too few', () => {
    expect(of(3, 3)).toEqual(['ok: 3 of 3 pods of deployment/web are ready']);
    expect(of(2, 3)[0]).toMatch(/^warning: 2 of 3/);
    expect(of(2)).toEqual(['ok: 2 pods of deployment/web are ready']);
  });

  test('a pod by itself, and budgets', () => {
    const budgets = [
      { name: 'a', allowed: 0 },
      { name: 'b', allowed: 2 },
    ];
    expect(judgeReplicas(pod(), undefined, budgets).map(({ state }) => state)).toEqual(['warning', 'warning', 'ok']);
  });
});

describe('the mesh and the network', () => {
  test.each(['istio-proxy', 'linkerd-proxy', 'kuma-sidecar'])('%s', (name) => {
    expect(judgeMesh(pod({ containers: [{ name, image: 'x' }] }))).toMatchObject({
      state: 'warning',
      finding: expect.stringContaining(name),
    });
  });

  test('an ambient mesh, and none', () => {
    const annotations = { 'ambient.istio.io/redirection': 'enabled' };
    expect(judgeMesh(pod({ annotations }))).toMatchObject({
      state: 'warning',
      finding: expect.stringContaining('15008'),
    });
    expect(judgeMesh(pod({ containers: [{ name: 'constructor', image: 'x' }] })).state).toBe('ok');
  });

  test("the node's network, Multus, Cilium", () => {
    expect(judgeNetwork(pod({ isHostNetwork: true }), node())).toMatchObject([
      { state: 'warning', remedy: '--allow-host-network' },
    ]);
    const annotations = { 'k8s.v1.cni.cncf.io/networks': 'storage' };
    const of = judgeNetwork(pod({ annotations }), node({ annotations: ['network.cilium.io/ipv4-cilium-host'] }));
    expect(of.map(({ finding }) => finding)).toEqual([
      'the pod has a network of its own',
      expect.stringContaining('Multus gives it others as well (storage)'),
      expect.stringContaining('Cilium'),
    ]);
    expect(judgeNetwork(pod(), undefined)).toHaveLength(1);
  });
});
