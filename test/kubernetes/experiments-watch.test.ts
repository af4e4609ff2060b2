import type { ServerResponse } from 'node:http';
import type { V1ConfigMap, V1Pod } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { followExperiments } from '../../src/kubernetes/experiments-watch.ts';
import type { Rest } from '../../src/kubernetes/rest.ts';
import type { ExperimentUpdate } from '../../src/ports.ts';
import { ApiServer, json, until, WatchFeed } from '../fakes/api-server.ts';
import { forbidden } from '../fakes/recorded.ts';
import { restFor } from './support.ts';

const now = new Date('2026-03-01T12:01:00Z');
const limitMs = 30_000;

function object(id: string, uid: string, version: number): V1ConfigMap {
  return {
    metadata: {
      ...{ name: id, namespace: 'shop', uid, resourceVersion: String(version) },
      labels: { 'app.kubernetes.io/managed-by': 'kubectl-chaos', 'kubectl-chaos.io/experiment': id },
      creationTimestamp: new Date('2026-03-01T12:00:00Z'),
    },
  };
}

const pod = (id: string, version: number, phase: string): V1Pod => ({
  ...object(id, `pod-${id}`, version),
  status: { phase },
});
const configMap = (id: string, version: number): V1ConfigMap => object(id, `map-${id}`, version);

let server: ApiServer;
let rest: Rest;
let pods: WatchFeed;
let configMaps: WatchFeed;
let abort: AbortController;

beforeEach(async () => {
  server = await ApiServer.start();
  rest = restFor(server);
  pods = new WatchFeed();
  configMaps = new WatchFeed();
  abort = new AbortController();
});
afterEach(async () => {
  abort.abort();
  rest.close();
  await server.stop();
});

function serve(podItems: V1Pod[], mapItems: V1ConfigMap[], mayMaps = true): void {
  const metadata = { resourceVersion: '100' };
  server.on('GET', '/api/v1/pods', (request, response) =>
    request.query.has('watch') ? pods.handler(request, response) : json(response, 200, { metadata, items: podItems }),
  );
  const mayNot = (_: unknown, response: ServerResponse) => json(response, 403, forbidden('list', 'configmaps', 'shop'));
  server.on('GET', '/api/v1/namespaces/shop/configmaps', mayNot);
  server.on('GET', '/api/v1/configmaps', (request, response) => {
    if (!mayMaps) return mayNot(request, response);
    if (request.query.has('watch')) return configMaps.handler(request, response);
    return json(response, 200, { metadata, items: mapItems });
  });
}

function follow(): { seen: string[]; done: Promise<void> } {
  const seen: string[] = [];
  const said = (update: ExperimentUpdate): string => {
    if (update.kind === 'contact') return `contact ${update.problem === undefined}`;
    if (update.kind === 'experiment')
      return `${update.experiment.id} ${update.isGone ? 'gone' : update.experiment.state}`;
    const { found, unseen, elsewhere } = update.experiments;
    const where = elsewhere === undefined ? '' : ' here alone';
    return `listed ${found.map(({ id, state }) => `${id} ${state}`).join(', ')} unseen ${unseen.length}${where}`;
  };
  const done = (async () => {
    for await (const update of followExperiments(rest, 'shop', () => now, abort.signal)) seen.push(said(update));
  })();
  done.catch(() => undefined);
  return { seen, done };
}

