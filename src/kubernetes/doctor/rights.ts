import type { V1SelfSubjectReview } from '@kubernetes/client-node';
import type { RightAt } from '../../facts.ts';
import { isStatus } from '../api-error.ts';
import { denied, type Permission, permissionOf, unheldPermissions } from '../permissions.ts';
import { resources } from '../request.ts';
import type { Rest } from '../rest.ts';

/** Of these rights those that are not allowed: one request for each namespace, and one for each right at the scope of the cluster. */
export async function missingRights(rest: Rest, asked: readonly RightAt[]): Promise<RightAt[] | undefined> {
  const places = [...new Set(asked.map(({ namespace }) => namespace))];
  const answers = await Promise.all(
    places.map(async (namespace) => {
      const here = asked.filter((right) => right.namespace === namespace);
      const permissions = here.map(permissionOf);
      const unheld = await unheldIn(rest, namespace, permissions);
      return unheld && here.filter((_, index) => unheld.includes(permissions[index] as Permission));
    }),
  );
  const all = answers.filter((answer) => answer !== undefined);
  return all.length < answers.length ? undefined : asked.filter((right) => all.some((some) => some.includes(right)));
}

/** What is allowed in a namespace says nothing of the others: the scope of the cluster is asked for by itself. */
function unheldIn(
  rest: Rest,
  namespace: string | undefined,
  permissions: readonly Permission[],
): Promise<Permission[] | undefined> {
  return namespace === undefined
    ? denied(rest, undefined, permissions)
    : unheldPermissions(rest, namespace, permissions);
}

/** Undefined: the API server does not say. */
export async function userName(rest: Rest): Promise<string | undefined> {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
  try {
    const asked = { verb: 'create', resource: resources.selfsubjectreviews, body } as const;
    const { status } = await rest.json<V1SelfSubjectReview>(asked);
    return status?.userInfo?.username;
  } catch (error) {
    if (isStatus(error, 403, 404)) return undefined;
    throw error;
  }
}
