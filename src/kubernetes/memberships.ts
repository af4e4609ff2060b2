import type { KubernetesObject, V1OwnerReference, V1Pod, V1PodDisruptionBudget } from '@kubernetes/client-node';
import { ChaosError } from '../errors.ts';
import type { Memberships } from '../ports.ts';
import { isStatus } from './api-error.ts';
import { isFor, listBudgets } from './budgets.ts';
import { keeperName, keeperOf } from './prospects.ts';
import { type Resource, resources } from './request.ts';
import type { Rest } from './rest.ts';
import { isReady } from './workload.ts';

/** What of a workload's status says how many of its pods are ready: of a job since Kubernetes 1.24, before that how many run. */
interface Workload extends KubernetesObject {
  status?: { readyReplicas?: number; numberReady?: number; ready?: number; active?: number };
}

interface Kept {
  name: string;
  readyPods: number;
}

const kinds: Readonly<Record<string, Resource>> = {
  ReplicaSet: resources.replicasets,
  StatefulSet: resources.statefulsets,
  DaemonSet: resources.daemonsets,
  Job: resources.jobs,
  ReplicationController: resources.replicationcontrollers,
};

/** What makes the pods, and what is promised of them: one or two requests for each workload, and one for all budgets. */
export async function memberships(rest: Rest, listed: readonly V1Pod[]): Promise<Memberships> {
  const pods = [...new Map(listed.map((pod) => [pod.metadata?.uid ?? '', pod])).values()];
  const namespace = pods[0]?.metadata?.namespace ?? '';
  const unknown = new Set<string>();
  const orUnknown = <T>(what: string, found: Promise<T>): Promise<T | undefined> =>
    found.catch((error: unknown) => {
      if (!(error instanceof ChaosError)) throw error;
      unknown.add(`${what} (${error.message})`);
      return undefined;
    });
  const owners = new Map<string, Promise<Kept | undefined>>();
  const workloadOf = (pod: V1Pod): Promise<Kept | undefined> => {
    const owner = keeperOf(pod);
    if (!owner) return Promise.resolve(undefined);
    const name = keeperName(owner);
    const found =
      owners.get(name) ??
      orUnknown(`ready pods of ${name}`, keptBy(rest, owner, pod.metadata?.labels ?? {}, namespace));
    owners.set(name, found);
    return found;
  };
  const [budgets, workloads] = await Promise.all([
    orUnknown('PodDisruptionBudgets', listBudgets(rest, namespace)),
    Promise.all(pods.map(workloadOf)),
  ]);
  return {
    pods: pods.map((pod, index) => {
      const workload = workloads[index]?.name;
      return { uid: pod.metadata?.uid ?? '', isReady: isReady(pod), ...(workload === undefined ? {} : { workload }) };
    }),
    workloads: [...new Map(workloads.flatMap((one) => (one ? [[one.name, one]] : []))).values()],
    budgets: (budgets ?? []).flatMap((budget) => budgetOf(budget, pods)),
    unknown: [...unknown],
  };
}

/** The number of ready pods of what owns a pod; for a ReplicaSet of a Deployment, of the Deployment. */
async function keptBy(
  rest: Rest,
  { kind, name }: V1OwnerReference,
  labels: Readonly<Record<string, string>>,
  namespace: string,
): Promise<Kept | undefined> {
  const resource = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  if (!resource) throw new ChaosError('api', `${kind} is not a kind that is known here`);
  const hash = labels['pod-template-hash'];
  // The deployment controller names its ReplicaSets so: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#pod-template-hash-label
  if (kind === 'ReplicaSet' && hash !== undefined && name.endsWith(`-${hash}`)) {
    const deployment = name.slice(0, -hash.length - 1);
    try {
      return await kept(rest, resources.deployments, 'deployment', deployment, namespace);
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
    }
  }
  return kept(rest, resource, kind.toLowerCase(), name, namespace);
}

async function kept(rest: Rest, resource: Resource, kind: string, name: string, namespace: string): Promise<Kept> {
  const { status = {} } = await rest.json<Workload>({ verb: 'get', resource, namespace, name });
  const readyPods = status.readyReplicas ?? status.numberReady ?? status.ready ?? status.active ?? 0;
  return { name: `${kind}/${name}`, readyPods };
}

/** None: it selects none of the pods. */
function budgetOf(budget: V1PodDisruptionBudget, pods: readonly V1Pod[]): Memberships['budgets'] {
  const { metadata, status } = budget;
  const selected = pods.filter((pod) => isFor(budget, pod.metadata?.labels));
  if (!status || selected.length === 0) return [];
  return [
    {
      name: metadata?.name ?? '',
      pods: selected.map((pod) => pod.metadata?.uid ?? ''),
      healthy: status.currentHealthy ?? 0,
      needed: status.desiredHealthy ?? 0,
    },
  ];
}