describe('following experiments', () => {
  it('tells what there is, and goes on from the versions of the lists', async () => {
    serve([pod('chaos-aaaaa', 90, 'Running')], [configMap('chaos-aaaaa', 89), configMap('chaos-left0', 50)]);
    const { seen, done } = follow();
    await until('both are watched', () => pods.open === 1 && configMaps.open === 1, limitMs);
    expect(seen).toEqual(['listed chaos-aaaaa running, chaos-left0 leftover unseen 0']);
    for (const { query } of [...pods.requests, ...configMaps.requests]) {
      expect(query.get('resourceVersion')).toBe('100');
      expect(query.get('labelSelector')).toBe('app.kubernetes.io/managed-by=kubectl-chaos');
    }
    abort.abort();
    await done;
    await until('nothing is watched any more', () => pods.open + configMaps.open === 0, limitMs);
  });

  it('tells of one from its begin to its end, each state once', async () => {
    serve([], []);
    const { seen } = follow();
    await until('both are watched', () => pods.open === 1 && configMaps.open === 1, limitMs);
    configMaps.send('ADDED', configMap('chaos-aaaaa', 101));
    pods.send('ADDED', pod('chaos-aaaaa', 102, 'Pending'));
    pods.send('MODIFIED', pod('chaos-aaaaa', 103, 'Pending'));
    pods.send('MODIFIED', pod('chaos-aaaaa', 104, 'Running'));
    pods.send('MODIFIED', pod('chaos-aaaaa', 105, 'Running'));
    pods.send('MODIFIED', pod('chaos-aaaaa', 106, 'Succeeded'));
    pods.send('DELETED', pod('chaos-aaaaa', 107, 'Succeeded'));
    await until('it is gone', () => seen.includes('chaos-aaaaa gone'), limitMs);
    configMaps.send('DELETED', configMap('chaos-aaaaa', 108));
    pods.send('ADDED', pod('chaos-bbbbb', 109, 'Pending'));
    await until('the next begins', () => seen.includes('chaos-bbbbb starting'), limitMs);
    const states = ['starting', 'running', 'ended', 'gone'].map((state) => `chaos-aaaaa ${state}`);
    expect(seen).toEqual(['listed  unseen 0', ...states, 'chaos-bbbbb starting']);
  });

  it('tells when a leftover is removed', async () => {
    serve([], [configMap('chaos-left0', 50)]);
    const { seen } = follow();
    await until('both are watched', () => pods.open === 1 && configMaps.open === 1, limitMs);
    configMaps.send('DELETED', configMap('chaos-left0', 101));
    await until('it is gone', () => seen.includes('chaos-left0 gone'), limitMs);
  });

  it('goes on when a watch ends', async () => {
    serve([pod('chaos-aaaaa', 90, 'Running')], []);
    const { seen } = follow();
    await until('both are watched', () => pods.open === 1 && configMaps.open === 1, limitMs);
    pods.end();
    await until('pods are watched anew', () => pods.requests.length === 2 && pods.open === 1, limitMs);
    pods.send('MODIFIED', { ...pod('chaos-aaaaa', 101, 'Failed') });
    await until('the change is told', () => seen.includes('chaos-aaaaa ended'), limitMs);
  });

  it('tells by lists what a proxy that buffers watches keeps back', { timeout: 30_000 }, async () => {
    let [agents, leftovers]: [V1Pod[], object[]] = [[], [configMap('chaos-left0', 50)]];
    server
      .on('GET', '/api/v1/pods', ({ query }, response) => {
        if (!query.has('watch')) json(response, 200, { metadata: { resourceVersion: '100' }, items: agents });
      })
      .on('GET', '/api/v1/configmaps', ({ query }, response) => {
        if (!query.has('watch')) json(response, 200, { metadata: { resourceVersion: '100' }, items: leftovers });
      });
    const { seen } = follow();
    await until('it is listed', () => seen.length === 1, limitMs);
    agents = [pod('chaos-aaaaa', 101, 'Running')];
    leftovers = [];
    await until('what has begun is told', () => seen.includes('chaos-aaaaa running'), limitMs);
    await until('what is gone is told', () => seen.includes('chaos-left0 gone'), limitMs);
  });

  it('does without ConfigMaps where they may not be listed', async () => {
    serve([pod('chaos-aaaaa', 90, 'Running')], [], false);
    const { seen } = follow();
    await until('pods are watched', () => pods.open === 1, limitMs);
    expect(seen).toEqual(['listed chaos-aaaaa running unseen 1']);
    pods.send('DELETED', pod('chaos-aaaaa', 101, 'Running'));
    await until('it is gone', () => seen.includes('chaos-aaaaa gone'), limitMs);
    expect(configMaps.requests).toEqual([]);
  });

  it('does without watching ConfigMaps where they may only be listed, as with krew/rbac.yaml', async () => {
    serve([], [configMap('chaos-aaaaa', 89)]);
    server.on('GET', '/api/v1/configmaps', (request, response) => {
      if (!request.query.has('watch')) return json(response, 200, { items: [], metadata: { resourceVersion: '100' } });
      configMaps.requests.push(request);
      return json(response, 403, forbidden('watch', 'configmaps', 'shop'));
    });
    const { seen } = follow();
    await until('both are tried', () => pods.open === 1 && configMaps.requests.length > 0, limitMs);
    pods.send('ADDED', pod('chaos-aaaaa', 101, 'Pending'));
    await until('the pod is told', () => seen.includes('chaos-aaaaa starting'), limitMs);
    expect(configMaps.requests).toHaveLength(1);
  });

  it('asks for no more of a ConfigMap than its metadata: each holds a shim', async () => {
    serve([], []);
    follow();
    await until('both are watched', () => pods.open === 1 && configMaps.open === 1, limitMs);
    const asked = server.received.map(({ path, query, headers }) => [path, query.has('watch'), headers.accept]);
    const metadata = (kind: string) => `application/json;as=${kind};g=meta.k8s.io;v=v1,application/json`;
    expect(new Set(asked.map((one) => one.join(' ')))).toEqual(
      new Set([
        '/api/v1/pods false application/json',
        '/api/v1/pods true application/json',
        `/api/v1/configmaps false ${metadata('PartialObjectMetadataList')}`,
        `/api/v1/configmaps true ${metadata('PartialObjectMetadata')}`,
      ]),
    );
  });

  it('tells of agents in other namespaces where their target is in this one, and of no others', async () => {
    const ofTarget = (id: string, namespace: string, target: string, version: number): V1Pod => {
      const made = pod(id, version, 'Running');
      return { ...made, metadata: { ...made.metadata, namespace, annotations: { 'kubectl-chaos.io/target': target } } };
    };
    serve(
      [ofTarget('chaos-aaaaa', 'agents', 'shop/web-0/app', 90), ofTarget('chaos-bbbbb', 'agents', 'bank/db-0/db', 91)],
      [],
    );
    const { seen } = follow();
    await until('both are watched', () => pods.open === 1 && configMaps.open === 1, limitMs);
    pods.send('ADDED', ofTarget('chaos-ccccc', 'bank', 'bank/db-0/db', 101));
    pods.send('ADDED', ofTarget('chaos-ddddd', 'agents', 'shop/web-0/app', 102));
    await until('the last is told', () => seen.includes('chaos-ddddd running'), limitMs);
    expect(seen).toEqual(['listed chaos-aaaaa running unseen 0', 'chaos-ddddd running']);
  });

  it('follows the one namespace where others may not be seen, and says so', async () => {
    for (const kind of ['pods', 'configmaps'] as const) {
      const feed = kind === 'pods' ? pods : configMaps;
      server.on('GET', `/api/v1/${kind}`, (_, response) => json(response, 403, forbidden('list', kind)));
      server.on('GET', `/api/v1/namespaces/shop/${kind}`, (request, response) =>
        request.query.has('watch')
          ? feed.handler(request, response)
          : json(response, 200, { items: [], metadata: { resourceVersion: '100' } }),
      );
    }
    const { seen } = follow();
    await until('both are watched', () => pods.open === 1 && configMaps.open === 1, limitMs);
    pods.send('ADDED', pod('chaos-aaaaa', 101, 'Running'));
    await until('it is told', () => seen.includes('chaos-aaaaa running'), limitMs);
    expect(seen[0]).toBe('listed  unseen 0 here alone');
  });

  it('fails when pods may be listed and not watched', async () => {
    serve([], []);
    server.on('GET', '/api/v1/pods', (request, response) =>
      request.query.has('watch')
        ? json(response, 403, forbidden('watch', 'pods', 'shop'))
        : json(response, 200, { items: [], metadata: { resourceVersion: '1' } }),
    );
    await expect(follow().done).rejects.toMatchObject({ code: 'forbidden' });
  });
});
