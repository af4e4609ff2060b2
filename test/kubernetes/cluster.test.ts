import type { V1ConfigMap, V1Node, V1Pod } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KubernetesCluster } from '../../src/kubernetes/cluster.ts';
import type { Rest } from '../../src/kubernetes/rest.ts';
import type {
  Agent,
  AgentSpec,
  AgentUpdate,
  AttachUse,
  SelectedTarget,
  Target,
  TargetQuery,
  TargetUpdate,
} from '../../src/ports.ts';
import { ApiServer, type FakeStream, json, status, until, WatchFeed } from '../fakes/api-server.ts';
import { forbidden, recorded } from '../fakes/recorded.ts';
import { noShape, selection } from '../fakes/samples.ts';
import { readyNode, runningPod, webTarget, withOthers } from './objects.ts';
import { rejection, restFor } from './support.ts';

/** An object as Kubernetes 1.36 has it. */
function recordedObject<T = V1Pod>(name: string): T {
  return JSON.parse(recorded(name).body);
}

const pods = '/api/v1/namespaces/shop/pods';
const configMaps = '/api/v1/namespaces/shop/configmaps';
const events = '/api/v1/namespaces/shop/events';
const id = 'chaos-7f3k2';
const spec: AgentSpec = {
  id,
  configMap: id,
  namespace: 'shop',
  pod: `${id}-0`,
  node: 'node-3',
  architecture: 'amd64',
  image: 'tools:1',
  imagePullSecrets: [],
  shape: noShape,
  containers: [{ name: 'target-0', target: webTarget, args: ['run'] }],
  activeDeadlineSeconds: 60,
  annotations: { 'kubectl-chaos.io/undo': 'kubectl delete everything' },
};
const agent: Agent = { id, namespace: 'shop', pod: `${id}-0`, podUid: 'uid-agent', node: 'node-3' };

let server: ApiServer;
let rest: Rest;
let cluster: KubernetesCluster;
let feed: WatchFeed;
let eventFeed: WatchFeed;
/** What a list of pods finds. */
let items: V1Pod[];
let abort: AbortController;

beforeEach(async () => {
  server = await ApiServer.start();
  rest = restFor(server);
  cluster = new KubernetesCluster(rest, 'shop', async () => Buffer.from('shim'));
  feed = new WatchFeed();
  eventFeed = new WatchFeed();
  items = [];
  abort = new AbortController();
  server
    .on('GET', pods, (request, response) => {
      if (request.query.has('watch')) return feed.handler(request, response);
      return json(response, 200, { metadata: { resourceVersion: '50' }, items });
    })
    .on('GET', events, eventFeed.handler);
});
afterEach(async () => {
  abort.abort();
  cluster.close();
  await server.stop();
});

const calls = (): string[] =>
  server.received.map(
    ({ method, path, query }) => `${query.has('watch') ? 'WATCH' : method} ${path.replace(/^\/apis?\//, '')}`,
  );

/** The agent pod with its container in a state. */
function agentPod(
  state: object,
  change: (pod: Required<Pick<V1Pod, 'metadata' | 'spec' | 'status'>>) => void = () => undefined,
): V1Pod {
  return runningPod((pod) => {
    Object.assign(pod.metadata, { name: `${id}-0`, uid: 'uid-agent', resourceVersion: '51' });
    pod.spec.containers = [{ name: 'target-0' }];
    pod.status.containerStatuses = [{ name: 'target-0', state, restartCount: 0, ready: false, image: '', imageID: '' }];
    change(pod);
  });
}
/** The answer to the creation of a pod: what was asked for, and the API server's own. */
function asCreated(body: unknown): V1Pod {
  const pod = structuredClone(body) as V1Pod;
  Object.assign(pod.metadata ?? {}, { uid: 'uid-agent', resourceVersion: '51' });
  return { ...pod, status: { phase: 'Pending' } };
}
const running = agentPod({ running: {} });
const waiting = agentPod({ waiting: { reason: 'ContainerCreating' } });
const ended = agentPod({ terminated: { exitCode: 0 } });
const deleting = (pod: V1Pod): V1Pod => ({ ...pod, metadata: { ...pod.metadata, deletionTimestamp: new Date() } });

/** The one target that a query finds. */
async function findTarget(
  { kind, name, ...rest }: TargetQuery,
  agentNamespace: string | undefined,
  attach?: AttachUse,
): Promise<SelectedTarget> {
  const asked = { ...selection({ kind, name }, rest), seed: 'x' };
  const { targets, skipped } = await cluster.findTargets(asked, agentNamespace, attach);
  expect({ others: targets.slice(1), skipped }).toEqual({ others: [], skipped: [] });
  return targets[0];
}

