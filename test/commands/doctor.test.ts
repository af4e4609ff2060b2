import type { V1Node, V1Pod } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KubernetesCluster } from '../../src/kubernetes/cluster.ts';
import { examinerOf } from '../../src/kubernetes/doctor/examiner.ts';
import { main } from '../../src/main.ts';
import type { ConnectionOptions } from '../../src/ports.ts';
import { ApiServer, type Handler, json, status } from '../fakes/api-server.ts';
import { commandPorts } from '../fakes/command-ports.ts';
import { BufferOutput } from '../fakes/output.ts';
import { forbidden, replay } from '../fakes/recorded.ts';
import { readyNode, runningPod } from '../kubernetes/objects.ts';
import { restFor } from '../kubernetes/support.ts';
import { faultsOf } from '../support/documents.ts';

const rulesPath = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews';
const accessPath = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
const pods = '/api/v1/namespaces/shop/pods';
const everything = [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }];

let server: ApiServer;
beforeEach(async () => {
  server = await ApiServer.start();
});
afterEach(() => server.stop());

const answer = (method: string, path: string | RegExp, code: number, body: unknown) =>
  server.on(method, path, (_request, response) => json(response, code, body));

/** A cluster in which nothing stops a run: `web` is one of three ready pods of a Deployment. */
function healthy(
  change: { pod?: Parameters<typeof runningPod>[0]; node?: Parameters<typeof readyNode>[0] } = {},
): void {
  const pod: V1Pod = runningPod((made) => {
    made.metadata.labels = { app: 'web' };
    made.metadata.ownerReferences = [
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d', uid: 'u', controller: true },
    ];
    change.pod?.(made);
  });
  const node: V1Node = readyNode((made) => {
    made.metadata.uid = 'uid-node-3';
    Object.assign(made.status.allocatable ?? {}, { pods: '110' });
    Object.assign(made.status.nodeInfo ?? {}, {
      ...{ kernelVersion: '6.12.48', kubeletVersion: 'v1.27.4', osImage: 'Debian GNU/Linux 12' },
      containerRuntimeVersion: 'containerd://2.1.4',
    });
    change.node?.(made);
  });
  const list: Handler = ({ query }, response) => {
    const isWeb = query.get('fieldSelector') === 'metadata.name=web';
    json(response, 200, { metadata: { resourceVersion: '9' }, items: isWeb ? [pod] : [] });
  };
  server.on('GET', '/version', replay('version'));
  server.on('GET', pods, list).on('GET', '/api/v1/pods', ({ query }, response) => {
    json(response, 200, { items: query.has('labelSelector') ? [] : [pod] });
  });
  answer('GET', '/api/v1/configmaps', 200, { items: [] });
  answer('GET', '/api/v1/nodes/node-3', 200, node);
  answer('GET', '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-3', 200, {
    spec: { renewTime: new Date().toISOString() },
  });
  answer('GET', '/api/v1/namespaces/shop', 200, { metadata: { name: 'shop' } });
  answer('GET', '/apis/apps/v1/namespaces/shop/replicasets/web-5d', 200, {
    metadata: { ownerReferences: [{ kind: 'Deployment', name: 'web', controller: true }] },
  });
  answer('GET', '/apis/apps/v1/namespaces/shop/deployments/web', 200, {
    spec: { replicas: 3 },
    status: { readyReplicas: 3 },
  });
  answer('GET', '/apis/policy/v1/namespaces/shop/poddisruptionbudgets', 200, { items: [] });
  allow();
  server.on('POST', '/api/v1/namespaces/shop/configmaps', ({ body }, response) => json(response, 201, body));
  server.on('POST', pods, ({ body }, response) => json(response, 201, body));
  const gone = JSON.stringify(
    status(404, 'NotFound', 'pods "kubectl-chaos-doctor" not found', { name: 'x', kind: 'pods' }),
  );
  server.refuseAttach({ status: 404, body: gone }, undefined, /\/attach$/);
  server.onAttach(({ request, socket }) => {
    if (request.query.has('watch')) socket.send(JSON.stringify({ type: 'ADDED', object: pod }));
  });
}

