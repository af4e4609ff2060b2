import type { V1Container, V1ContainerStatus, V1Pod } from '@kubernetes/client-node';
import { ChaosError } from '../../errors.ts';
import type { Compute, PodFacts } from '../../facts.ts';
import type { TargetQuery } from '../../ports.ts';
import { chooseContainer } from '../container-choice.ts';
import { secretNames } from '../node-images.ts';
import { longLived, networkProbes } from '../probes.ts';
import { controllerOf } from '../prospects.ts';
import type { Rest } from '../rest.ts';
import { protectionOf } from '../surroundings.ts';
import { checkRuntime, findPod, limits } from '../target.ts';
import { amount } from './node.ts';

/** The pod that is meant, with why it cannot be a target, if so. Rejects with not-found, and where no pod of a workload can be one. */
export async function podFacts(rest: Rest, query: TargetQuery, namespace: string): Promise<PodFacts> {
  const { pod, runningPods } = await findPod(rest, query, namespace);
  const refused = await refusal(() => checkRuntime(rest, pod));
  const facts = factsOf(pod, query.container, refused);
  if (query.kind === 'pod') return facts;
  return { ...facts, chosenFrom: { workload: `${query.kind}/${query.name}`, runningPods } };
}

async function refusal(check: () => Promise<void>): Promise<ChaosError | undefined> {
  try {
    await check();
    return undefined;
  } catch (error) {
    if (error instanceof ChaosError && error.code === 'target-unsuitable') return error;
    throw error;
  }
}

/** Pure. `refused`: why the pod cannot be a target, whatever the container. */
function factsOf(pod: V1Pod, wanted: string | undefined, refused: ChaosError | undefined): PodFacts {
  const { metadata, spec, status } = pod;
  const { container, statusOf, problem } = choice(pod, wanted);
  const why = problem ?? refused;
  const owner = controllerOf(pod);
  const name = metadata?.name ?? '';
  return {
    ...{ namespace: metadata?.namespace ?? '', name, container: container.name, image: container.image ?? '' },
    ...(why ? { problem: { message: why.message, ...(why.hint ? { remedy: why.hint } : {}) } } : {}),
    ...(statusOf?.containerID ? { containerId: statusOf.containerID.replace(/^.*:\/\//, '') } : {}),
    ...(spec?.nodeName ? { node: spec.nodeName } : {}),
    imagePullSecrets: secretNames(spec?.imagePullSecrets),
    isReady: status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') === true,
    isHostNetwork: spec?.hostNetwork === true,
    restartCount: statusOf?.restartCount ?? 0,
    protectedBy: protectionOf(metadata, `pod/${name}`),
    ...compute(pod, container, statusOf),
    probes: networkProbes(pod),
    containers: longLived(pod).map((one) => ({ name: one.name, image: one.image ?? '' })),
    labels: metadata?.labels ?? {},
    annotations: metadata?.annotations ?? {},
    ...(owner ? { owner: { kind: owner.kind, name: owner.name } } : {}),
  };
}

interface Choice {
  container: V1Container;
  statusOf?: V1ContainerStatus;
  problem?: ChaosError;
}

function choice(pod: V1Pod, wanted: string | undefined): Choice {
  try {
    const { spec: container, status: statusOf } = chooseContainer(pod, wanted);
    return { container, statusOf };
  } catch (problem) {
    if (!(problem instanceof ChaosError)) throw problem;
    const containers = pod.spec?.containers ?? [];
    const container = containers.find(({ name }) => name === wanted) ?? containers[0] ?? { name: wanted ?? '' };
    const statusOf = pod.status?.containerStatuses?.find(({ name }) => name === container.name);
    return { container, ...(statusOf ? { statusOf } : {}), problem };
  }
}

function compute(
  pod: V1Pod,
  container: V1Container,
  status: V1ContainerStatus | undefined,
): Pick<PodFacts, 'requests' | 'limits' | 'podMemoryLimitBytes'> {
  const inForce = limits(pod, container, status ?? ({} as V1ContainerStatus));
  const { cpuLimitCores: cpu, memoryLimitBytes: memory, podMemoryLimitBytes } = inForce;
  const asked = container.resources?.requests;
  const requests: Compute = { ...amount('cpu', asked?.cpu), ...amount('memory', asked?.memory) };
  return {
    requests,
    limits: { ...(cpu === undefined ? {} : { cpu }), ...(memory === undefined ? {} : { memory }) },
    ...(podMemoryLimitBytes === undefined ? {} : { podMemoryLimitBytes }),
  };
}