describe('a target that is named', () => {
  const query: TargetQuery = { kind: 'pod', name: 'web', namespace: undefined, container: undefined };
  let node: V1Node;

  beforeEach(() => {
    node = readyNode();
    items = [runningPod()];
    server
      .on('POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', (_, response) =>
        json(response, 201, {
          status: { resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }], incomplete: false },
        }),
      )
      .on('GET', '/api/v1/nodes/node-3', (_, response) => json(response, 200, node));
  });

  it('takes three requests and only reads', async () => {
    expect(await findTarget(query, undefined)).toEqual({
      ...webTarget,
      cpuLimitCores: 0.5,
      memoryLimitBytes: 128 * 2 ** 20,
      nodeCores: 4,
      nodeMemoryBytes: 9 * 2 ** 30,
      nodeAllocatableCores: 3.9,
      nodeAllocatableMemoryBytes: 8 * 2 ** 30,
    });
    expect(cluster.requests()).toEqual({
      'list pods': 1,
      'create selfsubjectrulesreviews.authorization.k8s.io': 1,
      'get nodes': 1,
    });
    expect(server.requestsTo(pods)[0]?.query.get('fieldSelector')).toBe('metadata.name=web');
  });

  it("knows the container's image by its name in the spec, the pod's pull secrets, and the node's uid", async () => {
    Object.assign(node.metadata ?? {}, { uid: 'uid-node-3' });
    items = [
      runningPod(({ spec, status }) => {
        Object.assign(spec.containers[0] ?? {}, { image: 'registry.shop/web:7' });
        spec.imagePullSecrets = [{ name: 'pull-web' }, {}];
        // What the node calls it.
        Object.assign(status.containerStatuses?.[0] ?? {}, {
          image: 'sha256:0a1b',
          imageID: 'registry.shop/web@sha256:2c',
        });
      }),
    ];
    expect(await findTarget(query, undefined)).toMatchObject({
      ...{ image: 'registry.shop/web:7', imagePullSecrets: ['pull-web'], nodeUid: 'uid-node-3' },
    });
  });

  it("knows the limits in force, the pod's own, and what the node has", async () => {
    const MiB = 2 ** 20;
    const limitsOf = async (pod: V1Pod) => {
      items = [pod];
      const found = await findTarget({ ...query, name: 'any', container: 'app' }, undefined);
      const { cpuLimitCores, memoryLimitBytes, podMemoryLimitBytes } = found;
      return { cpuLimitCores, memoryLimitBytes, podMemoryLimitBytes };
    };
    server.on('GET', '/api/v1/nodes/127.0.0.1', (_, response) => json(response, 200, recordedObject('node')));
    expect(await limitsOf(recordedObject('pod-level-resources'))).toEqual({ podMemoryLimitBytes: 128 * MiB });
    expect(await limitsOf(recordedObject('pod-resize-deferred'))).toEqual({
      cpuLimitCores: 1.95,
      memoryLimitBytes: 96 * MiB,
    });
    // One that the node has not granted.
    const deferred = recordedObject('pod-resize-deferred');
    Object.assign(deferred.spec?.containers[0]?.resources ?? {}, { limits: { cpu: '4', memory: '1Gi' } });
    Object.assign(deferred.status?.containerStatuses?.[0]?.resources ?? {}, { limits: { memory: '512Mi' } });
    expect(await limitsOf(deferred)).toEqual({ memoryLimitBytes: 512 * MiB });
    expect(await findTarget({ ...query, container: 'app' }, undefined)).toMatchObject({
      nodeCores: 2,
      nodeMemoryBytes: 24_684_096 * 1_024,
    });
  });

  it("knows a sidecar's own image and limits", async () => {
    items = [runningPod(withOthers)];
    expect(await findTarget({ ...query, container: 'mesh' }, undefined)).toMatchObject({
      ...{ container: 'mesh', containerId: 'id-mesh', image: 'mesh:1', cpuLimitCores: 0.1 },
      memoryLimitBytes: 64 * 2 ** 20,
    });
    const ephemeral = await findTarget({ ...query, container: 'debug' }, undefined);
    expect(ephemeral).toMatchObject({ container: 'debug', containerId: 'id-debug' });
    expect(ephemeral).not.toHaveProperty('memoryLimitBytes');
  });

  it('has seen the volumes of the target, and sends nothing more for them', async () => {
    items = [
      runningPod(({ spec }) => {
        spec.volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'data-web' } }];
        Object.assign(spec.containers[0] ?? {}, { volumeMounts: [{ name: 'data', mountPath: '/data' }] });
      }),
    ];
    const found = await findTarget(query, undefined);
    const sent = cluster.requests();
    expect(await cluster.volumes(found)).toMatchObject([{ kind: 'root' }, { detail: 'data-web', mountPath: '/data' }]);
    expect(cluster.requests()).toEqual(sent);
  });

  it('checks the permissions where the agent will be', async () => {
    await findTarget(query, 'chaos');
    const asked = server
      .requestsTo(/rulesreviews/)
      .map(({ body }) => (body as { spec: { namespace: string } }).spec.namespace);
    expect(asked.sort()).toEqual(['chaos', 'shop']);
  });

  describe('without the right to get pods/attach', () => {
    const rules = (...more: object[]) =>
      server.on('POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', (_, response) =>
        json(response, 201, {
          status: {
            resourceRules: [
              { verbs: ['*'], apiGroups: [''], resources: ['pods', 'configmaps', 'events'] },
              { verbs: ['create'], apiGroups: [''], resources: ['pods/attach'] },
              ...more,
            ],
          },
        }),
      );
    const log = { verbs: ['get'], apiGroups: [''], resources: ['pods/log'] };
    const missing = 'you are not allowed to get pods/attach in namespace shop';

    it('says why there is no attach, where the log will do', async () => {
      rules(log);
      expect(await findTarget(query, undefined, 'wanted')).toMatchObject({ attachBarred: missing });
    });

    it('asks nothing of it, where it is not used', async () => {
      rules(log);
      expect(await findTarget(query, undefined, 'unused')).not.toHaveProperty('attachBarred');
    });

    it('refuses where it is needed', async () => {
      rules(log);
      expect(await rejection(findTarget(query, undefined, 'needed'))).toMatchObject({ message: missing });
    });

    it('refuses with the rule for it, where the log may not be read either', async () => {
      rules();
      expect(await rejection(findTarget(query, undefined, 'wanted'))).toMatchObject({ message: missing });
      expect(await rejection(findTarget(query, undefined, 'unused'))).toMatchObject({
        message: 'you are not allowed to get pods/log in namespace shop',
      });
    });
  });

  it('names the pods there are when there is no such pod', async () => {
    server.on('GET', pods, (request, response) =>
      json(response, 200, {
        metadata: {},
        items: request.query.has('fieldSelector')
          ? []
          : [runningPod(), runningPod(({ metadata }) => Object.assign(metadata, { name: 'db' }))],
      }),
    );
    expect(await rejection(findTarget({ ...query, name: 'wep' }, undefined))).toMatchObject({
      code: 'not-found',
      message: 'there is no pod "wep" in namespace shop',
      hint: 'available: web, db',
    });
  });

  it('says that there are none when the namespace has no pod, which may not exist', async () => {
    server.on('GET', pods, (_, response) => json(response, 200, { metadata: {}, items: [] }));
    expect(await rejection(findTarget(query, undefined))).toMatchObject({
      code: 'not-found',
      hint: 'namespace shop has no pods, or does not exist: check -n NAMESPACE',
    });
  });

  it('takes a pod of a workload by its selector, and names both', async () => {
    server.on('GET', '/apis/apps/v1/namespaces/shop/deployments/web', (_, response) =>
      json(response, 200, { spec: { selector: { matchLabels: { app: 'web' } } } }),
    );
    const target = await findTarget({ ...query, kind: 'deployment' }, undefined);
    expect(target).toMatchObject({ pod: 'web', chosenFrom: { workload: 'deployment/web', runningPods: 1 } });
    expect(server.requestsTo(pods)[0]?.query.get('labelSelector')).toBe('app=web');
  });

  it('takes a pod of a service by its selector; one without a selector has none that it knows', async () => {
    let selector: object | undefined = { app: 'web', tier: 'front' };
    server.on('GET', '/api/v1/namespaces/shop/services/web', (_, response) =>
      json(response, 200, { spec: { ...(selector ? { selector } : {}) } }),
    );
    const target = await findTarget({ ...query, kind: 'service' }, undefined);
    expect(target).toMatchObject({ pod: 'web', chosenFrom: { workload: 'service/web', runningPods: 1 } });
    expect(server.requestsTo(pods)[0]?.query.get('labelSelector')).toBe('app=web,tier=front');
    selector = undefined;
    expect(await rejection(findTarget({ ...query, kind: 'service' }, undefined))).toMatchObject({
      code: 'target-unsuitable',
      message: 'service/web has no selector, so its pods cannot be found',
    });
  });

  it('finds the pods of a cron job through its jobs, in the older version of the API as well', async () => {
    server
      .on('GET', '/apis/batch/v1beta1/namespaces/shop/cronjobs/web', (_, response) =>
        json(response, 200, { metadata: { uid: 'cj' } }),
      )
      .on('GET', '/apis/batch/v1/namespaces/shop/jobs', (_, response) =>
        json(response, 200, {
          items: [{ metadata: { name: 'web-1', ownerReferences: [{ uid: 'cj' }] } }, { metadata: { name: 'other' } }],
        }),
      );
    expect(await findTarget({ ...query, kind: 'cronjob' }, undefined)).toMatchObject({ pod: 'web' });
    expect(server.requestsTo(pods)[0]?.query.get('labelSelector')).toBe('job-name in (web-1)');
  });

  it.each(['deployment', 'cronjob'] as const)('names the %ss there are when there is no such one', async (kind) => {
    const missing = status(404, 'NotFound', 'not found', { name: 'web' });
    server
      .on('GET', /(deployments|cronjobs)\/web$/, (_, response) => json(response, 404, missing))
      .on('GET', /(deployments|cronjobs)$/, (_, response) =>
        json(response, 200, { items: [{ metadata: { name: 'shop' } }] }),
      );
    expect(await rejection(findTarget({ ...query, kind }, undefined))).toMatchObject({
      code: 'not-found',
      message: `there is no ${kind} "web" in namespace shop`,
      hint: 'available: shop',
    });
  });

  it('goes on without the right to read nodes, and says what it assumes', async () => {
    server.on('GET', '/api/v1/nodes/node-3', (_, response) => json(response, 403, forbidden('get', 'nodes')));
    const target = await findTarget(query, undefined);
    expect(target).toMatchObject({
      architecture: 'amd64',
      assumed: [expect.stringContaining('not allowed to get nodes')],
    });
    expect(target).not.toHaveProperty('nodeAllocatableCores');
    expect(target).not.toHaveProperty('nodeCores');
  });

  it('reads the runtime class only of a pod that has one', async () => {
    items = [runningPod((pod) => Object.assign(pod.spec, { runtimeClassName: 'sandboxed' }))];
    server.on('GET', '/apis/node.k8s.io/v1/runtimeclasses/sandboxed', (_, response) =>
      json(response, 200, { handler: 'kata-qemu' }),
    );
    expect(await rejection(findTarget(query, undefined))).toMatchObject({
      code: 'target-unsuitable',
      message: expect.stringContaining('kata-qemu'),
    });
  });
});

