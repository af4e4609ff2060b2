import type { ServerResponse } from 'node:http';
import type { V1ConfigMap, V1ObjectMeta, V1Pod } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { experimentsOf, listAgents, listExperiments } from '../../src/kubernetes/experiments.ts';
import { ApiServer, json } from '../fakes/api-server.ts';
import { forbidden } from '../fakes/recorded.ts';
import { rejection, restFor } from './support.ts';

const now = new Date('2026-03-01T12:01:00Z');
const label = 'app.kubernetes.io/managed-by=kubectl-chaos';

function metadata(id: string, created = '12:00:00', name = id) {
  return {
    name,
    namespace: 'shop',
    labels: { 'app.kubernetes.io/managed-by': 'kubectl-chaos', 'kubectl-chaos.io/experiment': id },
    creationTimestamp: new Date(`2026-03-01T${created}Z`),
    annotations: {
      'kubectl-chaos.io/fault': '2 busy CPUs',
      'kubectl-chaos.io/target': 'shop/web-0/app',
      'kubectl-chaos.io/who': 'ada',
      'kubectl-chaos.io/duration': '1m30s',
      'kubectl-chaos.io/reason': 'game day',
    },
  };
}

function pod(id: string, phase: string, change: (pod: V1Pod) => void = () => undefined): V1Pod {
  const made: V1Pod = {
    metadata: metadata(id, undefined, `${id}-0`),
    spec: { nodeName: 'node-3', terminationGracePeriodSeconds: 32, containers: [{ name: 'target-0' }] },
    status: {
      phase,
      containerStatuses: [
        {
          ...{ name: 'target-0', restartCount: 0, ready: true, image: '', imageID: '' },
          state: { running: { startedAt: new Date('2026-03-01T12:00:10Z') } },
        },
      ],
    },
  };
  change(made);
  return made;
}

const configMap = (id: string, created?: string): V1ConfigMap => ({ metadata: metadata(id, created) });

