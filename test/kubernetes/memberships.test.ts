import type { V1LabelSelector, V1Pod } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { matches } from '../../src/kubernetes/label-match.ts';
import { memberships } from '../../src/kubernetes/memberships.ts';
import type { Rest } from '../../src/kubernetes/rest.ts';
import { ApiServer, json, status } from '../fakes/api-server.ts';
import { runningPod } from './objects.ts';
import { rejection, restFor } from './support.ts';

let server: ApiServer;
let rest: Rest;

beforeEach(async () => {
  server = await ApiServer.start();
  rest = restFor(server);
  answer('/apis/policy/v1/namespaces/shop/poddisruptionbudgets', { items: [] });
});
afterEach(async () => {
  rest.close();
  await server.stop();
});

function answer(path: string, body: unknown, code = 200): void {
  server.on('GET', path, (_, response) => json(response, code, body));
}

function refuse(path: string, code: number, reason: string): void {
  answer(path, status(code, reason, `you may not (${code})`), code);
}

const apps = '/apis/apps/v1/namespaces/shop';
const budgets = '/apis/policy/v1/namespaces/shop/poddisruptionbudgets';
const oldBudgets = '/apis/policy/v1beta1/namespaces/shop/poddisruptionbudgets';

function pod(name: string, owner?: { kind: string; name: string }, labels: Record<string, string> = {}): V1Pod {
  return runningPod(({ metadata }) => {
    Object.assign(metadata, { name, uid: `uid-${name}`, labels });
    if (owner) metadata.ownerReferences = [{ apiVersion: 'v1', uid: 'u', controller: true, ...owner }];
  });
}

const ofWeb = (name: string, hash = '5d8f'): V1Pod =>
  pod(name, { kind: 'ReplicaSet', name: `web-${hash}` }, { app: 'web', 'pod-template-hash': hash });

const budget = (name: string, selector: V1LabelSelector | undefined, healthy: number, needed: number) => ({
  metadata: { name },
  spec: { ...(selector ? { selector } : {}) },
  status: { currentHealthy: healthy, desiredHealthy: needed },
});

