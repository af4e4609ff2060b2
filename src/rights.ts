import { shellWord } from './text.ts';

/**
 * The rights that this plugin asks of a cluster, written once: roles are printed from it, krew/rbac.yaml is its whole, and what is missing is told by it.
 */

/**
 * Where a right is needed. `target`, `agent`: in that namespace. `cluster`: of what is in no namespace. `everywhere`: in all namespaces, and of use there
 * alone.
 */
export type Place = 'target' | 'agent' | 'cluster' | 'everywhere';

/** One rule, as RBAC has them, and what it is for. */
export interface Right {
  place: Place;
  /** Empty: the core group. */
  group: string;
  /** As rules have them: `pods`, `pods/attach`. */
  resources: readonly string[];
  verbs: readonly string[];
  why: string;
  /** What happens without it, for a sentence; absent: no fault can be injected. */
  otherwise?: string;
  /** Of use alone where the agent is attached to, or where its log is read instead; absent: in both cases. */
  way?: 'attach' | 'log';
}

const core = '';
const byWorkload = {
  why: 'a target that is named by what makes it, and how many ready pods that has',
  otherwise: 'the pod itself has to be named',
};
const byService = {
  why: 'peers of a net fault, and targets, that are named svc/NAME',
  otherwise: 'addresses have to be named',
};
const agent = { place: 'agent', why: 'the agent pod, with its shim in a ConfigMap' } as const;

/** In the order in which a role lists them. */
export const rights: readonly Right[] = [
  { place: 'target', group: core, resources: ['pods'], verbs: ['get', 'list', 'watch'], why: 'the target' },
  {
    ...{ place: 'target', group: 'apps', resources: ['deployments', 'replicasets', 'statefulsets', 'daemonsets'] },
    ...{ verbs: ['get'], ...byWorkload },
  },
  { place: 'target', group: 'batch', resources: ['jobs', 'cronjobs'], verbs: ['get'], ...byWorkload },
  { place: 'target', group: 'batch', resources: ['jobs'], verbs: ['list'], ...byWorkload },
  { place: 'target', group: core, resources: ['replicationcontrollers'], verbs: ['get'], ...byWorkload },
  { place: 'target', group: core, resources: ['services', 'endpoints'], verbs: ['get'], ...byService },
  { place: 'target', group: 'discovery.k8s.io', resources: ['endpointslices'], verbs: ['list'], ...byService },
  {
    ...{ place: 'target', group: 'discovery.k8s.io', resources: ['endpointslices'], verbs: ['watch'] },
    why: 'how many endpoints the services of a pod that is killed have left',
    otherwise: 'that is not known',
  },
  {
    ...{ place: 'target', group: core, resources: ['namespaces'], verbs: ['get'] },
    why: 'whether the namespace is protected, and which pod security level it enforces',
    otherwise: 'the run says that it has not looked',
  },
  {
    ...{ place: 'target', group: core, resources: ['events'], verbs: ['create'] },
    why: 'an Event about the target, so that "kubectl describe pod" tells of the experiment',
    otherwise: 'nothing is written',
  },
  {
    ...{ place: 'target', group: 'policy', resources: ['poddisruptionbudgets'], verbs: ['list'] },
    why: 'which disruption budgets a fault may break, for a run and "doctor"',
    otherwise: 'they are not known',
  },
  {
    ...{ place: 'everywhere', group: core, resources: ['pods'], verbs: ['list', 'watch'] },
    why: 'other experiments, and evictions, on the node of the target',
    otherwise: 'those of the namespace alone are seen, and evictions do not end a fault',
  },
  {
    ...{ place: 'cluster', group: core, resources: ['nodes'], verbs: ['get'] },
    why: 'the node: architecture, readiness, what is allocatable',
    otherwise: 'it is taken for a ready node of amd64',
  },
  {
    ...{ place: 'cluster', group: 'node.k8s.io', resources: ['runtimeclasses'], verbs: ['get'] },
    why: 'whether a runtime class gives the target a kernel of its own',
    otherwise: 'its name has to tell',
  },
  {
    ...{ place: 'cluster', group: core, resources: ['nodes'], verbs: ['list', 'watch'] },
    why: 'to end a fault when the node comes under pressure; and "sweep --all-nodes"',
    otherwise: 'pressure does not end a fault, and sweep has to be told the nodes',
  },
  { ...agent, group: core, resources: ['pods'], verbs: ['create', 'delete', 'get', 'list', 'watch'] },
  { ...agent, group: core, resources: ['pods/attach'], verbs: ['get', 'create'], way: 'attach' },
  { ...agent, group: core, resources: ['configmaps'], verbs: ['create', 'delete', 'patch'] },
  { ...agent, group: core, resources: ['events'], verbs: ['list', 'watch'] },
  {
    ...{ place: 'agent', group: core, resources: ['pods/log'], verbs: ['get'], way: 'log' },
    why: 'to read the log of the agent, with --no-attach and of sweep',
    otherwise: 'neither is possible',
  },
  {
    ...{ place: 'target', group: core, resources: ['pods'], verbs: ['delete'] },
    why: 'to delete a target, with "kill --pod"',
    otherwise: '"kill --pod" is not possible there',
  },
  {
    ...{ place: 'agent', group: core, resources: ['configmaps'], verbs: ['list'] },
    why: 'to find ConfigMaps that killed commands have left',
    otherwise: 'they are not found',
  },
  {
    ...{ place: 'agent', group: core, resources: ['namespaces'], verbs: ['get'] },
    why: 'which pod security level the namespace of the agent enforces, for "doctor"',
    otherwise: 'it is not known',
  },
];

/** One thing that is asked: one verb on one resource. */
export interface Asked extends Omit<Right, 'resources' | 'verbs'> {
  resource: string;
  verb: string;
}

/** Each verb on each resource of the rights, in their order. */
export function each(some: readonly Right[]): Asked[] {
  return some.flatMap(({ resources, verbs, ...right }) =>
    resources.flatMap((resource) => verbs.map((verb) => ({ ...right, resource, verb }))),
  );
}

/** Whether a role that is printed gives it. */
export function isListed(asked: Pick<Asked, 'group' | 'resource' | 'verb'>): boolean {
  return each(rights).some(
    ({ group, resource, verb }) => group === asked.group && resource === asked.resource && verb === asked.verb,
  );
}

/** What prints the role. `user`: as the API server names it; `namespace` undefined: of the whole cluster. */
export function rbacCommand({ user, namespace }: { user?: string; namespace?: string | undefined }): string {
  const account = /^system:serviceaccount:([^:]+:[^:]+)$/.exec(user ?? '')?.[1];
  const subject = account === undefined ? (user ? ['--user', shellWord(user)] : []) : ['--serviceaccount', account];
  return ['kubectl chaos rbac', ...subject, ...(namespace === undefined ? [] : ['-n', namespace])].join(' ');
}