/** `without`: what the user may not, as `VERB RESOURCE`, in namespaces and, of what is in none, everywhere. */
function allow(resourceRules: object[] = everything, without: readonly string[] = []): void {
  answer('POST', rulesPath, 201, { status: { resourceRules, nonResourceRules: [], incomplete: false } });
  server.on('POST', accessPath, ({ body }, response) => {
    const { verb, resource } = (body as { spec: { resourceAttributes: { verb: string; resource: string } } }).spec
      .resourceAttributes;
    json(response, 201, { status: { allowed: !without.includes(`${verb} ${resource}`) } });
  });
}

interface Ran {
  code: number;
  stdout: string;
  stderr: string;
  /** The state of each finding, with what was found, by its check. */
  of(check: string): string[];
}

async function doctor(line: string, env: Record<string, string> = {}, user?: Record<string, unknown>): Promise<Ran> {
  const at = commandPorts('doctor does not need this', {
    ...{ env, randomSuffix: () => '7f3k2', stdout: new BufferOutput(), stderr: new BufferOutput() },
    clock: { now: () => 0, date: () => new Date(), after: () => () => undefined },
    examine: async (options: ConnectionOptions) => {
      const rest = restFor(server, options, user);
      const shim = async () => new Uint8Array([1]);
      return examinerOf(
        rest,
        new KubernetesCluster(rest, options.namespace ?? 'shop', shim, { context: 'test', contexts: ['test'] }),
      );
    },
  });
  const code = await main(['doctor', ...line.split(' ').filter(Boolean)], at);
  const stdout = at.stdout.text;
  const of = (check: string) =>
    stdout.split('\n').flatMap((text) => {
      const [, state, name, found] = /^(ok|warning|problem|unknown) +(\S+(?: \S+)?) {2,}(.*)$/.exec(text) ?? [];
      return name === check ? [`${state}: ${found}`] : [];
    });
  return { code, stdout, stderr: at.stderr.text, of };
}

describe('a target that nothing is in the way of', () => {
  test('is told line by line, and exits with 0', async () => {
    healthy();
    const { code, stdout, stderr, of } = await doctor('web');
    expect(
      stdout.replaceAll(server.url, 'https://api').replace(/renewed its lease \S+ ago/, 'renewed its lease 1s ago'),
    ).toMatchSnapshot();
    expect(code).toBe(0);
    expect(stderr).toBe('');
    expect(of('websocket')).toEqual(['ok: they pass: a watch came through one, and an attach reaches the API server']);
  });

  test('and nothing is changed: what is created is a dry run', async () => {
    healthy();
    await doctor('web -v');
    const writing = server.received.filter(
      ({ method, path }) => method !== 'GET' && ![rulesPath, accessPath].includes(path),
    );
    expect(writing.map(({ method, path, query }) => [method, path, query.get('dryRun')])).toEqual([
      ['POST', '/api/v1/namespaces/shop/configmaps', 'All'],
      ['POST', pods, 'All'],
    ]);
    const [, pod] = writing.map(({ body }) => body as V1Pod);
    expect(pod?.metadata).toMatchObject({
      name: 'chaos-7f3k2-0',
      ownerReferences: [{ kind: 'Node', uid: 'uid-node-3' }],
    });
    expect(pod?.spec).toMatchObject({ nodeName: 'node-3', hostPID: true, containers: [{ image: 'i' }] });
  });

  test('no list is of more than the node, the name, or a label', async () => {
    healthy();
    await doctor('web');
    const lists = server.received.filter(
      ({ method, path }) => method === 'GET' && /\/(?:pods|configmaps|nodes)$/.test(path),
    );
    expect(lists.length).toBeGreaterThan(3);
    for (const { query, path } of lists) {
      expect(query.has('fieldSelector') || query.has('labelSelector'), `${path}?${query}`).toBe(true);
    }
  });

  test('no secret is printed', async () => {
    healthy();
    const { stdout, stderr } = await doctor('web -v -o yaml', {}, { token: 'the-secret-token' });
    expect(stdout + stderr).not.toContain('the-secret-token');
  });

  test.each(['json', 'yaml'])('-o %s is one document, as its schema says', async (format) => {
    healthy();
    const { code, stdout, stderr } = await doctor(`web -c proxy -o ${format}`);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    if (format === 'yaml') return expect(stdout).toContain('kind: examined\n');
    const document = JSON.parse(stdout);
    expect(faultsOf(document)).toEqual([]);
    expect(document).toMatchObject({
      ...{ kind: 'examined', namespace: 'shop', agent_namespace: 'shop', node: 'node-3', exit_code: 0 },
      target: { namespace: 'shop', pod: 'web', container: 'proxy' },
      cluster: { context: 'test', server: server.url },
    });
    expect(document.findings.map(({ check }: { check: string }) => check)).toContain('agent pod');
  });
});

