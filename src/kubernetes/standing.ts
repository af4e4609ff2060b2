import type { V1ContainerStatus, V1EndpointSlice, V1Pod } from '@kubernetes/client-node';
import type { ContainerStanding, Standing, Target } from '../ports.ts';
import { statusNamed } from './containers.ts';
import { splitContainerId } from './node-check.ts';
import { controllerOf } from './prospects.ts';
import { isReady } from './workload.ts';

/** Of the service that a slice is of, its name. https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/ */
const ofService = 'kubernetes.io/service-name';

/** What is known of a namespace: `slices` undefined where they may not be read. */
export interface Scene {
  pods: Iterable<V1Pod>;
  slices: readonly V1EndpointSlice[] | undefined;
}

/** How things stand with a target: `first`, its pod as it was found, says what makes it; `services` as `servicesOf` gives them. Pure. */
export function standingOf(
  target: Target,
  first: V1Pod,
  { pods, slices }: Scene,
  services: readonly string[],
): Standing {
  const keeper = controllerOf(first)?.uid;
  const all = [...pods];
  const own = all.find(({ metadata }) => metadata?.uid === target.podUid);
  const kin = keeper === undefined ? [] : all.filter((pod) => pod !== own && controllerOf(pod)?.uid === keeper);
  const status = own && statusNamed(own, target.container);
  return {
    ...(own ? { pod: podStanding(own) } : {}),
    ...(status ? { container: containerStanding(status) } : {}),
    readyPods: [...(own ? [own] : []), ...kin].filter(counts).length,
    others: kin.map((pod) => ({
      ...{ name: pod.metadata?.name ?? '', uid: pod.metadata?.uid ?? '', isReady: counts(pod) },
    })),
    ...(slices ? { services: services.map((name) => ({ name, ready: readyEndpoints(slices, name) })) } : {}),
  };
}

/** One that is being deleted is out of its services already, although it may say that it is ready. */
function counts(pod: V1Pod): boolean {
  return isReady(pod) && pod.metadata?.deletionTimestamp === undefined;
}

function podStanding(pod: V1Pod): NonNullable<Standing['pod']> {
  return {
    isReady: isReady(pod),
    isBeingDeleted: pod.metadata?.deletionTimestamp !== undefined,
    phase: pod.status?.phase ?? 'Unknown',
  };
}

function containerStanding(status: V1ContainerStatus): ContainerStanding {
  const { state = {}, lastState = {} } = status;
  const { waiting } = state;
  const end = state.terminated ?? lastState.terminated;
  return {
    id: status.containerID ? splitContainerId(status.containerID).id : '',
    restartCount: status.restartCount,
    state: state.running ? 'running' : state.terminated ? 'terminated' : 'waiting',
    isReady: status.ready,
    ...(waiting ? { waiting: { reason: waiting.reason ?? '', message: waiting.message ?? '' } } : {}),
    ...(end ? { end: { exitCode: end.exitCode, signal: end.signal ?? 0, reason: end.reason ?? '' } } : {}),
  };
}

/** Names of the services that have this pod among their endpoints, ready or not. Pure. */
export function servicesOf(podUid: string, slices: readonly V1EndpointSlice[]): string[] {
  const found = slices.filter(({ endpoints }) => endpoints?.some(({ targetRef }) => targetRef?.uid === podUid));
  return [...new Set(found.flatMap(({ metadata }) => metadata?.labels?.[ofService] ?? []))].sort();
}

/** A service has a slice for each family of addresses, and for each set of ports: what is behind them is counted once. */
function readyEndpoints(slices: readonly V1EndpointSlice[], service: string): number {
  const ready = slices
    .filter(({ metadata }) => metadata?.labels?.[ofService] === service)
    .flatMap(({ endpoints }) => endpoints ?? [])
    // What is not said counts as ready, by the API's own words.
    .filter(({ conditions }) => conditions?.ready !== false);
  return new Set(ready.map(({ targetRef, addresses }) => targetRef?.uid ?? addresses[0])).size;
}
