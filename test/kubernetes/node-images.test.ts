import type { V1Pod } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { imagesOn, runningImages } from '../../src/kubernetes/node-images.ts';
import { ApiServer, json } from '../fakes/api-server.ts';
import { forbidden } from '../fakes/recorded.ts';
import { runningPod } from './objects.ts';
import { restFor } from './support.ts';

const pod = (change: Parameters<typeof runningPod>[0] = () => undefined): V1Pod =>
  runningPod((made) => {
    const [app, proxy] = made.spec.containers;
    if (app && proxy) [app.image, proxy.image] = ['web:7', 'proxy:3'];
    made.spec.imagePullSecrets = [{ name: 'pull-web' }, {}];
    change(made);
  });

const web = { image: 'web:7', namespace: 'shop', pod: 'web', imagePullSecrets: ['pull-web'] };

describe('images that containers run on', () => {
  it('are named as in the spec, whatever the node calls them, each once in a namespace', () => {
    const other = pod(({ metadata }) => {
      metadata.name = 'web-2';
    });
    expect(runningImages([pod(), other])).toEqual([web, { ...web, image: 'proxy:3' }]);
  });

  it('are not those of a container that waits for its image, or of another runtime', () => {
    const waiting = pod(({ status }) => {
      const [app, proxy] = status.containerStatuses ?? [];
      if (app) app.state = { waiting: { reason: 'ImagePullBackOff' } };
      if (proxy) proxy.imageID = '';
    });
    const sandboxed = pod(({ spec }) => {
      spec.runtimeClassName = 'kata';
    });
    expect(runningImages([waiting, sandboxed])).toEqual([]);
  });
});

describe('asked for', () => {
  let server: ApiServer;
  beforeEach(async () => {
    server = await ApiServer.start();
  });
  afterEach(() => server.stop());
  const refuse = (path: string, namespace?: string) =>
    server.on('GET', path, (_request, response) => json(response, 403, forbidden('list', 'pods', namespace)));

  it('of the node, in every namespace', async () => {
    server.on('GET', '/api/v1/pods', (_request, response) => json(response, 200, { items: [pod()] }));
    expect(await imagesOn(restFor(server), 'node-3', 'tools')).toHaveLength(2);
    expect(server.received[0]?.query.get('fieldSelector')).toBe('spec.nodeName=node-3');
  });

  it("of the agent's namespace where no more may be listed, else none", async () => {
    refuse('/api/v1/pods');
    server.on('GET', '/api/v1/namespaces/shop/pods', (_request, response) => json(response, 200, { items: [pod()] }));
    refuse('/api/v1/namespaces/tools/pods', 'tools');
    expect(await imagesOn(restFor(server), 'node-3', 'shop')).toContainEqual(web);
    expect(await imagesOn(restFor(server), 'node-3', 'tools')).toEqual([]);
  });
});
