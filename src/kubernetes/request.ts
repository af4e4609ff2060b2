/** One request to the API server, as RBAC names it. */
export interface ApiRequest {
  verb: 'get' | 'list' | 'watch' | 'create' | 'patch' | 'delete';
  resource: Resource;
  subresource?: string;
  namespace?: string;
  name?: string;
  query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Of each object its metadata alone is wanted: https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-metadata-only. */
  metadataOnly?: boolean;
  body?: unknown;
}

export interface Resource {
  /** Empty: the core group. */
  group: string;
  /** Empty: no object of the API but a path of the server itself. */
  version: string;
  plural: string;
  namespaced: boolean;
}

const resource = (plural: string, group = '', version = 'v1', namespaced = true): Resource => ({
  group,
  version,
  plural,
  namespaced,
});

export const resources = {
  pods: resource('pods'),
  configmaps: resource('configmaps'),
  events: resource('events'),
  replicationcontrollers: resource('replicationcontrollers'),
  services: resource('services'),
  endpoints: resource('endpoints'),
  endpointslices: resource('endpointslices', 'discovery.k8s.io'),
  /** Before Kubernetes 1.21. */
  endpointslicesBeta: resource('endpointslices', 'discovery.k8s.io', 'v1beta1'),
  nodes: resource('nodes', '', 'v1', false),
  namespaces: resource('namespaces', '', 'v1', false),
  deployments: resource('deployments', 'apps'),
  replicasets: resource('replicasets', 'apps'),
  statefulsets: resource('statefulsets', 'apps'),
  daemonsets: resource('daemonsets', 'apps'),
  jobs: resource('jobs', 'batch'),
  cronjobs: resource('cronjobs', 'batch'),
  /** Before Kubernetes 1.21. */
  cronjobsBeta: resource('cronjobs', 'batch', 'v1beta1'),
  runtimeclasses: resource('runtimeclasses', 'node.k8s.io', 'v1', false),
  poddisruptionbudgets: resource('poddisruptionbudgets', 'policy'),
  /** Before Kubernetes 1.21. */
  poddisruptionbudgetsBeta: resource('poddisruptionbudgets', 'policy', 'v1beta1'),
  leases: resource('leases', 'coordination.k8s.io'),
  selfsubjectrulesreviews: resource('selfsubjectrulesreviews', 'authorization.k8s.io', 'v1', false),
  selfsubjectaccessreviews: resource('selfsubjectaccessreviews', 'authorization.k8s.io', 'v1', false),
  /** From Kubernetes 1.28 on. */
  selfsubjectreviews: resource('selfsubjectreviews', 'authentication.k8s.io', 'v1', false),
  /** What the server says of itself, a `VersionInfo`. */
  version: resource('version', '', '', false),
} as const;

/** `pods`, `pods/attach`, `deployments.apps`: as RBAC rules and kubectl write it. */
export function resourceName({
  resource: { plural, group },
  subresource,
}: Pick<ApiRequest, 'resource' | 'subresource'>): string {
  return `${plural}${group ? `.${group}` : ''}${subresource ? `/${subresource}` : ''}`;
}

/**
 * Selects the pods of one node, of a list over all namespaces as well: version 0 has it answered from the API server's cache, which has an index by
 * node. Without it, the server reads every pod of the cluster from etcd.
 */
export function podsOfNode(node: string): Readonly<Record<string, string>> {
  return { fieldSelector: `spec.nodeName=${node}`, resourceVersion: '0' };
}

/** `create pods in namespace shop`, for messages. */
export function describe(request: ApiRequest): string {
  return `${request.verb} ${resourceName(request)}${request.namespace ? ` in namespace ${request.namespace}` : ''}`;
}

/** What the answer should be, as its `Accept` header. A server that cannot give metadata alone sends whole objects. */
export function accepted({ verb, metadataOnly }: ApiRequest): string {
  if (!metadataOnly) return 'application/json';
  return verb === 'list'
    ? 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json'
    : 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';
}

/** Path and query below the server's URL. */
export function requestPath(request: ApiRequest): string {
  const { group, version, plural, namespaced } = request.resource;
  const parts = [
    ...(group ? ['apis', group, version] : version ? ['api', version] : []),
    ...(namespaced && request.namespace ? ['namespaces', encodeURIComponent(request.namespace)] : []),
    plural,
    ...(request.name ? [encodeURIComponent(request.name)] : []),
    ...(request.subresource ? [request.subresource] : []),
  ];
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(request.query ?? {})) {
    if (value !== undefined) query.append(name, String(value));
  }
  return `/${parts.join('/')}${query.size > 0 ? `?${query}` : ''}`;
}
