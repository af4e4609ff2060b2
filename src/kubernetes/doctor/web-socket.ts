import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { ChaosError } from '../../errors.ts';
import type { Upgrade } from '../../facts.ts';
import { ApiError, transportError } from '../api-error.ts';
import { attach, passOn, refusal } from '../attach.ts';
import { defaultLimits } from '../attachment.ts';
import { Offers } from '../channel.ts';
import { type ApiRequest, resources } from '../request.ts';
import type { Rest } from '../rest.ts';

/** From the request to the open WebSocket, as of an attach, and from there to the first event. Milliseconds. */
export interface UpgradeLimits {
  handshakeMs: number;
  firstMs: number;
}

const usualLimits: UpgradeLimits = { handshakeMs: defaultLimits.handshakeMs, firstMs: 3_000 };

/** A pod that there is none of. */
const noPod = 'kubectl-chaos-doctor';

/**
 * Opens a watch as a WebSocket, by the way that an attach takes: nothing has to be there to be attached to. The API server sends the pod that is named at
 * once. It refuses a handshake without an Origin (golang.org/x/net/websocket, checkOrigin), and ends what was not upgraded after some seconds.
 */
export async function watchUpgrade(
  rest: Rest,
  namespace: string,
  pod: string | undefined,
  limits = usualLimits,
): Promise<Upgrade> {
  const request: ApiRequest = {
    ...{ verb: 'watch', resource: resources.pods, namespace },
    query: { watch: true, fieldSelector: `metadata.name=${pod ?? noPod}`, timeoutSeconds: 20 },
  };
  const dial = await rest.dial(request);
  const socket = new WebSocket(dial.url, {
    agent: dial.agent,
    headers: dial.headers as Record<string, string>,
    origin: new URL(rest.server).origin,
    handshakeTimeout: limits.handshakeMs,
    perMessageDeflate: false,
    followRedirects: false,
  });
  // Whatever comes of it after it has been judged.
  socket.on('error', () => undefined);
  try {
    const isHeard = new Promise<true>((resolve) => socket.once('message', () => resolve(true)));
    const refused = await handshake(socket, request, rest);
    if (refused) return refused;
    return pod === undefined ? { state: 'open' } : { state: 'open', carries: await within(limits.firstMs, isHeard) };
  } finally {
    socket.terminate();
  }
}

function handshake(socket: WebSocket, request: ApiRequest, rest: Rest): Promise<Upgrade | undefined> {
  return new Promise((resolve) => {
    socket.once('open', () => resolve(undefined));
    socket.once('unexpected-response', (_request, response: IncomingMessage) => {
      // What follows a watch that was not upgraded is the watch itself.
      const isWatch = (response.statusCode ?? 0) < 300;
      if (isWatch) resolve(dropped(rest));
      else void refusal(response, request, rest).then((error) => resolve(upgradeOf(error)));
    });
    socket.once('error', (error) => resolve(upgradeOf(transportError(error, rest.server))));
  });
}

function dropped(rest: Rest): Upgrade {
  const way = rest.proxy ? `the proxy ${rest.proxy}` : 'a proxy or load balancer';
  return {
    state: 'refused',
    message: `${rest.server} answered as if no WebSocket had been asked for: ${way} before it drops "Upgrade: websocket"`,
    remedy: passOn(rest),
  };
}

/** No answer, or that of something before the API server, is a matter of the way. */
function upgradeOf({ status, message, hint, cause }: ApiError): Upgrade {
  // What `refusal` puts around an answer that is not the API server's.
  const isOfTheWay = status === 0 || cause instanceof ApiError;
  if (!isOfTheWay) return { state: 'answered', status, message };
  return { state: 'refused', message, ...(hint === undefined ? {} : { remedy: hint }) };
}

async function within(ms: number, happens: Promise<true>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  try {
    return await Promise.race([happens, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** An attach to a pod that is not there: the API server itself says so, a proxy that allows no attach does not let it come to that. */
export async function attachUpgrade(rest: Rest, namespace: string, limits = usualLimits): Promise<Upgrade> {
  const where = { namespace, pod: noPod, container: noPod, node: '', runtime: async () => undefined };
  const stop = new AbortController();
  try {
    const stream = await attach(rest, where, stop.signal, new Offers(), {
      ...defaultLimits,
      handshakeMs: limits.handshakeMs,
    });
    stream.close();
    return { state: 'open' };
  } catch (error) {
    if (error instanceof ApiError) return upgradeOf(error);
    // Closed during the handshake, without a word.
    if (error instanceof ChaosError) return { state: 'refused', message: error.message };
    throw error;
  }
}
