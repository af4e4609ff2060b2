import { usageError } from '../errors.ts';
import type { TargetQuery, WorkloadKind } from '../ports.ts';
import { nearest } from './nearest.ts';
import { quote } from './values.ts';

/** kubectl's names, short names and plurals of the kinds that lead to a pod. */
const kindNames: Readonly<Record<string, WorkloadKind>> = {
  po: 'pod',
  pod: 'pod',
  pods: 'pod',
  deploy: 'deployment',
  deployment: 'deployment',
  deployments: 'deployment',
  rs: 'replicaset',
  replicaset: 'replicaset',
  replicasets: 'replicaset',
  sts: 'statefulset',
  statefulset: 'statefulset',
  statefulsets: 'statefulset',
  ds: 'daemonset',
  daemonset: 'daemonset',
  daemonsets: 'daemonset',
  job: 'job',
  jobs: 'job',
  cj: 'cronjob',
  cronjob: 'cronjob',
  cronjobs: 'cronjob',
  rc: 'replicationcontroller',
  replicationcontroller: 'replicationcontroller',
  replicationcontrollers: 'replicationcontroller',
};

/** The API groups that kubectl lets a user append: `deployment.apps/web`, `deployments.v1.apps/web`. */
const groupSuffix = /\.(?:v1\.)?(?:apps|batch)$/;

const dnsSubdomain = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const dnsLabel = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;

/** TARGET as `POD`, `pod/NAME`, `deploy/NAME`, … Throws a usage error that names the argument. */
export function parseTarget(text: string, namespace: string | undefined, container: string | undefined): TargetQuery {
  const slash = text.indexOf('/');
  const kindText = slash < 0 ? 'pod' : text.slice(0, slash).toLowerCase();
  const name = text.slice(slash + 1);
  const kind = workloadKind(kindText);
  if (kind === undefined) {
    const near = nearest(kindText, Object.keys(kindNames));
    throw usageError(
      `TARGET ${quote(text)}: ${quote(kindText)} is not a kind that leads to a pod${near ? `; did you mean ${near}/${name}?` : ''}`,
      'Kinds: pod, deployment, replicaset, statefulset, daemonset, job, cronjob, replicationcontroller.',
    );
  }
  if (!isObjectName(name)) {
    throw usageError(`TARGET ${quote(text)}: ${quote(name)} is not a valid name of a Kubernetes object`);
  }
  checkName('--namespace', namespace);
  checkName('--container', container);
  return { kind, name, namespace, container };
}

/** The kind that kubectl's word for it, in lower case, means; undefined: none that leads to a pod. */
export function workloadKind(word: string): WorkloadKind | undefined {
  const name = word.replace(groupSuffix, '');
  return Object.hasOwn(kindNames, name) ? kindNames[name] : undefined;
}

/** Names of pods and of what makes them are DNS subdomains. */
export function isObjectName(name: string): boolean {
  return name.length <= 253 && dnsSubdomain.test(name);
}

/** Names of namespaces, containers and services are DNS labels. */
export function isLabel(name: string): boolean {
  return name.length <= 63 && dnsLabel.test(name);
}

export function checkName(flag: string, name: string | undefined): void {
  if (name !== undefined && !isLabel(name)) {
    throw usageError(`${flag} ${quote(name)}: not a valid name (lower-case letters, digits and "-", at most 63)`);
  }
}