describe('launch', () => {
  const created = { ...agentPod({}), kind: 'Pod' };
  /** What somebody between the request and its object makes of the pod. */
  let mutate: (pod: V1Pod) => void;
  beforeEach(() => {
    mutate = () => undefined;
  });
  const answerCreates = () =>
    server
      .on('POST', configMaps, (_, response) => json(response, 201, { kind: 'ConfigMap' }))
      .on('POST', pods, (request, response) => {
        const pod = asCreated(request.body);
        mutate(pod);
        json(response, 201, pod);
      })
      .on('PATCH', `${configMaps}/${id}`, (_, response) => json(response, 200, { kind: 'ConfigMap' }))
      .on('DELETE', `${configMaps}/${id}`, (_, response) => json(response, 200, { kind: 'Status', status: 'Success' }))
      .on('DELETE', `${pods}/${id}-0`, (_, response) => json(response, 200, created));

  it('creates the ConfigMap, then the pod, then gives the first the second as owner', async () => {
    answerCreates();
    expect(await cluster.launch(spec)).toEqual(agent);
    expect(calls()).toEqual([
      'POST v1/namespaces/shop/configmaps',
      'POST v1/namespaces/shop/pods',
      `PATCH v1/namespaces/shop/configmaps/${id}`,
    ]);
    expect(server.received[2]?.headers['content-type']).toBe('application/merge-patch+json');
    expect(server.received[2]?.body).toEqual({
      metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: `${id}-0`, uid: 'uid-agent' }] },
    });
    expect(server.received[0]?.body).toMatchObject({ binaryData: { nsexec: Buffer.from('shim').toString('base64') } });
  });

  it.each([
    ['POST', pods, ['configmaps']],
    ['PATCH', `${configMaps}/${id}`, ['configmaps', 'pods']],
  ])('that fails at %s %s takes back what it created', async (method, path, removed) => {
    answerCreates();
    server.on(method, path, (_, response) => json(response, 403, status(403, 'Forbidden', 'exceeded quota: small, x')));
    expect(await rejection(cluster.launch(spec))).toMatchObject({ code: 'quota', state: 'nothing was changed' });
    const deletes = server.received
      .filter((request) => request.method === 'DELETE')
      .map(({ path: deleted }) => deleted.split('/').at(-2));
    expect(deletes.sort()).toEqual(removed);
    // Nothing is left to remove, so nothing is asked.
    const before = server.received.length;
    expect(await cluster.remove(id, 'shop', 1_000, false)).toEqual({ left: [], why: '' });
    expect(server.received).toHaveLength(before);
  });

  it('of several agents: one ConfigMap for each architecture, owned by the pods that use it; all are taken back when one is refused', async () => {
    const arm = { architecture: 'arm64', configMap: `${id}-arm64` } as const;
    const specs: AgentSpec[] = [
      { ...spec, node: 'node-1' },
      { ...spec, pod: `${id}-1`, node: 'node-2', ...arm },
      { ...spec, pod: `${id}-2`, node: 'node-3' },
    ];
    answerCreates();
    mutate = (pod) => Object.assign(pod.metadata ?? {}, { uid: `uid of ${pod.metadata?.name}` });
    server
      .on('PATCH', new RegExp(`^${configMaps}/`), (_, response) => json(response, 200, { kind: 'ConfigMap' }))
      .on('DELETE', new RegExp(`^${configMaps}/`), (_, response) => json(response, 200, { status: 'Success' }))
      .on('DELETE', new RegExp(`^${pods}/`), (_, response) => json(response, 404, status(404, 'NotFound', 'gone')));
    expect((await cluster.launchAll(specs)).map(({ pod, node }) => [pod, node])).toEqual([
      [`${id}-0`, 'node-1'],
      [`${id}-1`, 'node-2'],
      [`${id}-2`, 'node-3'],
    ]);
    const sent = (method: string) => server.received.filter((request) => request.method === method);
    const owned = sent('PATCH').map(({ path, body }) => [
      path.split('/').at(-1),
      (body as V1ConfigMap).metadata?.ownerReferences?.map(({ name }) => name),
    ]);
    expect(Object.fromEntries(owned)).toEqual({ [id]: [`${id}-0`, `${id}-2`], [`${id}-arm64`]: [`${id}-1`] });
    const created = sent('POST').map(({ body }) => (body as V1Pod).metadata?.name);
    expect(created.sort()).toEqual([id, `${id}-0`, `${id}-1`, `${id}-2`, `${id}-arm64`]);

    server.received.length = 0;
    server.on('POST', pods, (request, response) =>
      (request.body as V1Pod).metadata?.name === `${id}-1`
        ? json(response, 403, status(403, 'Forbidden', 'exceeded quota: small, x'))
        : json(response, 201, asCreated(request.body)),
    );
    expect(await rejection(cluster.launchAll(specs))).toMatchObject({ code: 'quota', state: 'nothing was changed' });
    const removed = sent('DELETE').map(({ path }) => path.split('/').at(-1));
    expect(removed.sort()).toEqual([id, `${id}-0`, `${id}-2`, `${id}-arm64`]);
    expect(sent('PATCH')).toEqual([]);
  });

  it('tells what was changed in the pod on its way', async () => {
    answerCreates();
    mutate = ({ spec: pod }) =>
      Object.assign(pod ?? {}, { nodeSelector: { disk: 'ssd' }, initContainers: [{ name: 'wait' }] });
    expect(await cluster.launch(spec)).toEqual({
      ...agent,
      changes: ['added the node selector disk=ssd', 'added init container wait'],
    });
  });

  it('that cannot work as its pod was changed is taken back, and says what was changed', async () => {
    answerCreates();
    mutate = ({ spec: pod }) => Object.assign(pod ?? {}, { activeDeadlineSeconds: 5, nodeSelector: { disk: 'ssd' } });
    expect(await rejection(cluster.launch(spec))).toMatchObject({
      code: 'admission',
      exitCode: 1,
      message:
        'a webhook or policy changed the agent pod, which cannot work like that: added the node selector disk=ssd and set activeDeadlineSeconds to 5',
      hint: expect.stringContaining('--agent-namespace'),
      state: 'nothing was changed',
    });
    const deletes = server.received.filter(({ method }) => method === 'DELETE').map(({ path }) => path);
    expect(deletes.sort()).toEqual([`${configMaps}/${id}`, `${pods}/${id}-0`]);
    expect(server.received.some(({ method }) => method === 'PATCH')).toBe(false);
  });

  it("gives the API server's warnings of the agent pod, as 1.36 has them", async () => {
    answerCreates();
    const { warning = '' } = recorded('create-agent-warn').headers;
    server.on('POST', pods, (request, response) =>
      json(response, 201, asCreated(request.body), { warning: `${warning}, 299 - "second", 299 - "second"` }),
    );
    expect((await cluster.launch(spec)).warnings).toEqual([
      expect.stringMatching(/^would violate PodSecurity "baseline:latest": host namespaces .*"Unconfined"\)$/),
      'second',
    ]);
  });

  it('is rehearsed by dry runs of each object, of which none is kept', async () => {
    answerCreates();
    mutate = ({ spec: pod }) => Object.assign(pod ?? {}, { initContainers: [{ name: 'wait' }] });
    expect(await cluster.rehearse(spec)).toEqual({ changes: ['added init container wait'], warnings: [] });
    expect(server.received.map(({ method, path, query }) => [method, path, query.get('dryRun')])).toEqual([
      ['POST', configMaps, 'All'],
      ['POST', pods, 'All'],
    ]);
    server.on('POST', pods, (_, response) => json(response, 403, status(403, 'Forbidden', 'exceeded quota: small, x')));
    expect(await rejection(cluster.rehearse(spec))).toMatchObject({ code: 'quota', exitCode: 1 });
    expect(server.received.some(({ method }) => method === 'DELETE')).toBe(false);
  });

  it('never deletes what has the name already and is not ours', async () => {
    answerCreates();
    server.on('POST', configMaps, (_, response) => json(response, 409, status(409, 'AlreadyExists', 'already exists')));
    expect(await rejection(cluster.launch(spec))).toMatchObject({ code: 'api', message: 'conflict: already exists' });
    await cluster.remove(id, 'shop', 1_000, false);
    expect(server.received.some(({ method }) => method === 'DELETE')).toBe(false);
  });

  it('looks twice for a pod whose creation had no answer, since it may arrive late', async () => {
    answerCreates();
    server.on('POST', pods, (_, response) => response.socket?.destroy());
    let deletes = 0;
    server.on('DELETE', `${pods}/${id}-0`, (_, response) => {
      deletes++;
      return deletes === 1
        ? json(response, 404, status(404, 'NotFound', 'not found', { name: id }))
        : json(response, 200, created);
    });
    expect(await rejection(cluster.launch(spec))).toMatchObject({ code: 'unreachable', state: 'nothing was changed' });
    expect(deletes).toBe(2);
  });

  it('says what may be left when it cannot take it back', async () => {
    answerCreates();
    server
      .on('POST', pods, (_, response) => json(response, 403, forbidden('create', 'pods', 'shop')))
      .on('DELETE', `${configMaps}/${id}`, (_, response) => json(response, 403, status(403, 'Forbidden', 'no')));
    expect(await rejection(cluster.launch(spec))).toMatchObject({
      code: 'forbidden',
      hint: 'Remove it by hand: kubectl delete everything',
      state: expect.stringContaining(`configmap/${id} may be left`),
    });
  });

  it('needs the shim before it creates anything', async () => {
    const without = new KubernetesCluster(rest, 'shop', () => Promise.reject(new Error('no shim')));
    await rejection(without.launch(spec));
    expect(server.received).toEqual([]);
  });
});

