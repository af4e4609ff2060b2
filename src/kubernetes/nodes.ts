import type { V1Node, V1Pod } from '@kubernetes/client-node';
import { ChaosError } from '../errors.ts';
import type { Agent, SweptNode } from '../ports.ts';
import { ApiError, isStatus } from './api-error.ts';
import { checkNode } from './node-check.ts';
import { resources } from './request.ts';
import type { Rest } from './rest.ts';

/** The nodes that are named, or all. Rejects with not-found when one that is named does not exist. */
export async function findNodes(rest: Rest, names: readonly string[]): Promise<SweptNode[]> {
  const nodes =
    names.length === 0
      ? (await rest.json<{ items: V1Node[] }>({ verb: 'list', resource: resources.nodes })).items
      : await Promise.all(names.map((name) => findNode(rest, name)));
  return nodes.map(sweptNode);
}

export async function findNode(rest: Rest, name: string): Promise<V1Node> {
  try {
    return await rest.json<V1Node>({ verb: 'get', resource: resources.nodes, name });
  } catch (error) {
    if (!isStatus(error, 404)) throw error;
    throw new ChaosError('not-found', `there is no node ${name}`, { hint: 'kubectl get nodes', cause: error });
  }
}

/** Pure: one that cannot run an agent says why, and does not stop the others. */
function sweptNode(node: V1Node): SweptNode {
  const { name = '', uid } = node.metadata ?? {};
  try {
    return { name, ...(uid === undefined ? {} : { uid }), architecture: checkNode(node) };
  } catch (error) {
    if (!(error instanceof ChaosError)) throw error;
    return { name, problem: error.message };
  }
}

/** How long a word for an error is waited for, milliseconds. */
const runtimeMs = 3_000;

/** A node's container runtime with its version, `cri-o://1.37.0`; undefined where it cannot be had. Never rejects. */
export async function runtimeVersion(rest: Rest, name: string): Promise<string | undefined> {
  try {
    const get = { verb: 'get', resource: resources.nodes, name } as const;
    const { status } = await rest.json<V1Node>(get, AbortSignal.timeout(runtimeMs));
    return status?.nodeInfo?.containerRuntimeVersion;
  } catch {
    return undefined;
  }
}

/** `NAMESPACE/NAME` of the node's pods by their uid; empty where they may not be listed. */
export async function podsOn(rest: Rest, node: string): Promise<Map<string, string>> {
  try {
    const query = { fieldSelector: `spec.nodeName=${node}` };
    const { items } = await rest.json<{ items: V1Pod[] }>({ verb: 'list', resource: resources.pods, query });
    return new Map(items.map(({ metadata }) => [metadata?.uid ?? '', `${metadata?.namespace}/${metadata?.name}`]));
  } catch (error) {
    if (error instanceof ApiError) return new Map();
    throw error;
  }
}

/** What a container has written, stdout and stderr. */
export function readLog(rest: Rest, { namespace, pod }: Agent, container: string): Promise<string> {
  const log = { resource: resources.pods, subresource: 'log', namespace, name: pod, query: { container } };
  return rest.text({ verb: 'get', ...log });
}
