import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { V1LabelSelector, V1Pod } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KubernetesCluster } from '../../src/kubernetes/cluster.ts';
import { examinerOf } from '../../src/kubernetes/doctor/examiner.ts';
import { watchUpgrade } from '../../src/kubernetes/doctor/web-socket.ts';
import type { ConnectionOptions } from '../../src/ports.ts';
import { ApiServer, json, status } from '../fakes/api-server.ts';
import { noShape } from '../fakes/samples.ts';
import { certificate, privateKey } from '../fakes/tls.ts';
import { readyNode, runningPod } from './objects.ts';
import { rejection, restFor } from './support.ts';

let server: ApiServer;
beforeEach(async () => {
  server = await ApiServer.start();
});
afterEach(() => server.stop());

function examiner(user?: Record<string, unknown>, options: ConnectionOptions = {}) {
  const rest = restFor(server, options, user, { PATH: process.env.PATH ?? '' });
  return examinerOf(rest, new KubernetesCluster(rest, 'shop', async () => new Uint8Array()));
}

const answer = (path: string, body: unknown, code = 200) =>
  server.on('GET', path, (_request, response) => json(response, code, body));

describe('credentials', () => {
  const jwt = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;
  const exp = Math.floor(Date.now() / 1_000) + 600;
  const base64 = (text: string) => Buffer.from(text).toString('base64');

  test('a certificate ends when it says', async () => {
    const user = { 'client-certificate-data': base64(certificate), 'client-key-data': base64(privateKey) };
    expect(await examiner(user).credentials()).toEqual({
      ...{ kind: 'certificate', protection: 'tls' },
      expires: new Date(new X509Certificate(certificate).validTo),
    });
  });

  test('a token may be a JWT', async () => {
    expect(await examiner({ token: jwt({ exp }) }).credentials()).toEqual({
      ...{ kind: 'token', protection: 'tls', expires: new Date(exp * 1_000) },
    });
    for (const token of ['opaque', 'a.b.c', jwt({}), jwt({ exp: 'soon' })]) {
      expect(await examiner({ token }).credentials(), token).toEqual({ kind: 'token', protection: 'tls' });
    }
  });

  test('a plugin says itself when its credential ends, and the server is not asked', async () => {
    const expirationTimestamp = '2030-01-02T03:04:05Z';
    const credential = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential' };
    const output = JSON.stringify({ ...credential, status: { token: 'secret', expirationTimestamp } });
    const exec = { apiVersion: credential.apiVersion, command: 'echo', args: [output], interactiveMode: 'Never' };
    expect(await examiner({ exec }).credentials()).toEqual({
      ...{ kind: 'plugin', protection: 'tls', expires: new Date(expirationTimestamp) },
    });
    expect(server.received).toEqual([]);
  });

  test('a token file, a password, nobody, and whom one impersonates', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'chaos-doctor-'));
    try {
      const tokenFile = join(folder, 'token');
      writeFileSync(tokenFile, jwt({ exp }));
      expect(await examiner({ tokenFile }).credentials()).toMatchObject({
        kind: 'token file',
        expires: new Date(exp * 1_000),
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
    expect(await examiner({ username: 'ada', password: 'secret' }).credentials()).toMatchObject({ kind: 'password' });
    expect(await examiner({}).credentials()).toEqual({ kind: 'none', protection: 'tls' });
    expect(await examiner({ token: 't' }, { as: 'on-call' }).credentials()).toMatchObject({ impersonated: 'on-call' });
    const unchecked = { insecureSkipTlsVerify: true };
    expect(await examiner({ token: 't' }, unchecked).credentials()).toMatchObject({ protection: 'unchecked' });
  });

  test('what is not sent without TLS is none', async () => {
    const plain = await ApiServer.start({ secure: false });
    const rest = restFor(plain, {}, { token: 'secret' });
    expect(await rest.credential()).toEqual({ kind: 'none', protection: 'none' });
    await plain.stop();
  });
});