describe('replace', () => {
  const next: AgentSpec = { ...spec, pod: `${id}-1` };
  beforeEach(async () => {
    server
      .on('POST', configMaps, (_, response) => json(response, 201, { kind: 'ConfigMap' }))
      .on('POST', pods, (request, response) => {
        const pod = asCreated(request.body);
        if (pod.metadata?.name === next.pod) pod.metadata.uid = 'uid-next';
        json(response, 201, pod);
      })
      .on('PATCH', `${configMaps}/${id}`, (_, response) => json(response, 200, { kind: 'ConfigMap' }))
      .on('DELETE', `${configMaps}/${id}`, (_, response) => json(response, 200, { kind: 'Status', status: 'Success' }))
      .on('DELETE', new RegExp(`^${pods}/${id}-[01]$`), (_, response) => json(response, 200, agentPod({})));
    await cluster.launch(spec);
    server.received.length = 0;
  });
  const deletions = () =>
    server.received.filter(({ method }) => method === 'DELETE').map(({ path, body }) => [path.split('/').at(-1), body]);

  it('creates the other pod, gives it the ConfigMap, and deletes the first by force', async () => {
    expect(await cluster.replace(agent, next)).toEqual({ ...agent, pod: next.pod, podUid: 'uid-next' });
    expect(calls()).toEqual([
      'POST v1/namespaces/shop/pods',
      `PATCH v1/namespaces/shop/configmaps/${id}`,
      `DELETE v1/namespaces/shop/pods/${id}-0`,
    ]);
    expect(server.received[1]?.body).toMatchObject({
      metadata: { ownerReferences: [{ name: next.pod, uid: 'uid-next' }] },
    });
    expect(deletions()).toMatchObject([[spec.pod, { gracePeriodSeconds: 0, preconditions: { uid: 'uid-agent' } }]]);
  });

  it('of several creates all before it deletes any, and each has its ConfigMap', async () => {
    server.on('DELETE', new RegExp(`^${pods}/${id}-[0-3]$`), (_, response) => json(response, 200, agentPod({})));
    const formers = [agent, { ...agent, pod: `${id}-1`, podUid: 'uid-other' }];
    const specs = [2, 3].map((place) => ({ ...spec, pod: `${id}-${place}`, node: `node-${place}` }));
    expect((await cluster.replaceAll(formers, specs)).map(({ pod, node }) => [pod, node])).toEqual([
      [`${id}-2`, 'node-2'],
      [`${id}-3`, 'node-3'],
    ]);
    expect(calls().map((call) => call.split(' ')[0])).toEqual(['POST', 'POST', 'PATCH', 'DELETE', 'DELETE']);
    expect(server.received[2]?.body).toMatchObject({
      metadata: { ownerReferences: [{ name: `${id}-2` }, { name: `${id}-3` }] },
    });
    expect(
      deletions()
        .map(([name]) => name)
        .sort(),
    ).toEqual([`${id}-0`, `${id}-1`]);
  });

  it('of one that is gone already is content', async () => {
    const missing = status(404, 'NotFound', 'not found', { name: spec.pod });
    server.on('DELETE', `${pods}/${id}-0`, (_, response) => json(response, 404, missing));
    expect(await cluster.replace(agent, next)).toMatchObject({ pod: next.pod });
  });

  it('that is refused leaves the first to be removed, by force', async () => {
    server.on('POST', pods, (_, response) => json(response, 403, status(403, 'Forbidden', 'exceeded quota: small, x')));
    expect(await rejection(cluster.replace(agent, next))).toMatchObject({ code: 'quota' });
    await cluster.remove(id, 'shop', 1_000, false);
    expect(deletions()).toMatchObject(
      expect.arrayContaining([[spec.pod, expect.objectContaining({ gracePeriodSeconds: 0 })]]),
    );
  });

  it('has a pod that may have begun: its removal is graceful', async () => {
    const begun = await cluster.replace(agent, next);
    server.received.length = 0;
    const other = structuredClone(agentPod({ running: {} }));
    Object.assign(other.metadata ?? {}, { name: next.pod, uid: 'uid-next' });
    items = [other];
    const removed = cluster.remove(id, 'shop', 5_000, false);
    await until('it is deleted', () => deletions().some(([name]) => name === next.pod), 30_000);
    expect(deletions().find(([name]) => name === next.pod)?.[1]).not.toHaveProperty('gracePeriodSeconds');
    feed.send('DELETED', other);
    await removed;
    await cluster.end(begun);
    expect(deletions().at(-1)).toMatchObject([next.pod, { preconditions: { uid: 'uid-next' } }]);
  });
});

