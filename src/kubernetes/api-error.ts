import type { V1Status } from '@kubernetes/client-node';
import { ChaosError, type ChaosErrorOptions, type ErrorCode, messageOf } from '../errors.ts';
import { firstLine } from '../text.ts';
import { admissionProblem, refusalText } from './admission.ts';
import { kubeletProblem } from './kubelet-error.ts';
import { denialOf, denialText } from './rbac.ts';
import { type ApiRequest, describe, resourceName } from './request.ts';

/** A request that did not succeed: the HTTP status, for the code that handles some of them, or 0 when there was no answer. */
export class ApiError extends ChaosError {
  readonly status: number;
  /** Milliseconds of the answer's Retry-After. */
  readonly retryAfterMs: number | undefined;

  constructor(
    status: number,
    code: ErrorCode,
    message: string,
    options: ChaosErrorOptions = {},
    retryAfterMs?: number,
  ) {
    super(code, message, options);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/** An answer of the API server with one of these HTTP statuses. */
export function isStatus(error: unknown, ...statuses: readonly number[]): error is ApiError {
  return error instanceof ApiError && statuses.includes(error.status);
}

/** The parts of an answer that errors are made of. */
export interface ErrorAnswer {
  status: number;
  body: string;
  retryAfter?: string | undefined;
}

/** What an error answer means to the user. */
export function answerError(answer: ErrorAnswer, request: ApiRequest, server: string): ApiError {
  const status = parseStatus(answer.body);
  const said = status?.message?.trim() || summaryOf(answer.body) || `HTTP ${answer.status}`;
  const retryAfterMs = parseRetryAfter(answer.retryAfter ?? status?.details?.retryAfterSeconds?.toString());
  const isPermanent = answer.status >= 400 && answer.status < 500 && ![404, 408, 409, 429].includes(answer.status);
  const barsAttach = request.subresource === 'attach' && answer.status === 403;
  const error = (code: ErrorCode, message: string, hint?: string): ApiError =>
    new ApiError(
      answer.status,
      code,
      message,
      { isPermanent, barsAttach, ...(hint === undefined ? {} : { hint }) },
      retryAfterMs,
    );

  const kubelet = request.subresource === undefined ? undefined : kubeletProblem(said);
  if (kubelet) {
    const { message, ...options } = kubelet;
    return new ApiError(answer.status, 'unreachable', message, options, retryAfterMs);
  }
  const admission = admissionProblem(said, request);
  if (admission) return error(admission.code, admission.message, admission.hint);

  switch (answer.status) {
    case 400:
      if (!/HTTP request to an HTTPS server/.test(said)) break;
      return error('unreachable', `${server} expects TLS`, 'its address begins with https://');
    case 401:
      return error(
        'unauthorized',
        `${server} does not accept the credentials: ${said}`,
        'sign in again, or check the user of the kubeconfig: kubectl config view --minify',
      );
    case 403: {
      // Without a Status it is not the API server that answered, but something before it.
      if (!status) return error('forbidden', `${server} or a proxy before it refused (403): ${said}`);
      const denial = denialOf(said);
      if (!denial) return error(refusalCode(request), refusalText(request, said));
      const { message, hint } = denialText(denial);
      return error('forbidden', message, hint);
    }
    case 404:
      // Without a Status it is a path that this server does not have, or no API server at all.
      if (!status && request.subresource === undefined) {
        return error(
          'not-found',
          `${server} answered 404 to ${describe(request)}${said === 'HTTP 404' ? '' : `: ${said}`}`,
          'is that the address of an API server? kubectl config view --minify',
        );
      }
      if (status && !status.details?.name)
        return error('not-found', `${server} does not know ${resourceName(request)}: ${said}`);
      return error('not-found', said);
    case 407:
      return error(
        'unreachable',
        `the proxy before ${server} wants a user and a password (407): ${said}`,
        'put them into the URL of the proxy: proxy-url of the kubeconfig, or HTTP_PROXY',
      );
    case 409:
      return error('api', `conflict: ${said}`);
    case 422:
      return error('api', `the API server found the request invalid: ${said}`);
    case 429:
      return error(
        'api',
        `the API server is overloaded: ${said}`,
        retryAfterMs === undefined ? 'try again later' : `try again in ${Math.ceil(retryAfterMs / 1_000)}s`,
      );
    default:
  }
  return error('api', `${server} answered ${answer.status} to ${describe(request)}: ${said}`);
}

/** Authorization names the rule that is missing; what else is refused of a change is refused by an admission plugin. */
function refusalCode({ verb }: ApiRequest): ErrorCode {
  return ['create', 'patch', 'delete'].includes(verb) ? 'admission' : 'forbidden';
}

/** A Status, if that is what the text is. */
function parseStatus(body: string): V1Status | undefined {
  try {
    const value = JSON.parse(body) as V1Status | null;
    return value?.kind === 'Status' || typeof value?.status === 'string' ? (value as V1Status) : undefined;
  } catch {
    return undefined;
  }
}

function parseRetryAfter(value: string | undefined): number | undefined {
  return value !== undefined && /^\d+$/.test(value) ? Number(value) * 1_000 : undefined;
}

/** Of a body that is no Status: what a proxy says, as text or as a page. */
function summaryOf(body: string): string {
  const line = firstLine(body.replace(/<[^>]*>/g, ' '));
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}

const certificateCodes = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
]);

