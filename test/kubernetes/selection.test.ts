import type { V1Node, V1Pod } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KubernetesCluster } from '../../src/kubernetes/cluster.ts';
import { systemReason } from '../../src/kubernetes/system-pods.ts';
import type { Selection } from '../../src/ports.ts';
import type { SelectionRequest } from '../../src/requests.ts';
import { ApiServer, json, status } from '../fakes/api-server.ts';
import { selection } from '../fakes/samples.ts';
import { readyNode, runningPod, withOthers } from './objects.ts';
import { rejection, restFor } from './support.ts';

type Change = (pod: Required<Pick<V1Pod, 'metadata' | 'spec' | 'status'>>) => void;

const podsPath = '/api/v1/namespaces/shop/pods';

let server: ApiServer;
let cluster: KubernetesCluster;
/** What there is in the namespace. */
let pods: V1Pod[];
let nodes: V1Node[];

beforeEach(async () => {
  server = await ApiServer.start();
  cluster = new KubernetesCluster(restFor(server), 'shop', async () => Buffer.from('shim'));
  pods = [];
  nodes = [];
  const rule = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] };
  server
    .on('GET', podsPath, ({ query }, response) => {
      const name = query.get('fieldSelector')?.replace('metadata.name=', '');
      const [key = '', value] = (query.get('labelSelector') ?? '').split('=');
      const items = pods.filter(({ metadata }) =>
        name === undefined ? metadata?.labels?.[key] === value : metadata?.name === name,
      );
      json(response, 200, { metadata: { resourceVersion: '50' }, items });
    })
    .on('GET', /^\/api\/v1\/nodes\/[^/]+$/, ({ path }, response) => {
      const node = nodes.find(({ metadata }) => path.endsWith(`/${metadata?.name}`));
      return node ? json(response, 200, node) : json(response, 404, status(404, 'NotFound', 'no such node'));
    })
    .on('GET', '/api/v1/nodes', (_, response) => json(response, 200, { items: nodes }))
    .on('GET', /^\/apis\/apps\/v1\/namespaces\/shop\/deployments\/[^/]+$/, ({ path }, response) =>
      json(response, 200, { spec: { selector: { matchLabels: { app: path.split('/').at(-1) } } } }),
    )
    .on('POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', (_, response) =>
      json(response, 201, { status: { resourceRules: [rule], incomplete: false } }),
    );
});
afterEach(async () => {
  cluster.close();
  await server.stop();
});

/** Puts a pod of `app` there, ready, on a node; `change` edits it. */
function put(name: string, node: string, change: Change = () => undefined, app = 'web'): void {
  pods.push(
    runningPod((pod) => {
      Object.assign(pod.metadata, { name, uid: `uid-${name}`, labels: { app } });
      pod.spec.nodeName = node;
      change(pod);
    }),
  );
  if (!nodes.some(({ metadata }) => metadata?.name === node)) putNode(node);
}

function putNode(name: string, zone?: string, change: Parameters<typeof readyNode>[0] = () => undefined): void {
  nodes.push(
    readyNode((node) => {
      Object.assign(node.metadata, { name, labels: zone ? { 'topology.kubernetes.io/zone': zone } : {} });
      change(node);
    }),
  );
}

const notReady: Change = ({ status: { conditions = [] } }) => Object.assign(conditions[0] ?? {}, { status: 'False' });
const deleted: Change = ({ metadata }) => Object.assign(metadata, { deletionTimestamp: new Date() });
const ended: Change = ({ status: pod }) => Object.assign(pod, { phase: 'Succeeded', conditions: [] });
const waiting: Change = ({ status: pod }) =>
  Object.assign(pod.containerStatuses?.[0] ?? {}, { state: { waiting: { reason: 'CrashLoopBackOff' } } });

const web = { kind: 'deployment', name: 'web' } as const;
const labels = { from: { labels: 'app=web' } };

function find(change: Partial<SelectionRequest>): ReturnType<KubernetesCluster['findTargets']> {
  const asked: Selection = { ...selection(web), ...change, seed: change.seed ?? 'x' };
  return cluster.findTargets(asked, undefined);
}

async function names(change: Partial<SelectionRequest>): Promise<string[]> {
  return (await find(change)).targets.map(({ pod }) => pod);
}

