import type { BudgetFacts, NodeFacts, PodFacts, WorkloadFacts } from '../../facts.ts';
import type { NetworkProbe } from '../../ports.ts';
import { formatBytes, joinWords } from '../../text.ts';
import { formatDuration } from '../../units.ts';
import { cores } from './amounts.ts';
import { type Finding, of } from './finding.ts';

/** What a fault would meet in the target, and what else would notice. Pure. */

export function judgeTarget({ problem: why, ...pod }: PodFacts): Finding {
  const { ok, warning, problem } = of('target');
  if (why) return problem(why.message, why.remedy);
  const chosen = pod.chosenFrom ? `, one of ${pod.chosenFrom.runningPods} running of ${pod.chosenFrom.workload}` : '';
  const name = `pod/${pod.name} (${pod.container}) in ${pod.namespace} on ${pod.node}${chosen}`;
  if (!pod.isReady) {
    return warning(
      `${name} is running but not ready: what a fault does to it is hard to tell from what it has already`,
      `kubectl describe pod ${pod.name} -n ${pod.namespace}`,
    );
  }
  return ok(`${name} is running and ready`);
}

/** `reasons`: what protects it. */
export function judgeProtection(reasons: readonly string[]): Finding {
  const { ok, warning } = of('protection');
  if (reasons.length === 0) return ok('nothing protects it');
  return warning(`it is protected: ${reasons.join('; ')}`, 'a run needs --yes, or an answer on the terminal');
}

/** What a percentage is of, for the API server: the kernel has the last word. */
export function judgeLimits({ limits, requests, podMemoryLimitBytes }: PodFacts): Finding[] {
  const { ok, warning } = of('limits');
  const binding = Math.min(limits.memory ?? Number.POSITIVE_INFINITY, podMemoryLimitBytes ?? Number.POSITIVE_INFINITY);
  const requested = (text: string | undefined) => (text === undefined ? 'requests none' : `requests ${text}`);
  const memory = requested(requests.memory === undefined ? undefined : formatBytes(requests.memory));
  const cpu = requested(requests.cpu === undefined ? undefined : cores(requests.cpu));
  return [
    limits.cpu === undefined
      ? warning(`no CPU limit (${cpu}): a busy CPU is taken from the node's other pods by their shares`)
      : ok(`CPU limit ${cores(limits.cpu)} (${cpu}): more workers than that are throttled`),
    Number.isFinite(binding)
      ? ok(
          `memory limit ${formatBytes(binding)}${limits.memory === undefined || limits.memory > binding ? ' of the pod' : ''} (${memory}): 80% of it are ${formatBytes(binding * 0.8)}`,
        )
      : warning(
          `no memory limit (${memory}): a percentage is of the node's memory, and what is taken is taken from its other pods`,
          'set a limit; or --allow-node-memory, where a run refuses what is too much for the node',
        ),
  ];
}

/** From kubelet 1.28 on, which has the kernel kill a container as a whole on cgroup v2: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/. */
const groupSince = 28;

/** `node` undefined: not known. */
export function judgeOom({ limits, podMemoryLimitBytes }: PodFacts, node: NodeFacts | undefined): Finding[] {
  const { ok, unknown } = of('oom');
  const swap =
    node?.swapBytes === undefined
      ? []
      : [
          ok(
            node.swapBytes === 0
              ? `${node.name} has no swap`
              : `${node.name} has ${formatBytes(node.swapBytes)} of swap: what exceeds a limit may be swapped out first`,
          ),
        ];
  if (limits.memory === undefined && podMemoryLimitBytes === undefined) return swap;
  const minor = Number(/^v1\.(\d+)\./.exec(node?.kubelet ?? '')?.[1] ?? Number.NaN);
  if (!node || Number.isNaN(minor))
    return [unknown('whether the OOM killer takes the whole container is not known'), ...swap];
  if (minor < groupSince) {
    return [
      ok(`kubelet ${node.kubelet}: beyond the limit the OOM killer takes one process, the stressor first`),
      ...swap,
    ];
  }
  return [
    unknown(
      `kubelet ${node.kubelet} on cgroup v2 has the kernel kill the whole container beyond its limit (memory.oom.group): a run looks, and then refuses that`,
      '--oom-victim app, where that is what is wanted; singleProcessOOMKill of the kubelet takes it back',
    ),
    ...swap,
  ];
}