describe('what the objects say of an experiment', () => {
  it('one that runs: with its annotations, and its end counted from the start of its container', () => {
    expect(experimentsOf([pod('chaos-aaaaa', 'Running')], [configMap('chaos-aaaaa')], now)).toEqual([
      {
        id: 'chaos-aaaaa',
        namespace: 'shop',
        state: 'running',
        objects: ['pod/chaos-aaaaa-0', 'configmap/chaos-aaaaa'],
        createdAt: new Date('2026-03-01T12:00:00Z'),
        endsAt: new Date('2026-03-01T12:01:40Z'),
        graceMs: 32_000,
        deadline: new Date('2026-03-02T13:00:00Z'),
        node: 'node-3',
        fault: '2 busy CPUs',
        target: 'shop/web-0/app',
        who: 'ada',
        reason: 'game day',
        agents: [
          {
            ...{ pod: 'chaos-aaaaa-0', podUid: '', node: 'node-3', state: 'running', container: 'target-0' },
            targets: [{ namespace: 'shop', pod: 'web-0', container: 'app' }],
          },
        ],
      },
    ]);
  });

  it.each([
    ['Pending', 'starting'],
    ['Succeeded', 'ended'],
    ['Failed', 'ended'],
    ['Unknown', 'starting'],
  ])('a pod in phase %s is %s', (phase, state) => {
    const [experiment] = experimentsOf([pod('chaos-aaaaa', phase)], [], now);
    expect(experiment).toMatchObject({ state, objects: ['pod/chaos-aaaaa-0'] });
    expect(experiment?.endsAt).toBeUndefined();
  });

  it('a pod that is being deleted is stopping, whatever its phase', () => {
    const going = pod('chaos-aaaaa', 'Running', ({ metadata: meta }) => {
      if (meta) meta.deletionTimestamp = now;
    });
    expect(experimentsOf([going], [], now)).toMatchObject([{ state: 'stopping' }]);
  });

  it('a ConfigMap without a pod is a leftover, unless it was made just now', () => {
    const found = experimentsOf([], [configMap('chaos-new00', '12:00:50'), configMap('chaos-old00')], now);
    expect(found).toMatchObject([
      { id: 'chaos-old00', state: 'leftover', objects: ['configmap/chaos-old00'], graceMs: 0 },
      { id: 'chaos-new00', state: 'starting' },
    ]);
  });

  it('what attaching to it takes: the uid of its pod, and its plan', () => {
    const recorded = pod('chaos-aaaaa', 'Running', ({ metadata: meta }) => {
      if (meta) Object.assign(meta, { uid: 'uid-1', annotations: { 'kubectl-chaos.io/plan': '{}' } });
    });
    expect(experimentsOf([recorded], [], now)).toMatchObject([
      { agents: [{ pod: 'chaos-aaaaa-0', podUid: 'uid-1', plan: '{}' }] },
    ]);
  });

  const onNode = (place: number, phase: string, targets: string, shims: string, change: (pod: V1Pod) => void) =>
    pod('chaos-aaaaa', phase, (made) => {
      const { metadata: meta, spec, status } = made;
      const annotations = { 'kubectl-chaos.io/target': targets, 'kubectl-chaos.io/shims': shims };
      Object.assign(meta ?? {}, { name: `chaos-aaaaa-${place}`, uid: `uid-${place}`, annotations });
      const command = ['/opt/kubectl-chaos/nsexec'];
      Object.assign(spec ?? {}, { nodeName: `node-${place}` });
      if (spec) spec.containers = [{ name: 'proxy' }, { name: 'agent', command }];
      for (const each of status?.containerStatuses ?? []) each.name = 'agent';
      change(made);
    });

  it('one with several agents is one: of each its targets, by the names of their shims, and what it said last', () => {
    const words = '{"target":"target-1","end":"reverted"}';
    const pods = [
      onNode(0, 'Running', 'shop/web-0/app,shop/web-2/app', 'target-0,target-2', () => undefined),
      onNode(1, 'Succeeded', 'shop/web-1/app', 'target-1', ({ status }) => {
        for (const each of status?.containerStatuses ?? [])
          each.state = { terminated: { exitCode: 0, message: words } };
      }),
      // Somebody has changed them: whose shim is whose is not known.
      onNode(2, 'Running', 'shop/web-3/app,shop/web-4/app', 'target-3', () => undefined),
    ];
    const [found, ...more] = experimentsOf(pods, [configMap('chaos-aaaaa')], now);
    expect(more).toEqual([]);
    expect(found).toMatchObject({ state: 'running', node: 'node-0,node-1,node-2' });
    const of = (place: number) => ({ namespace: 'shop', pod: `web-${place}`, container: 'app' });
    expect(found?.agents).toEqual([
      {
        ...{ pod: 'chaos-aaaaa-0', podUid: 'uid-0', node: 'node-0', state: 'running', container: 'agent' },
        targets: [
          { ...of(0), shim: 'target-0' },
          { ...of(2), shim: 'target-2' },
        ],
      },
      {
        ...{ pod: 'chaos-aaaaa-1', podUid: 'uid-1', node: 'node-1', state: 'ended', container: 'agent' },
        ...{ targets: [{ ...of(1), shim: 'target-1' }], lastWords: words },
      },
      {
        ...{ pod: 'chaos-aaaaa-2', podUid: 'uid-2', node: 'node-2', state: 'running', container: 'agent' },
        targets: [of(3), of(4)],
      },
    ]);
  });

  it('a pod that has the name of its id alone, as an earlier version gave it, is found by its label', () => {
    const old = pod('chaos-aaaaa', 'Running', ({ metadata: meta }) =>
      Object.assign(meta ?? {}, { name: 'chaos-aaaaa' }),
    );
    expect(experimentsOf([old], [configMap('chaos-aaaaa')], now)).toMatchObject([
      { id: 'chaos-aaaaa', agents: [{ pod: 'chaos-aaaaa' }], objects: ['pod/chaos-aaaaa', 'configmap/chaos-aaaaa'] },
    ]);
  });

  it('all pods of one id are one experiment', () => {
    const other = pod('chaos-aaaaa', 'Running', ({ metadata: meta }) =>
      Object.assign(meta ?? {}, { name: 'chaos-aaaaa-1' }),
    );
    expect(experimentsOf([pod('chaos-aaaaa', 'Running'), other], [], now)).toMatchObject([
      { id: 'chaos-aaaaa', objects: ['pod/chaos-aaaaa-0', 'pod/chaos-aaaaa-1'] },
    ]);
  });

  it('one whose first agent has looked, and whose second has begun, is what the second is', () => {
    const first = pod('chaos-aaaaa', 'Failed');
    const second = pod('chaos-aaaaa', 'Running', ({ metadata = {} }) =>
      Object.assign(metadata, { name: 'chaos-aaaaa-1' }),
    );
    for (const pods of [
      [first, second],
      [second, first],
    ]) {
      expect(experimentsOf(pods, [], now)).toMatchObject([{ state: 'running', agents: [{ pod: 'chaos-aaaaa-1' }] }]);
    }
  });

  it('the same id in two namespaces is two experiments', () => {
    const other = configMap('chaos-aaaaa');
    Object.assign(other.metadata ?? {}, { namespace: 'bank' });
    expect(experimentsOf([pod('chaos-aaaaa', 'Running')], [other], now)).toHaveLength(2);
  });

  it('objects without our annotations are shown all the same', () => {
    const bare = pod('chaos-aaaaa', 'Running', ({ metadata: meta }) => {
      delete meta?.annotations;
      delete meta?.labels;
    });
    expect(experimentsOf([bare], [], now)).toMatchObject([{ id: 'chaos-aaaaa', state: 'running' }]);
  });
});

