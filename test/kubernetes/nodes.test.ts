import type { V1Node } from '@kubernetes/client-node';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findNodes, podsOn, readLog, runtimeVersion } from '../../src/kubernetes/nodes.ts';
import { ApiServer, json, status } from '../fakes/api-server.ts';
import { rejection, restFor } from './support.ts';

const node = (name: string, ready = 'True'): V1Node => ({
  metadata: { name },
  status: {
    conditions: [{ type: 'Ready', status: ready, reason: 'KubeletNotReady' }],
    nodeInfo: { architecture: 'arm64', operatingSystem: 'linux' } as never,
  },
});

let server: ApiServer;
beforeEach(async () => {
  server = await ApiServer.start();
});
afterEach(() => server.stop());

it('all nodes: those that cannot run an agent say why', async () => {
  const items = [node('node-1'), node('node-2', 'False')];
  server.on('GET', '/api/v1/nodes', (_request, response) => json(response, 200, { items }));
  expect(await findNodes(restFor(server), [])).toEqual([
    { name: 'node-1', architecture: 'arm64' },
    { name: 'node-2', problem: 'node node-2 is not ready (KubeletNotReady)' },
  ]);
});

it('nodes by name: one that is not there is named', async () => {
  server
    .on('GET', '/api/v1/nodes/node-1', (_request, response) => json(response, 200, node('node-1')))
    .on('GET', '/api/v1/nodes/node-9', (_request, response) => json(response, 404, status(404, 'NotFound', 'no')));
  expect(await findNodes(restFor(server), ['node-1'])).toEqual([{ name: 'node-1', architecture: 'arm64' }]);
  const error = await rejection(findNodes(restFor(server), ['node-1', 'node-9']));
  expect(error).toMatchObject({ code: 'not-found', message: 'there is no node node-9' });
});

it('pods of a node by their uid; none where they may not be listed', async () => {
  const items = [{ metadata: { uid: 'u-1', namespace: 'shop', name: 'web-0' } }];
  let isAllowed = true;
  server.on('GET', '/api/v1/pods', (_request, response) =>
    isAllowed ? json(response, 200, { items }) : json(response, 403, status(403, 'Forbidden', 'no')),
  );
  expect(await podsOn(restFor(server), 'node-1')).toEqual(new Map([['u-1', 'shop/web-0']]));
  expect(server.received[0]?.query.get('fieldSelector')).toBe('spec.nodeName=node-1');
  isAllowed = false;
  expect(await podsOn(restFor(server), 'node-1')).toEqual(new Map());
});

it('the log of a container is a text', async () => {
  server.on('GET', '/api/v1/namespaces/shop/pods/chaos-aaaaa/log', (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' });
    response.end('{"event":"swept"}\n');
  });
  const agent = { id: 'chaos-aaaaa', namespace: 'shop', pod: 'chaos-aaaaa', podUid: 'u', node: 'node-1' };
  expect(await readLog(restFor(server), agent, 'sweep')).toBe('{"event":"swept"}\n');
  expect(server.received[0]?.query.get('container')).toBe('sweep');
});

it("a node's runtime with its version; none where the node may not be read", async () => {
  const nodeInfo = { containerRuntimeVersion: 'containerd://2.1.9' };
  server
    .on('GET', '/api/v1/nodes/node-1', (_request, response) => json(response, 200, { status: { nodeInfo } }))
    .on('GET', '/api/v1/nodes/node-2', (_request, response) => json(response, 403, status(403, 'Forbidden', 'no')));
  expect(await runtimeVersion(restFor(server), 'node-1')).toBe('containerd://2.1.9');
  expect(await runtimeVersion(restFor(server), 'node-2')).toBeUndefined();
});
