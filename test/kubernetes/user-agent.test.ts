import { expect, it } from 'vitest';
import { attach } from '../../src/kubernetes/attach.ts';
import { resources } from '../../src/kubernetes/request.ts';
import { userAgent } from '../../src/kubernetes/user-agent.ts';
import { ApiServer, json } from '../fakes/api-server.ts';
import { restFor } from './support.ts';

const commit = '7276ea5f0d4a7e8d1c2b3a4958677685f4e3d2c1';

it.each([
  [{ version: '0.1.0', commit }, 'linux', 'x64', 'kubectl-chaos/0.1.0 (linux/amd64) 7276ea5'],
  [{ version: '0.1.0', commit: '7276ea5' }, 'darwin', 'arm64', 'kubectl-chaos/0.1.0 (darwin/arm64) 7276ea5'],
  [{ version: '0.1.0' }, 'win32', 'x64', 'kubectl-chaos/0.1.0 (windows/amd64) unknown'],
  [undefined, 'linux', 's390x', 'kubectl-chaos/unknown (linux/s390x) unknown'],
])('of the build %j on %s and %s is %s', (build, os, architecture, expected) => {
  expect(userAgent(build, os, architecture)).toBe(expected);
});

it('is sent with every request and with attach', async () => {
  const server = await ApiServer.start();
  server.on('GET', '/api/v1/nodes/a', (_, response) => json(response, 200, {}));
  server.onAttach(({ socket }) => socket.close(1000));
  const rest = restFor(server);
  await rest.json({ verb: 'get', resource: resources.nodes, name: 'a' });
  const where = { namespace: 'n', pod: 'p', container: 'c', node: 'a', runtime: async () => undefined };
  await attach(rest, where, new AbortController().signal);
  expect(server.received.map(({ headers }) => headers['user-agent'])).toEqual([userAgent(), userAgent()]);
  rest.close();
  await server.stop();
});
