import type { Remains } from '../ports.ts';
import { isStatus } from './api-error.ts';
import { removeObject } from './remove.ts';
import { resources } from './request.ts';
import type { Rest } from './rest.ts';

/**
 * Deletes objects by name and uid: one of the same name that came after them stays. A pod goes at once, since the containers of such a one have ended
 * and nothing is left for a grace period.
 */
export async function discard(
  rest: Rest,
  namespace: string,
  remains: readonly Remains[],
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(
    remains.map(async ({ kind, name, uid }) => {
      const options = { ...(kind === 'pod' ? { gracePeriodSeconds: 0 } : {}), preconditions: { uid } };
      const resource = kind === 'pod' ? resources.pods : resources.configmaps;
      try {
        await removeObject(rest, resource, name, namespace, signal, options);
      } catch (error) {
        // It is gone, or (409) another has its name.
        if (!isStatus(error, 404, 409)) throw error;
      }
    }),
  );
}
