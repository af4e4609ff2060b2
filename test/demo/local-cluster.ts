/** Clusters on this very machine, made by kind, k3d or minikube, among the contexts of a kubeconfig. */

export type Maker = 'kind' | 'k3d' | 'minikube';

export interface LocalCluster {
  /** The context's name in the kubeconfig. */
  context: string;
  maker: Maker;
}

interface Named {
  name?: unknown;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function named(list: unknown, name: unknown, field: string): Record<string, unknown> | undefined {
  if (!Array.isArray(list)) return undefined;
  const entry: unknown = list.find((one: unknown) => isObject(one) && (one as Named).name === name);
  const value = isObject(entry) ? entry[field] : undefined;
  return isObject(value) ? value : undefined;
}

/** Who makes clusters of this name; undefined: nobody that we know. */
function makerOf(context: string): Maker | undefined {
  const [, maker] = /^(kind|k3d)-.+$/.exec(context) ?? [];
  return context === 'minikube' ? context : (maker as Maker | undefined);
}

/** Where a server of this address is: on this machine, in a private network, or anywhere. Host names other than localhost may be anything. */
export function placeOf(server: string): 'machine' | 'private' | 'anywhere' {
  if (!URL.canParse(server)) return 'anywhere';
  const host = new URL(server).hostname;
  // k3d writes 0.0.0.0, by which a client reaches its own machine.
  if (host === 'localhost' || host === '[::1]' || host === '0.0.0.0') return 'machine';
  const bytes = /^\d+\.\d+\.\d+\.\d+$/.test(host) ? host.split('.').map(Number) : [];
  const [first = 0, second = 0] = bytes;
  if (first === 127) return 'machine';
  const isPrivate = first === 10 || (first === 172 && second >= 16 && second < 32) || (first === 192 && second === 168);
  return isPrivate ? 'private' : 'anywhere';
}

/**
 * The contexts that are unmistakably such a cluster, the current one first. Name and address must both say so: a context can be renamed to anything, and a cluster far away can be
 * reached by a port of this machine. A cluster behind a proxy is elsewhere, and so is one whose context and cluster have different names, as their makers never write them.
 * @param view what `kubectl config view -o json` prints, parsed
 */
export function localClusters(view: unknown): LocalCluster[] {
  if (!isObject(view) || !Array.isArray(view.contexts)) return [];
  const found: LocalCluster[] = [];
  for (const { name } of view.contexts.filter(isObject)) {
    if (typeof name !== 'string') continue;
    const maker = makerOf(name);
    const context = named(view.contexts, name, 'context');
    if (!maker || context?.cluster !== name) continue;
    const cluster = named(view.clusters, name, 'cluster');
    if (typeof cluster?.server !== 'string' || cluster['proxy-url']) continue;
    const place = placeOf(cluster.server);
    // Only minikube's machines have an address of their own.
    if (place === 'machine' || (place === 'private' && maker === 'minikube')) {
      found.push({ context: name, maker });
    }
  }
  const isCurrent = ({ context }: LocalCluster) => context === view['current-context'];
  return [...found.filter(isCurrent), ...found.filter((one) => !isCurrent(one))];
}
