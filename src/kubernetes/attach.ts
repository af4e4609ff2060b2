import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { ChaosError } from '../errors.ts';
import type { Attachment } from '../ports.ts';
import { ApiError, answerError, transportError } from './api-error.ts';
import { type AttachLimits, ContainerStream, defaultLimits } from './attachment.ts';
import { subprotocols } from './channel.ts';
import { type ApiRequest, resources } from './request.ts';
import type { Rest } from './rest.ts';

/** Attaches to a running container's stdin, stdout and stderr. Rejects with ChaosError when the API server or the kubelet refuses. */
export async function attach(
  rest: Rest,
  where: { namespace: string; pod: string; container: string },
  signal: AbortSignal,
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
  const dial = await rest.dial(request);
  signal.throwIfAborted();
  const socket = new WebSocket(dial.url, [...subprotocols], {
    agent: dial.agent,
    headers: dial.headers as Record<string, string>,
    handshakeTimeout: limits.handshakeMs,
    perMessageDeflate: false,
    followRedirects: false,
  });
  // From the first moment: what the server sends right behind its 101 would otherwise come before anybody listens.
  const stream = new ContainerStream(socket, limits);
  const abort = (): void => stream.close();
  signal.addEventListener('abort', abort, { once: true });
  void stream.closed.then(() => signal.removeEventListener('abort', abort));
  await opened(socket, request, rest.server);
  signal.throwIfAborted();
  return stream;
}

function opened(socket: WebSocket, request: ApiRequest, server: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('unexpected-response', (_request, response: IncomingMessage) => {
      void refusal(response, request, server).then((error) => {
        reject(error);
        socket.terminate();
      });
    });
    socket.once('error', (error) =>
      reject(/subprotocol/.test(error.message) ? noSubprotocol(error, server) : transportError(error, server)),
    );
    socket.once('close', () =>
      reject(new ChaosError('connection-lost', `the attach to ${request.name} was closed during the handshake`)),
    );
  });
}

function noSubprotocol(cause: Error, server: string): ApiError {
  return new ApiError(0, 'api', `${server} speaks none of ${subprotocols.join(', ')} for attach`, {
    hint: 'the API server, or a proxy before it, is too old or does not support WebSockets',
    cause,
  });
}

async function refusal(response: IncomingMessage, request: ApiRequest, server: string): Promise<ApiError> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer);
  } catch {
    // The status line alone has to do.
  }
  const body = Buffer.concat(chunks).toString('utf8');
  return answerError(
    { status: response.statusCode ?? 0, body, retryAfter: response.headers['retry-after'] },
    request,
    server,
  );
}