describe('one of several pods', () => {
  beforeEach(() => {
    for (const index of [1, 2, 3, 4]) put(`web-${index}`, `node-${index % 2}`);
  });

  it.each([{}, labels])('is chosen by the seed, and says out of what: %j', async (from) => {
    const { targets, skipped } = await find(from);
    expect(skipped).toEqual([]);
    expect(targets).toHaveLength(1);
    const workload = 'from' in from ? '-l app=web' : 'deployment/web';
    expect(targets[0].chosenFrom).toEqual({ workload, runningPods: 4, seed: 'x' });
    const seeds = Array.from({ length: 12 }, (_, index) => `${index}`);
    const chosen = await Promise.all(seeds.map((seed) => names({ ...from, seed })));
    expect(new Set(chosen.flat()).size).toBeGreaterThan(1);
    pods.reverse();
    expect(await Promise.all(seeds.map((seed) => names({ ...from, seed })))).toEqual(chosen);
  });

  it('takes four requests, by labels three, and only reads', async () => {
    await find({});
    expect(cluster.requests()).toEqual({
      'get deployments.apps': 1,
      'list pods': 1,
      'create selfsubjectrulesreviews.authorization.k8s.io': 1,
      'get nodes': 1,
    });
    await find(labels);
    expect(cluster.requests()).toMatchObject({ 'list pods': 2, 'get nodes': 2, 'get deployments.apps': 1 });
    expect(server.requestsTo(podsPath).at(-1)?.query.get('labelSelector')).toBe('app=web');
  });

  it('is ready: a pod that is not is never taken, without a word', async () => {
    pods = pods.slice(0, 1);
    put('web-5', 'node-1', notReady);
    put('web-6', 'node-1', deleted);
    put('web-7', 'node-1', ended);
    for (const seed of ['a', 'b', 'c', 'd']) {
      const { targets, skipped } = await find({ ...labels, seed });
      expect(targets.map(({ pod }) => pod)).toEqual(['web-1']);
      expect(targets[0].chosenFrom).toEqual({ workload: '-l app=web', runningPods: 2 });
      expect(skipped).toEqual([]);
    }
  });

  it('that cannot be hit is refused, or another is taken in its place', async () => {
    const [first = ''] = await names({});
    for (const pod of pods) if (pod.metadata?.name === first) waiting(pod as Parameters<Change>[0]);
    expect(await rejection(find({}))).toMatchObject({
      code: 'target-unsuitable',
      message: `container "app" of pod/${first} is waiting (CrashLoopBackOff)`,
    });
    const { targets, skipped } = await find({ skipUnsuitable: true });
    expect(targets).toHaveLength(1);
    expect(targets[0].pod).not.toBe(first);
    expect(skipped).toEqual([{ pod: first, why: `container "app" of pod/${first} is waiting (CrashLoopBackOff)` }]);
  });

  it('of each TARGET, each by its own', async () => {
    put('api-1', 'node-0', undefined, 'api');
    const from = [web, { kind: 'deployment', name: 'api' }, { kind: 'pod', name: 'web-2' }] as const;
    const { targets } = await find({ from });
    expect(targets.map(({ pod }) => pod)).toEqual(['api-1', ...['web-2', expect.stringMatching(/^web-[34]$/)]]);
    expect(targets.find(({ pod }) => pod === 'api-1')?.chosenFrom).toEqual({
      ...{ workload: 'deployment/api', runningPods: 1 },
    });
    expect(targets.find(({ pod }) => pod === 'web-2')).not.toHaveProperty('chosenFrom');
  });
});

