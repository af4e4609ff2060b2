import type { KubernetesObject, V1ConfigMap, V1Pod } from '@kubernetes/client-node';
import { ChaosError } from '../errors.ts';
import type { Agent, AgentSpec, Architecture } from '../ports.ts';
import { joinWords } from '../text.ts';
import { exemption } from './admission.ts';
import { agentChanges } from './agent-changes.ts';
import { agentPod, configMap } from './agent-pod.ts';
import { ApiError } from './api-error.ts';
import type { Existence, Existing } from './existing.ts';
import { deletePod, remove } from './remove.ts';
import { type Resource, resources } from './request.ts';
import type { Rest } from './rest.ts';

const undoTimeoutMs = 10_000;

/** The agent pod as it was created, what was changed in it on the way, and what the API server warned of. */
export interface Launched {
  pod: V1Pod;
  changes: string[];
  warnings: string[];
}

/** How many pods of an experiment are created at once. */
const atOnce = 10;

/**
 * Creates the ConfigMaps, one for each architecture, the pods, and then makes the pods the owners of the ConfigMap that they use: in this order because a pod that has to wait for its volume
 * loses half a second and more to the kubelet's retry, while the patch goes on beside the pod's start. `specs`: the agents of one experiment, at least one; `shims`: by architecture.
 * `existing` is kept true to what may be there. On failure everything is removed again before it rejects, with the first reason.
 */
export async function launch(
  rest: Rest,
  specs: readonly AgentSpec[],
  shims: ReadonlyMap<Architecture, Uint8Array>,
  existing: Existing,
): Promise<Launched[]> {
  const [spec] = specs;
  if (!spec) throw new Error('an experiment has at least one agent');
  const used = shimUsers(specs, shims);
  try {
    await Promise.all(
      used.map(({ shim, users: [user] }) =>
        create<V1ConfigMap>(rest, resources.configmaps, user, configMap(user, shim), existing.configMaps),
      ),
    );
    const launched = await inTurn(specs, (each) => launchOne(rest, each, existing));
    const pods = new Map(launched.map(({ pod }, index) => [specs[index], pod]));
    await Promise.all(
      used.map(({ users }) => {
        const owners = users.flatMap((user) => pods.get(user) ?? []);
        return own(rest, users[0], owners);
      }),
    );
    return launched;
  } catch (error) {
    const { left, why } = await remove(rest, spec.id, spec.namespace, undoTimeoutMs, { existing, hasReverted: false });
    if (left.length === 0) {
      existing.clear();
      throw error;
    }
    if (!(error instanceof ChaosError)) throw error;
    throw error.but({
      hint: `Remove it by hand: ${spec.annotations['kubectl-chaos.io/undo']}`,
      state: `the target was not touched, but ${joinWords(left)} may be left (${why})`,
    });
  }
}

/** The agents that share a ConfigMap, by architecture. */
export function shimUsers(
  specs: readonly AgentSpec[],
  shims: ReadonlyMap<Architecture, Uint8Array>,
): { shim: Uint8Array; users: [AgentSpec, ...AgentSpec[]] }[] {
  return [...shims].flatMap(([architecture, shim]) => {
    const [first, ...others] = specs.filter((each) => each.architecture === architecture);
    return first ? [{ shim, users: [first, ...others] }] : [];
  });
}

async function launchOne(rest: Rest, spec: AgentSpec, existing: Existing): Promise<Launched> {
  const asked = agentPod(spec);
  const warnings: string[] = [];
  const pod = await create<V1Pod>(rest, resources.pods, spec, asked, existing.pods, (text) => warnings.push(text));
  return { pod, changes: workableChanges(asked, pod), warnings };
}

/** So many at once; after the first that fails none is begun, and those under way are waited for. */
async function inTurn<T, R>(items: readonly T[], act: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const failures: unknown[] = [];
  const waiting = items.entries();
  const work = async (): Promise<void> => {
    for (const [index, item] of waiting) {
      if (failures.length > 0) return;
      await act(item).then(
        (result) => {
          results[index] = result;
        },
        (error: unknown) => failures.push(error),
      );
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work));
  if (failures.length > 0) throw failures[0];
  return results;
}

