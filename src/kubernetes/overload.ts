import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiError } from './api-error.ts';
import type { ApiRequest } from './request.ts';

/** Retries in a row, and how long one answer may make us wait. */
const retries = 3;
const longestMs = 5_000;
/** Of a 429 that does not say when. */
const usualMs = 1_000;

/**
 * Waits as long as an overloaded API server asks for, then returns: the request can be sent again. Throws `error` when it is another, asks for
 * longer than 5 s, or has come a fourth time.
 * A creation is not repeated after 503: a load balancer says that too, of a request that may have arrived.
 */
export async function waitOut(
  error: ApiError,
  attempts: number,
  { verb }: Pick<ApiRequest, 'verb'>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const isRetried =
    error.status === 429 || (error.status === 503 && error.retryAfterMs !== undefined && verb !== 'create');
  const ms = error.retryAfterMs ?? usualMs;
  if (!isRetried || error.isPermanent || attempts >= retries || ms > longestMs) throw error;
  await sleep(ms, undefined, signal ? { signal } : {}).catch(() => {
    throw error;
  });
}