export function judgeProbes({ probes }: PodFacts): Finding[] {
  const { ok, warning } = of('probes');
  if (probes.length === 0) return [ok('no probe of the pod comes over the network')];
  return probes.map((probe) => {
    const { kind, container, periodSeconds, failureThreshold, timeoutSeconds, isFinal } = probe;
    const after = formatDuration(periodSeconds * failureThreshold * 1_000);
    const what = `${kind} of ${container} (${actionOf(probe)}, every ${periodSeconds}s, within ${timeoutSeconds}s, ${failureThreshold} failures)`;
    if (kind === 'readiness')
      return ok(`${what}: a fault that it notices takes the pod out of its services after about ${after}`);
    const consequence = isFinal ? `ends ${container}, for good,` : `restarts ${container}`;
    return warning(
      `${what}: a fault that it notices ${consequence} after about ${after}, which ends the fault`,
      'net spares the addresses that the kubelet probes from; a stress leaves it CPU: fewer workers, or a shorter --duration',
    );
  });
}

function actionOf({ by, port, path }: NetworkProbe): string {
  return `${by} :${port}${path ?? ''}`;
}

/** `workload`: undefined: nothing made the pod that has replicas; `budgets` undefined: not known. */
export function judgeReplicas(
  { name, isReady }: PodFacts,
  workload: WorkloadFacts | undefined,
  budgets: readonly BudgetFacts[],
): Finding[] {
  const { ok, warning } = of('replicas');
  return [
    workload === undefined
      ? warning(`nothing replaces pod/${name}: it has no controller with replicas`)
      : ofWorkload(workload, isReady),
    ...budgets.map(({ name: budget, allowed }) =>
      allowed > 0
        ? ok(`poddisruptionbudget/${budget} allows ${allowed} more disruptions; a fault is none that it counts`)
        : warning(
            `poddisruptionbudget/${budget} allows no disruption now: a fault that takes the pod out goes beyond it`,
          ),
    ),
  ];
}

function ofWorkload({ name, wanted, ready = 0 }: WorkloadFacts, isReady: boolean): Finding {
  const { ok, warning } = of('replicas');
  const some = `${ready}${wanted === undefined ? '' : ` of ${wanted}`}`;
  if (ready === 1 && isReady)
    return warning(`this is the only ready pod of ${name}: what it serves is not served by another`);
  if (wanted !== undefined && ready < wanted)
    return warning(`${some} pods of ${name} are ready: it is short of them already`);
  return ok(`${some} pods of ${name} are ready`);
}

/** Sidecars by the names of their containers. */
const sidecars: Readonly<Record<string, string>> = {
  'istio-proxy': 'Istio',
  'linkerd-proxy': 'Linkerd',
  'kuma-sidecar': 'Kuma',
  'consul-dataplane': 'Consul',
  'envoy-sidecar': 'Consul',
  daprd: 'Dapr',
};

export function judgeMesh({ containers, annotations }: PodFacts): Finding {
  const { ok, warning } = of('mesh');
  const found = containers.find(({ name }) => Object.hasOwn(sidecars, name));
  if (found) {
    return warning(
      `${found.name} of ${sidecars[found.name]} carries the traffic of the pod: a net fault acts on its packets, and what it sends again hides loss; a connection that is kept to a peer goes on`,
      'judge by the counters of the application as well; -c names the container that a stress or io is for',
    );
  }
  // https://istio.io/latest/docs/ambient/architecture/traffic-redirection/
  if (annotations['ambient.istio.io/redirection'] === 'enabled') {
    return warning(
      "Istio's ambient mode carries the traffic of the pod: packets to peers in the mesh go to their port 15008",
      'name --port 15008, or none',
    );
  }
  return ok('no sidecar of a service mesh in the pod');
}

/** `node` undefined: not known. */
export function judgeNetwork(
  { isHostNetwork, annotations, containers }: PodFacts,
  node: NodeFacts | undefined,
): Finding[] {
  const { ok, warning } = of('network');
  if (isHostNetwork) {
    return [
      warning(
        'the pod is on the network of its node: a net fault would be one of the node, and is refused',
        '--allow-host-network',
      ),
    ];
  }
  const others = containers.map(({ name }) => name);
  const shared = others.length > 1 ? `, which ${joinWords(others)} share` : '';
  const more = annotations['k8s.v1.cni.cncf.io/networks'];
  const isCilium = node?.annotations.some((name) => /(?:^|\.)cilium\.(?:io|network)/.test(name)) === true;
  return [
    ok(`the pod has a network of its own${shared}`),
    ...(more
      ? [
          ok(
            `Multus gives it others as well (${more}): a net fault is on those with a route to the peers, or on --interface`,
          ),
        ]
      : []),
    ...(isCilium
      ? [
          ok(
            'Cilium: its eBPF programs may carry packets past tc; the verdict counts what was affected, and --partition works by nftables',
          ),
        ]
      : []),
  ];
}