describe('followAgent', () => {
  function follow(): { seen: AgentUpdate[]; done: Promise<void> } {
    const seen: AgentUpdate[] = [];
    const done = (async () => {
      for await (const update of cluster.followAgent(agent, abort.signal)) seen.push(update);
    })();
    done.catch(() => undefined);
    return { seen, done };
  }
  const event = (uid: string, reason: string, count = 1) => ({
    metadata: { uid, resourceVersion: '60' },
    involvedObject: { fieldPath: 'spec.containers{target-0}' },
    type: 'Warning',
    reason,
    message: 'm',
    count,
  });

  it('tells statuses and events by one watch each, repetitions once, and ends with the deletion', async () => {
    items = [waiting];
    const { seen, done } = follow();
    await until('both watches are open', () => feed.open === 1 && eventFeed.open === 1);
    expect(eventFeed.requests[0]?.query.get('fieldSelector')).toBe(
      `involvedObject.name=${id}-0,involvedObject.uid=uid-agent`,
    );
    eventFeed.send('ADDED', event('e1', 'Started'));
    eventFeed.send('ADDED', event('e2', 'FailedMount'));
    eventFeed.send('MODIFIED', event('e2', 'FailedMount'));
    eventFeed.send('MODIFIED', event('e2', 'FailedMount', 2));
    await until('the events are seen', () => seen.length === 4);
    feed.send('MODIFIED', running);
    feed.send('MODIFIED', running);
    feed.send('MODIFIED', deleting(running));
    feed.send('MODIFIED', deleting(ended));
    feed.send('DELETED', deleting(ended));
    await done;
    expect(
      seen.map((update) => (update.kind === 'status' ? update.containers['target-0']?.state : update.kind)),
    ).toEqual(['waiting', 'started', 'warning', 'warning', 'running', 'deleting', 'terminated', 'deleted']);
    await until('nothing is watched any more', () => feed.open === 0 && eventFeed.open === 0);
  });

  it('tells the deletion of a pod that is gone already, or replaced', async () => {
    const { seen, done } = follow();
    await done;
    expect(seen).toEqual([{ kind: 'deleted' }]);
    items = [agentPod({}, ({ metadata }) => Object.assign(metadata, { uid: 'other' }))];
    const again = follow();
    await again.done;
    expect(again.seen).toEqual([{ kind: 'deleted' }]);
  });

  it('tells nothing of another pod with the same label', async () => {
    items = [running];
    const { seen } = follow();
    await until('both watches are open', () => feed.open === 1 && eventFeed.open === 1);
    expect(feed.requests[0]?.query.get('labelSelector')).toBe(`kubectl-chaos.io/experiment=${id}`);
    feed.send(
      'DELETED',
      agentPod({}, ({ metadata }) => Object.assign(metadata, { name: id, uid: 'other' })),
    );
    feed.send('MODIFIED', ended);
    await until('its own end is seen', () => seen.length === 2);
    expect(seen.map(({ kind }) => kind)).toEqual(['status', 'status']);
  });

  it('goes on across broken watches without telling an event twice', async () => {
    items = [running];
    const { seen } = follow();
    await until('both watches are open', () => feed.open === 1 && eventFeed.open === 1);
    eventFeed.send('ADDED', event('e1', 'Started'));
    await until('it is seen', () => seen.length === 2);
    server.cutAll();
    await until('both watches are open again', () => feed.requests.length === 2 && eventFeed.requests.length === 2);
    eventFeed.send('ADDED', event('e1', 'Started'));
    eventFeed.send('ADDED', event('e2', 'Killed'));
    await until('the new one is seen', () => seen.length === 3);
    expect(seen.at(-1)).toMatchObject({ kind: 'warning', reason: 'Killed' });
  });

  it('rejects for what cannot be watched, and stops the other watch', async () => {
    items = [running];
    server.on('GET', events, (_, response) => json(response, 403, forbidden('watch', 'events', 'shop')));
    const { done } = follow();
    expect(await rejection(done)).toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('watch events'),
    });
    await until('nothing is watched any more', () => feed.open === 0);
  });

  it('tells by lists what a proxy that buffers watches keeps back, and says so once', { timeout: 60_000 }, async () => {
    server.on('GET', pods, (request, response) => {
      if (!request.query.has('watch')) json(response, 200, { metadata: { resourceVersion: '60' }, items });
    });
    server
      .on('POST', configMaps, (_, response) => json(response, 201, { kind: 'ConfigMap' }))
      .on('POST', pods, (request, response) => json(response, 201, asCreated(request.body)))
      .on('PATCH', `${configMaps}/${id}`, (_, response) => json(response, 200, { kind: 'ConfigMap' }));
    await cluster.launch(spec);
    items = [runningPod()];
    const nodes = [readyNode()];
    server
      .on('GET', '/api/v1/pods', () => undefined)
      .on('GET', '/api/v1/nodes', (request, response) => {
        if (!request.query.has('watch')) json(response, 200, { metadata: { resourceVersion: '60' }, items: nodes });
      });
    const ofTarget = cluster.followTarget(webTarget, abort.signal)[Symbol.asyncIterator]().next();
    const ofTargets = cluster.followTargets([webTarget], abort.signal)[Symbol.asyncIterator]().next();
    const ofNode = cluster.followNode(webTarget, abort.signal)[Symbol.asyncIterator]().next();
    const isWatched = (path: string, times: number) =>
      server.requestsTo(path).filter(({ query }) => query.has('watch')).length === times;
    await until('target and node are watched', () => isWatched(pods, 2) && isWatched('/api/v1/nodes', 1));
    nodes[0] = readyNode(({ metadata, status: now }) => {
      Object.assign(metadata, { resourceVersion: '61' });
      now.conditions?.push({ type: 'DiskPressure', status: 'True' });
    });
    items = [{ ...running, metadata: { ...running.metadata, resourceVersion: '52' } }];
    const { seen, done } = follow();
    await until('it is seen running', () => seen.length === 1);
    expect(seen[0]).toMatchObject({ kind: 'status', containers: { 'target-0': { state: 'running' } } });
    await until('it says that nothing arrives', () => seen.length === 2);
    expect(seen[1]).toMatchObject({ kind: 'warning', message: expect.stringContaining('watch events') });
    // The watches of the target and of the node are kept back as well, and the lists do not have the target.
    expect(await ofTarget).toMatchObject({ value: { kind: 'deleted' } });
    expect(await ofTargets).toMatchObject({ value: { update: { kind: 'deleted' } } });
    expect(await ofNode).toMatchObject({ value: { kind: 'trouble', trouble: 'is under disk pressure' } });
    items = [];
    await done;
    expect(seen.slice(2)).toEqual([{ kind: 'deleted' }]);
  });

  it('tells events by lists, too, where watches are kept back', { timeout: 30_000 }, async () => {
    server
      .on('GET', pods, ({ query }, response) => {
        const pod = { ...waiting, metadata: { ...waiting.metadata, resourceVersion: '52' } };
        if (!query.has('watch')) json(response, 200, { metadata: { resourceVersion: '60' }, items: [pod] });
      })
      .on('GET', events, ({ query }, response) => {
        const failures = [event('e1', 'FailedCreatePodSandBox', 3)];
        if (!query.has('watch')) json(response, 200, { metadata: { resourceVersion: '60' }, items: failures });
      })
      .on('POST', configMaps, (_, response) => json(response, 201, { kind: 'ConfigMap' }))
      .on('POST', pods, (request, response) => json(response, 201, asCreated(request.body)))
      .on('PATCH', `${configMaps}/${id}`, (_, response) => json(response, 200, { kind: 'ConfigMap' }));
    await cluster.launch(spec);
    const { seen } = follow();
    const failure = { kind: 'warning', reason: 'FailedCreatePodSandBox', message: 'm', count: 3 };
    await expect.poll(() => seen, { timeout: 20_000 }).toContainEqual(failure);
  });

  it('ends when it is aborted', async () => {
    items = [running];
    const { done } = follow();
    await until('both watches are open', () => feed.open === 1 && eventFeed.open === 1);
    abort.abort();
    await done;
    await until('nothing is open', () => server.open === 0);
  });
});

