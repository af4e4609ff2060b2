import { isListed, rbacCommand } from '../rights.ts';

/** One thing that an authorizer has to allow. */
export interface Rule {
  verb: string;
  group: string;
  /** As rules have it: `pods`, `pods/attach`. */
  resource: string;
  /** Undefined: at the cluster scope, so of all namespaces. */
  namespace: string | undefined;
}

/** A rule that is missing, as the API server names it. */
export interface Denial extends Rule {
  user: string;
  /** What the authorizer adds: a role that does not exist, a permission of the cloud's own; may be empty. */
  reason: string;
}

/** https://github.com/kubernetes/apiserver/blob/master/pkg/endpoints/handlers/responsewriters/errors.go, `forbiddenMessage` */
const denied =
  /is forbidden: User "([^"]*)" cannot (\S+) resource "([^"]*)" in API group "([^"]*)" (?:in the namespace "([^"]*)"|at the cluster scope)(?:: (.*))?$/s;

/** What a refusal says that is an authorizer's; undefined for any other, as an admission plugin's. Pure. */
export function denialOf(said: string): Denial | undefined {
  const match = denied.exec(said.trim());
  if (!match) return undefined;
  const [, user = '', verb = '', resource = '', group = '', namespace, reason = ''] = match;
  return { user, verb, resource, group, namespace, reason };
}

/** What is not allowed to whom, and the rule that would allow it. Pure. */
export function denialText(denial: Denial): { message: string; hint: string } {
  const { user, verb, resource, group, namespace, reason } = denial;
  const [plural = '', subresource] = resource.split('/');
  const name = `${plural}${group ? `.${group}` : ''}${subresource ? `/${subresource}` : ''}`;
  const where = namespace === undefined ? 'in the cluster' : `in namespace ${namespace}`;
  const why = reason === '' ? '' : ` (${reason})`;
  return { message: `"${user}" is not allowed to ${verb} ${name} ${where}${why}`, hint: ruleHint(denial, user) };
}

/** The rule of a Role or ClusterRole that is missing, and what prints all of it if that is known. `user`: whose it is; absent: not known. */
export function ruleHint(rule: Rule, user?: string): string {
  const { verb, group, resource, namespace } = rule;
  const kind = namespace === undefined ? 'ClusterRole' : 'Role';
  const text = `a ${kind} needs the rule: apiGroups: ["${group}"], resources: ["${resource}"], verbs: ["${verb}"]`;
  return isListed(rule) ? `${text}; ${wholeRole(namespace, user)}` : text;
}

/** What prints the rights that are needed. */
export function wholeRole(namespace: string | undefined, user?: string): string {
  return `the whole role: ${rbacCommand({ namespace, ...(user === undefined ? {} : { user }) })}`;
}
