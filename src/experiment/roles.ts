import type { RbacRequest, RbacSubject } from '../requests.ts';
import { type Place, type Right, rights } from '../rights.ts';

/** Which roles whoever runs the plugin needs, and who is bound to them. Pure. */

/** A Role, or, without a namespace, a ClusterRole. */
export interface Role {
  name: string;
  namespace?: string;
  rules: readonly Right[];
}

export interface Roles {
  roles: readonly Role[];
  /** Absent: nobody is bound to them. */
  subject?: RbacSubject;
  /** What is to be said beside them. */
  notes: readonly string[];
}

/**
 * Without a namespace one ClusterRole for all of it, as krew/rbac.yaml is. A namespace of the target makes a Role of all that a Role can give; what is in
 * no namespace stays in a ClusterRole. A namespace of the agent takes the right to create privileged pods out of every other one. Each combination has
 * names of its own: the roles of one would otherwise take rights away from those of another.
 */
export function rolesFor({ namespace, agentNamespace, subject }: RbacRequest): Roles {
  const notes =
    subject === undefined ? ['nobody is bound to it yet: add --user, --group or --serviceaccount, or bind it'] : [];
  const whose = subject === undefined ? {} : { subject };
  if (namespace === undefined) {
    const roles =
      agentNamespace === undefined
        ? [role('kubectl-chaos', undefined, 'target', 'everywhere', 'cluster', 'agent')]
        : [
            role('kubectl-chaos-targets', undefined, 'target', 'everywhere', 'cluster'),
            role('kubectl-chaos-agent', agentNamespace, 'agent'),
          ];
    return { roles, ...whose, notes };
  }
  const isApart = agentNamespace !== undefined && agentNamespace !== namespace;
  const inNamespaces = isApart
    ? [role('kubectl-chaos-target', namespace, 'target'), role('kubectl-chaos-agent', agentNamespace, 'agent')]
    : [role('kubectl-chaos', namespace, 'target', 'agent')];
  return {
    roles: [...inNamespaces, role('kubectl-chaos-cluster', undefined, 'cluster')],
    ...whose,
    notes: [...notes, ...rights.filter(({ place }) => place === 'everywhere').map(leftOut)],
  };
}

function leftOut({ verbs, resources, why, otherwise }: Right): string {
  return `left out, as it would have to be for every namespace: ${verbs.join(' and ')} ${resources.join(' and ')} (${why}); so ${otherwise}`;
}

function role(name: string, namespace: string | undefined, ...places: readonly Place[]): Role {
  const rules = places.flatMap((place) => rights.filter((right) => right.place === place));
  return { name, ...(namespace === undefined ? {} : { namespace }), rules: withoutRepeats(rules) };
}

/** Rules without the verbs that earlier ones give already for all of their resources, nor, where they can be left out, those that one gives that cannot. */
function withoutRepeats(rules: readonly Right[]): Right[] {
  const keysOf = (rule: Right, verb: string) => rule.resources.map((resource) => `${verb} ${resource} ${rule.group}`);
  const needed = new Set(
    rules.flatMap((rule) => (rule.otherwise === undefined ? rule.verbs.flatMap((verb) => keysOf(rule, verb)) : [])),
  );
  const given = new Set<string>();
  return rules.flatMap((rule) => {
    const isThere = (key: string) => given.has(key) || (rule.otherwise !== undefined && needed.has(key));
    const verbs = rule.verbs.filter((verb) => !keysOf(rule, verb).every(isThere));
    for (const key of verbs.flatMap((verb) => keysOf(rule, verb))) given.add(key);
    return verbs.length === 0 ? [] : [{ ...rule, verbs }];
  });
}

/** The objects that bind the subject to the roles; a name for each subject, as a binding of another must not be replaced. */
export function bindingName(role: Pick<Role, 'name'>, { kind, name, namespace }: RbacSubject): string {
  const who = [kind.toLowerCase(), namespace, name].filter((part) => part !== undefined).join(':');
  // A name in a path has neither of these: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#path-segment-names.
  return `${role.name}:${who}`.replace(/[/%]/g, ':');
}
