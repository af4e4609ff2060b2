import type { V1ConfigMap, V1Pod } from '@kubernetes/client-node';
import { ChaosError } from '../errors.ts';
import type { Agent, AgentSpec } from '../ports.ts';
import { joinWords } from '../text.ts';
import { exemption } from './admission.ts';
import { agentChanges } from './agent-changes.ts';
import { agentPod, configMap } from './agent-pod.ts';
import { ApiError } from './api-error.ts';
import { deletePod, type Existing, remove } from './remove.ts';
import { type Resource, resources } from './request.ts';
import type { Rest } from './rest.ts';

const undoTimeoutMs = 10_000;

/** The agent pod as it was created, what was changed in it on the way, and what the API server warned of. */
export interface Launched {
  pod: V1Pod;
  changes: string[];
  warnings: string[];
}

/**
 * Creates the ConfigMap, the pod, and then makes the pod the ConfigMap's owner: in this order because a pod that has to wait for its volume loses
 * half a second and more to the kubelet's retry,
 * while the patch goes on beside the pod's start. `existing` is kept true to what may be there. On failure everything is removed again before it
 * rejects.
 */
export async function launch(rest: Rest, spec: AgentSpec, shim: Uint8Array, existing: Existing): Promise<Launched> {
  try {
    await create<V1ConfigMap>(rest, resources.configmaps, spec, configMap(spec, shim), existing, 'configMap');
    const asked = agentPod(spec);
    const warnings: string[] = [];
    const warn = (text: string) => warnings.push(text);
    const pod = await create<V1Pod>(rest, resources.pods, spec, asked, existing, 'pod', warn);
    const changes = workableChanges(asked, pod);
    await own(rest, spec, pod);
    return { pod, changes, warnings };
  } catch (error) {
    const { left, why } = await remove(rest, spec.id, spec.namespace, undoTimeoutMs, existing);
    if (left.length === 0) {
      existing.pod = 'no';
      existing.configMap = 'no';
      throw error;
    }
    if (!(error instanceof ChaosError)) throw error;
    throw new ChaosError(error.code, error.message, {
      hint: `Remove it by hand: ${spec.annotations['kubectl-chaos.io/undo']}`,
      state: `the target was not touched, but ${joinWords(left)} may be left (${why})`,
      cause: error,
    });
  }
}

/**
 * Creates another pod of the experiment, which gets the ConfigMap; then deletes the former one by force, since a shim that has heard no `start` has
 * changed nothing. `existing` is kept true to what may be there: of what is there after a failure, the former one is.
 */
export async function replace(rest: Rest, former: Agent, spec: AgentSpec, existing: Existing): Promise<Launched> {
  const asked = agentPod(spec);
  const warnings: string[] = [];
  const before = { ...existing };
  Object.assign(existing, { mayHaveBegun: true, names: { pod: spec.pod, configMap: spec.id } });
  try {
    const pod = await create<V1Pod>(rest, resources.pods, spec, asked, existing, 'pod', (text) => warnings.push(text));
    const changes = workableChanges(asked, pod);
    await own(rest, spec, pod);
    await deletePod(rest, former, { gracePeriodSeconds: 0 });
    return { pod, changes, warnings };
  } catch (error) {
    if (existing.pod === 'no') Object.assign(existing, before);
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
  body: unknown,
  existing: Existing,
  kind: 'pod' | 'configMap',
  onWarning?: (text: string) => void,
): Promise<T> {
  // Marked before the request, so that no failure finds us without the undo.
  existing[kind] = 'maybe';
  try {
    const created = await rest.json<T>({ verb: 'create', resource, namespace, body }, undefined, onWarning);
    existing[kind] = 'yes';
    return created;
  } catch (error) {
    // Refused outright, so nothing of ours is there: after a conflict of names the object belongs to somebody else.
    if (error instanceof ApiError && error.status >= 400 && error.status < 500) existing[kind] = 'no';
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

function own(rest: Rest, { id, namespace, pod: name }: AgentSpec, pod: V1Pod): Promise<unknown> {
  const owner = { apiVersion: 'v1', kind: 'Pod', name, uid: pod.metadata?.uid };
  return rest.json({
    verb: 'patch',
    resource: resources.configmaps,
    namespace,
    name: id,
    body: { metadata: { ownerReferences: [owner] } },
  });
}