describe('several pods', () => {
  beforeEach(() => {
    for (const index of [1, 2, 3, 4, 5]) put(`web-${index}`, `node-${index % 3}`);
  });

  it('are all that are ready, and those that are not are named', async () => {
    put('web-6', 'node-1', notReady);
    put('web-7', 'node-1', deleted);
    put('web-8', 'node-1', ended);
    const { targets, skipped } = await find({ take: 'all' });
    expect(targets.map(({ pod }) => pod)).toEqual(['web-1', 'web-2', 'web-3', 'web-4', 'web-5']);
    expect(targets[0].chosenFrom).toEqual({ workload: 'deployment/web', runningPods: 6 });
    expect(skipped).toEqual([
      { pod: 'web-6', why: 'it is not ready (Running, not ready)' },
      { pod: 'web-7', why: 'it is not ready (being deleted)' },
    ]);
    expect(cluster.requests()).toMatchObject({ 'get nodes': 3 });
    expect(cluster.requests()).not.toHaveProperty('list nodes');
  });

  it('are spread over the nodes', async () => {
    for (const seed of ['a', 'b', 'c', 'd']) {
      const { targets } = await find({ take: { count: 3 }, seed });
      expect(targets.map(({ node }) => node).sort()).toEqual(['node-0', 'node-1', 'node-2']);
    }
  });

  it('are spread over the zones, where nodes may be listed', async () => {
    nodes = [];
    putNode('node-0', 'a');
    putNode('node-1', 'a');
    putNode('node-2', 'b');
    for (const seed of ['a', 'b', 'c', 'd', 'e']) {
      const { targets } = await find({ take: { count: 2 }, seed });
      expect(targets.map(({ node }) => node)).toContain('node-2');
    }
    const [{ headers, query } = { headers: {}, query: new URLSearchParams() }] = server.requestsTo('/api/v1/nodes');
    expect(headers.accept).toMatch(/as=PartialObjectMetadataList/);
    expect(query.get('resourceVersion')).toBe('0');
    server.on('GET', '/api/v1/nodes', (_, response) => json(response, 403, status(403, 'Forbidden', 'no')));
    expect(await names({ take: { count: 2 } })).toHaveLength(2);
  });

  it.each<[take: Selection['take'], number: number]>([
    [{ percent: 1 }, 1],
    [{ percent: 20 }, 1],
    [{ percent: 21 }, 2],
    [{ percent: 100 }, 5],
    [{ count: 5 }, 5],
  ])('%j of five: %d', async (take, number) => {
    expect(await names({ take })).toHaveLength(number);
  });

  it('are not fewer than are asked for, unless some are left out', async () => {
    expect(await rejection(find({ take: { count: 6 } }))).toMatchObject({
      code: 'target-unsuitable',
      message: '--count 6: there are only 5 pods to choose from',
      hint: '--count 5, or --all',
    });
    expect(await names({ take: { count: 6 }, skipUnsuitable: true })).toHaveLength(5);
  });

  it('are refused together with all reasons, or those that can be hit are taken', async () => {
    nodes = nodes.filter(({ metadata }) => metadata?.name !== 'node-1');
    putNode('node-1', undefined, ({ status: node }) =>
      Object.assign(node.nodeInfo ?? {}, { operatingSystem: 'windows' }),
    );
    waiting(pods[1] as Parameters<Change>[0]);
    const why = 'node node-1 runs windows; the agent needs a Linux node';
    const crash = 'container "app" of pod/web-2 is waiting (CrashLoopBackOff)';
    expect(await rejection(find({ take: 'all' }))).toMatchObject({
      code: 'target-unsuitable',
      message: `3 of 5 pods cannot be hit: ${crash}; pod/web-1: ${why}; pod/web-4: ${why}`,
      hint: 'To leave such pods out, add --skip-unsuitable.',
    });
    const { targets, skipped } = await find({ take: 'all', skipUnsuitable: true });
    expect(targets.map(({ pod }) => pod)).toEqual(['web-3', 'web-5']);
    expect(skipped.map(({ pod }) => pod).sort()).toEqual(['web-1', 'web-2', 'web-4']);
    // The share is one of those that are ready.
    expect(await names({ take: { percent: 40 }, skipUnsuitable: true })).toEqual(['web-3', 'web-5']);
    expect(
      await rejection(
        find({
          from: [
            { kind: 'pod', name: 'web-1' },
            { kind: 'pod', name: 'web-4' },
          ],
          skipUnsuitable: true,
        }),
      ),
    ).toMatchObject({
      message: `none of 2 pods can be hit: pod/web-1: ${why}; pod/web-4: ${why}`,
    });
  });

  it('go on from the list in which they were seen, each with its place in the cluster', async () => {
    const { targets } = await find({ take: 'all' });
    for (const target of targets) expect((await cluster.podNetwork(target)).podContainers).toEqual(['app', 'proxy']);
  });

  it('with all their containers: sidecars are not among them', async () => {
    for (const pod of pods.slice(0, 2)) withOthers(pod as Parameters<Change>[0]);
    const { targets } = await find({ take: { count: 5 }, allContainers: true });
    expect(targets).toHaveLength(10);
    expect(targets.slice(0, 2)).toMatchObject([
      { pod: 'web-1', container: 'app', containerId: 'id-app', memoryLimitBytes: 128 * 2 ** 20 },
      { pod: 'web-1', container: 'proxy', containerId: 'id-proxy' },
    ]);
  });
});

