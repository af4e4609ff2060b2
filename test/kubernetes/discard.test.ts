import { afterEach, beforeEach, expect, it } from 'vitest';
import { discard } from '../../src/kubernetes/discard.ts';
import type { Remains } from '../../src/ports.ts';
import { ApiServer, json, status } from '../fakes/api-server.ts';
import { forbidden } from '../fakes/recorded.ts';
import { rejection, restFor } from './support.ts';

let server: ApiServer;
beforeEach(async () => {
  server = await ApiServer.start();
});
afterEach(() => server.stop());

const pod: Remains = { kind: 'pod', name: 'chaos-aaaaa-0', uid: 'uid-1' };
const configMap: Remains = { kind: 'configmap', name: 'chaos-aaaaa', uid: 'uid-2' };
const podPath = '/api/v1/namespaces/shop/pods/chaos-aaaaa-0';
const configMapPath = '/api/v1/namespaces/shop/configmaps/chaos-aaaaa';
const all = () => discard(restFor(server), 'shop', [pod, configMap], new AbortController().signal);
const answer = (path: string, code: number, reason: string) =>
  server.on('DELETE', path, (_request, response) => json(response, code, status(code, reason, 'said')));

it('deletes each by its uid, and a pod that has ended at once', async () => {
  answer(podPath, 200, 'Success');
  answer(configMapPath, 200, 'Success');
  await all();
  const sent = (path: string) => server.requestsTo(path)[0]?.body;
  expect(sent(podPath)).toMatchObject({ preconditions: { uid: 'uid-1' }, gracePeriodSeconds: 0 });
  expect(sent(configMapPath)).toMatchObject({ preconditions: { uid: 'uid-2' } });
  expect(server.received).toHaveLength(2);
});

it('what is gone, or has another uid by now, is no error', async () => {
  answer(podPath, 404, 'NotFound');
  answer(configMapPath, 409, 'Conflict');
  await all();
});

it('a refusal is one', async () => {
  server.on('DELETE', podPath, (_request, response) => json(response, 403, forbidden('delete', 'pods', 'shop')));
  answer(configMapPath, 200, 'Success');
  expect(await rejection(all())).toMatchObject({ code: 'forbidden' });
});
