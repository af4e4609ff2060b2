import { usageError } from '../errors.ts';
import { type Flag, type FlagValues, text, valued } from '../flags/flag.ts';
import { groups } from '../flags/groups.ts';
import { checkName, isObjectName } from '../flags/names.ts';
import { isLabelValue, isMetadataKey, pairs } from '../flags/pairs.ts';
import { quote } from '../flags/values.ts';
import type { Quantities } from '../ports.ts';
import type { AgentOptions } from '../requests.ts';
import { parseQuantity } from '../units.ts';

const of = { group: groups.agent, isRare: true } as const;

/** What finds the agent pod again, and what is written at it for those who find it. */
const ownPrefix = 'kubectl-chaos.io/';
const ownLabel = 'app.kubernetes.io/managed-by';

function checkKey(flag: string, given: string, key: string): void {
  if (!isMetadataKey(key)) throw usageError(`${flag} ${quote(given)}: ${quote(key)} is not a valid key`);
  if (key.startsWith(ownPrefix) || key === ownLabel) {
    throw usageError(`${flag} ${quote(given)}: ${key} is set by kubectl chaos itself`);
  }
}

const resourceNames: readonly string[] = ['cpu', 'memory', 'ephemeral-storage'];

const quantities = {
  separator: /,/,
  variableSeparator: /[,\n]/,
  such: 'cpu=100m,memory=128Mi',
  check: (flag: string, given: string, name: string, quantity: string) => {
    if (!resourceNames.includes(name)) {
      throw usageError(`${flag} ${quote(given)}: the resource must be one of: ${resourceNames.join(', ')}`);
    }
    if (!parseQuantity(quantity)) {
      throw usageError(`${flag} ${quote(given)}: ${quote(quantity)} must be a quantity such as 100m or 128Mi`);
    }
  },
};

/** Flags of every command that creates agent pods. */
const agent = {
  image: valued(
    {
      ...{ name: '--image', value: 'image', variable: 'KUBECTL_CHAOS_IMAGE', ...of },
      help: 'image of the agent, with the tools of the fault in it ($KUBECTL_CHAOS_IMAGE)',
    },
    (name, value) => {
      if (!/^\S+$/.test(value)) throw usageError(`${name} ${quote(value)}: must be an image reference`);
      return value;
    },
  ),
  imagePullSecret: text({
    ...{ name: '--image-pull-secret', value: 'name', variable: 'KUBECTL_CHAOS_IMAGE_PULL_SECRET', ...of },
    help: "image pull secret in the agent's namespace ($KUBECTL_CHAOS_IMAGE_PULL_SECRET)",
  }),
  namespace: valued(
    {
      ...{ name: '--agent-namespace', value: 'name', variable: 'KUBECTL_CHAOS_AGENT_NAMESPACE', ...of },
      names: 'namespace',
      help: 'namespace of the agent pod (default: $KUBECTL_CHAOS_AGENT_NAMESPACE, else that of the target or of the sweep)',
    },
    (name, value) => {
      checkName(name, value);
      return value;
    },
  ),
  labels: pairs(
    {
      ...{ name: '--agent-label', value: 'key=value', variable: 'KUBECTL_CHAOS_AGENT_LABEL', ...of },
      help: 'label of the agent pod; repeatable ($KUBECTL_CHAOS_AGENT_LABEL: between commas)',
    },
    {
      ...{ separator: /,/, variableSeparator: /[,\n]/, such: 'owner=team-a' },
      check: (flag, given, key, value) => {
        checkKey(flag, given, key);
        if (!isLabelValue(value))
          throw usageError(`${flag} ${quote(given)}: ${quote(value)} is not a valid label value`);
      },
    },
  ),
  annotations: pairs(
    {
      ...{ name: '--agent-annotation', value: 'key=value', variable: 'KUBECTL_CHAOS_AGENT_ANNOTATION', ...of },
      help: 'annotation of the agent pod; repeatable ($KUBECTL_CHAOS_AGENT_ANNOTATION: one a line)',
    },
    { variableSeparator: /\n/, such: 'example.com/owner=team-a', check: checkKey },
  ),
  requests: pairs(
    {
      ...{ name: '--agent-requests', value: 'list', variable: 'KUBECTL_CHAOS_AGENT_REQUESTS', ...of },
      help: 'resource requests of the agent pod, such as cpu=50m,memory=64Mi ($KUBECTL_CHAOS_AGENT_REQUESTS)',
    },
    quantities,
  ),
  limits: pairs(
    {
      ...{ name: '--agent-limits', value: 'list', variable: 'KUBECTL_CHAOS_AGENT_LIMITS', ...of },
      help: 'resource limits of the agent pod, such as cpu=500m,memory=128Mi ($KUBECTL_CHAOS_AGENT_LIMITS)',
    },
    quantities,
  ),
  priorityClass: valued(
    {
      ...{ name: '--priority-class', value: 'name', variable: 'KUBECTL_CHAOS_PRIORITY_CLASS', ...of },
      help: 'priority class of the agent pod ($KUBECTL_CHAOS_PRIORITY_CLASS)',
    },
    (name, value) => {
      if (!isObjectName(value)) throw usageError(`${name} ${quote(value)}: must be the name of a priority class`);
      return value;
    },
  ),
};

export const agentFlags: readonly Flag[] = Object.values(agent);

export const { namespace: agentNamespace } = agent;

/** The agent pod as it is asked for. Throws usage errors only. */
export function toAgentOptions(flags: FlagValues): AgentOptions {
  const [requests, limits] = [agent.requests.read(flags), agent.limits.read(flags)];
  checkOrder(requests, limits);
  const priorityClass = agent.priorityClass.read(flags);
  return {
    image: agent.image.read(flags),
    imagePullSecret: agent.imagePullSecret.read(flags),
    agentNamespace: agent.namespace.read(flags),
    shape: {
      ...{ labels: agent.labels.read(flags), annotations: agent.annotations.read(flags), requests, limits },
      ...(priorityClass === undefined ? {} : { priorityClass }),
    },
  };
}

function checkOrder(requests: Quantities, limits: Quantities): void {
  const over = Object.keys(requests).find(
    (name) =>
      (parseQuantity(requests[name] ?? '') ?? 0) > (parseQuantity(limits[name] ?? '') ?? Number.POSITIVE_INFINITY),
  );
  if (over === undefined) return;
  throw usageError(
    `${agent.requests.name} ${over}=${requests[over]}: must be at most ${agent.limits.name} ${over}=${limits[over]}`,
  );
}