describe('followAgents', () => {
  const names = [`${id}-0`, `${id}-1`];
  const podOf = (name: string, state: object = {}) =>
    agentPod(state, ({ metadata }) => Object.assign(metadata, { name, uid: `uid of ${name}` }));
  const eventOf = (name: string, uid: string, reason: string) => ({
    metadata: { uid, resourceVersion: '95' },
    involvedObject: { kind: 'Pod', name, uid: `uid of ${name}` },
    ...{ type: 'Warning', reason, message: 'm' },
  });
  let seen: string[];
  let done: Promise<void>;

  /** Launches both and watches them; versions of events are counted apart, as where they have an etcd of their own. */
  beforeEach(async () => {
    seen = [];
    const versions = ['53', '51'];
    server
      .on('POST', configMaps, (_, response) => json(response, 201, { kind: 'ConfigMap' }))
      .on('POST', pods, (request, response) => {
        const pod = asCreated(request.body);
        const { name = '' } = pod.metadata ?? {};
        Object.assign(pod.metadata ?? {}, { uid: `uid of ${name}`, resourceVersion: versions[names.indexOf(name)] });
        json(response, 201, pod);
      })
      .on('PATCH', `${configMaps}/${id}`, (_, response) => json(response, 200, { kind: 'ConfigMap' }))
      .on('GET', events, (request, response) =>
        request.query.has('watch')
          ? eventFeed.handler(request, response)
          : json(response, 200, { metadata: { resourceVersion: '7' }, items: [eventOf('web', 'e0', 'BackOff')] }),
      );
    const agents = await cluster.launchAll(names.map((pod) => ({ ...spec, pod })));
    done = (async () => {
      for await (const { agent: of, update } of cluster.followAgents(agents, abort.signal)) {
        seen.push(`${of.pod.slice(-1)} ${update.kind}${update.kind === 'warning' ? ` ${update.reason}` : ''}`);
      }
    })();
    done.catch(() => undefined);
    await until('both watches are open', () => feed.open === 1 && eventFeed.open === 1);
  });

  it('tells each of its own, by one watch of all pods with the label and one of the events since before their creation', async () => {
    const [listed] = server.requestsTo(events).filter(({ query }) => !query.has('watch'));
    expect(Object.fromEntries(listed?.query ?? [])).toEqual({ limit: '1' });
    expect(Object.fromEntries(eventFeed.requests[0]?.query ?? [])).toMatchObject({
      ...{ fieldSelector: 'involvedObject.kind=Pod', resourceVersion: '7' },
    });
    expect(Object.fromEntries(feed.requests[0]?.query ?? [])).toMatchObject({
      ...{ labelSelector: `kubectl-chaos.io/experiment=${id}`, resourceVersion: '51' },
    });
    feed.send('MODIFIED', podOf(`${id}-1`, { running: {} }));
    feed.send('MODIFIED', podOf(`${id}-0`, { waiting: {} }));
    await until('both are seen', () => seen.length === 2);
    eventFeed.send('ADDED', eventOf('web', 'e1', 'BackOff'));
    eventFeed.send('ADDED', eventOf(`${id}-0`, 'e2', 'FailedMount'));
    await until('its event is seen', () => seen.length === 3);
    feed.send('DELETED', podOf(`${id}-1`, { terminated: { exitCode: 0 } }));
    await until('the end of one is seen', () => seen.length === 5);
    feed.send('DELETED', podOf(`${id}-0`, { waiting: {} }));
    await done;
    expect(seen).toEqual(['1 status', '0 status', '0 warning FailedMount', '1 status', '1 deleted', '0 deleted']);
    await until('nothing is watched any more', () => feed.open === 0 && eventFeed.open === 0);
  });

  it('goes on when the versions have expired: what has changed meanwhile is told of each, and no event twice', async () => {
    eventFeed.send('ADDED', eventOf(`${id}-0`, 'e1', 'FailedMount'));
    await until('it is seen', () => seen.length === 1);
    const pod = podOf(`${id}-1`, { running: {} });
    items = [{ ...pod, metadata: { ...pod.metadata, resourceVersion: '60' } }];
    const expired = { kind: 'Status', code: 410, message: 'too old resource version' };
    server.on('GET', events, (request, response) =>
      request.query.has('watch')
        ? eventFeed.handler(request, response)
        : json(response, 200, {
            metadata: { resourceVersion: '9' },
            items: [
              eventOf('web', 'e3', 'BackOff'),
              eventOf(`${id}-0`, 'e1', 'FailedMount'),
              eventOf(`${id}-1`, 'e2', 'Killed'),
            ],
          }),
    );
    for (const each of [feed, eventFeed]) each.send('ERROR', expired);
    await until('the rest is seen', () => seen.length === 5);
    expect(seen.slice(1).sort()).toEqual(['0 deleted', '0 status', '1 status', '1 warning Killed']);
  });

  it('rejects for all of them when they cannot be watched', async () => {
    server.on('GET', pods, (_, response) => json(response, 403, forbidden('watch', 'pods', 'shop')));
    feed.cut();
    expect(await rejection(done)).toMatchObject({ code: 'forbidden' });
    await until('nothing is watched any more', () => eventFeed.open === 0);
  });

  it('tells the loss of the API server to each of them', async () => {
    server.on('GET', pods, (_, response) => json(response, 500, status(500, 'InternalError', 'etcd is away')));
    feed.cut();
    await until('both are told', () => seen.length >= 2);
    expect(seen.slice(0, 2)).toEqual(['0 contact', '1 contact']);
  });
});