describe('what stops a run', () => {
  test('rights: what is missing, and the command that prints them', async () => {
    healthy();
    allow([{ verbs: ['get', 'list', 'watch'], apiGroups: ['*'], resources: ['*'] }, ...toWrite('pods', 'configmaps')]);
    const { code, of, stdout } = await doctor('web');
    expect(of('rights')).toEqual([
      "problem: you are not allowed to create pods/attach in shop: the agent's log has to do, so that no net fault is possible, and no tools can be sent",
      'warning: you are not allowed to create events in shop: nothing is written',
    ]);
    expect(stdout).toContain(
      'kubectl chaos rbac -n shop --user NAME | kubectl apply -f -, by somebody who may give rights\n',
    );
    expect(code).toBe(1);
  });

  test('rights that a run can do without are warnings, each with what happens then', async () => {
    healthy();
    allow(everything, ['list nodes', 'watch nodes', 'list pods', 'watch pods']);
    const { code, of, stdout } = await doctor('web');
    expect(of('rights')).toEqual([
      'warning: you are not allowed to list and watch pods in every namespace: those of the namespace alone are seen, and evictions do not end a fault',
      'warning: you are not allowed to list and watch nodes: pressure does not end a fault, and sweep has to be told the nodes',
    ]);
    expect(stdout).toContain('  kubectl chaos rbac --user NAME | kubectl apply');
    expect(code).toBe(0);
  });

  test('rights in a namespace take no more than a role there, for the user that the API server knows', async () => {
    healthy();
    allow([{ verbs: ['get', 'list', 'watch', 'create', 'delete'], apiGroups: ['*'], resources: ['*'] }], ['list pods']);
    answer('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', 201, {
      status: { userInfo: { username: 'system:serviceaccount:ci:runner' } },
    });
    const { of, stdout } = await doctor('web');
    expect(of('rights')[0]).toBe('problem: you are not allowed to patch configmaps in shop');
    expect(stdout).toContain('  kubectl chaos rbac --serviceaccount ci:runner -n shop | kubectl apply');
    expect(stdout).toContain('  kubectl chaos rbac --serviceaccount ci:runner | kubectl apply');
  });

  test('pod security and the dry run that it refuses, with the label', async () => {
    healthy();
    answer('GET', '/api/v1/namespaces/shop', 200, {
      metadata: { name: 'shop', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    });
    server.on('POST', pods, replay('create-agent-restricted'));
    const { code, of, stdout } = await doctor('web');
    expect(of('pod security')).toEqual([
      'problem: namespace shop enforces the level restricted, and the agent pod is privileged',
    ]);
    expect(of('agent pod')[0]).toMatch(/^problem: namespace shop enforces the pod security level "restricted/);
    expect(stdout).toContain('kubectl label namespace shop pod-security.kubernetes.io/enforce=privileged --overwrite');
    expect(code).toBe(1);
  });

  test('a level that the agent is exempt from stops nothing', async () => {
    healthy();
    answer('GET', '/api/v1/namespaces/shop', 200, {
      metadata: { name: 'shop', labels: { 'pod-security.kubernetes.io/enforce': 'baseline' } },
    });
    const { code, of } = await doctor('web');
    expect(of('pod security')[0]).toMatch(/^ok: .*it is exempt, as the dry run shows$/);
    expect(code).toBe(0);
  });

  test('a namespace of the agent: it is the one that counts, and both are told', async () => {
    healthy();
    answer('GET', '/api/v1/namespaces/chaos', 200, {
      metadata: { name: 'chaos', labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } },
    });
    answer('GET', '/api/v1/namespaces/shop', 200, {
      metadata: { name: 'shop', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    });
    server.on('POST', /^\/api\/v1\/namespaces\/chaos\//, ({ body }, response) => json(response, 201, body));
    const { code, of } = await doctor('web', { KUBECTL_CHAOS_AGENT_NAMESPACE: 'chaos' });
    expect(of('pod security')).toEqual([
      'ok: namespace chaos admits privileged pods',
      'ok: namespace shop enforces the level restricted, which does not matter: the agent is in chaos',
    ]);
    expect(of('rights')).toEqual(['ok: all that a run asks for in namespace shop, and for agents in chaos']);
    expect(code).toBe(0);
  });

  test.each(['create-agent-quota', 'create-agent-policy-denied', 'create-agent-limitrange-ratio'])(
    '%s',
    async (name) => {
      healthy();
      server.on('POST', pods, replay(name));
      const { code, of } = await doctor('web');
      expect(of('agent pod')[0]).toMatch(/^problem: /);
      expect(code).toBe(1);
    },
  );

  test('a webhook that takes no dry runs: not known, and said why', async () => {
    healthy();
    answer('POST', pods, 400, status(400, 'BadRequest', 'admission webhook "w.example.org" does not support dry run'));
    const { code, of, stdout } = await doctor('web');
    expect(of('agent pod')[0]).toMatch(/^unknown: the admission webhook w\.example\.org refuses dry runs/);
    expect(stdout).toContain('sideEffects to None');
    expect(code).toBe(0);
  });

  test('a webhook that changes the pod, and a warning of the server', async () => {
    healthy();
    server.on('POST', pods, ({ body }, response) => {
      const pod = structuredClone(body) as V1Pod;
      pod.spec?.containers.push({ name: 'istio-proxy', image: 'x' });
      json(response, 201, pod, { warning: '299 - "would violate PodSecurity"' });
    });
    const { of } = await doctor('web');
    expect(of('agent pod')).toEqual([
      'warning: a webhook or policy would change it: added container istio-proxy',
      'warning: the API server warns: would violate PodSecurity',
    ]);
  });

  test('a proxy that drops Upgrade', async () => {
    healthy();
    server.refuseAttach({ status: 400, body: 'Bad Request', headers: { 'content-type': 'text/plain' } });
    const { code, of, stdout } = await doctor('web');
    expect(of('websocket')[0]).toMatch(/^problem: .* did not open the WebSocket of watch, it answered 400/);
    expect(stdout).toContain('let it pass on "Connection: Upgrade" and "Upgrade: websocket"');
    expect(code).toBe(1);
  });

  test('a proxy that does as if no WebSocket had been asked for: what follows is not waited for', async () => {
    healthy();
    server.refuseAttach({ status: 200, body: '', headers: { 'content-length': '1000' } }, undefined, /\/pods$/);
    const { of } = await doctor('web');
    expect(of('websocket')[0]).toMatch(/^problem: .* answered as if no WebSocket had been asked for/);
  });

  test('a proxy that allows no attach, as kubectl proxy', async () => {
    healthy();
    server.refuseAttach(
      { status: 403, body: 'Forbidden', headers: { 'content-type': 'text/plain' } },
      undefined,
      /\/attach$/,
    );
    const { code, of } = await doctor('web');
    expect(of('websocket')[0]).toMatch(/^problem: .* did not open the WebSocket of attach, it answered 403/);
    expect(code).toBe(1);
  });

  test('an Origin goes with the handshake: the API server refuses one without', async () => {
    healthy();
    await doctor('web');
    const [watch] = server.received.filter(
      ({ headers, query }) => headers.upgrade === 'websocket' && query.has('watch'),
    );
    expect(watch?.headers.origin).toBe(server.url);
    expect(watch?.query.get('fieldSelector')).toBe('metadata.name=web');
  });

  test.each<
    [
      what: string,
      change: (node: Parameters<NonNullable<Parameters<typeof readyNode>[0]>>[0]) => void,
      check: string,
      line: RegExp,
    ]
  >([
    [
      'a node that is not ready',
      (node) => {
        node.status.conditions = [{ type: 'Ready', status: 'Unknown', message: 'Kubelet stopped posting' }];
      },
      'node',
      /^problem: node-3 is not ready \(Kubelet stopped posting\)/,
    ],
    [
      'disk pressure',
      (node) => {
        node.status.conditions?.push({ type: 'DiskPressure', status: 'True' });
      },
      'node',
      /^problem: node-3 is under disk pressure: its kubelet admits no pods/,
    ],
    [
      'Windows',
      (node) => {
        Object.assign(node.status.nodeInfo ?? {}, { operatingSystem: 'windows' });
      },
      'platform',
      /^problem: node-3 runs windows/,
    ],
    [
      'an architecture without a shim',
      (node) => {
        Object.assign(node.status.nodeInfo ?? {}, { architecture: 's390x' });
      },
      'platform',
      /^problem: .*"s390x"; the shim is built for amd64 and arm64/,
    ],
    [
      'Fargate',
      (node) => {
        node.metadata.labels = { 'eks.amazonaws.com/compute-type': 'fargate' };
      },
      'platform',
      /^problem: node-3 is of AWS Fargate/,
    ],
    [
      'an old kernel',
      (node) => {
        Object.assign(node.status.nodeInfo ?? {}, { kernelVersion: '4.18.0-553.el8' });
      },
      'kernel',
      /^problem: Linux 4\.18\.0-553\.el8 is older than 5\.3/,
    ],
    [
      'no room',
      (node) => {
        Object.assign(node.status.allocatable ?? {}, { pods: '1', cpu: '50m' });
      },
      'room',
      /^problem: node-3 runs 1 pods of 1/,
    ],
  ])('%s', async (_what, node, check, line) => {
    healthy({ node });
    const { code, of } = await doctor('web');
    expect(of(check)[0]).toMatch(line);
    expect(code).toBe(1);
  });

  test('a target that is not there, or cannot be one; the rest is told all the same', async () => {
    healthy();
    const missing = await doctor('webb');
    expect(missing.of('target')[0]).toBe('problem: there is no pod "webb" in namespace shop');
    expect(missing.of('rights')[0]).toMatch(/^ok/);
    expect(missing.of('agent pod')[0]).toMatch(/^unknown: /);
    expect(missing.code).toBe(1);
    healthy({
      pod: (pod) => {
        pod.metadata.deletionTimestamp = new Date();
      },
    });
    const leaving = await doctor('web');
    expect(leaving.of('target')[0]).toBe('problem: pod/web is being deleted');
    expect(leaving.of('node')[0]).toMatch(/^ok/);
    const init = await doctor('web -c none');
    expect(init.of('target')[0]).toMatch(/^problem: /);
  });

  test('a server that does not answer: one line, and nothing more is asked', async () => {
    const { code, of, stdout } = await doctor('web -s https://127.0.0.1:1');
    expect(of('server')[0]).toMatch(/^problem: .* refuses connections/);
    expect(stdout).toContain('\n1 problem.\n');
    expect(code).toBe(1);
  });

  test('credentials that are not accepted', async () => {
    answer('GET', '/version', 401, status(401, 'Unauthorized', 'Unauthorized'));
    const { code, of } = await doctor('web');
    expect(of('credentials').at(-1)).toMatch(/^problem: .* does not accept the credentials/);
    expect(code).toBe(1);
  });

  test('a bearer token that ends soon, or has ended, without a word of it', async () => {
    healthy();
    const jwt = (seconds: number) => {
      const claims = Buffer.from(JSON.stringify({ exp: Math.floor(Date.now() / 1_000) + seconds })).toString(
        'base64url',
      );
      return `e30.${claims}.c2ln`;
    };
    const soon = await doctor('web', {}, { token: jwt(600) });
    expect(soon.of('credentials')[0]).toMatch(/^warning: a bearer token, valid for (?:10m|9m5\d)/);
    expect(soon.stdout).not.toContain(jwt(600));
    const gone = await doctor('web', {}, { token: jwt(-5) });
    expect(gone.of('credentials')[0]).toMatch(/^problem: a bearer token, which expired: /);
    expect(gone.code).toBe(1);
  });
});

describe('what a fault would meet', () => {
  test('probes, a sidecar, the host network, the one ready pod, a budget, protection', async () => {
    healthy({
      pod: ({ metadata, spec }) => {
        metadata.annotations = { 'kubectl-chaos.io/protected': 'true' };
        spec.hostNetwork = true;
        const [app, proxy] = spec.containers;
        Object.assign(proxy ?? {}, { name: 'istio-proxy' });
        Object.assign(app ?? {}, {
          resources: {},
          livenessProbe: { tcpSocket: { port: 5432 }, periodSeconds: 5, failureThreshold: 3 },
        });
      },
    });
    answer('GET', '/apis/apps/v1/namespaces/shop/deployments/web', 200, {
      spec: { replicas: 2 },
      status: { readyReplicas: 1 },
    });
    answer('GET', '/apis/policy/v1/namespaces/shop/poddisruptionbudgets', 200, {
      items: [
        {
          metadata: { name: 'web' },
          spec: { selector: { matchLabels: { app: 'web' } } },
          status: { disruptionsAllowed: 0 },
        },
        {
          metadata: { name: 'other' },
          spec: { selector: { matchLabels: { app: 'db' } } },
          status: { disruptionsAllowed: 0 },
        },
      ],
    });
    const { code, of } = await doctor('web');
    expect(of('protection')).toEqual(['warning: it is protected: annotation kubectl-chaos.io/protected on pod/web']);
    expect(of('probes')).toEqual([
      'warning: liveness of app (tcp :5432, every 5s, within 1s, 3 failures): a fault that it notices restarts app after about 15s, which ends the fault',
    ]);
    expect(of('replicas')).toEqual([
      'warning: this is the only ready pod of deployment/web: what it serves is not served by another',
      'warning: poddisruptionbudget/web allows no disruption now: a fault that takes the pod out goes beyond it',
    ]);
    expect(of('mesh')[0]).toMatch(/^warning: istio-proxy of Istio/);
    expect(of('network')[0]).toMatch(/^warning: the pod is on the network of its node/);
    expect(of('limits')).toEqual([
      "warning: no CPU limit (requests none): a busy CPU is taken from the node's other pods by their shares",
      "warning: no memory limit (requests none): a percentage is of the node's memory, and what is taken is taken from its other pods",
    ]);
    expect(code).toBe(0);
  });

  test('a context that the user has protected', async () => {
    healthy();
    expect((await doctor('web', { KUBECTL_CHAOS_PROTECTED: 'te*' })).of('protection')[0]).toMatch(
      /^warning: it is protected: context test is listed in KUBECTL_CHAOS_PROTECTED/,
    );
  });
});

describe('what may not be looked at is not known, and stops nothing', () => {
  test.each([
    ['nodes', '/api/v1/nodes/node-3', forbidden('get', 'nodes'), 'node'],
    ['namespaces', '/api/v1/namespaces/shop', forbidden('get', 'namespaces', 'shop'), 'pod security'],
    [
      'leases',
      '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-3',
      forbidden('get', 'leases', 'kube-node-lease'),
      'heartbeat',
    ],
    [
      'budgets',
      '/apis/policy/v1/namespaces/shop/poddisruptionbudgets',
      forbidden('list', 'poddisruptionbudgets', 'shop'),
      'replicas',
    ],
    [
      'workloads',
      '/apis/apps/v1/namespaces/shop/replicasets/web-5d',
      forbidden('get', 'replicasets', 'shop'),
      'replicas',
    ],
  ])('%s', async (_what, path, body, check) => {
    healthy();
    answer('GET', path, 403, body);
    const { code, of } = await doctor('web');
    expect(of(check).at(-1)).toMatch(/^unknown: .*is not allowed to /);
    expect(code).toBe(0);
  });

  test('budgets of Kubernetes 1.20', async () => {
    healthy();
    answer('GET', '/apis/policy/v1/namespaces/shop/poddisruptionbudgets', 404, status(404, 'NotFound', 'no'));
    const matchExpressions = [{ key: 'gone', operator: 'DoesNotExist' }];
    // There an empty selector selects nothing.
    answer('GET', '/apis/policy/v1beta1/namespaces/shop/poddisruptionbudgets', 200, {
      items: [{ matchExpressions }, {}].map((selector, index) => ({
        ...{ metadata: { name: index === 0 ? 'all' : 'none' }, spec: { selector } },
        status: { disruptionsAllowed: 1 },
      })),
    });
    expect((await doctor('web')).of('replicas').at(-1)).toMatch(/^ok: poddisruptionbudget\/all allows 1 more/);
  });

  test('a server that says nothing of rights', async () => {
    healthy();
    answer('POST', rulesPath, 403, status(403, 'Forbidden', 'no'));
    expect((await doctor('web')).of('rights')).toEqual([
      'unknown: the API server does not say what you are allowed to do',
    ]);
  });
});

describe('without a target', () => {
  test('a node: what it has for an agent, on an image of its own', async () => {
    healthy();
    const { code, of, stdout } = await doctor('--node node-3');
    expect(code).toBe(0);
    expect(of('node')).toEqual(['ok: node-3 is ready']);
    expect(of('agent pod')[0]).toMatch(/^ok: /);
    expect(of('target')).toEqual([]);
    expect(stdout).not.toMatch(/^\w+ +(?:limits|mesh|protection) /m);
  });

  test('a node that is not there', async () => {
    healthy();
    answer('GET', '/api/v1/nodes/node-9', 404, status(404, 'NotFound', 'nodes "node-9" not found', { name: 'node-9' }));
    const { code, of } = await doctor('--node node-9');
    expect(of('node')).toEqual(['problem: there is no node node-9']);
    expect(code).toBe(1);
  });

  test('the cluster alone', async () => {
    healthy();
    const { code, of, stdout } = await doctor('');
    expect(code).toBe(0);
    expect(of('agent pod')).toEqual(['unknown: whether it is let in depends on its node and image']);
    expect(of('websocket')[0]).toMatch(/^ok: they pass: a watch was opened by one/);
    expect(stdout).not.toMatch(/^\w+ +(?:node|target|room) /m);
  });
});

function toWrite(...resources: string[]): object[] {
  return [{ verbs: ['*'], apiGroups: [''], resources }];
}
