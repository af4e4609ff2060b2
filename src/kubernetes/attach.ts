import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { ChaosError } from '../errors.ts';
import type { Attachment } from '../ports.ts';
import { ApiError, answerError, type ErrorAnswer, transportError } from './api-error.ts';
import { type AttachLimits, ContainerStream, defaultLimits, type End } from './attachment.ts';
import { Offers } from './channel.ts';
import { kubeletProblem } from './kubelet-error.ts';
import { waitOut } from './overload.ts';
import { type ApiRequest, resources } from './request.ts';
import type { Rest } from './rest.ts';

/** A container to attach to. */
export interface AttachTarget {
  namespace: string;
  pod: string;
  container: string;
  node: string;
  /** Its node's container runtime and the version (`cri-o://1.37.0`), asked for only when nothing comes through the stream; undefined: not known. */
  runtime(): Promise<string | undefined>;
}

/**
 * Attaches to a running container's stdin, stdout and stderr. Waits as long as an overloaded server asks for, at most three times 5 s.
 * Rejects with ChaosError when the API server or the kubelet refuses. A stream through which nothing comes ends by itself; `offers`, kept from one
 * attach to the next, has the next one made by an older subprotocol, and when there is none, `closed` says so with an error.
 */
export async function attach(
  rest: Rest,
  where: AttachTarget,
  signal: AbortSignal,
  offers: Offers = new Offers(),
  limits: AttachLimits = defaultLimits,
): Promise<Attachment> {
  const request: ApiRequest = {
    verb: 'get',
    resource: resources.pods,
    subresource: 'attach',
    namespace: where.namespace,
    name: where.pod,
    query: { container: where.container, stdin: true, stdout: true, stderr: true, tty: false },
  };
  for (let attempts = 0; ; attempts++) {
    try {
      const { socket, stream } = await open(rest, request, signal, offers, limits);
      const { protocol } = socket;
      const isLast = offers.isLast(protocol);
      const silentMs = isLast ? limits.lastSilentMs : limits.silentMs;
      stream.expectWord(silentMs, () => silence(where, protocol, isLast, offers, silentMs));
      return stream;
    } catch (error) {
      if (!(error instanceof ApiError) || signal.aborted) throw error;
      await waitOut(error, attempts, request, signal);
    }
  }
}

/** How a stream ends through which nothing came: some releases of CRI-O take v5.channel.k8s.io and then carry nothing. */
async function silence(
  { node, runtime }: AttachTarget,
  protocol: string,
  isLast: boolean,
  offers: Offers,
  silentMs: number,
): Promise<End> {
  offers.wasSilent(protocol);
  const version = await runtime();
  const who = version === undefined ? '' : `, container runtime ${version}`;
  const reason = `nothing came from node ${node} by ${protocol} within ${silentMs / 1_000}s${who}`;
  if (!isLast) return { clean: false, reason };
  const message = `the attach to the agent on node ${node} opens, but nothing comes through it by ${offers.silent.join(' or ')}${who}`;
  const error = new ApiError(0, 'unreachable', message, {
    hint: 'the container runtime, or a proxy before the API server, keeps back what is sent: see whether kubectl attach -i works there, and reach the API server itself with --server',
    isPermanent: true,
    barsAttach: true,
    doctorLine: 'websocket',
  });
  return { clean: false, reason, error };
}

async function open(
  rest: Rest,
  request: ApiRequest,
  signal: AbortSignal,
  offers: Offers,
  limits: AttachLimits,
): Promise<{ socket: WebSocket; stream: ContainerStream }> {
  const dial = await rest.dial(request);
  signal.throwIfAborted();
  const socket = new WebSocket(dial.url, [...offers.names], {
    agent: dial.agent,
    headers: dial.headers as Record<string, string>,
    handshakeTimeout: limits.handshakeMs,
    perMessageDeflate: false,
    followRedirects: false,
    ...(dial.url.startsWith('wss:') ? { generateMask: noMask } : {}),
  });
  // From the first moment: what the server sends right behind its 101 would otherwise come before anybody listens.
  const stream = new ContainerStream(socket, limits);
  const abort = (): void => stream.close();
  signal.addEventListener('abort', abort, { once: true });
  void stream.closed.then(() => signal.removeEventListener('abort', abort));
  await opened(socket, request, rest, offers, limits.handshakeMs);
  signal.throwIfAborted();
  return { socket, stream };
}

/**
 * Of zeros, which changes nothing. A mask keeps what a script in a browser sends from being taken for something else by a proxy that reads along (RFC 6455, section 10.3): within TLS none can, and for
 * tools that are sent to many nodes it would take as long as to encrypt them.
 */
