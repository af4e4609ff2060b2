import type { V1Namespace } from '@kubernetes/client-node';
import type { NamespaceFacts } from '../../facts.ts';
import { resources } from '../request.ts';
import type { Rest } from '../rest.ts';
import { protectionOf } from '../surroundings.ts';

/** https://kubernetes.io/docs/concepts/security/pod-security-admission/#pod-security-admission-labels-for-namespaces */
const enforce = 'pod-security.kubernetes.io/enforce';

export async function namespaceFacts(rest: Rest, name: string): Promise<NamespaceFacts> {
  const { metadata, status } = await rest.json<V1Namespace>({ verb: 'get', resource: resources.namespaces, name });
  const enforced = metadata?.labels?.[enforce];
  return {
    name,
    isTerminating: metadata?.deletionTimestamp !== undefined || status?.phase === 'Terminating',
    ...(enforced === undefined ? {} : { enforced }),
    protectedBy: protectionOf(metadata, `namespace ${name}`),
  };
}
