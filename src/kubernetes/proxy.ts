import https from 'node:https';
import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { ChaosError, messageOf } from '../errors.ts';
import { contains, parseCidr, singleAddress } from '../ip.ts';
import type { Access, Environment } from './access.ts';
import { http } from './http.ts';

/**
 * The proxy that leads to the server: the cluster's `proxy-url`, else HTTPS_PROXY unless NO_PROXY excepts the server, as Go's net/http has it.
 * Undefined: none.
 * Throws ChaosError kubeconfig for a proxy that we cannot use, because to ignore it would be to talk around it.
 */
export function chooseProxy(access: Access, env: Environment): URL | undefined {
  const fromEnvironment =
    access.server.protocol === 'https:' ? env.HTTPS_PROXY || env.https_proxy : env.HTTP_PROXY || env.http_proxy;
  const excepted = isExcepted(access.server, env.NO_PROXY || env.no_proxy || '');
  const text = access.cluster.proxyUrl || (excepted ? '' : fromEnvironment);
  if (!text) return undefined;
  let proxy: URL;
  try {
    proxy = new URL(text.includes('://') ? text : `http://${text}`);
  } catch (error) {
    throw new ChaosError('kubeconfig', `"${text}" is not the URL of a proxy`, { cause: error });
  }
  const hint = 'use an http://, https:// or socks5:// proxy, or except the server with NO_PROXY';
  if (!['http:', 'https:', 'socks5:', 'socks5h:'].includes(proxy.protocol)) {
    throw new ChaosError('kubeconfig', `proxies of the kind ${proxy.protocol}// are not supported`, { hint });
  }
  if (access.server.protocol !== 'https:') {
    throw new ChaosError(
      'kubeconfig',
      `a proxy before a server without TLS (${access.server.origin}) is not supported`,
      { hint },
    );
  }
  return proxy;
}

/**
 * NO_PROXY as golang.org/x/net/http/httpproxy reads it: names with their subdomains, addresses, CIDRs, each with an optional port, `*`; loopback
 * always.
 */
export function isExcepted(server: URL, noProxy: string): boolean {
  const host = server.hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
  const port = server.port || (server.protocol === 'https:' ? '443' : '80');
  const family = isIP(host);
  if (host === 'localhost' || host === '::1' || (family === 4 && host.startsWith('127.'))) return true;
  return noProxy.split(',').some((item) => {
    const entry = item.trim().toLowerCase();
    if (entry === '') return false;
    if (entry === '*') return true;
    if (entry.includes('/')) return isInNetwork(host, entry);
    const [, name, wanted] = /^(?:\[(?=.*\]))?(.*?)\]?(?::(\d+))?$/.exec(isIP(entry) ? `[${entry}]` : entry) ?? [];
    if (name === undefined || (wanted !== undefined && wanted !== port)) return false;
    if (family !== 0) return name === host;
    const domain = name.replace(/^\*/, '');
    return domain.startsWith('.') ? host.endsWith(domain) : host === domain || host.endsWith(`.${domain}`);
  });
}

function isInNetwork(host: string, network: string): boolean {
  const address = singleAddress(host);
  const range = parseCidr(network)?.cidr;
  return address !== undefined && range !== undefined && contains(range, address);
}

/** An agent for connections to a server with TLS through the proxy. */
export function proxyAgent(proxy: URL, options: https.AgentOptions): https.Agent {
  return proxy.protocol.startsWith('socks5') ? new SocksAgent(proxy, options) : new ProxyAgent(proxy, options);
}

/** An https.Agent whose connections go through a SOCKS5 proxy, which resolves the name for socks5:// as well: so does Go's net/http. */
class SocksAgent extends https.Agent {
  readonly #proxy: URL;

  constructor(proxy: URL, options: https.AgentOptions) {
    super(options);
    this.#proxy = proxy;
  }

  override createConnection(
    options: https.RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    this.#tunnel(String(options.host), Number(options.port ?? 443)).then(
      (socket) => callback?.(null, tls.connect({ ...(options as tls.ConnectionOptions), socket })),
      (error: unknown) => (callback as unknown as (error: unknown) => void)?.(error),
    );
  }

  async #tunnel(host: string, port: number): Promise<Socket> {
    const { hostname, port: proxyPort, username, password } = this.#proxy;
    // By its default export, which is all that a bundle makes of a package in CommonJS.
    const { SocksClient } = (await import('socks')).default;
    try {
      const { socket } = await SocksClient.createConnection({
        proxy: {
          host: hostname.replace(/^\[|\]$/g, ''),
          port: Number(proxyPort || 1080),
          type: 5,
          ...(username ? { userId: decodeURIComponent(username), password: decodeURIComponent(password) } : {}),
        },
        destination: { host, port },
        command: 'connect',
      });
      return socket;
    } catch (cause) {
      const why = `the proxy ${this.#proxy.host} did not connect to ${host}:${port}: ${messageOf(cause)}`;
      throw new ChaosError('unreachable', why, { cause });
    }
  }
}

/** An https.Agent whose connections go through a proxy by CONNECT. */
class ProxyAgent extends https.Agent {
  readonly #proxy: URL;

  constructor(proxy: URL, options: https.AgentOptions) {
    super(options);
    this.#proxy = proxy;
  }

  override createConnection(
    options: https.RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    const host = String(options.host);
    const authority = `${isIP(host) === 6 ? `[${host}]` : host}:${options.port ?? 443}`;
    const fail = (error: Error): void => (callback as unknown as (error: Error) => void)?.(error);
    const { username, password } = this.#proxy;
    const connect = (this.#proxy.protocol === 'https:' ? https : http).request({
      host: this.#proxy.hostname.replace(/^\[|\]$/g, ''),
      port: this.#proxy.port || (this.#proxy.protocol === 'https:' ? 443 : 80),
      method: 'CONNECT',
      path: authority,
      agent: false,
      headers: {
        host: authority,
        ...(username
          ? {
              'proxy-authorization': `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`,
            }
          : {}),
      },
    });
    connect.on('connect', (response, socket: Socket) => {
      if (response.statusCode !== 200) {
        socket.destroy();
        return fail(
          new ChaosError(
            'unreachable',
            `the proxy ${this.#proxy.host} refused CONNECT to ${authority}: ${response.statusCode} ${response.statusMessage}`,
          ),
        );
      }
      callback?.(null, tls.connect({ ...(options as tls.ConnectionOptions), socket }));
    });
    connect.on('response', (response) => {
      response.resume();
      fail(
        new ChaosError(
          'unreachable',
          `the proxy ${this.#proxy.host} refused CONNECT to ${authority}: ${response.statusCode} ${response.statusMessage}`,
        ),
      );
    });
    connect.on('error', (error) =>
      fail(
        new ChaosError('unreachable', `the proxy ${this.#proxy.host} cannot be used: ${error.message}`, {
          cause: error,
        }),
      ),
    );
    connect.end();
    return undefined;
  }
}
