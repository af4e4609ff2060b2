import { chooseAccess } from '../../src/kubernetes/access.ts';
import { parseKubeconfig } from '../../src/kubernetes/kubeconfig.ts';
import { Rest } from '../../src/kubernetes/rest.ts';
import type { ConnectionOptions } from '../../src/ports.ts';
import type { ApiServer } from '../fakes/api-server.ts';
import { certificate } from '../fakes/tls.ts';

/** A kubeconfig for the fake API server; `user` is the text of the user, as JSON. */
export function kubeconfigFor(server: ApiServer, user: Record<string, unknown> = { token: 'secret' }): string {
  return JSON.stringify({
    'current-context': 'test',
    clusters: [
      {
        name: 'test',
        cluster: server.url.startsWith('https')
          ? { server: server.url, 'certificate-authority-data': Buffer.from(certificate).toString('base64') }
          : { server: server.url },
      },
    ],
    users: [{ name: 'test', user }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace: 'shop' } }],
  });
}

export function restFor(
  server: ApiServer,
  options: ConnectionOptions = {},
  user?: Record<string, unknown>,
  env: Record<string, string> = {},
): Rest {
  const access = chooseAccess(parseKubeconfig(kubeconfigFor(server, user), '/test/config'), options, '/test/config');
  return new Rest(access, env, { interactive: false }, options.requestTimeoutMs);
}

/** What a rejected promise rejected with; fails when it did not. */
export async function rejection(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  return promise.then(
    (value) => {
      throw new Error(`resolved with ${JSON.stringify(value)}`);
    },
    (error: Error & Record<string, unknown>) => error,
  );
}

/** What a function threw; fails when it did not. */
export function thrown(act: () => unknown): Error & Record<string, unknown> {
  let value: unknown;
  try {
    value = act();
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error(`returned ${JSON.stringify(value)}`);
}
