import type { V1EndpointSlice, V1Pod } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deleteTarget } from '../../src/kubernetes/remove.ts';
import type { Rest } from '../../src/kubernetes/rest.ts';
import { followStandings } from '../../src/kubernetes/standing-watch.ts';
import type { StandingUpdate, Target } from '../../src/ports.ts';
import { ApiServer, json, status, until, WatchFeed } from '../fakes/api-server.ts';
import { runningPod, webTarget } from './objects.ts';
import { rejection, restFor } from './support.ts';

const pods = '/api/v1/namespaces/shop/pods';
const slicesOf = (version: string) => `/apis/discovery.k8s.io/${version}/namespaces/shop/endpointslices`;

let server: ApiServer;
let rest: Rest;
let feed: WatchFeed;
let sliceFeed: WatchFeed;
let slices: V1EndpointSlice[];
let abort: AbortController;
/** What a list of pods finds. */
let items: V1Pod[];

const owned = (name: string, uid: string) =>
  runningPod(({ metadata }) => {
    metadata.name = name;
    metadata.uid = uid;
    metadata.labels = { 'pod-template-hash': '5d4' };
    metadata.ownerReferences = [
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d4', uid: 'rs', controller: true },
    ];
  });
const web = owned('web', 'uid-web');

function slice(...ready: string[]): V1EndpointSlice {
  return {
    metadata: { name: 'web-x', uid: 'uid-slice', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    endpoints: ready.map((uid) => ({ addresses: ['10.0.0.1'], targetRef: { uid }, conditions: { ready: true } })),
  };
}

function serveSlices(version: string): void {
  server.on('GET', slicesOf(version), (request, response) =>
    request.query.has('watch')
      ? sliceFeed.handler(request, response)
      : json(response, 200, { metadata: { resourceVersion: '50' }, items: slices }),
  );
}

beforeEach(async () => {
  server = await ApiServer.start();
  rest = restFor(server);
  feed = new WatchFeed();
  sliceFeed = new WatchFeed();
  slices = [slice('uid-web', 'uid-2')];
  items = [web, owned('web-2', 'uid-2')];
  abort = new AbortController();
  server.on('GET', pods, (request, response) =>
    request.query.has('watch')
      ? feed.handler(request, response)
      : json(response, 200, { metadata: { resourceVersion: '50' }, items }),
  );
});
afterEach(async () => {
  abort.abort();
  rest.close();
  await server.stop();
});

function follow(targets: readonly Target[] = [webTarget]): StandingUpdate[] {
  const seen: StandingUpdate[] = [];
  void (async () => {
    const found = targets.map((target) => ({ target, pod: web }));
    for await (const { update } of followStandings(rest, found, abort.signal)) seen.push(update);
  })();
  return seen;
}

describe('how things stand with a target', () => {
  it('is told at once, and again when a pod or an endpoint comes or goes', async () => {
    serveSlices('v1');
    const seen = follow();
    await until('it is told', () => seen.length === 1 && feed.open === 1 && sliceFeed.open === 1);
    expect(seen[0]).toMatchObject({ standing: { readyPods: 2, services: [{ name: 'web', ready: 2 }] } });
    expect(seen[0]).not.toHaveProperty('unseen');
    sliceFeed.send('MODIFIED', slice('uid-2'));
    await until('the endpoint has gone', () => seen.length === 2);
    expect(seen[1]?.standing.services).toEqual([{ name: 'web', ready: 1 }]);
    feed.send('DELETED', web);
    await until('the pod has gone', () => seen.length === 3);
    expect(seen[2]?.standing).toMatchObject({ readyPods: 1, others: [{ name: 'web-2' }] });
    expect(seen[2]?.standing.pod).toBeUndefined();
    const [listed] = server.requestsTo(pods);
    expect(listed?.query.get('labelSelector')).toBe('pod-template-hash=5d4');
  });

  it('is not told again when what has changed is of no matter', async () => {
    serveSlices('v1');
    const seen = follow();
    await until('it is told', () => seen.length === 1 && feed.open === 1 && sliceFeed.open === 1);
    feed.send('MODIFIED', { ...web, metadata: { ...web.metadata, annotations: { a: 'b' } } });
    feed.send('DELETED', web);
    await until('the pod has gone', () => seen.length === 2);
    expect(seen[1]?.standing.pod).toBeUndefined();
  });

  it('is told of the endpoints of Kubernetes 1.20', async () => {
    serveSlices('v1beta1');
    const seen = follow();
    await until('it is told', () => seen.length === 1);
    expect(seen[0]?.standing.services).toEqual([{ name: 'web', ready: 2 }]);
  });

  it('is told without endpoints to who may not list them, and why', async () => {
    server.on('GET', slicesOf('v1'), (_, response) =>
      json(response, 403, status(403, 'Refused', 'you may not list endpointslices')),
    );
    const seen = follow();
    await until('it is told', () => seen.length === 1);
    expect(seen[0]?.standing).not.toHaveProperty('services');
    expect(seen[0]?.unseen).toContain('endpointslices');
  });

  it('goes on without them for who may list and not watch them', async () => {
    server.on('GET', slicesOf('v1'), (request, response) =>
      request.query.has('watch')
        ? json(response, 403, status(403, 'Refused', 'you may not watch endpointslices'))
        : json(response, 200, { metadata: { resourceVersion: '50' }, items: slices }),
    );
    const seen = follow();
    await until('it is told twice', () => seen.length === 2);
    expect(seen[1]?.standing).not.toHaveProperty('services');
    expect(seen[1]?.unseen).toContain('endpointslices');
  });

  it('of several targets is told by one list and one watch', async () => {
    serveSlices('v1');
    const seen = follow([webTarget, { ...webTarget, podUid: 'uid-2', pod: 'web-2' }]);
    await until('both are told', () => seen.length === 2 && feed.open === 1);
    expect(server.requestsTo(pods).filter(({ query }) => !query.has('watch'))).toHaveLength(1);
  });
});

describe('the deletion of a target', () => {
  it('is of the pod that was found, by its uid, with the time that was asked for', async () => {
    server.on('DELETE', `${pods}/web`, (_, response) => json(response, 200, web));
    await deleteTarget(rest, webTarget, 5, false);
    await deleteTarget(rest, webTarget, undefined, true);
    expect(server.received.map(({ body }) => body)).toEqual([
      expect.objectContaining({ preconditions: { uid: webTarget.podUid }, gracePeriodSeconds: 5 }),
      expect.objectContaining({ preconditions: { uid: webTarget.podUid }, dryRun: ['All'] }),
    ]);
    expect(server.received[0]?.body).not.toHaveProperty('dryRun');
    expect(server.received[1]?.body).not.toHaveProperty('gracePeriodSeconds');
  });

  it.each([
    [404, 'pod/web is gone already'],
    [409, 'pod/web is another one now, of the same name'],
  ])('tells of %i in words', async (code, message) => {
    server.on('DELETE', `${pods}/web`, (_, response) => json(response, code, status(code, 'Refused', 'no')));
    expect(await rejection(deleteTarget(rest, webTarget, undefined, false))).toMatchObject({
      ...{ code: 'target-unsuitable', message },
    });
  });

  it('is refused with the words of the API server', async () => {
    server.on('DELETE', `${pods}/web`, (_, response) =>
      json(response, 403, status(403, 'Refused', 'a webhook says no')),
    );
    expect((await rejection(deleteTarget(rest, webTarget, undefined, false))).message).toContain('a webhook says no');
  });
});
