import { afterEach, beforeEach, expect, it } from 'vitest';
import { recordEvent } from '../../src/kubernetes/audit.ts';
import { ApiServer, json } from '../fakes/api-server.ts';
import { webTarget } from './objects.ts';
import { restFor } from './support.ts';

const now = new Date('2026-03-01T12:00:00Z');
let server: ApiServer;

beforeEach(async () => {
  server = await ApiServer.start();
  server.on('POST', '/api/v1/namespaces/shop/events', (_request, response) => json(response, 201, {}));
});
afterEach(() => server.stop());

it('writes an Event about the container of the target, in its namespace', async () => {
  await recordEvent(
    restFor(server),
    webTarget,
    { type: 'Normal', reason: 'ChaosStarted', message: '2 busy CPUs' },
    now,
  );
  expect(server.received[0]?.body).toMatchObject({
    metadata: { generateName: `${webTarget.pod}.`, namespace: 'shop' },
    involvedObject: { kind: 'Pod', name: webTarget.pod, uid: webTarget.podUid, fieldPath: 'spec.containers{app}' },
    ...{ type: 'Normal', reason: 'ChaosStarted', message: '2 busy CPUs', count: 1 },
    ...{ firstTimestamp: now.toISOString(), source: { component: 'kubectl-chaos' } },
  });
});

it('keeps to what the API server takes: a name of 253 and a message of 1024 characters', async () => {
  const event = { type: 'Warning', reason: 'ChaosEnded', message: 'x'.repeat(2_000) } as const;
  await recordEvent(restFor(server), { ...webTarget, pod: 'p'.repeat(253) }, event, now);
  const body = server.received[0]?.body as { metadata: { generateName: string }; message: string };
  // The API server adds five characters of its own.
  expect(body.metadata.generateName.length).toBeLessThanOrEqual(248);
  expect(body.message).toHaveLength(1_024);
});