describe('what makes pods', () => {
  it('is one deployment, whichever its ReplicaSet, asked for once', async () => {
    answer(`${apps}/deployments/web`, { status: { readyReplicas: 3 } });
    const notReady = ofWeb('web-2', '77aa');
    Object.assign(notReady.status?.conditions?.[0] ?? {}, { status: 'False' });
    expect(await memberships(rest, [ofWeb('web-1'), notReady, ofWeb('web-1')])).toEqual({
      pods: [
        { uid: 'uid-web-1', isReady: true, workload: 'deployment/web' },
        { uid: 'uid-web-2', isReady: false, workload: 'deployment/web' },
      ],
      workloads: [{ name: 'deployment/web', readyPods: 3 }],
      budgets: [],
      unknown: [],
    });
    expect(rest.counts()).toMatchObject({ 'list poddisruptionbudgets.policy': 1 });
    // Two ReplicaSets, each of which is asked for by its deployment.
    expect(rest.counts()['get deployments.apps']).toBe(2);
  });

  it('is the ReplicaSet itself, where its name only looks like that of a deployment', async () => {
    refuse(`${apps}/deployments/web`, 404, 'NotFound');
    answer(`${apps}/replicasets/web-5d8f`, { status: { readyReplicas: 2 } });
    const { workloads } = await memberships(rest, [ofWeb('web-1')]);
    expect(workloads).toEqual([{ name: 'replicaset/web-5d8f', readyPods: 2 }]);
  });

  it.each([
    ['StatefulSet', `${apps}/statefulsets/db`, { readyReplicas: 1 }, 1],
    ['DaemonSet', `${apps}/daemonsets/db`, { numberReady: 4 }, 4],
    ['Job', '/apis/batch/v1/namespaces/shop/jobs/db', { ready: 2, active: 3 }, 2],
    ['Job', '/apis/batch/v1/namespaces/shop/jobs/db', { active: 3 }, 3],
    ['ReplicationController', '/api/v1/namespaces/shop/replicationcontrollers/db', {}, 0],
    ['ReplicaSet', `${apps}/replicasets/db`, { readyReplicas: 1 }, 1],
  ])('may be a %s', async (kind, path, state, readyPods) => {
    answer(path, { status: state });
    const { pods, workloads } = await memberships(rest, [pod('db-0', { kind, name: 'db' })]);
    const name = `${kind.toLowerCase()}/db`;
    expect(workloads).toEqual([{ name, readyPods }]);
    expect(pods).toEqual([{ uid: 'uid-db-0', isReady: true, workload: name }]);
  });

  it('is nothing, of a pod by itself and of a static one', async () => {
    const found = await memberships(rest, [pod('web'), pod('etcd', { kind: 'Node', name: 'node-1' })]);
    expect(found).toMatchObject({ workloads: [], unknown: [] });
    expect(found.pods).toEqual([
      { uid: 'uid-web', isReady: true },
      { uid: 'uid-etcd', isReady: true },
    ]);
  });

  it('is not known of a kind that is not, and where it may not be read: no failure', async () => {
    refuse(`${apps}/statefulsets/db`, 403, 'Forbidden');
    const { pods, workloads, unknown } = await memberships(rest, [
      pod('db-0', { kind: 'StatefulSet', name: 'db' }),
      pod('clone', { kind: 'CloneSet', name: 'c' }),
    ]);
    expect(workloads).toEqual([]);
    expect(pods).toEqual([
      { uid: 'uid-db-0', isReady: true },
      { uid: 'uid-clone', isReady: true },
    ]);
    expect([...unknown].sort()).toEqual([
      'ready pods of cloneset/c (CloneSet is not a kind that is known here)',
      expect.stringMatching(/^ready pods of statefulset\/db \(.*get statefulsets\.apps/),
    ]);
  });

  it('that fails as a defect of ours is not hidden', async () => {
    expect(
      await rejection(memberships({ json: () => Promise.reject(new TypeError('x')) } as never, [pod('web')])),
    ).toBeInstanceOf(TypeError);
  });
});

describe('disruption budgets', () => {
  it('are those that select one of the pods', async () => {
    answer(budgets, {
      items: [
        budget('web', { matchLabels: { app: 'web' } }, 3, 2),
        budget('db', { matchLabels: { app: 'db' } }, 1, 1),
        budget('all', {}, 4, 1),
        budget('none', undefined, 4, 1),
        { ...budget('new', {}, 0, 0), status: undefined },
      ],
    });
    answer(`${apps}/deployments/web`, { status: { readyReplicas: 3 } });
    const found = await memberships(rest, [ofWeb('web-1'), ofWeb('web-2'), pod('other')]);
    expect(found.budgets).toEqual([
      { name: 'web', pods: ['uid-web-1', 'uid-web-2'], healthy: 3, needed: 2 },
      { name: 'all', pods: ['uid-web-1', 'uid-web-2', 'uid-other'], healthy: 4, needed: 1 },
    ]);
  });

  it('of an older API server are found, where an empty selector selects nothing', async () => {
    refuse(budgets, 404, 'NotFound');
    answer(oldBudgets, { items: [budget('all', {}, 4, 1), budget('x', { matchLabels: { a: 'b' } }, 1, 1)] });
    const found = await memberships(rest, [pod('web', undefined, { a: 'b' })]);
    expect(found.budgets).toEqual([{ name: 'x', pods: ['uid-web'], healthy: 1, needed: 1 }]);
  });

  it('are not known to whoever may not list them', async () => {
    refuse(budgets, 403, 'Forbidden');
    const { budgets: found, unknown } = await memberships(rest, [pod('web')]);
    expect(found).toEqual([]);
    expect(unknown).toEqual([expect.stringMatching(/^PodDisruptionBudgets \(.*list poddisruptionbudgets\.policy/)]);
  });
});

describe('a selector of an object', () => {
  const labels = { app: 'web', tier: '' };

  it.each<[selector: V1LabelSelector, isMet: boolean]>([
    [{}, true],
    [{ matchLabels: { app: 'web' } }, true],
    [{ matchLabels: { app: 'web', tier: '' } }, true],
    [{ matchLabels: { app: 'web', other: 'x' } }, false],
    [{ matchLabels: { toString: 'x' } }, false],
    [{ matchExpressions: [{ key: 'app', operator: 'In', values: ['api', 'web'] }] }, true],
    [{ matchExpressions: [{ key: 'app', operator: 'In', values: ['api'] }] }, false],
    [{ matchExpressions: [{ key: 'gone', operator: 'In', values: ['api'] }] }, false],
    [{ matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] }, false],
    [{ matchExpressions: [{ key: 'gone', operator: 'NotIn', values: ['web'] }] }, true],
    [{ matchExpressions: [{ key: 'tier', operator: 'Exists' }] }, true],
    [{ matchExpressions: [{ key: 'gone', operator: 'Exists' }] }, false],
    [{ matchExpressions: [{ key: 'constructor', operator: 'Exists' }] }, false],
    [{ matchExpressions: [{ key: 'gone', operator: 'DoesNotExist' }] }, true],
    [{ matchLabels: { app: 'web' }, matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] }, false],
  ])('%j: %s', (selector, isMet) => {
    expect(matches(selector, labels)).toBe(isMet);
  });
});
