import type { KubernetesObject } from '@kubernetes/client-node';
import { ChaosError } from '../errors.ts';
import type { Resource } from './request.ts';
import type { Rest } from './rest.ts';

const shown = 5;

/** The error for a name that is not there, with the names that are: one more request, which may fail without a loss. */
export async function noSuchObject(
  rest: Rest,
  kind: string,
  resource: Resource,
  name: string,
  namespace: string,
): Promise<ChaosError> {
  const { items } = await rest
    .json<{ items: KubernetesObject[] }>({ verb: 'list', resource, namespace, query: { limit: 500 } })
    .catch(() => ({ items: undefined }));
  const hint =
    items &&
    namesHint(
      kind,
      namespace,
      similarFirst(
        name,
        items.map((item) => item.metadata?.name ?? ''),
      ),
    );
  return new ChaosError(
    'not-found',
    `there is no ${kind} "${name}" in namespace ${namespace}`,
    hint === undefined ? {} : { hint },
  );
}

function namesHint(kind: string, namespace: string, names: readonly string[]): string {
  if (names.length === 0) return `namespace ${namespace} has no ${kind}s, or does not exist: check -n NAMESPACE`;
  if (names.length === 1) return `available: ${names[0]}`;
  return `${names.length > shown ? 'most similar' : 'available'}: ${names.slice(0, shown).join(', ')}`;
}

/** Names sorted by how long a beginning they share with `name`, then by name. */
export function similarFirst(name: string, names: readonly string[]): string[] {
  const shared = (other: string): number => {
    let length = 0;
    while (length < name.length && name[length] === other[length]) length++;
    return length;
  };
  return [...names].sort((a, b) => shared(b) - shared(a) || a.localeCompare(b));
}