describe('what is there to be removed', () => {
  const made = (change: (meta: V1ObjectMeta) => void = () => undefined) => {
    const one = pod('chaos-aaaaa', 'Succeeded', ({ metadata: meta = {} }) => {
      meta.uid = 'uid-1';
      change(meta);
    });
    return one;
  };
  const map = (change: (meta: V1ObjectMeta) => void = () => undefined) => {
    const one = configMap('chaos-aaaaa');
    const meta = one.metadata ?? {};
    meta.uid = 'uid-2';
    meta.ownerReferences = [{ apiVersion: 'v1', kind: 'Pod', name: 'chaos-aaaaa-0', uid: 'uid-1' }];
    change(meta);
    return one;
  };
  const remains = (pods: V1Pod[], configMaps: V1ConfigMap[]) => experimentsOf(pods, configMaps, now)[0]?.remains;
  const both = [
    { kind: 'pod', name: 'chaos-aaaaa-0', uid: 'uid-1' },
    { kind: 'configmap', name: 'chaos-aaaaa', uid: 'uid-2' },
  ];

  it('each object as it was launched, by its uid', () => {
    expect(remains([made()], [map()])).toEqual(both);
    expect(remains([], [map()])).toEqual(both.slice(1));
    // A command that was killed before it made the pod its owner.
    expect(remains([made()], [map((meta) => delete meta.ownerReferences)])).toEqual(both);
  });

  it('a pod that its node controls, as it was launched', () => {
    const node = { apiVersion: 'v1', kind: 'Node', name: 'node-3', uid: 'uid-4', controller: true };
    expect(remains([made((meta) => Object.assign(meta, { ownerReferences: [node] }))], [map()])).toEqual(both);
    expect(remains([made()], [map((meta) => Object.assign(meta, { ownerReferences: [node] }))])).toBeUndefined();
  });

  it('the two pods of a node, when the first, which has only looked, has ended', () => {
    const first = made();
    const second = made((meta) => Object.assign(meta, { name: 'chaos-aaaaa-1', uid: 'uid-5' }));
    Object.assign(first.status ?? {}, { phase: 'Running' });
    expect(remains([first, second], [])).toBeUndefined();
    Object.assign(first.status ?? {}, { phase: 'Failed' });
    expect(remains([first, second], [])?.map(({ name }) => name)).toEqual(['chaos-aaaaa-0', 'chaos-aaaaa-1']);
  });

  const replicaSet = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'uid-3' };
  it.each<[string, V1Pod[], V1ConfigMap[]]>([
    [
      'a pod without our label',
      [made((meta) => Reflect.deleteProperty(meta.labels ?? {}, 'app.kubernetes.io/managed-by'))],
      [map()],
    ],
    ['a pod that a ReplicaSet made', [made((meta) => Object.assign(meta, { ownerReferences: [replicaSet] }))], [map()]],
    ['a pod of another name', [made((meta) => Object.assign(meta, { name: 'web' }))], [map()]],
    ['a ConfigMap of another name', [made()], [map((meta) => Object.assign(meta, { name: 'settings' }))]],
    [
      'a ConfigMap of another owner',
      [made()],
      [map((meta) => Object.assign(meta.ownerReferences?.[0] ?? {}, { uid: 'uid-9' }))],
    ],
    ['a ConfigMap that a ReplicaSet owns', [], [map((meta) => Object.assign(meta, { ownerReferences: [replicaSet] }))]],
    ['an object without a uid', [made((meta) => delete meta.uid)], []],
  ])('not %s', (_what, pods, configMaps) => {
    expect(remains(pods, configMaps)).toBeUndefined();
  });

  it('until when a command may be at it: as the kubelet counts, or as the ConfigMap says', () => {
    const timed = made();
    Object.assign(timed.spec ?? {}, { activeDeadlineSeconds: 90 });
    Object.assign(timed.status ?? {}, { startTime: new Date('2026-03-01T12:00:05Z') });
    const deadline = (pods: V1Pod[], configMaps: V1ConfigMap[]) => experimentsOf(pods, configMaps, now)[0]?.deadline;
    expect(deadline([timed], [map()])).toEqual(new Date('2026-03-01T12:01:35Z'));
    const until = (text: string) =>
      map((meta) => Object.assign(meta, { annotations: { 'kubectl-chaos.io/until': text } }));
    expect(deadline([], [until('2026-03-01T12:07:00Z')])).toEqual(new Date('2026-03-01T12:07:00Z'));
    // Longer than any experiment lasts.
    for (const one of [map(), until('soon')]) expect(deadline([], [one])).toEqual(new Date('2026-03-02T13:00:00Z'));
  });
});

