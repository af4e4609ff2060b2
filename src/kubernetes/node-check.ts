import type { V1Node, V1Pod, V1RuntimeClass } from '@kubernetes/client-node';
import { ChaosError } from '../errors.ts';
import type { Architecture } from '../ports.ts';
import { joinWords } from '../text.ts';

const architectures: readonly string[] = ['amd64', 'arm64'] satisfies Architecture[];

/** What the node gives a Target; refuses (target-unsuitable) nodes where the agent cannot work. Pure. */
export function checkNode(node: V1Node): Architecture {
  const name = node.metadata?.name ?? '';
  const labels = node.metadata?.labels ?? {};
  const os = node.status?.nodeInfo?.operatingSystem || labels['kubernetes.io/os'] || 'linux';
  if (os !== 'linux') {
    throw new ChaosError('target-unsuitable', `node ${name} runs ${os}; the agent needs a Linux node`, {
      hint: 'choose a pod on a Linux node',
      doctorLine: 'platform',
    });
  }
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready?.status !== 'True') {
    const why = ready
      ? `${ready.reason ?? ready.status}${ready.message ? `: ${ready.message}` : ''}`
      : 'it has never reported';
    throw new ChaosError('target-unsuitable', `node ${name} is not ready (${why})`, {
      hint: `the agent pod would not start there; kubectl describe node ${name}`,
      doctorLine: 'node',
    });
  }
  return checkArchitecture(node.status?.nodeInfo?.architecture || labels['kubernetes.io/arch'] || '', name);
}

function checkArchitecture(architecture: string, node: string): Architecture {
  if (architectures.includes(architecture)) return architecture as Architecture;
  throw new ChaosError(
    'target-unsuitable',
    `node ${node} is of the architecture "${architecture}"; the shim is built for ${joinWords(architectures)}`,
    {
      hint: 'choose a pod on a node of one of these',
      doctorLine: 'platform',
    },
  );
}

/** What the pod itself says of its node's architecture, for users who may not read nodes. Undefined: nothing. */
export function architectureOfPod(pod: V1Pod): Architecture | undefined {
  const selected = pod.spec?.nodeSelector?.['kubernetes.io/arch'];
  if (selected !== undefined) return checkArchitecture(selected, pod.spec?.nodeName ?? '');
  const terms =
    pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const values = terms.map(
    (term) =>
      term.matchExpressions?.find(
        ({ key, operator, values: [...all] = [] }) =>
          key === 'kubernetes.io/arch' && operator === 'In' && all.length === 1,
      )?.values?.[0],
  );
  const [first] = values;
  return first !== undefined && values.every((value) => value === first) && architectures.includes(first)
    ? (first as Architecture)
    : undefined;
}

/** Runtimes whose containers are not processes of the node's kernel. */
const isolated = /kata|gvisor|runsc|firecracker|kuasar|sysbox-vm|hyperv/i;

/** Refuses (target-unsuitable) a pod in a sandbox with a kernel of its own. `runtimeClass` undefined: it could not be read, so the name has to do. */
export function checkRuntimeClass(name: string, runtimeClass: V1RuntimeClass | undefined): void {
  const handler = runtimeClass?.handler;
  if (!isolated.test(name) && !(handler && isolated.test(handler))) return;
  throw new ChaosError(
    'target-unsuitable',
    `the pod's runtime class "${name}"${handler && handler !== name ? ` (handler ${handler})` : ''} gives it a kernel of its own, where the agent cannot reach it`,
    {
      hint: "choose a pod with the node's ordinary runtime",
    },
  );
}

/** `containerd://<id>` in its two parts. Refuses (target-unsuitable) what is not such an id. */
export function splitContainerId(containerId: string): { runtime: string; id: string } {
  const match = /^([a-z0-9-]+):\/\/([0-9a-zA-Z_.-]+)$/.exec(containerId);
  if (!match?.[1] || !match[2]) {
    throw new ChaosError(
      'target-unsuitable',
      `the container's id "${containerId}" is not one that we can find on a node`,
    );
  }
  return { runtime: match[1], id: match[2] };
}
