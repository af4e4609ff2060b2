import type { V1Deployment, V1ReplicaSet, V1StatefulSet } from '@kubernetes/client-node';
import type { BudgetFacts, PodFacts, WorkloadFacts } from '../../facts.ts';
import { isFor, listBudgets } from '../budgets.ts';
import { type Resource, resources } from '../request.ts';
import type { Rest } from '../rest.ts';

interface Replicated {
  spec?: { replicas?: number };
  status?: { readyReplicas?: number; desiredNumberScheduled?: number; numberReady?: number };
}

const replicated: Readonly<Record<string, Resource>> = {
  Deployment: resources.deployments,
  ReplicaSet: resources.replicasets,
  StatefulSet: resources.statefulsets,
  DaemonSet: resources.daemonsets,
  ReplicationController: resources.replicationcontrollers,
};

/** What made the pod: of a ReplicaSet its Deployment, if it has one. Undefined: nothing did that has replicas. */
export async function workloadFacts(
  rest: Rest,
  { namespace, owner }: Pick<PodFacts, 'namespace' | 'owner'>,
): Promise<WorkloadFacts | undefined> {
  if (owner?.kind !== 'ReplicaSet') return ofOwner(rest, namespace, owner);
  const set = await get<V1ReplicaSet>(rest, resources.replicasets, namespace, owner.name);
  const above = set.metadata?.ownerReferences?.find(({ controller, kind }) => controller && kind === 'Deployment');
  return above ? ofOwner(rest, namespace, above) : replicasOf('replicaset', owner.name, set);
}

async function ofOwner(rest: Rest, namespace: string, owner: PodFacts['owner']): Promise<WorkloadFacts | undefined> {
  const resource = owner && Object.hasOwn(replicated, owner.kind) ? replicated[owner.kind] : undefined;
  if (!owner || !resource) return undefined;
  const found = await get<V1Deployment | V1StatefulSet>(rest, resource, namespace, owner.name);
  return replicasOf(owner.kind.toLowerCase(), owner.name, found as Replicated);
}

function get<T>(rest: Rest, resource: Resource, namespace: string, name: string): Promise<T> {
  return rest.json<T>({ verb: 'get', resource, namespace, name });
}

/** Of a DaemonSet one for each node. A status leaves a count of none out. */
function replicasOf(kind: string, name: string, { spec, status }: Replicated): WorkloadFacts {
  const wanted = status?.desiredNumberScheduled ?? spec?.replicas;
  return {
    name: `${kind}/${name}`,
    ...(wanted === undefined ? {} : { wanted }),
    ready: status?.numberReady ?? status?.readyReplicas ?? 0,
  };
}

/** Those of the namespace whose selector finds the pod. */
export async function budgetFacts(
  rest: Rest,
  { namespace, labels }: Pick<PodFacts, 'namespace' | 'labels'>,
): Promise<BudgetFacts[]> {
  const budgets = await listBudgets(rest, namespace);
  return budgets
    .filter((budget) => isFor(budget, labels))
    .map(({ metadata, status }) => ({ name: metadata?.name ?? '', allowed: status?.disruptionsAllowed ?? 0 }));
}