/** What a request without an answer means: names the server and what failed on the way to it. */
export function transportError(error: unknown, server: string): ApiError {
  if (error instanceof ApiError) return error;
  const { code = '', message, cause } = error as NodeJS.ErrnoException;
  const make = (errorCode: ErrorCode, text: string, hint?: string): ApiError =>
    new ApiError(0, errorCode, text, { cause: error, ...(hint === undefined ? {} : { hint }) });
  if (error instanceof ChaosError) return make(error.code, error.message, error.hint);

  const inner = error instanceof AggregateError ? (error.errors[0] as NodeJS.ErrnoException) : undefined;
  switch (code || inner?.code) {
    case 'ECONNREFUSED':
      return make(
        'unreachable',
        `${server} refuses connections: nothing listens there`,
        'is the cluster up, and is this its address? kubectl cluster-info',
      );
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return make(
        'unreachable',
        `the name of ${server} cannot be resolved (${code})`,
        'check the server of the context, the network, and the VPN',
      );
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ETIMEDOUT':
      return make(
        'unreachable',
        `${server} cannot be reached (${code || inner?.code})`,
        'check the network and the VPN',
      );
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return make(
        'unreachable',
        `the certificate of ${server} is for another name: ${message}`,
        'use the name in the certificate, or --tls-server-name NAME',
      );
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return make(
        'unreachable',
        `the certificate of ${server} is not valid now (${code})`,
        'check the clock of this machine, then the certificate',
      );
    default:
  }
  if (certificateCodes.has(code)) {
    return make(
      'unreachable',
      `the certificate of ${server} is signed by an authority that is not trusted (${code})`,
      'pass --certificate-authority FILE, or correct it in the kubeconfig',
    );
  }
  if (/wrong version number|http_request|packet length too long/.test(message ?? '')) {
    return make('unreachable', `${server} does not speak TLS`, 'is it http:// ?');
  }
  if (/alert (?:bad certificate|certificate (?:required|unknown|expired)|unknown ca)/.test(message ?? '')) {
    return make(
      'unauthorized',
      `${server} does not accept the client certificate: ${message}`,
      'sign in again, or check the user of the kubeconfig',
    );
  }
  const why = message || messageOf(cause instanceof Error ? cause : error);
  return make(
    'unreachable',
    `the connection to ${server} broke: ${why}`,
    'try again; if it stays so, check the network between here and the API server',
  );
}