describe('the listing', () => {
  let server: ApiServer;
  beforeEach(async () => {
    server = await ApiServer.start();
  });
  afterEach(() => server.stop());

  const refused = (resource: string) => (_request: unknown, response: ServerResponse) =>
    json(response, 403, forbidden('list', resource, 'shop'));
  const having = (items: object[]) => (_request: unknown, response: ServerResponse) => json(response, 200, { items });
  const of = (experiment: V1Pod | V1ConfigMap, namespace: string, target: string) => {
    Object.assign(experiment.metadata ?? {}, { namespace, annotations: { 'kubectl-chaos.io/target': target } });
    return experiment;
  };
  const ids = async (namespace: string) =>
    (await listExperiments(restFor(server), namespace, now)).found.map(({ id }) => id);

  it('asks for our label in all namespaces, with one query for each kind', async () => {
    server.on('GET', '/api/v1/pods', having([])).on('GET', '/api/v1/configmaps', having([]));
    for (const namespace of [undefined, 'shop']) {
      expect(await listExperiments(restFor(server), namespace, now)).toEqual({ found: [], unseen: [] });
    }
    const one = ['/api/v1/configmaps', '/api/v1/pods'];
    expect(server.received.map(({ path }) => path).sort()).toEqual(one.flatMap((path) => [path, path]));
    for (const { query } of server.received) expect(query.get('labelSelector')).toBe(label);
  });

  it("answers for the target's namespace wherever the agent is, and for the agent's", async () => {
    const pods = [
      of(pod('chaos-aaaaa', 'Running'), 'agents', 'shop/web-0/app'),
      of(pod('chaos-bbbbb', 'Running'), 'bank', 'bank/db-0/db'),
      of(pod('chaos-ccccc', 'Running'), 'shop', 'shop/web-0/app'),
      // A sweep of a node that is called like a namespace is on no target of it.
      of(pod('chaos-ddddd', 'Running'), 'agents', 'node/shop'),
    ];
    const configMaps = [of(configMap('chaos-eeeee'), 'agents', 'shop/web-0/app')];
    server.on('GET', '/api/v1/pods', having(pods)).on('GET', '/api/v1/configmaps', having(configMaps));
    expect(await ids('shop')).toEqual(['chaos-aaaaa', 'chaos-ccccc', 'chaos-eeeee']);
    expect(await ids('agents')).toEqual(['chaos-aaaaa', 'chaos-ddddd', 'chaos-eeeee']);
    expect(await ids('node')).toEqual([]);
    expect(await ids('bank')).toEqual(['chaos-bbbbb']);
  });

  it('looks where it may, and says so', async () => {
    server
      .on('GET', '/api/v1/pods', refused('pods'))
      .on('GET', '/api/v1/configmaps', refused('configmaps'))
      .on('GET', '/api/v1/namespaces/shop/pods', having([pod('chaos-aaaaa', 'Running')]))
      .on('GET', '/api/v1/namespaces/shop/configmaps', having([configMap('chaos-bbbbb')]));
    const { found, unseen, elsewhere } = await listExperiments(restFor(server), 'shop', now);
    expect(found.map(({ id }) => id)).toEqual(['chaos-aaaaa', 'chaos-bbbbb']);
    expect(unseen).toEqual([]);
    expect(elsewhere).toContain('list pods');
    expect(await rejection(listExperiments(restFor(server), undefined, now))).toMatchObject({ code: 'forbidden' });
  });

  it('says where leftovers are hidden alone', async () => {
    server
      .on('GET', '/api/v1/pods', having([]))
      .on('GET', '/api/v1/configmaps', refused('configmaps'))
      .on('GET', '/api/v1/namespaces/shop/configmaps', having([configMap('chaos-bbbbb')]));
    const { found, unseen, elsewhere } = await listExperiments(restFor(server), 'shop', now);
    expect(found).toHaveLength(1);
    expect(unseen).toEqual([expect.stringContaining('list configmaps')]);
    expect(elsewhere).toBeUndefined();
  });

  it('says so when ConfigMaps may not be listed, and fails when pods may not', async () => {
    server
      .on('GET', '/api/v1/pods', having([pod('chaos-aaaaa', 'Running')]))
      .on('GET', '/api/v1/configmaps', refused('configmaps'))
      .on('GET', '/api/v1/namespaces/shop/pods', refused('pods'))
      .on('GET', '/api/v1/namespaces/shop/configmaps', having([]));
    const { found, unseen } = await listExperiments(restFor(server), undefined, now);
    expect(found).toHaveLength(1);
    expect(unseen).toEqual([expect.stringContaining('list configmaps')]);
    server.on('GET', '/api/v1/pods', refused('pods'));
    expect(await rejection(listExperiments(restFor(server), 'shop', now))).toMatchObject({ code: 'forbidden' });
  });

  it('of agents: in their namespace alone', async () => {
    server
      .on('GET', '/api/v1/namespaces/agents/pods', having([of(pod('chaos-aaaaa', 'Running'), 'agents', 'a/b/c')]))
      .on('GET', '/api/v1/namespaces/agents/configmaps', refused('configmaps'));
    const { found, unseen } = await listAgents(restFor(server), 'agents', now);
    expect(found.map(({ id }) => id)).toEqual(['chaos-aaaaa']);
    expect(unseen).toEqual([expect.stringContaining('list configmaps')]);
    expect(server.received).toHaveLength(2);
  });
});
