import { isDeepStrictEqual } from 'node:util';
import type { V1Container, V1Pod, V1PodSpec } from '@kubernetes/client-node';
import { parseQuantity } from '../units.ts';

/** One thing in which the created agent pod differs from the one that was asked for. */
interface AgentChange {
  /** In words: `added init container wait`. */
  what: string;
  /** With it the agent cannot work, or the fault would not end as it should: nothing may begin. */
  isFatal: boolean;
}

const noted = (what: string): AgentChange => ({ what, isFatal: false });
const fatal = (what: string): AgentChange => ({ what, isFatal: true });
const when = (condition: boolean | undefined, change: AgentChange): AgentChange[] => (condition ? [change] : []);

/**
 * What webhooks, policies and admission plugins changed in the agent pod. What does not matter to it is left out: the API server's defaults, and labels,
 * annotations, environment and volumes that were added. Pure.
 */
export function agentChanges(asked: V1Pod, created: V1Pod): AgentChange[] {
  const before = asked.spec;
  const after = created.spec;
  if (!before || !after) return [];
  return [
    ...placeChanges(before, after),
    ...containerChanges(before, after),
    ...lifeChanges(before, after),
    ...when(before.hostPID && !after.hostPID, fatal('removed hostPID')),
    ...when(after.hostNetwork && !before.hostNetwork, noted('set hostNetwork')),
    ...when(
      !['', 'default'].includes(after.serviceAccountName ?? ''),
      noted(`set serviceAccountName to ${after.serviceAccountName}`),
    ),
    ...when(after.runtimeClassName !== undefined, noted(`set runtimeClassName to ${after.runtimeClassName}`)),
    ...missing(before.imagePullSecrets, after.imagePullSecrets).map((name) => noted(`removed imagePullSecret ${name}`)),
    ...(before.volumes ?? []).flatMap((volume) => {
      const now = after.volumes?.find(({ name }) => name === volume.name);
      return when(!now || now.configMap?.name !== volume.configMap?.name, fatal(`changed volume ${volume.name}`));
    }),
  ];
}

/** A pod with a `nodeName` skips the scheduler, and the kubelet checks selector and affinity against its node. */
function placeChanges(before: V1PodSpec, after: V1PodSpec): AgentChange[] {
  const selector = Object.entries(after.nodeSelector ?? {}).map(([key, value]) => `${key}=${value}`);
  const toleratesAll = (spec: V1PodSpec) =>
    spec.tolerations?.some(({ key, operator }) => !key && operator === 'Exists');
  return [
    ...when(
      after.nodeName !== before.nodeName,
      fatal(after.nodeName ? `set nodeName to ${after.nodeName}` : 'removed nodeName'),
    ),
    ...when(selector.length > 0, noted(`added the node selector ${selector.join(', ')}`)),
    ...when(isNonEmpty(after.affinity), noted('added an affinity')),
    ...when(toleratesAll(before) && !toleratesAll(after), noted('removed the toleration of every taint')),
  ];
}

/** The kubelet's clock, its patience, and whether it starts a container that has ended once more. */
function lifeChanges(before: V1PodSpec, after: V1PodSpec): AgentChange[] {
  const deadline = after.activeDeadlineSeconds;
  const grace = after.terminationGracePeriodSeconds;
  const isShorter = (now: number | undefined, then: number | undefined) => now !== undefined && now < (then ?? 0);
  return [
    ...when(deadline !== before.activeDeadlineSeconds, {
      what: deadline === undefined ? 'removed activeDeadlineSeconds' : `set activeDeadlineSeconds to ${deadline}`,
      isFatal: isShorter(deadline, before.activeDeadlineSeconds),
    }),
    ...when(grace !== before.terminationGracePeriodSeconds, {
      what: `set terminationGracePeriodSeconds to ${grace}`,
      isFatal: isShorter(grace, before.terminationGracePeriodSeconds),
    }),
    ...when(after.restartPolicy !== before.restartPolicy, fatal(`set restartPolicy to ${after.restartPolicy}`)),
  ];
}

function containerChanges(before: V1PodSpec, after: V1PodSpec): AgentChange[] {
  return [
    ...missing(after.initContainers, before.initContainers).map((name) => noted(`added init container ${name}`)),
    ...missing(after.containers, before.containers).map((name) => noted(`added container ${name}`)),
    ...before.containers.flatMap((container) => {
      const now = after.containers.find(({ name }) => name === container.name);
      return now ? ourContainerChanges(container, now) : [fatal(`removed container ${container.name}`)];
    }),
  ];
}

function ourContainerChanges(before: V1Container, after: V1Container): AgentChange[] {
  return [
    ...when(!isDeepStrictEqual(after.command, before.command), fatal('changed command')),
    ...when(!isDeepStrictEqual(after.args ?? [], before.args ?? []), fatal('changed args')),
    ...when(before.stdin && !after.stdin, fatal('removed stdin')),
    ...when(missing(before.volumeMounts, after.volumeMounts).length > 0, fatal('removed a volumeMount')),
    ...when(after.image !== before.image, noted(`set image to ${after.image}`)),
    ...when(after.imagePullPolicy !== before.imagePullPolicy, noted(`set imagePullPolicy to ${after.imagePullPolicy}`)),
    ...resourceChanges(before, after),
    ...securityChanges(before, after),
  ];
}

/** Of what was asked for: a LimitRange may add others. */
function resourceChanges(before: V1Container, after: V1Container): AgentChange[] {
  return (['requests', 'limits'] as const).flatMap((kind) =>
    Object.entries(before.resources?.[kind] ?? {}).flatMap(([name, quantity]) => {
      const now = after.resources?.[kind]?.[name];
      if (now === undefined) return [noted(`removed resources.${kind}.${name}`)];
      return when(parseQuantity(now) !== parseQuantity(quantity), noted(`set resources.${kind}.${name} to ${now}`));
    }),
  );
}

function securityChanges(before: V1Container, after: V1Container): AgentChange[] {
  const asked: Record<string, unknown> = { ...before.securityContext };
  const now: Record<string, unknown> = { ...after.securityContext };
  const names = Object.keys({ ...asked, ...now }).filter((name) => !isDeepStrictEqual(asked[name], now[name]));
  return names.map((name) => {
    const value = now[name] === undefined ? 'removed' : 'set';
    const what = `${value} securityContext.${name}${now[name] === undefined ? '' : ` to ${JSON.stringify(now[name])}`}`;
    return { what, isFatal: name === 'privileged' || name === 'runAsUser' };
  });
}

interface Named {
  name?: string;
}

/** The names of those of `some` that are not among `others`. */
function missing(some: readonly Named[] = [], others: readonly Named[] = []): string[] {
  return some.map(({ name = '' }) => name).filter((name) => !others.some((other) => other.name === name));
}

function isNonEmpty(object: object | undefined): boolean {
  return object !== undefined && Object.keys(object).length > 0;
}
