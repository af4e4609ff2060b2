import http, { type Agent, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { connect, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { ChaosError, messageOf } from '../errors.ts';
import { contains, parseCidr, singleAddress } from '../ip.ts';
import type { Access, Environment } from './access.ts';

/**
 * The proxy that leads to the server: the cluster's `proxy-url`, else HTTPS_PROXY, for a server without TLS HTTP_PROXY, unless NO_PROXY excepts the
 * server, as Go's net/http has it.
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
    for (const part of [proxy.username, proxy.password]) decodeURIComponent(part);
  } catch {
    // Without the password, and without the cause, which quotes it.
    const shown = text.replace(/^(\w+:\/\/)?.*@/s, '$1…@');
    throw new ChaosError('kubeconfig', `"${shown}" is not the URL of a proxy`, {
      hint: 'correct proxy-url of the kubeconfig, or HTTPS_PROXY or HTTP_PROXY; in a user or a password # is %23, % is %25, / is %2F and @ is %40',
    });
  }
  const hint = 'use an http://, https:// or socks5:// proxy, or except the server with NO_PROXY';
  if (!['http:', 'https:', 'socks5:', 'socks5h:'].includes(proxy.protocol)) {
    throw new ChaosError('kubeconfig', `proxies of the kind ${proxy.protocol}// are not supported`, { hint });
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

/** Whether the proxy is given whole requests for a server without TLS, in absolute form, and no tunnel (RFC 9112, section 3.2.2): so does Go. */
export function forwards(proxy: URL, server: URL): boolean {
  return server.protocol === 'http:' && !isSocks(proxy);
}

/** The header by which the user of the proxy's URL signs in there. */
export function proxyAuthorization({ username, password }: URL): Record<string, string> {
  if (!username) return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** For the answer of a proxy, as Go's dialer takes for all of connecting; the request that waits for the tunnel may have given up long before. */
const tunnelTimeoutMs = 30_000;

/** Whose certificates an https:// proxy may show. */
export type ProxyTrust = Pick<tls.ConnectionOptions, 'ca' | 'allowPartialTrustChain' | 'rejectUnauthorized'>;

/** Makes each connection of the agent a tunnel through the proxy, with TLS to the server in it when it is an agent for that. */
export function throughTunnel<T extends Agent>(agent: T, proxy: URL, trust: ProxyTrust): T {
  return connectingBy(agent, async (options) => {
    const secure = agent instanceof https.Agent;
    const to = { host: String(options.host), port: Number(options.port ?? (secure ? 443 : 80)) };
    const socket = await (isSocks(proxy)
      ? openSocks(proxy, to, patienceOf(options))
      : openConnect(proxy, to, { ...trust, ...patienceOf(options) }));
    return secure ? tls.connect({ ...(options as tls.ConnectionOptions), socket }) : socket;
  });
}

/** Makes each connection of the agent one to the proxy itself, which `forwards`. */
export function toProxy<T extends Agent>(agent: T, proxy: URL, trust: ProxyTrust): T {
  const address = { host: hostOf(proxy), port: portOf(proxy) };
  return connectingBy(
    agent,
    (asked) =>
      new Promise((resolve, reject) => {
        const secure = proxy.protocol === 'https:';
        const options = { ...address, ...patienceOf(asked) };
        const socket = secure ? tls.connect({ ...options, ...trust, ...serverNameOf(proxy) }) : connect(options);
        const refused = (cause: Error): void => reject(unusable(proxy, cause));
        socket.once('error', refused);
        socket.once(secure ? 'secureConnect' : 'connect', () => {
          socket.off('error', refused);
          resolve(socket);
        });
      }),
  );
}

/** For each address of a name: a proxy may be as far as a server. */
interface Patience {
  autoSelectFamilyAttemptTimeout?: number;
}
type ConnectionOptions = https.RequestOptions & Patience;

function patienceOf({ autoSelectFamilyAttemptTimeout }: Patience): Patience {
  return autoSelectFamilyAttemptTimeout === undefined ? {} : { autoSelectFamilyAttemptTimeout };
}

interface Destination {
  host: string;
  port: number;
}

function connectingBy<T extends Agent>(agent: T, open: (options: ConnectionOptions) => Promise<Duplex>): T {
  agent.createConnection = (options, callback) => {
    open(options as ConnectionOptions).then(
      (socket) => callback?.(null, socket),
      (error: unknown) => (callback as unknown as (error: unknown) => void)?.(error),
    );
    return undefined;
  };
  return agent;
}

function isSocks(proxy: URL): boolean {
  return proxy.protocol.startsWith('socks5');
}

function hostOf(proxy: URL): string {
  return proxy.hostname.replace(/^\[|\]$/g, '');
}

function portOf(proxy: URL): number {
  return Number(proxy.port || (isSocks(proxy) ? 1080 : proxy.protocol === 'https:' ? 443 : 80));
}

function serverNameOf(proxy: URL): tls.ConnectionOptions {
  return isIP(hostOf(proxy)) ? {} : { servername: hostOf(proxy) };
}

function unusable(proxy: URL, cause: Error): ChaosError {
  return new ChaosError('unreachable', `the proxy ${proxy.host} cannot be used: ${cause.message}`, { cause });
}

/** Resolves with the socket of a SOCKS5 proxy that leads to the host; the proxy resolves the name for socks5:// as well: so does Go's net/http. */
async function openSocks(proxy: URL, { host, port }: Destination, patience: Patience): Promise<Socket> {
  const { username, password } = proxy;
  const at = { host: hostOf(proxy), port: portOf(proxy) };
  // By its default export, which is all that a bundle makes of a package in CommonJS.
  const { SocksClient } = (await import('socks')).default;
  try {
    const { socket } = await SocksClient.createConnection({
      proxy: {
        ...at,
        type: 5,
        ...(username ? { userId: decodeURIComponent(username), password: decodeURIComponent(password) } : {}),
      },
      destination: { host, port },
      command: 'connect',
      timeout: tunnelTimeoutMs,
      socket_options: { ...at, ...patience },
    });
    return socket;
  } catch (cause) {
    const why = `the proxy ${proxy.host} did not connect to ${host}:${port}: ${messageOf(cause)}`;
    throw new ChaosError('unreachable', why, { cause });
  }
}

/** Resolves with the socket of an HTTP proxy that leads to the host, by CONNECT. */
function openConnect(proxy: URL, { host, port }: Destination, how: ProxyTrust & Patience): Promise<Socket> {
  const authority = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  return new Promise((resolve, reject) => {
    const refuse = ({ statusCode, statusMessage }: IncomingMessage): void => {
      const why = `the proxy ${proxy.host} refused CONNECT to ${authority}: ${statusCode} ${statusMessage}`;
      reject(new ChaosError('unreachable', why));
    };
    const request = (proxy.protocol === 'https:' ? https : http).request({
      host: hostOf(proxy),
      port: portOf(proxy),
      method: 'CONNECT',
      path: authority,
      agent: false,
      headers: { host: authority, ...proxyAuthorization(proxy) },
      timeout: tunnelTimeoutMs,
      ...how,
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${tunnelTimeoutMs / 1_000}s`)));
    request.on('connect', (response, socket: Socket) => {
      socket.setTimeout(0);
      if (response.statusCode === 200) return resolve(socket);
      socket.destroy();
      refuse(response);
    });
    request.on('response', (response) => {
      response.resume();
      refuse(response);
    });
    request.on('error', (error) => reject(unusable(proxy, error)));
    request.end();
  });
}