describe('followTarget', () => {
  function follow(): TargetUpdate[] {
    const seen: TargetUpdate[] = [];
    void (async () => {
      for await (const update of cluster.followTarget(webTarget, abort.signal)) seen.push(update);
    })();
    return seen;
  }

  it('misses nothing between the choice and the watch', async () => {
    items = [
      runningPod(({ status: now }) =>
        Object.assign(now.containerStatuses?.[0] ?? {}, { containerID: 'containerd://next', restartCount: 1 }),
      ),
    ];
    const seen = follow();
    await until('it is told', () => seen.length === 1);
    expect(seen[0]?.kind).toBe('restarted');
  });

  it('tells a target that is gone already, once', async () => {
    const seen = follow();
    await until('it is told', () => seen.length === 1 && feed.open === 1);
    expect(seen).toEqual([{ kind: 'deleted', message: 'pod/web was deleted' }]);
  });

  it('tells why before it tells that', async () => {
    items = [runningPod()];
    const seen = follow();
    await until('the watch is open', () => feed.open === 1);
    feed.send(
      'DELETED',
      runningPod(({ status: now }) => Object.assign(now, { reason: 'Evicted', message: 'low' })),
    );
    await until('both are told', () => seen.length === 2);
    expect(seen.map(({ kind }) => kind)).toEqual(['evicted', 'deleted']);
  });
});

describe('followTargets', () => {
  it('tells each of its own by one watch of all pods of the namespace', async () => {
    const other = { ...webTarget, pod: 'web-2', podUid: 'uid-2' };
    const second = runningPod(({ metadata }) => Object.assign(metadata, { name: 'web-2', uid: 'uid-2' }));
    items = [runningPod(), second];
    const seen: { target: Target; update: TargetUpdate }[] = [];
    void (async () => {
      for await (const each of cluster.followTargets([webTarget, other], abort.signal)) seen.push(each);
    })();
    await until('the watch is open', () => feed.open === 1);
    feed.send('DELETED', second);
    feed.send(
      'DELETED',
      runningPod(({ metadata }) => Object.assign(metadata, { name: 'stranger', uid: 'uid-3' })),
    );
    feed.send('DELETED', runningPod());
    await until('both are told', () => seen.length === 2);
    expect(seen.map(({ target, update }) => [target.pod, update.kind])).toEqual([
      ['web-2', 'deleted'],
      ['web', 'deleted'],
    ]);
    expect(calls().filter((call) => call.startsWith('WATCH'))).toEqual(['WATCH v1/namespaces/shop/pods']);
  });
});

