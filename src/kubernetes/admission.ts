import type { V1Pod } from '@kubernetes/client-node';
import type { ErrorCode } from '../errors.ts';
import { fittingFlags } from './limit-range.ts';
import { type ApiRequest, describe, resources } from './request.ts';

export interface Problem {
  code: ErrorCode;
  message: string;
  hint?: string;
}

/** What helps where something that whoever runs the cluster has added is in the agent pod's way. */
export const exemption =
  'ask for an exemption for pods labelled app.kubernetes.io/managed-by=kubectl-chaos, or use --agent-namespace';

/** The same where it asks for something that a pod can have. */
const compliance = `--agent-label and --agent-annotation give the agent pod what a policy asks for; or ${exemption}`;

/** Refusals of admission plugins, which arrive as 403, 400, 422 or 500 with nothing but their text to tell them by. Pure. */
export function admissionProblem(said: string, request: ApiRequest): Problem | undefined {
  const namespace = request.namespace ?? 'the namespace';
  const refusal = (hint: string): Problem => ({ code: 'admission', message: refusalText(request, said), hint });
  const podSecurity = /violates PodSecurity "([^":]+)(?::[^"]*)?": (.*)/s.exec(said);
  if (podSecurity) {
    return {
      code: 'admission',
      message: `namespace ${namespace} enforces the pod security level "${podSecurity[1]}", and the agent pod is privileged (${podSecurity[2]?.trim()})`,
      hint: `kubectl label namespace ${namespace} pod-security.kubernetes.io/enforce=privileged --overwrite, or --agent-namespace with a namespace of that level`,
    };
  }
  // What these say is in words of their own, which may be those of the plugins below.
  const webhook = /admission webhook "([^"]+)" denied the request:?\s*(.*)/s.exec(said);
  if (webhook) {
    return {
      code: 'admission',
      message: `the admission webhook ${webhook[1]} denied "${describe(request)}": ${webhook[2]?.trim() || 'no reason given'}`,
      hint: compliance,
    };
  }
  const policy = /(ValidatingAdmissionPolicy '[^']+').* denied request: (.*)/s.exec(said);
  if (policy) {
    return {
      code: 'admission',
      message: `the ${policy[1]} denied "${describe(request)}": ${policy[2]?.trim()}`,
      hint: compliance,
    };
  }
  // A MutatingAdmissionPolicy that fails is told in the words of one that denies.
  const broken = /^policy '([^']+)' with binding '[^']+' denied request: (.*)/s.exec(said);
  if (broken) {
    return {
      code: 'admission',
      message: `the MutatingAdmissionPolicy '${broken[1]}' failed on "${describe(request)}": ${broken[2]?.trim()}`,
      hint: 'that policy must be repaired, or exempt the namespace: try --agent-namespace',
    };
  }
  if (/unable to validate against any (pod security policy|security context constraint)/.test(said)) {
    return {
      code: 'admission',
      message: `the cluster's policy does not allow the agent pod, which is privileged: ${said}`,
      hint: /context constraint/.test(said)
        ? `oc adm policy add-scc-to-user privileged -z default -n ${namespace}, or --agent-namespace with a namespace that may`
        : '--agent-namespace with a namespace whose policy allows privileged pods',
    };
  }
  if (/exceeded quota: |failed quota: /.test(said)) {
    return {
      code: 'quota',
      message: `the quota of namespace ${namespace} does not allow the agent pod: ${said.replace(/^.*?((?:exceeded|failed) quota: )/s, '$1')}`,
      hint: `kubectl describe quota -n ${namespace}; or --agent-namespace with one that has room; --agent-requests and --agent-limits are what the agent asks for`,
    };
  }
  if (/(?:maximum|minimum) \S+ (?:usage|limit)|max limit to request ratio/.test(said)) {
    const flags = fittingFlags(said, podOf(request));
    return {
      code: 'quota',
      message: `a LimitRange of namespace ${namespace} does not allow the agent pod: ${said}`,
      hint: `${flags === '' ? '' : `${flags}; or see `}kubectl describe limitrange -n ${namespace}; or --agent-namespace with one without`,
    };
  }
  const notOurs = (what: string): string =>
    `the agent pod asks for no ${what}: a webhook or policy of the cluster has given it this one; try --agent-namespace`;
  if (/no PriorityClass with name \S+ was found/.test(said)) {
    const isAsked = podOf(request)?.spec?.priorityClassName !== undefined;
    return refusal(
      isAsked ? '--priority-class with one that there is: kubectl get priorityclasses' : notOurs('priority class'),
    );
  }
  if (/insufficient quota to match these scopes: .*PriorityClass/.test(said)) {
    return refusal(
      'pods of that priority class need a quota for it in their namespace: --agent-namespace kube-system as a rule has one',
    );
  }
  const account = /error looking up service account \S+\/(\S+): /.exec(said)?.[1];
  if (account !== undefined) {
    return refusal(
      account === 'default'
        ? `namespace ${namespace} was created a moment ago, or its service account was deleted: try again`
        : notOurs('service account'),
    );
  }
  if (/node label selector (?:labels )?conflicts? with its (?:namespace|project)/.test(said)) {
    return refusal('use --agent-namespace with a namespace that restricts no node selectors');
  }
  if (/pod tolerations .*conflict with its namespace (?:whitelist|allowlist)/.test(said)) {
    return refusal(
      'the agent pod tolerates every taint, so that it runs on any node: --agent-namespace with a namespace that allows that',
    );
  }
  if (/image policy webhook backend denied/.test(said)) {
    return refusal('--image with one that the policy allows');
  }
  if (/failed calling webhook/.test(said)) {
    return {
      code: 'admission',
      message: `an admission webhook of the cluster does not work: ${said}`,
      hint: 'that webhook must be repaired, or exempt the namespace: try --agent-namespace',
    };
  }
  if (/because it is being terminated/.test(said)) {
    return {
      code: 'admission',
      message: `namespace ${namespace} is being deleted: nothing can be created in it`,
      hint: 'use --agent-namespace',
    };
  }
  return undefined;
}

/** The pod that was to be created; undefined: something else was. */
function podOf({ verb, resource, body }: ApiRequest): V1Pod | undefined {
  return verb === 'create' && resource === resources.pods ? (body as V1Pod | undefined) : undefined;
}

/** A refusal of no kind that is known, in the server's words. */
export function refusalText(request: ApiRequest, said: string): string {
  return `the API server refused to ${describe(request)}: ${said}`;
}
