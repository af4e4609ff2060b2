import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { cleanEnv, kubeconfig, until } from './cluster.ts';
import { Plugin } from './plugin.ts';

/** `kubectl proxy` on loopback, which signs in for whoever uses it. As it is by default, it refuses every attach. */
export async function kubectlProxy(...args: readonly string[]): Promise<{ url: string; stop: () => Promise<unknown> }> {
  const options = ['--kubeconfig', kubeconfig, 'proxy', '--port=0', ...args];
  const proxy = new Plugin(options, { program: 'kubectl', env: cleanEnv });
  let url = '';
  await until('the proxy serves', 15, () => {
    url = /Starting to serve on (\S+)/.exec(proxy.stdout)?.[1] ?? '';
    return url !== '';
  });
  const stop = () => {
    proxy.kill('SIGTERM');
    return proxy.ended;
  };
  return { url: `http://${url}`, stop };
}

/**
 * A proxy on loopback that passes requests on without `Upgrade`, as one does that knows no WebSockets. `holds`: those that it takes and never passes on.
 */
export async function withoutUpgrade(
  to: string,
  holds: (request: http.IncomingMessage) => boolean = () => false,
): Promise<{ url: string; stop: () => void }> {
  const server = http.createServer((request, response) => {
    if (holds(request)) return;
    const { upgrade: _upgrade, connection: _connection, ...headers } = request.headers;
    const passed = http.request(new URL(request.url ?? '', to), { method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      answer.pipe(response);
    });
    passed.on('error', () => response.destroy());
    response.on('close', () => passed.destroy());
    request.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
}