describe('the server', () => {
  test.each([
    ['20', 20],
    ['31+', 31],
    ['', undefined],
  ])('of minor version %j', async (minor, number) => {
    answer('/version', { major: '1', minor, gitVersion: 'v' });
    const facts = await examiner().server();
    expect(facts).toMatchObject({ version: 'v', minor: number });
    expect(Math.abs((facts.date?.getTime() ?? 0) - Date.now())).toBeLessThan(10_000);
    expect(facts.answered.getTime()).toBeGreaterThanOrEqual(facts.asked.getTime());
  });
});

describe('room', () => {
  const asks = (cpu: string, memory: string) => ({ resources: { requests: { cpu, memory } } });
  const pod = (spec: object, phase = 'Running') => ({ spec, status: { phase } }) as V1Pod;

  test('is what the kubelet counts', async () => {
    const items = [
      pod({ containers: [asks('100m', '64Mi'), asks('200m', '64Mi'), {}] }),
      // An init container that asks for more than all that come after it; a sidecar goes on beside them.
      pod({ containers: [asks('100m', '10Mi')], initContainers: [asks('1', '5Mi')] }),
      pod({
        containers: [asks('100m', '10Mi')],
        initContainers: [{ ...asks('300m', '10Mi'), restartPolicy: 'Always' }],
      }),
      // Of a pod that has its own, the containers' do not count.
      pod({ containers: [asks('9', '9Gi')], ...asks('500m', '100Mi'), overhead: { cpu: '50m', memory: '20Mi' } }),
      pod({ containers: [asks('4', '4Gi')] }, 'Succeeded'),
      pod({ containers: [asks('4', '4Gi')] }, 'Failed'),
    ];
    answer('/api/v1/pods', { items });
    const room = await examiner().room('node-3', noShape);
    expect(room.pods).toBe(4);
    expect(room.cpu).toBeCloseTo(0.3 + 1 + 0.4 + 0.55);
    expect(room.memory / 2 ** 20).toBeCloseTo(128 + 10 + 20 + 120);
    expect(room.agent).toEqual({ cpu: 0.1, memory: 128 * 2 ** 20 });
    expect(server.received[0]?.query.get('fieldSelector')).toBe('spec.nodeName=node-3');
  });

  test('for an agent as it is asked for', async () => {
    answer('/api/v1/pods', { items: [] });
    const shape = { ...noShape, requests: { cpu: '10m', memory: '32Mi' } };
    expect((await examiner().room('node-3', shape)).agent).toEqual({ cpu: 0.01, memory: 32 * 2 ** 20 });
  });
});

describe('a node', () => {
  test('that has never reported is not ready', async () => {
    answer(
      '/api/v1/nodes/node-3',
      readyNode((node) => {
        node.status.conditions = [];
      }),
    );
    expect((await examiner().node('node-3')).troubles).toEqual({ Ready: 'has never reported' });
  });

  test('tells its swap where its kubelet does', async () => {
    answer(
      '/api/v1/nodes/node-3',
      readyNode((node) => Object.assign(node.status.nodeInfo ?? {}, { swap: { capacity: 1024 } })),
    );
    expect(await examiner().node('node-3')).toMatchObject({ swapBytes: 1024, allocatable: { cpu: 3.9 } });
  });

  test('that is not there', async () => {
    expect(await rejection(examiner().node('node-9'))).toMatchObject({ code: 'not-found' });
  });
});

