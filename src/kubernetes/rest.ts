import http, { type Agent, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { isIP } from 'node:net';
import tls from 'node:tls';
import type { CredentialFacts } from '../facts.ts';
import type { BuildName } from '../ports.ts';
import type { Access, Environment } from './access.ts';
import { ApiError, answerError, transportError } from './api-error.ts';
import { Credentials } from './credentials.ts';
import type { PluginTerminal } from './exec-credential.ts';
import { waitOut } from './overload.ts';
import { Rotated, readPem } from './pem.ts';
import { chooseProxy, forwards, type ProxyTrust, proxyAuthorization, throughTunnel, toProxy } from './proxy.ts';
import { type ApiRequest, accepted, describe, requestPath, resourceName } from './request.ts';
import { userAgent } from './user-agent.ts';
import { warningsOf } from './warnings.ts';

/** Time for TCP, TLS and a proxy together. Go's dialer, so kubectl, takes 30 s. */
const connectTimeoutMs = 15_000;
/** For each address of a name but the last, before the next is tried: Node's 250 ms are less than a far server needs. */
const addressTimeoutMs = 3_000;
/** An admission webhook may take 30 s, and the API server ends a request after 60 s. */
const answerTimeoutMs = 65_000;
/** A dead peer is noticed by the kernel after this, and ten probes a second apart. */
const tcpKeepAliveMs = 15_000;

/** What a WebSocket to the same server needs. */
export interface Dial {
  url: string;
  agent: Agent;
  headers: Record<string, string | string[]>;
}

/** The kept connections of requests, and those of WebSockets: the same but behind a proxy that is given whole requests. */
interface Agents {
  requests: Agent;
  streams: Agent;
}

/** Requests to the API server: JSON in and out over kept connections. Every rejection is an ApiError or another ChaosError. */
export class Rest {
  /** Without credentials, for messages. */
  readonly server: string;
  /** Host and port of the proxy on the way, if one is configured. */
  readonly proxy: string | undefined;
  readonly #access: Access;
  readonly #credentials: Credentials;
  readonly #proxy: URL | undefined;
  readonly #ca: Rotated<string | undefined>;
  readonly #timeoutMs: number | undefined;
  readonly #until: AbortSignal | undefined;
  readonly #userAgent: string;
  readonly #counts = new Map<string, number>();
  #agents: (Agents & { cert: string | undefined; ca: string | undefined }) | undefined;
  /** Of certificates that have been replaced: what is under way there is not cut. */
  readonly #retired: Agents[] = [];

  /** `timeoutMs` as --request-timeout: undefined: our defaults; 0: none. Throws ChaosError kubeconfig. */
  constructor(access: Access, env: Environment, terminal: PluginTerminal, timeoutMs?: number, build?: BuildName) {
    this.#userAgent = userAgent(build);
    this.#access = access;
    this.#credentials = new Credentials(access, env, terminal);
    this.#proxy = chooseProxy(access, env);
    this.proxy = this.#proxy?.host;
    const { certificateAuthorityData, certificateAuthority } = access.cluster;
    this.#ca = new Rotated(() => readPem(certificateAuthorityData, certificateAuthority, 'certificate authority'));
    this.#timeoutMs = timeoutMs;
    this.#until = terminal.until;
    this.server = `${access.server.origin}${access.server.pathname.replace(/\/$/, '')}`;
  }

  /**
   * Sends, and gives the answer's JSON. Repeats what is safe to repeat: after a kept connection that was closed meanwhile, 429 and 503 that say
   * when, and one renewal of credentials after 401. `onWarning` gets the server's warnings of this answer, `onHead` its headers.
   */
  async json<T>(
    request: ApiRequest,
    signal?: AbortSignal,
    onWarning?: (text: string) => void,
    onHead?: (headers: IncomingHttpHeaders) => void,
  ): Promise<T> {
    const response = await this.open(request, signal);
    onHead?.(response.headers);
    for (const warning of onWarning ? warningsOf(response.headers.warning) : []) onWarning?.(warning);
    const text = await this.#body(response, request);
    try {
      const answer = JSON.parse(text);
      // The server writes an empty list of metadata alone as Go writes a slice that is nil.
      return request.verb === 'list' && answer.items === null ? { ...answer, items: [] } : answer;
    } catch (cause) {
      throw new ApiError(0, 'api', `${this.server} did not answer with JSON to ${describe(request)}`, { cause });
    }
  }

  /** As `json`, of an answer that is a text. */
  async text(request: ApiRequest, signal?: AbortSignal): Promise<string> {
    return this.#body(await this.open(request, signal), request);
  }

  /** Sends, and gives the answer once its head says 2xx; the caller reads or destroys it. */
  async open(request: ApiRequest, signal = this.#until): Promise<IncomingMessage> {
    let renewed = false;
    for (let overloads = 0; ; ) {
      try {
        return await this.#attempt(request, signal);
      } catch (error) {
        if (!(error instanceof ApiError) || signal?.aborted) throw error;
        if (error.status === 401 && !renewed && this.#credentials.renew()) {
          renewed = true;
        } else await waitOut(error, overloads++, request, signal);
      }
    }
  }

  /** Counts the request and gives what a WebSocket for it needs. */
  async dial(request: ApiRequest): Promise<Dial> {
    this.#count(request);
    const { headers, certificate } = await this.#credentials.identity();
    const url = `${this.server}${requestPath(request)}`.replace(/^http/, 'ws');
    return { url, agent: this.#agentsFor(certificate).streams, headers: { 'user-agent': this.#userAgent, ...headers } };
  }

  /** What proves who asks, and what protects that on the way. Runs a credential plugin; sends nothing. */
  async credential(): Promise<CredentialFacts> {
    const isSecure = this.#access.server.protocol === 'https:';
    return {
      ...(await this.#credentials.facts()),
      protection: !isSecure ? 'none' : this.#access.cluster.insecureSkipTlsVerify ? 'unchecked' : 'tls',
      ...(this.proxy === undefined ? {} : { proxy: this.proxy }),
    };
  }

  /** Requests sent, by verb and resource. */
  counts(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }

  /** Closes kept connections. */
  close(): void {
    for (const { requests, streams } of [...this.#retired.splice(0), ...(this.#agents ? [this.#agents] : [])]) {
      requests.destroy();
      streams.destroy();
    }
    this.#agents = undefined;
  }

  #count(request: ApiRequest): void {
    const key = `${request.verb} ${resourceName(request)}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  async #attempt(request: ApiRequest, signal: AbortSignal | undefined): Promise<IncomingMessage> {
    const response = await this.#send(request, signal)
      .catch((error: NodeJS.ErrnoException & { reused?: boolean }) => {
        // The server closed a kept connection just as we used it. A create is not repeated: the first may have arrived.
        if (error.reused && request.verb !== 'create' && !signal?.aborted) return this.#send(request, signal);
        throw error;
      })
      .catch((error: unknown) => {
        throw transportError(error, this.server);
      });
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    const body = await this.#body(response, request);
    throw answerError({ status, body, retryAfter: response.headers['retry-after'] }, request, this.server);
  }

  async #send(request: ApiRequest, signal: AbortSignal | undefined): Promise<IncomingMessage> {
    const { headers, certificate } = await this.#credentials.identity();
    signal?.throwIfAborted();
    this.#count(request);
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    const secure = this.#access.server.protocol === 'https:';
    const url = `${this.server}${requestPath(request)}`;
    const forwarder = this.#forwarder();
    return new Promise<IncomingMessage>((resolve, reject) => {
      const sent = (secure ? https : http).request(url, {
        method: methods[request.verb],
        agent: this.#agentsFor(certificate).requests,
        ...(forwarder ? { path: url } : {}),
        headers: {
          accept: accepted(request),
          'user-agent': this.#userAgent,
          ...headers,
          ...(forwarder ? proxyAuthorization(forwarder) : {}),
          ...(body === undefined
            ? {}
            : {
                'content-type': request.verb === 'patch' ? 'application/merge-patch+json' : 'application/json',
                'content-length': Buffer.byteLength(body),
              }),
        },
        ...(signal ? { signal } : {}),
      });
      const end = (error: Error): void => {
        done();
        sent.destroy(error);
        // A request that still waits for its socket, as behind a proxy that is silent, says nothing when it is destroyed.
        reject(error);
      };
      const giveUp = (what: string, ms: number): void =>
        end(
          new ApiError(0, 'unreachable', `${this.server} ${what} within ${ms / 1_000}s`, {
            hint: 'check the network and the VPN, or allow more time with --request-timeout',
          }),
        );
      const aborted = (): void => end(signal?.reason as Error);
      signal?.addEventListener('abort', aborted);
      const limit = this.#timeoutMs ?? answerTimeoutMs;
      const answer =
        limit === 0 ? undefined : setTimeout(giveUp, limit, `did not answer to ${describe(request)}`, limit);
      let connecting: NodeJS.Timeout | undefined;
      const done = (): void => {
        clearTimeout(answer);
        clearTimeout(connecting);
        signal?.removeEventListener('abort', aborted);
      };
      // A proxy's tunnel counts as connecting, and its socket comes only when it stands.
      if (this.#timeoutMs !== 0)
        connecting = setTimeout(giveUp, connectTimeoutMs, 'could not be connected to', connectTimeoutMs);
      sent.on('socket', (socket) => {
        if (sent.reusedSocket || !(secure || socket.connecting)) clearTimeout(connecting);
        if (sent.reusedSocket) return;
        socket.once(secure ? 'secureConnect' : 'connect', () => clearTimeout(connecting));
        socket.setKeepAlive(true, tcpKeepAliveMs);
        // Between an answer's end and the next request nobody listens to it: an abort then would end the process.
        socket.on('error', () => undefined);
      });
      sent.on('response', (response) => {
        done();
        resolve(response);
      });
      sent.on('error', (error: NodeJS.ErrnoException) => {
        done();
        const reused = sent.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
        reject(Object.assign(error, { reused }));
      });
      sent.end(body);
    });
  }

  async #body(response: IncomingMessage, request: ApiRequest): Promise<string> {
    const chunks: Buffer[] = [];
    const limit = this.#timeoutMs ?? answerTimeoutMs;
    const timer =
      limit === 0
        ? undefined
        : setTimeout(
            () =>
              response.destroy(
                new Error(`the answer to ${describe(request)} was not complete within ${limit / 1_000}s`),
              ),
            limit,
          );
    try {
      for await (const chunk of response) chunks.push(chunk as Buffer);
    } catch (error) {
      throw transportError(error, this.server);
    } finally {
      clearTimeout(timer);
    }
    return Buffer.concat(chunks).toString('utf8');
  }

  /** A proxy that is given whole requests, if there is one. */
  #forwarder(): URL | undefined {
    return this.#proxy && forwards(this.#proxy, this.#access.server) ? this.#proxy : undefined;
  }

  /** Made once; a certificate or an authority that has been replaced needs new ones. */
  #agentsFor(certificate: { cert: string; key: string } | undefined): Agents {
    const ca = this.#ca.value;
    if (this.#agents && this.#agents.cert === certificate?.cert && this.#agents.ca === ca) return this.#agents;
    if (this.#agents) this.#retired.push(this.#agents);
    const proxy = this.#proxy;
    const direct = this.#makeAgent(certificate, ca);
    const trust = proxy?.protocol === 'https:' ? this.#proxyTrust(ca) : {};
    const streams = proxy ? throughTunnel(direct, proxy, trust) : direct;
    const forwarder = this.#forwarder();
    const requests = forwarder ? toProxy(this.#makeAgent(certificate, ca), forwarder, trust) : streams;
    this.#agents = { requests, streams, cert: certificate?.cert, ca };
    return this.#agents;
  }

  /** kubectl trusts a proxy by the cluster's authority, the machine's where there is none. Beside it the machine's count here: a company's proxy is known there. */
  #proxyTrust(ca: string | undefined): ProxyTrust {
    return {
      ca: [...(ca === undefined ? [] : [ca]), ...systemAuthorities()],
      allowPartialTrustChain: true,
      rejectUnauthorized: !this.#access.cluster.insecureSkipTlsVerify,
    };
  }

  #makeAgent(certificate: { cert: string; key: string } | undefined, ca: string | undefined): Agent {
    const kept = { keepAlive: true, autoSelectFamilyAttemptTimeout: addressTimeoutMs };
    if (this.#access.server.protocol === 'http:') return new http.Agent(kept);
    const { insecureSkipTlsVerify, tlsServerName } = this.#access.cluster;
    // Made once: Node makes one for each connection of its own, which takes as long as the handshake.
    const secureContext = tls.createSecureContext({
      // Go trusts each certificate that it is given, an intermediate as well; OpenSSL by itself only a chain that ends in a root.
      ...(ca === undefined
        ? insecureSkipTlsVerify
          ? {}
          : { ca: systemAuthorities() }
        : { ca, allowPartialTrustChain: true }),
      ...(certificate ?? {}),
    });
    const options: https.AgentOptions & Pick<tls.ConnectionOptions, 'secureContext'> = {
      ...kept,
      // Said in both cases, so that NODE_TLS_REJECT_UNAUTHORIZED has no say.
      rejectUnauthorized: !insecureSkipTlsVerify,
      secureContext,
      ...(tlsServerName ? serverName(tlsServerName) : {}),
    };
    return new https.Agent(options);
  }
}

/** An address is no name for SNI (RFC 6066, section 3), and Node warns of one: it is only looked for in the certificate. */
function serverName(name: string): tls.ConnectionOptions {
  if (!isIP(name)) return { servername: name };
  return { servername: '', checkServerIdentity: (_host, certificate) => tls.checkServerIdentity(name, certificate) };
}

const methods = { get: 'GET', list: 'GET', watch: 'GET', create: 'POST', patch: 'PATCH', delete: 'DELETE' } as const;

/** kubectl trusts what the machine trusts; Node by itself only what it was built with. */
function systemAuthorities(): string[] {
  return [...new Set([...tls.getCACertificates('default'), ...tls.getCACertificates('system')])];
}