/**
 * Creates other pods of the experiment, which get the ConfigMaps; then deletes the former ones by force, since a shim that has heard no `start` has
 * changed nothing. `existing` is kept true to what may be there: of what is there after a failure, the former ones are.
 */
export async function replace(
  rest: Rest,
  formers: readonly Agent[],
  specs: readonly AgentSpec[],
  existing: Existing,
): Promise<Launched[]> {
  const before = existing.mayHaveBegun;
  existing.mayHaveBegun = true;
  try {
    const launched = await inTurn(specs, (spec) => launchOne(rest, spec, existing));
    const configMaps = new Map(specs.map((spec) => [spec.configMap, spec]));
    await Promise.all(
      [...configMaps.values()].map((spec) => {
        const users = launched.filter((_, index) => specs[index]?.configMap === spec.configMap);
        return own(
          rest,
          spec,
          users.map(({ pod }) => pod),
        );
      }),
    );
    await inTurn(formers, async (former) => {
      await deletePod(rest, former, { gracePeriodSeconds: 0 });
      existing.pods.delete(former.pod);
    });
    return launched;
  } catch (error) {
    // One that was not tried is not there either.
    if (specs.every(({ pod }) => (existing.pods.get(pod) ?? 'no') === 'no')) existing.mayHaveBegun = before;
    throw error;
  }
}

/**
 * Has the API server take every object as if it created it (`dryRun=All`), with its admission, quotas and webhooks, and keep none.
 * @returns what would be changed in the agent pod, and what the API server warns of. Rejects as `launch` does.
 */
export async function rehearse(rest: Rest, spec: AgentSpec, shim: Uint8Array): Promise<Omit<Launched, 'pod'>> {
  const { namespace } = spec;
  const dry = { verb: 'create', namespace, query: { dryRun: 'All' } } as const;
  await rest.json<V1ConfigMap>({ ...dry, resource: resources.configmaps, body: configMap(spec, shim) });
  const asked = agentPod(spec);
  const warnings: string[] = [];
  const pod = await rest.json<V1Pod>({ ...dry, resource: resources.pods, body: asked }, undefined, (text) =>
    warnings.push(text),
  );
  return { changes: workableChanges(asked, pod), warnings };
}

async function create<T>(
  rest: Rest,
  resource: Resource,
  { namespace }: AgentSpec,
  body: T & KubernetesObject,
  existing: Map<string, Existence>,
  onWarning?: (text: string) => void,
): Promise<T> {
  const name = body.metadata?.name ?? '';
  // Marked before the request, so that no failure finds us without the undo.
  existing.set(name, 'maybe');
  try {
    const created = await rest.json<T>({ verb: 'create', resource, namespace, body }, undefined, onWarning);
    existing.set(name, 'yes');
    return created;
  } catch (error) {
    // Refused outright, so nothing of ours is there: after a conflict of names the object belongs to somebody else.
    if (error instanceof ApiError && error.status >= 400 && error.status < 500) existing.set(name, 'no');
    throw error;
  }
}

/** What was changed in the agent pod. Throws where it cannot work like that. */
function workableChanges(asked: V1Pod, created: V1Pod): string[] {
  const changes = agentChanges(asked, created);
  const all = changes.map(({ what }) => what);
  if (!changes.some(({ isFatal }) => isFatal)) return all;
  const message = `a webhook or policy changed the agent pod, which cannot work like that: ${joinWords(all)}`;
  throw new ChaosError('admission', message, { hint: exemption });
}

function own(rest: Rest, { configMap: name, namespace }: AgentSpec, pods: readonly V1Pod[]): Promise<unknown> {
  const owners = pods.map(({ metadata }) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    name: metadata?.name,
    uid: metadata?.uid,
  }));
  return rest.json({
    verb: 'patch',
    resource: resources.configmaps,
    namespace,
    name,
    body: { metadata: { ownerReferences: owners } },
  });
}