function noMask(mask: Buffer): void {
  mask.fill(0);
}

function opened(
  socket: WebSocket,
  request: ApiRequest,
  rest: Rest,
  offers: Offers,
  handshakeMs: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('unexpected-response', (_request, response: IncomingMessage) => {
      void refusal(response, request, rest).then((error) => {
        reject(error);
        socket.terminate();
      });
    });
    socket.once('error', (error) => reject(handshakeError(error, rest.server, offers, handshakeMs)));
    socket.once('close', () =>
      reject(new ChaosError('connection-lost', `the attach to ${request.name} was closed during the handshake`)),
    );
  });
}

/** What ws says of a handshake that failed; it has no codes for these two. */
function handshakeError(error: Error, server: string, offers: Offers, handshakeMs: number): ApiError {
  if (/subprotocol/.test(error.message)) return noSubprotocol(error, server, offers);
  if (!/handshake has timed out/.test(error.message)) return transportError(error, server);
  return new ApiError(0, 'unreachable', `${server} has not attached to the agent within ${handshakeMs / 1_000}s`, {
    hint: "the API server may not reach port 10250 of the agent's node: kubectl logs and kubectl exec then hang there as well",
    cause: error,
    isPermanent: true,
    barsAttach: true,
    doctorLine: 'websocket',
  });
}

function noSubprotocol(cause: Error, server: string, { names, silent }: Offers): ApiError {
  const others = silent.length > 0 ? `, and nothing came by ${silent.join(' or ')}` : '';
  return new ApiError(0, 'api', `${server} speaks none of ${names.join(', ')} for attach${others}`, {
    hint: 'the API server, or a proxy before it, is too old or does not support WebSockets',
    cause,
    isPermanent: true,
    barsAttach: true,
    doctorLine: 'websocket',
  });
}

/** What an answer means that is no upgrade. */
export async function refusal(response: IncomingMessage, request: ApiRequest, rest: Rest): Promise<ApiError> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer);
  } catch {
    // The status line alone has to do.
  }
  const body = Buffer.concat(chunks).toString('utf8');
  const status = response.statusCode ?? 0;
  const answer = { status, body, retryAfter: response.headers['retry-after'] };
  return isWithoutUpgrade(status, body)
    ? noWebSocket(answer, request, rest, response.headers.location)
    : answerError(answer, request, rest.server);
}

/** What comes back when something on the way drops `Upgrade: websocket`: its own page, or the API server's request for the header. */
function isWithoutUpgrade(status: number, body: string): boolean {
  if (/Upgrade request required/.test(body)) return true;
  // By v4 the API server passes the connection on: what the kubelet answers comes as it is, and is no Status.
  if (/"kind":\s*"Status"/.test(body) || kubeletProblem(body)) return false;
  // The kubelet says 404 too, of a pod or a container that is not there yet.
  if (status === 404) return body.trim() === '' || /<\w|page not found|default backend/i.test(body);
  return status < 400 || [400, 403, 405, 426, 501, 502].includes(status);
}

/** `location`: of an answer that redirects. */
function noWebSocket(answer: ErrorAnswer, request: ApiRequest, rest: Rest, location: string | undefined): ApiError {
  const why = answerError(answer, request, rest.server);
  const way = rest.proxy ? `the proxy ${rest.proxy}` : 'a proxy or load balancer';
  return new ApiError(
    answer.status,
    answer.status === 403 ? 'forbidden' : 'unreachable',
    `${rest.server} did not open the WebSocket of ${request.subresource ?? request.verb}, it answered ${answer.status}: ${way} before it ${elsewhere(location, rest) ?? 'seems to drop "Upgrade: websocket"'}`,
    {
      hint: passOn(rest),
      cause: why,
      isPermanent: true,
      barsAttach: true,
      doctorLine: 'websocket',
    },
  );
}

/** Without the path of where it leads to, which may be what somebody signs in with. */
function elsewhere(location: string | undefined, { server }: Pick<Rest, 'server'>): string | undefined {
  const to = location === undefined ? null : URL.parse(location, server);
  return to ? `sends it on to ${to.origin}` : undefined;
}

/** What helps where something on the way drops an upgrade. */
export function passOn({ proxy }: Pick<Rest, 'proxy'>): string {
  return proxy
    ? 'except the server from the proxy (NO_PROXY, or proxy-url of the kubeconfig), or let the proxy pass WebSockets on'
    : 'let it pass on "Connection: Upgrade" and "Upgrade: websocket", or name the API server itself with --server';
}
