import type { V1Node, V1Pod } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { anyExperiment } from '../../src/kubernetes/agent-pod.ts';
import { followNode } from '../../src/kubernetes/node-watch.ts';
import { surroundings } from '../../src/kubernetes/surroundings.ts';
import type { NodeUpdate } from '../../src/ports.ts';
import { ApiServer, json, status, until, WatchFeed } from '../fakes/api-server.ts';
import { forbidden, replay } from '../fakes/recorded.ts';
import { readyNode, runningPod, webTarget } from './objects.ts';
import { restFor } from './support.ts';

let server: ApiServer;
beforeEach(async () => {
  server = await ApiServer.start();
});
afterEach(() => server.stop());

const protection = 'kubectl-chaos.io/protected';

/** An agent pod of another experiment, on the target of the tests. */
function agent(id: string): V1Pod {
  return runningPod(({ metadata }) => {
    Object.assign(metadata, { name: `${id}-0`, uid: `uid-${id}` });
    metadata.labels = { 'app.kubernetes.io/managed-by': 'kubectl-chaos', 'kubectl-chaos.io/experiment': id };
    metadata.annotations = { 'kubectl-chaos.io/target': 'shop/web/app', 'kubectl-chaos.io/fault': '2 busy CPUs' };
  });
}

describe('what there is around a target', () => {
  let pod: V1Pod;
  let node: V1Node | undefined;
  let annotations: Record<string, string>;
  const look = (agentNamespace = 'shop') =>
    surroundings(
      restFor(server),
      { target: webTarget, pod, node, resourceVersion: '50' },
      agentNamespace,
      new Date('2026-01-01T00:01:00Z'),
    );

  beforeEach(() => {
    pod = runningPod();
    node = readyNode();
    annotations = {};
    server
      .on('GET', '/api/v1/namespaces/shop', (_, response) => json(response, 200, { metadata: { annotations } }))
      .on('GET', '/api/v1/pods', (_, response) => json(response, 200, { items: [agent('chaos-abcde')] }));
  });

  it('takes two requests: the namespace, and the agents of its node in every namespace', async () => {
    expect(await look()).toEqual({
      protectedBy: [],
      experiments: [expect.objectContaining({ id: 'chaos-abcde', target: 'shop/web/app', state: 'running' })],
      nodeTroubles: [],
      unchecked: [],
    });
    expect(server.received).toHaveLength(2);
    expect(Object.fromEntries(server.requestsTo('/api/v1/pods')[0]?.query ?? [])).toEqual({
      labelSelector: anyExperiment,
      fieldSelector: 'spec.nodeName=node-3',
      // From the cache: a list of any other version has the API server read every pod of the cluster from etcd.
      resourceVersion: '0',
    });
  });

  it.each([
    ['true', ''],
    ['', ''],
    ['until-friday', '=until-friday'],
    ['False', '=False'],
  ])('is protected by the annotation, whose value is %j', async (value, said) => {
    annotations = { [protection]: value };
    pod = runningPod(({ metadata }) => {
      metadata.annotations = { [protection]: value };
    });
    expect((await look()).protectedBy).toEqual([
      `annotation ${protection}${said} on pod/web`,
      `annotation ${protection}${said} on namespace shop`,
    ]);
  });

  it('is not protected by "false"', async () => {
    annotations = { [protection]: 'false' };
    expect((await look()).protectedBy).toEqual([]);
  });

  it('names the troubles that its node has already', async () => {
    node = readyNode(({ status }) => {
      status.conditions = [
        { type: 'MemoryPressure', status: 'True', message: 'kubelet has insufficient memory available' },
        { type: 'DiskPressure', status: 'False' },
        { type: 'PIDPressure', status: 'Unknown' },
        { type: 'Ready', status: 'True' },
      ];
    });
    expect((await look()).nodeTroubles).toEqual([
      'is under memory pressure (kubelet has insufficient memory available)',
    ]);
  });

  it('looks where it may, and says where it may not', async () => {
    server
      .on('GET', '/api/v1/namespaces/shop', (_, response) =>
        json(response, 403, forbidden('get', 'namespaces', 'shop')),
      )
      .on('GET', '/api/v1/pods', replay('list-pods-all-namespaces-rbac'))
      .on('GET', '/api/v1/namespaces/chaos/pods', (_, response) =>
        json(response, 200, { items: [agent('chaos-fghij')] }),
      )
      .on('GET', '/api/v1/namespaces/shop/pods', (_, response) =>
        json(response, 200, { items: [agent('chaos-abcde')] }),
      );
    node = undefined;
    const { experiments, unchecked } = await look('chaos');
    expect(experiments).toMatchObject([{ id: 'chaos-abcde' }, { id: 'chaos-fghij' }]);
    expect(unchecked).toEqual([
      expect.stringMatching(/^whether namespace shop is protected \(.*get namespaces/),
      expect.stringMatching(/^experiments outside shop and chaos \(.*list pods/),
    ]);
  });

  it('fails where the API server does, and does not call a target unprotected for it', async () => {
    server.on('GET', '/api/v1/namespaces/shop', (_, response) =>
      json(response, 500, status(500, 'InternalError', 'etcd')),
    );
    await expect(look()).rejects.toThrow('etcd');
  });
});

describe('the node of a target', () => {
  let abort: AbortController;
  let nodes: WatchFeed;
  let pods: WatchFeed;
  let seen: NodeUpdate[];
  let done: Promise<void>;

  beforeEach(() => {
    abort = new AbortController();
    nodes = new WatchFeed();
    pods = new WatchFeed();
    seen = [];
    server.on('GET', '/api/v1/nodes', nodes.handler).on('GET', '/api/v1/pods', pods.handler);
  });
  afterEach(async () => {
    abort.abort();
    await done;
  });

  async function follow(node: V1Node = versioned('7')): Promise<void> {
    done = (async () => {
      for await (const update of followNode(
        restFor(server),
        webTarget,
        { node, resourceVersion: '50' },
        abort.signal,
      )) {
        seen.push(update);
      }
    })();
    await until('both watches are open', () => nodes.open === 1 && pods.open === 1);
  }

  /** The node with one of its conditions changed. */
  function versioned(resourceVersion: string, type = 'MemoryPressure', value = 'False', message = ''): V1Node {
    return readyNode(({ metadata, status: { conditions } }) => {
      Object.assign(metadata, { uid: 'uid-node', resourceVersion });
      const others = (conditions ?? []).filter((condition) => condition.type !== type);
      conditions?.splice(0, conditions.length, ...others, { type, status: value, message });
    });
  }

  const evicted = (name: string, uid: string): V1Pod =>
    runningPod((pod) => {
      Object.assign(pod.metadata, { name, uid });
      Object.assign(pod.status, {
        phase: 'Failed',
        reason: 'Evicted',
        message: 'The node was low on resource: memory.',
      });
    });

  it('is watched by one request for it and one for its pods, from what is known already', async () => {
    await follow();
    expect(
      server.received.map(({ path, query }) => [path, query.get('fieldSelector'), query.get('resourceVersion')]),
    ).toEqual(
      expect.arrayContaining([
        ['/api/v1/nodes', 'metadata.name=node-3', '7'],
        ['/api/v1/pods', 'spec.nodeName=node-3', '50'],
      ]),
    );
    expect(server.received).toHaveLength(2);
  });

  it.each([
    ['MemoryPressure', 'True', 'low', 'is under memory pressure (low)'],
    ['DiskPressure', 'True', 'full', 'is under disk pressure (full)'],
    ['PIDPressure', 'True', '', 'is under PID pressure'],
    ['Ready', 'Unknown', 'Kubelet stopped posting node status.', 'is not ready (Kubelet stopped posting node status.)'],
  ])('tells that %s turns %s, once', async (type, value, message, trouble) => {
    await follow();
    nodes.send('MODIFIED', versioned('8', type, value, message));
    nodes.send('MODIFIED', versioned('9', type, value, `${message} still`));
    pods.send('MODIFIED', evicted('last', 'uid-last'));
    await until('all is seen', () => seen.some(({ kind }) => kind === 'evicted') && seen.length === 2);
    expect(seen).toContainEqual({ kind: 'trouble', trouble });
  });

  it('does not tell of a pressure that was there before', async () => {
    await follow(versioned('7', 'DiskPressure', 'True'));
    nodes.send('MODIFIED', versioned('8', 'DiskPressure', 'True'));
    nodes.send('MODIFIED', versioned('9', 'PIDPressure', 'True'));
    await until('the second is seen', () => seen.length > 0);
    expect(seen).toEqual([{ kind: 'trouble', trouble: 'is under PID pressure' }]);
  });

  it('tells of a pod that is evicted now, once, and not of those that were, of agents, or of the target', async () => {
    await follow();
    pods.send('ADDED', evicted('listed', 'uid-listed'));
    pods.send('DELETED', evicted('collected', 'uid-collected'));
    const deleted = evicted('collecting', 'uid-collecting');
    pods.send('MODIFIED', { ...deleted, metadata: { ...deleted.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } });
    pods.send('MODIFIED', evicted('web', webTarget.podUid));
    const ours = agent('chaos-abcde');
    pods.send('MODIFIED', { ...ours, status: { ...ours.status, reason: 'Evicted' } });
    pods.send('MODIFIED', runningPod());
    pods.send('MODIFIED', evicted('db-0', 'uid-db'));
    pods.send('MODIFIED', evicted('db-0', 'uid-db'));
    pods.send('ADDED', agent('chaos-fghij'));
    await until('the last is seen', () => seen.some(({ kind }) => kind === 'experiment'));
    expect(seen).toEqual([
      { kind: 'evicted', pod: 'shop/db-0', message: 'The node was low on resource: memory.' },
      { kind: 'experiment', experiment: expect.objectContaining({ id: 'chaos-fghij', target: 'shop/web/app' }) },
    ]);
  });

  it.each([
    'Usage of EmptyDir volume "cache" exceeds the limit "32Mi". ',
    'Container app exceeded its local ephemeral storage limit "1Gi". ',
    'Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. ',
  ])('does not tell of a pod that is evicted for a limit of its own: %s', async (message) => {
    await follow();
    const own = evicted('full', 'uid-full');
    pods.send('MODIFIED', { ...own, status: { ...own.status, message } });
    pods.send('MODIFIED', evicted('db-0', 'uid-db'));
    await until('the other is seen', () => seen.length > 0);
    expect(seen).toMatchObject([{ kind: 'evicted', pod: 'shop/db-0' }]);
  });

  it('that may not be watched is said, and the other watch goes on', async () => {
    server.on('GET', '/api/v1/nodes', (_, response) => json(response, 403, forbidden('watch', 'nodes')));
    done = (async () => {
      for await (const update of followNode(restFor(server), webTarget, undefined, abort.signal)) seen.push(update);
    })();
    server.once('GET', '/api/v1/pods', (_, response) =>
      json(response, 200, { metadata: { resourceVersion: '3' }, items: [evicted('listed', 'uid-listed')] }),
    );
    await until('the pods are watched', () => pods.open === 1);
    const versions = server.requestsTo('/api/v1/pods').map(({ query }) => query.get('resourceVersion'));
    expect(versions).toEqual(['0', '3']);
    pods.send('MODIFIED', evicted('db-0', 'uid-db'));
    await until('both are seen', () => seen.length === 2);
    expect(seen).toContainEqual({
      kind: 'unwatched',
      what: 'the conditions of node node-3',
      why: expect.stringContaining('nodes'),
    });
    expect(seen).toContainEqual(expect.objectContaining({ kind: 'evicted', pod: 'shop/db-0' }));
  });
});
