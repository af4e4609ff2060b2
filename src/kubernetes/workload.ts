import type { KubernetesObject, V1Job, V1LabelSelector, V1Pod } from '@kubernetes/client-node';
import { ChaosError } from '../errors.ts';
import type { TargetQuery } from '../ports.ts';
import { isStatus } from './api-error.ts';
import { noSuchObject } from './not-found.ts';
import { type Resource, resources } from './request.ts';
import type { Rest } from './rest.ts';

/** A list of pods and the version of the list, from which a watch can go on. */
export interface PodList {
  items: V1Pod[];
  metadata?: { resourceVersion?: string };
}

export const workloadResources: Readonly<Record<Exclude<TargetQuery['kind'], 'pod' | 'cronjob'>, Resource>> = {
  deployment: resources.deployments,
  replicaset: resources.replicasets,
  statefulset: resources.statefulsets,
  daemonset: resources.daemonsets,
  job: resources.jobs,
  replicationcontroller: resources.replicationcontrollers,
  service: resources.services,
};

interface Workload extends KubernetesObject {
  spec?: { selector?: V1LabelSelector | Record<string, string> };
}

/** One pod by its name, whatever its state. Rejects with not-found when there is none. */
export function podNamed(rest: Rest, name: string, namespace: string): Promise<V1Pod> {
  return rest.json<V1Pod>({ verb: 'get', resource: resources.pods, namespace, name }).catch(async (error: unknown) => {
    throw isStatus(error, 404) ? await noSuchObject(rest, 'pod', resources.pods, name, namespace) : error;
  });
}

/** The pods that the selector of a workload or a service finds, whatever their state. Rejects with not-found when there is no such workload. */
export async function podsOfWorkload(
  rest: Rest,
  kind: Exclude<TargetQuery['kind'], 'pod'>,
  name: string,
  namespace: string,
): Promise<PodList> {
  if (kind === 'cronjob') return podsOfCronJob(rest, name, namespace);
  const resource = workloadResources[kind];
  const workload = await rest
    .json<Workload>({ verb: 'get', resource, namespace, name })
    .catch(async (error: unknown) => {
      throw isStatus(error, 404) ? await noSuchObject(rest, kind, resource, name, namespace) : error;
    });
  const selector = workload.spec?.selector;
  const labelSelector =
    kind === 'replicationcontroller' || kind === 'service'
      ? formatSelector({ matchLabels: selector as Record<string, string> })
      : formatSelector(selector as V1LabelSelector);
  if (labelSelector === '') {
    throw new ChaosError('target-unsuitable', `${kind}/${name} has no selector, so its pods cannot be found`, {
      hint: 'name the pod: pod/NAME',
    });
  }
  return rest.json<PodList>({ verb: 'list', resource: resources.pods, namespace, query: { labelSelector } });
}

/** A cron job has no selector: its jobs name it as their owner, and the pods name the jobs. */
async function podsOfCronJob(rest: Rest, name: string, namespace: string): Promise<PodList> {
  const cronJob = await getCronJob(rest, name, namespace);
  const jobs = await rest.json<{ items: V1Job[] }>({ verb: 'list', resource: resources.jobs, namespace });
  const owned = jobs.items.filter((job) =>
    job.metadata?.ownerReferences?.some(({ uid }) => uid === cronJob.metadata?.uid),
  );
  const names = owned.map((job) => job.metadata?.name ?? '');
  if (names.length === 0) return { items: [] };
  return rest.json<PodList>({
    verb: 'list',
    resource: resources.pods,
    namespace,
    query: { labelSelector: `job-name in (${names.join(',')})` },
  });
}

/** Kubernetes before 1.21 has cron jobs in v1beta1 only. */
async function getCronJob(rest: Rest, name: string, namespace: string): Promise<KubernetesObject> {
  const get = (resource: Resource): Promise<KubernetesObject> => rest.json({ verb: 'get', resource, namespace, name });
  try {
    return await get(resources.cronjobs);
  } catch (error) {
    if (!isStatus(error, 404)) throw error;
  }
  try {
    return await get(resources.cronjobsBeta);
  } catch (error) {
    throw isStatus(error, 404) ? await noSuchObject(rest, 'cronjob', resources.cronjobs, name, namespace) : error;
  }
}

/** A selector as the query parameter has it. */
export function formatSelector(selector: V1LabelSelector | undefined): string {
  return [
    ...Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`),
    ...(selector?.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
      if (operator === 'Exists') return key;
      if (operator === 'DoesNotExist') return `!${key}`;
      return `${key} ${operator === 'In' ? 'in' : 'notin'} (${values.join(',')})`;
    }),
  ].join(',');
}

/** Whether it runs and nobody has asked for its deletion. */
export function isRunning({ metadata, status }: V1Pod): boolean {
  return status?.phase === 'Running' && !metadata?.deletionTimestamp;
}

export function isReady({ status }: V1Pod): boolean {
  return status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') === true;
}

/**
 * The pod that stands for a workload's where no other choice is made: running and ready, the oldest, of equally old ones the first by name. Refuses
 * as `noReadyPod`. Pure.
 */
export function choosePod(pods: readonly V1Pod[], workload: string): { pod: V1Pod; runningPods: number } {
  const running = pods.filter(isRunning);
  const [pod] = running
    .filter(isReady)
    .sort((a, b) => created(a) - created(b) || (a.metadata?.name ?? '').localeCompare(b.metadata?.name ?? ''));
  if (!pod) throw noReadyPod(pods, workload);
  return { pod, runningPods: running.length };
}

/** That no pod of these can be taken (target-unsuitable), and how they are; `what`: `deployment/web`. */
export function noReadyPod(pods: readonly V1Pod[], what: string): ChaosError {
  if (pods.length === 0) {
    return new ChaosError('target-unsuitable', `${what} has no pods`, {
      hint: what.startsWith('service/')
        ? `its selector matches no pod: kubectl get ${what} -o wide; or name another target`
        : 'scale it up, or name another target',
    });
  }
  const states = pods.slice(0, 5).map((each) => `${each.metadata?.name} (${stateOf(each)})`);
  return new ChaosError(
    'target-unsuitable',
    `no pod of ${what} is running and ready: ${states.join(', ')}${pods.length > 5 ? ', …' : ''}`,
    {
      hint: pods.some(isRunning) ? 'to use one that is not ready, name it: pod/NAME' : 'wait until it runs',
    },
  );
}

function created(pod: V1Pod): number {
  return Date.parse(String(pod.metadata?.creationTimestamp ?? '')) || 0;
}

/** `Running, not ready`, `CrashLoopBackOff`, `being deleted`, …: of a pod that is not running and ready. */
export function stateOf(pod: V1Pod): string {
  if (pod.metadata?.deletionTimestamp) return 'being deleted';
  const waiting = pod.status?.containerStatuses?.find(({ state }) => state?.waiting?.reason)?.state?.waiting?.reason;
  return waiting ?? (pod.status?.phase === 'Running' ? 'Running, not ready' : (pod.status?.phase ?? 'unknown'));
}