describe('remove', () => {
  const graces = (): unknown[] =>
    server.received
      .filter(({ method, path }) => method === 'DELETE' && path.startsWith(pods))
      .map(({ body }) => (body as { gracePeriodSeconds?: number }).gracePeriodSeconds);

  const success = { kind: 'Status', status: 'Success' };
  /** What a list of ConfigMaps finds. */
  let maps: string[];

  beforeEach(() => {
    maps = [id];
    server
      .on('GET', configMaps, (_, response) =>
        json(response, 200, { items: maps.map((name) => ({ metadata: { name } })) }),
      )
      .on('DELETE', new RegExp(`^${configMaps}/`), ({ path }, response) => {
        maps = maps.filter((name) => !path.endsWith(`/${name}`));
        return json(response, 200, success);
      })
      .on('DELETE', new RegExp(`^${pods}/`), (_, response) => json(response, 200, running));
  });

  it('of what has reverted is by force and at once', async () => {
    items = [running];
    const removal = cluster.remove(id, 'shop', 5_000, true);
    await until('it watches', () => feed.open === 1);
    expect(graces()).toEqual([0]);
    feed.send('DELETED', running);
    expect(await removal).toEqual({ left: [], why: '' });
  });

  it('finds what there is by the label of the experiment, and deletes nothing else', async () => {
    const old = agentPod({ running: {} }, ({ metadata }) => Object.assign(metadata, { name: id, uid: 'uid-old' }));
    items = [running, old];
    maps = [id, `${id}-arm64`];
    const removal = cluster.remove(id, 'shop', 5_000, false);
    await until('it watches', () => feed.open === 1);
    const selector = `kubectl-chaos.io/experiment=${id}`;
    for (const { path, query } of server.received.filter(({ method }) => method === 'GET'))
      expect(query.get('labelSelector'), path).toBe(selector);
    feed.send('DELETED', running);
    feed.send('DELETED', old);
    expect(await removal).toEqual({ left: [], why: '' });
    const deleted = server.received.filter(({ method }) => method === 'DELETE').map(({ path }) => path);
    expect(deleted.sort()).toEqual([
      ...[`${configMaps}/${id}`, `${configMaps}/${id}-arm64`],
      ...[`${pods}/${id}`, `${pods}/${id}-0`],
    ]);
  });

  it('says which of several is left', async () => {
    const other = agentPod({ running: {} }, ({ metadata }) =>
      Object.assign(metadata, { name: `${id}-1`, uid: 'uid-1' }),
    );
    items = [running, other];
    const removal = cluster.remove(id, 'shop', 1_500, false);
    await until('it watches', () => feed.open === 1);
    feed.send('DELETED', running);
    expect((await removal).left).toEqual([`pod/${id}-1`]);
  });

  it('of ConfigMaps that may not be listed is by the name that they are given', async () => {
    server.on('GET', configMaps, (_, response) => json(response, 403, status(403, 'Forbidden', 'no')));
    expect(await cluster.remove(id, 'shop', 2_000, true)).toEqual({ left: [], why: '' });
    expect(server.requestsTo(`${configMaps}/${id}`)).toHaveLength(1);
  });

  describe('of what it has launched', () => {
    beforeEach(async () => {
      server
        .on('POST', configMaps, (_, response) => json(response, 201, { kind: 'ConfigMap' }))
        .on('POST', pods, (request, response) => json(response, 201, asCreated(request.body)))
        .on('PATCH', `${configMaps}/${id}`, (_, response) => json(response, 200, { kind: 'ConfigMap' }));
      await cluster.launch(spec);
      server.onAttach(() => undefined);
    });
    const begin = () => cluster.attach(agent, 'target-0', abort.signal);
    const before = { 'create configmaps': 1, 'create pods': 1, 'patch configmaps': 1 };

    it('is by force and at once while no fault can be in force', async () => {
      expect(await cluster.remove(id, 'shop', 2_000, false)).toEqual({ left: [], why: '' });
      expect(graces()).toEqual([0]);
      expect(cluster.requests()).toEqual({
        ...before,
        'delete pods': 1,
        'list pods': 1,
        'delete configmaps': 1,
      });
    });

    it('is content with a pod that somebody else has deleted', async () => {
      await begin();
      const missing = status(404, 'NotFound', 'not found', { name: `${id}-0` });
      server.on('DELETE', `${pods}/${id}-0`, (_, response) => json(response, 404, missing));
      expect(await cluster.remove(id, 'shop', 2_000, false)).toEqual({ left: [], why: '' });
    });

    it('does not take a pod for gone that has lost its label', async () => {
      await begin();
      expect(await cluster.remove(id, 'shop', 1_500, false)).toEqual({
        left: [`pod/${id}-0`],
        why: expect.stringContaining('not labelled with its experiment any more'),
      });
      expect(graces()).toContain(undefined);
    });
  });

  it('of what may be in force is graceful, and by force only when the kubelet has reported the end', async () => {
    items = [running];
    const removal = cluster.remove(id, 'shop', 5_000, false);
    await until('it watches', () => feed.open === 1);
    expect(graces()).toEqual([undefined]);
    feed.send('MODIFIED', deleting(running));
    feed.send('MODIFIED', ended);
    await until('it asks again', () => graces().length === 2);
    expect(graces()).toEqual([undefined, 0]);
    feed.send('DELETED', ended);
    expect(await removal).toEqual({ left: [], why: '' });
  });

  it('takes a container for ended that its kubelet does not find any more, in a pod that is being deleted', async () => {
    items = [running];
    const removal = cluster.remove(id, 'shop', 5_000, false);
    await until('it watches', () => feed.open === 1);
    const vanished = agentPod({ waiting: { reason: 'ContainerCreating' } }, ({ status: { containerStatuses } }) => {
      Object.assign(containerStatuses?.[0] ?? {}, {
        lastState: { terminated: { reason: 'ContainerStatusUnknown', exitCode: 137 } },
      });
    });
    feed.send('MODIFIED', vanished);
    feed.send('MODIFIED', deleting(vanished));
    await until('it asks again', () => graces().length === 2);
    expect(graces()).toEqual([undefined, 0]);
    feed.send('DELETED', vanished);
    expect(await removal).toEqual({ left: [], why: '' });
  });

  it('waits for the report that the container runs before it asks', async () => {
    items = [waiting];
    const removal = cluster.remove(id, 'shop', 5_000, false);
    await until('it watches', () => feed.open === 1);
    expect(graces()).toEqual([]);
    feed.send('MODIFIED', running);
    await until('it asks', () => graces().length === 1);
    feed.send('DELETED', running);
    expect((await removal).left).toEqual([]);
  });

  it('of what has ended already is by force', async () => {
    items = [ended];
    const removal = cluster.remove(id, 'shop', 5_000, false);
    await until('it watches', () => feed.open === 1);
    expect(graces()).toEqual([0]);
    feed.send('DELETED', ended);
    expect((await removal).left).toEqual([]);
  });

  it('of nothing is content', async () => {
    maps = [];
    for (const reverted of [true, false])
      expect(await cluster.remove(id, 'shop', 2_000, reverted)).toEqual({ left: [], why: '' });
    expect(server.received.map(({ method }) => method)).not.toContain('DELETE');
  });

  it('of what has gone since it was listed is content', async () => {
    items = [running];
    const missing = status(404, 'NotFound', 'not found', { name: id });
    server.on('DELETE', `${configMaps}/${id}`, (_, response) => {
      maps = [];
      return json(response, 404, missing);
    });
    server.on('DELETE', `${pods}/${id}-0`, (_, response) => json(response, 404, missing));
    const removal = cluster.remove(id, 'shop', 2_000, false);
    await until('it watches', () => feed.open === 1);
    feed.send('DELETED', running);
    expect(await removal).toEqual({ left: [], why: '' });
  });

  it('says what is left and why when the kubelet does not answer in time', async () => {
    items = [running];
    const result = await cluster.remove(id, 'shop', 300, false);
    expect(result).toEqual({
      left: [`pod/${id}-0`],
      why: expect.stringContaining('the kubelet of node node-3 has not reported'),
    });
  });

  it('is confirmed by lists where a proxy keeps watches back', { timeout: 30_000 }, async () => {
    items = [running];
    server.on('GET', pods, ({ query }, response) => {
      if (query.has('watch')) items = [];
      else json(response, 200, { metadata: { resourceVersion: '50' }, items });
    });
    expect(await cluster.remove(id, 'shop', 20_000, false)).toEqual({ left: [], why: '' });
  });

  it('tries again while the server is away, and says so in the end', async () => {
    let answers = 0;
    server.on('DELETE', `${configMaps}/${id}`, (_, response) => {
      answers++;
      if (answers < 3) return response.socket?.destroy();
      maps = [];
      return json(response, 200, success);
    });
    expect(await cluster.remove(id, 'shop', 5_000, true)).toEqual({ left: [], why: '' });
    await server.stop();
    const result = await cluster.remove(id, 'shop', 600, true);
    expect(result.left).toEqual([]);
    const other = await cluster.remove('chaos-other', 'shop', 600, true);
    expect(other.left).toEqual(['pod/chaos-other-0', 'configmap/chaos-other']);
    expect(other.why).toContain('refuses connections');
    server = await ApiServer.start();
  });

  it('does not insist when it is not allowed', async () => {
    const refusal = forbidden('delete', 'configmaps', 'shop');
    server.on('DELETE', `${configMaps}/${id}`, (_, response) => json(response, 403, refusal));
    const before = performance.now();
    const result = await cluster.remove(id, 'shop', 5_000, true);
    expect(result).toEqual({
      left: [`configmap/${id}`],
      why: expect.stringContaining('not allowed to delete configmaps'),
    });
    expect(performance.now() - before).toBeLessThan(3_000);
  });

  it('reports finalizers that keep an object', async () => {
    server.on('DELETE', `${configMaps}/${id}`, (_, response) =>
      json(response, 200, {
        kind: 'ConfigMap',
        metadata: { deletionTimestamp: 'now', finalizers: ['example.com/keep'] },
      }),
    );
    expect(await cluster.remove(id, 'shop', 1_500, true)).toMatchObject({
      left: [`configmap/${id}`],
      why: expect.stringContaining('example.com/keep'),
    });
  });
});

it('render shows the objects without the binary, in base64 that an API server reads', () => {
  const [map, pod] = cluster.render([spec]) as [{ binaryData: { nsexec: string } }, V1Pod];
  expect(map.binaryData.nsexec).toBe(Buffer.from('nsexec for amd64').toString('base64'));
  expect(pod.metadata?.name).toBe(`${id}-0`);
  expect(server.received).toEqual([]);
});

describe('an attach through which nothing comes', () => {
  afterEach(() => void vi.useRealTimers());

  it('is made anew by v4 for as long as this process lives, and in the end names the runtime of the node', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
    const node = readyNode(({ status }) => {
      status.nodeInfo = { ...(status.nodeInfo as object), containerRuntimeVersion: 'cri-o://1.37.0' } as never;
    });
    server.on('GET', '/api/v1/nodes/node-3', (_, response) => json(response, 200, node));
    const streams: FakeStream[] = [];
    server.onAttach((stream) => streams.push(stream));
    const first = await cluster.attach(agent, 'target-0', abort.signal);
    await vi.advanceTimersByTimeAsync(5_000);
    expect((await first.closed).reason).toBe(
      'nothing came from node node-3 by v5.channel.k8s.io within 5s, container runtime cri-o://1.37.0',
    );
    const second = await cluster.attach(agent, 'target-0', abort.signal);
    await vi.advanceTimersByTimeAsync(9_000);
    expect((await second.closed).error?.message).toMatch(
      /v5.*v4\.channel\.k8s\.io, container runtime cri-o:\/\/1\.37\.0$/,
    );
    expect(streams.map(({ socket }) => socket.protocol)).toEqual(['v5.channel.k8s.io', 'v4.channel.k8s.io']);
  });
});
