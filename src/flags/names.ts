import { usageError } from '../errors.ts';
import type { WorkloadKind } from '../ports.ts';
import { quote } from './values.ts';

/** Names of Kubernetes' kinds and objects, as kubectl takes them. */

/** kubectl's names, short names and plurals of the kinds that lead to a pod. */
export const kindNames: Readonly<Record<string, WorkloadKind>> = {
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

/** The API groups, which kubectl lets a user append: `deployment.apps/web`, `deployments.v1.apps/web`. */
const groups: Readonly<Partial<Record<WorkloadKind, string>>> = {
  deployment: 'apps',
  replicaset: 'apps',
  statefulset: 'apps',
  daemonset: 'apps',
  job: 'batch',
  cronjob: 'batch',
};

const dnsSubdomain = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const dnsLabel = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;

/** The kind that kubectl's word for it, in lower case, means; undefined: none that leads to a pod. */
export function workloadKind(word: string): WorkloadKind | undefined {
  const [, name = '', group] = /^([^.]*)(?:\.(?:v1\.)?([a-z]+))?$/.exec(word) ?? [];
  const kind = Object.hasOwn(kindNames, name) ? kindNames[name] : undefined;
  return group === undefined || (kind && groups[kind] === group) ? kind : undefined;
}

/** kubectl's words for a service. */
export const serviceWords: readonly string[] = ['svc', 'service', 'services'];

/** As `workloadKind`, of what can be a target: a service as well. */
export function targetKind(word: string): WorkloadKind | 'service' | undefined {
  return serviceWords.includes(word) ? 'service' : workloadKind(word);
}

/** Names of pods and of what makes them are DNS subdomains. */
export function isObjectName(name: string): boolean {
  return name.length <= 253 && dnsSubdomain.test(name);
}

/** Why that is no `isObjectName`, for an error. */
export function notAnObjectName(name: string): string {
  if (name === '') return 'must have a name';
  return `${quote(name)} is not a valid name of a Kubernetes object (lower-case letters, digits, "-" and ".")`;
}

/** Names of namespaces, containers and services are DNS labels. */
export function isLabel(name: string): boolean {
  return name.length <= 63 && dnsLabel.test(name);
}

export function checkName(flag: string, name: string | undefined): void {
  if (name !== undefined && !isLabel(name)) {
    throw usageError(
      `${flag} ${quote(name)}: must be a valid name (lower-case letters, digits and "-", at most 63 characters)`,
    );
  }
}