describe('budgets', () => {
  const labels = { app: 'web', tier: 'front' };

  test.each<[selector: V1LabelSelector | undefined, is: boolean]>([
    [{ matchLabels: { app: 'web' } }, true],
    [{ matchLabels: { app: 'web', tier: 'back' } }, false],
    [{ matchLabels: { constructor: 'x' } }, false],
    [{}, true],
    [undefined, false],
    [{ matchExpressions: [{ key: 'app', operator: 'In', values: ['web', 'db'] }] }, true],
    [{ matchExpressions: [{ key: 'app', operator: 'In', values: ['db'] }] }, false],
    [{ matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['db'] }] }, true],
    [{ matchExpressions: [{ key: 'none', operator: 'NotIn', values: ['db'] }] }, true],
    [{ matchExpressions: [{ key: 'tier', operator: 'Exists' }] }, true],
    [{ matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] }, false],
  ])('%j: %s', async (selector, is) => {
    answer('/apis/policy/v1/namespaces/shop/poddisruptionbudgets', {
      items: [{ metadata: { name: 'b' }, spec: { selector }, status: { disruptionsAllowed: 2 } }],
    });
    answer('/api/v1/namespaces/shop/pods', {
      items: [
        runningPod((made) => {
          made.metadata.labels = labels;
        }),
      ],
    });
    const pod = await examiner().pod({ kind: 'pod', name: 'web', namespace: undefined, container: undefined });
    expect(await examiner().budgets(pod)).toEqual(is ? [{ name: 'b', allowed: 2 }] : []);
  });
});

describe('what made a pod', () => {
  const of = (kind: string, name = 'web') =>
    examiner().workload({ namespace: 'shop', owner: { kind, name } } as Parameters<
      ReturnType<typeof examiner>['workload']
    >[0]);

  test('a StatefulSet, a DaemonSet, a ReplicaSet alone', async () => {
    answer('/apis/apps/v1/namespaces/shop/statefulsets/web', { spec: { replicas: 3 }, status: { readyReplicas: 2 } });
    answer('/apis/apps/v1/namespaces/shop/daemonsets/web', { status: { desiredNumberScheduled: 5, numberReady: 4 } });
    answer('/apis/apps/v1/namespaces/shop/replicasets/web', { metadata: {}, spec: { replicas: 1 }, status: {} });
    expect(await of('StatefulSet')).toEqual({ name: 'statefulset/web', wanted: 3, ready: 2 });
    expect(await of('DaemonSet')).toEqual({ name: 'daemonset/web', wanted: 5, ready: 4 });
    expect(await of('ReplicaSet')).toEqual({ name: 'replicaset/web', wanted: 1, ready: 0 });
  });

  test('a Job, an object of another kind, nothing: none that has replicas, and nothing is asked', async () => {
    expect(await of('Job')).toBeUndefined();
    expect(await of('constructor')).toBeUndefined();
    expect(
      await examiner().workload({ namespace: 'shop' } as Parameters<ReturnType<typeof examiner>['workload']>[0]),
    ).toBeUndefined();
    expect(server.received).toEqual([]);
  });
});

describe('a WebSocket', () => {
  const limits = { handshakeMs: 300, firstMs: 100 };

  test('through which nothing comes is told from one that carries', async () => {
    server.onAttach(() => undefined);
    expect(await watchUpgrade(restFor(server), 'shop', 'web', limits)).toEqual({ state: 'open', carries: false });
    server.onAttach(({ socket }) => socket.send('{}'));
    expect(await watchUpgrade(restFor(server), 'shop', 'web', limits)).toEqual({ state: 'open', carries: true });
    await expect.poll(() => server.open).toBe(0);
  });

  test('that is never answered', async () => {
    server.hangAttach();
    expect(await watchUpgrade(restFor(server), 'shop', undefined, limits)).toMatchObject({ state: 'refused' });
  });

  test('that the API server refuses itself is no matter of the way', async () => {
    server.refuseAttach({ status: 403, body: JSON.stringify(status(403, 'Forbidden', 'pods is forbidden: no')) });
    expect(await watchUpgrade(restFor(server), 'shop', 'web', limits)).toMatchObject({
      state: 'answered',
      status: 403,
    });
    expect(await examiner().attachUpgrade('shop')).toMatchObject({ state: 'answered', status: 403 });
  });
});

test('whom the API server takes the user for, where it says so', async () => {
  expect(await examiner().user()).toBeUndefined();
  server.on('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', (_request, response) =>
    json(response, 201, { status: { userInfo: { username: 'ada' } } }),
  );
  expect(await examiner().user()).toBe('ada');
});
