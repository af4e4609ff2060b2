import type { V1LocalObjectReference, V1Pod } from '@kubernetes/client-node';
import type { RunningImage } from '../ports.ts';
import { isStatus } from './api-error.ts';
import { podsOfNode, resources } from './request.ts';
import type { Rest } from './rest.ts';

/**
 * Images that containers of the node run on, each once, and in the order of the list; of the agent's namespace alone where no more may be listed. A pod
 * with a runtime class is left out: its image need not be where the node's own runtime looks. Empty where none may be listed.
 */
export async function imagesOn(rest: Rest, node: string, agentNamespace: string): Promise<RunningImage[]> {
  try {
    return runningImages(await podsOf(rest, node));
  } catch (error) {
    if (!isStatus(error, 403)) throw error;
  }
  try {
    return runningImages(await podsOf(rest, node, agentNamespace));
  } catch (error) {
    if (!isStatus(error, 403)) throw error;
    return [];
  }
}

async function podsOf(rest: Rest, node: string, namespace?: string): Promise<V1Pod[]> {
  const where = namespace === undefined ? {} : { namespace };
  const request = { verb: 'list', resource: resources.pods, ...where, query: podsOfNode(node) } as const;
  return (await rest.json<{ items: V1Pod[] }>(request)).items;
}

/** By the names in the specs, as a policy knows them; a status tells that the node has it. Pure. */
export function runningImages(pods: readonly V1Pod[]): RunningImage[] {
  const found = new Map<string, RunningImage>();
  for (const { metadata, spec, status } of pods) {
    if (spec?.runtimeClassName !== undefined) continue;
    for (const { name, image } of spec?.containers ?? []) {
      const now = status?.containerStatuses?.find((one) => one.name === name);
      if (image === undefined || !now?.state?.running || !now.imageID) continue;
      const where = { namespace: metadata?.namespace ?? '', pod: metadata?.name ?? '' };
      const key = `${where.namespace} ${image}`;
      if (!found.has(key)) found.set(key, { image, ...where, imagePullSecrets: secretNames(spec?.imagePullSecrets) });
    }
  }
  return [...found.values()];
}

/** https://kubernetes.io/docs/concepts/containers/images/: a reference without a name says nothing. */
export function secretNames(references: readonly V1LocalObjectReference[] = []): string[] {
  return references.flatMap(({ name }) => (name ? [name] : []));
}