describe('what leads to no pod', () => {
  it('is refused with how the pods are', async () => {
    expect(await rejection(find(labels))).toMatchObject({
      code: 'target-unsuitable',
      message: 'no pod in namespace shop has the labels app=web',
      hint: 'kubectl get pods -n shop --show-labels',
    });
    put('web-1', 'node-1', notReady);
    expect(await rejection(find(labels))).toMatchObject({
      message: 'no pod of -l app=web is running and ready: web-1 (Running, not ready)',
    });
    put('api-1', 'node-1', undefined, 'api');
    const from = [web, { kind: 'deployment', name: 'api' }] as const;
    expect(await rejection(find({ from }))).toMatchObject({
      message: 'no pod of deployment/web is running and ready: web-1 (Running, not ready)',
    });
    const { targets, skipped } = await find({ from, skipUnsuitable: true });
    expect(targets.map(({ pod }) => pod)).toEqual(['api-1']);
    expect(skipped).toEqual([{ pod: 'web-1', why: 'it is not ready (Running, not ready)' }]);
  });

  it('is a named pod that does not exist, whatever may be left out', async () => {
    put('web-1', 'node-1');
    const from = [
      { kind: 'pod', name: 'web-1' },
      { kind: 'pod', name: 'web-2' },
    ] as const;
    expect(await rejection(find({ from, skipUnsuitable: true }))).toMatchObject({ code: 'not-found' });
  });
});

describe('an agent of ours', () => {
  const ours: Change = ({ metadata }) =>
    Object.assign(metadata.labels ?? {}, { 'app.kubernetes.io/managed-by': 'kubectl-chaos' });

  it('is never taken, and refused by its name', async () => {
    put('chaos-7f3k2-0', 'node-1', ours);
    expect(await rejection(find({}))).toMatchObject({ message: 'deployment/web has no pods' });
    put('web-1', 'node-1');
    expect(await names({ take: 'all' })).toEqual(['web-1']);
    const named = { from: [{ kind: 'pod', name: 'chaos-7f3k2-0' }] as const, allowSystem: true };
    expect(await rejection(find(named))).toMatchObject({
      code: 'target-unsuitable',
      message: 'pod/chaos-7f3k2-0 is an agent of kubectl chaos, which cannot be a target',
    });
  });
});

describe('a part of the cluster itself', () => {
  const critical: Change = ({ spec }) => Object.assign(spec, { priorityClassName: 'system-node-critical' });

  it.each<[what: string, change: Change, reason: string | undefined]>([
    ['a pod of a critical class', critical, 'its priority class is system-node-critical'],
    [
      'CoreDNS',
      ({ metadata, spec }) => {
        Object.assign(metadata, { namespace: 'kube-system' });
        Object.assign(spec, { priorityClassName: 'system-cluster-critical' });
      },
      'its priority class is system-cluster-critical',
    ],
    [
      'a static pod of the control plane',
      ({ metadata }) => Object.assign(metadata, { namespace: 'kube-system', labels: { tier: 'control-plane' } }),
      'it is a static pod in kube-system',
    ],
    [
      'a mirror pod',
      ({ metadata }) =>
        Object.assign(metadata, { namespace: 'kube-system', annotations: { 'kubernetes.io/config.mirror': '0a' } }),
      'it is a static pod in kube-system',
    ],
    [
      'a network plugin without a class',
      ({ metadata }) =>
        Object.assign(metadata, {
          namespace: 'kube-system',
          ownerReferences: [{ kind: 'DaemonSet', name: 'kube-flannel', controller: true }],
        }),
      'it is one of daemonset/kube-flannel in kube-system',
    ],
    [
      'a DaemonSet elsewhere',
      ({ metadata }) => Object.assign(metadata, { ownerReferences: [{ kind: 'DaemonSet', name: 'log' }] }),
      undefined,
    ],
    ['a deployment in kube-system', ({ metadata }) => Object.assign(metadata, { namespace: 'kube-system' }), undefined],
    [
      'a mirror pod elsewhere',
      ({ metadata }) => Object.assign(metadata, { annotations: { 'kubernetes.io/config.mirror': '0a' } }),
      undefined,
    ],
    ['any other', () => undefined, undefined],
  ])('%s', (_what, change, reason) => {
    expect(systemReason(runningPod(change))).toBe(reason);
  });

  it('is refused, left out, or allowed', async () => {
    put('web-1', 'node-1', critical);
    expect(await rejection(find({}))).toMatchObject({
      code: 'protected',
      message: 'pod/web-1 is a part of the cluster itself: its priority class is system-node-critical',
      hint: 'To run the experiment all the same, add --allow-system.',
    });
    expect(await names({ allowSystem: true })).toEqual(['web-1']);
    put('web-2', 'node-1');
    expect(await rejection(find({ take: 'all' }))).toMatchObject({
      message:
        '1 of 2 pods cannot be hit: pod/web-1 is a part of the cluster itself: its priority class is system-node-critical',
      hint: 'To leave such pods out, add --skip-unsuitable. To hit a part of the cluster itself, add --allow-system.',
    });
    expect(await names({ take: 'all', skipUnsuitable: true })).toEqual(['web-2']);
  });
});
