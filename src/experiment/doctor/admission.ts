import type { ChaosError } from '../../errors.ts';
import type { NamespaceFacts } from '../../facts.ts';
import { type Finding, type Known, of } from './finding.ts';

/** Whether the agent pod, which is privileged, is let into its namespace. Pure. */

/** What a dry run of its creation came to. */
export type Rehearsal = Known<{ changes: readonly string[]; warnings: readonly string[] }>;

/** `rehearsal` undefined: none was made, as there is nothing to make the pod for. */
export function judgePodSecurity(
  { name, enforced, isTerminating }: NamespaceFacts,
  rehearsal: Rehearsal | undefined,
): Finding {
  const { ok, problem, warning } = of('pod security');
  if (isTerminating) {
    return problem(`namespace ${name} is being deleted: nothing can be created in it`, 'use --agent-namespace');
  }
  if (enforced === undefined) return ok(`namespace ${name} names no level: the cluster's default holds`);
  if (enforced === 'privileged') return ok(`namespace ${name} admits privileged pods`);
  const said = `namespace ${name} enforces the level ${enforced}, and the agent pod is privileged`;
  const remedy = `kubectl label namespace ${name} pod-security.kubernetes.io/enforce=privileged --overwrite, or --agent-namespace with a namespace of that level`;
  if (rehearsal && 'known' in rehearsal) return ok(`${said}; it is exempt, as the dry run shows`);
  // Exemptions by user, namespace or runtime class are in the API server's own configuration.
  if (rehearsal && rehearsal.unknown.code !== 'admission') {
    return warning(`${said}: it will be refused, unless the cluster exempts it`, remedy);
  }
  return problem(said, remedy);
}

/** The namespace of a target whose agent is elsewhere. */
export function judgeOtherNamespace(
  { name, enforced, isTerminating }: NamespaceFacts,
  agentNamespace: string,
): Finding {
  const { ok, warning } = of('pod security');
  const level = enforced === undefined ? 'names no level' : `enforces the level ${enforced}`;
  if (isTerminating) return warning(`namespace ${name} is being deleted, and the target with it`);
  return ok(`namespace ${name} ${level}, which does not matter: the agent is in ${agentNamespace}`);
}

export function judgeRehearsal(rehearsal: Rehearsal, namespace: string): Finding[] {
  const { ok, warning, problem, unknown } = of('agent pod');
  if ('unknown' in rehearsal) return [refused(rehearsal.unknown, { problem, unknown })];
  const { changes, warnings } = rehearsal.known;
  const found = [
    ...changes.map((change) => warning(`a webhook or policy would change it: ${change}`)),
    ...warnings.map((text) => warning(`the API server warns: ${text}`)),
  ];
  if (found.length > 0) return found;
  return [
    ok(
      `namespace ${namespace} takes it unchanged, as a dry run shows: pod security, policies, webhooks, quotas and limits`,
    ),
  ];
}

function refused(
  { code, message, hint }: ChaosError,
  { problem, unknown }: Pick<ReturnType<typeof of>, 'problem' | 'unknown'>,
): Finding {
  // https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#side-effects
  const webhook = /admission webhook "([^"]+)" does not support dry run/.exec(message)?.[1];
  if (webhook !== undefined) {
    return unknown(
      `the admission webhook ${webhook} refuses dry runs, as it does not say that it has no side effects: what it makes of the agent pod is not known`,
      `whoever runs it sets its sideEffects to None; or try: a run says what it changes`,
    );
  }
  // What is missing of rights has a line of its own.
  if (code === 'forbidden') return unknown(`a dry run is not possible: ${message}`);
  return problem(message, hint);
}
