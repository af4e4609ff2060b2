import type {
  V1ResourceRule,
  V1SelfSubjectAccessReview,
  V1SelfSubjectRulesReview,
  VersionInfo,
} from '@kubernetes/client-node';
import type { AttachUse } from '../ports.ts';
import { type Asked, each, type Place, type Right, rights } from '../rights.ts';
import { joinWords } from '../text.ts';
import { ApiError, isStatus } from './api-error.ts';
import { type Rule, ruleHint, wholeRole } from './rbac.ts';
import { type ApiRequest, type Resource, resourceName, resources } from './request.ts';
import type { Rest } from './rest.ts';

/** One thing that RBAC has to allow. */
export type Permission = Pick<ApiRequest, 'verb' | 'resource' | 'subresource'>;

/** What a run is refused without, in the order of the rights. `way`: how the agent is heard. */
function needed(place: Place, way: Right['way']): Permission[] {
  const wanted = rights.filter((right) => right.place === place && (right.way ?? way) === way);
  return each(wanted.filter((right) => right.otherwise === undefined || right.way !== undefined)).map(permissionOf);
}

/** Of a right to something that this plugin asks for. */
export function permissionOf({ verb, group, resource }: Pick<Asked, 'verb' | 'group' | 'resource'>): Permission {
  const [plural, subresource] = resource.split('/');
  const found = Object.values<Resource>(resources).find((one) => one.group === group && one.plural === plural);
  if (!found) throw new Error(`there is no resource ${resource} in group "${group}"`);
  return { verb: verb as ApiRequest['verb'], resource: found, ...(subresource === undefined ? {} : { subresource }) };
}

/** https://kubernetes.io/docs/reference/access-authn-authz/authorization/: a request is authorized by its HTTP method, and a WebSocket's is GET. */
const whyGet = 'an attach over a WebSocket is a GET, for which the right to create is not enough';

/** What an experiment does in the agent's namespace. An attach over a WebSocket is a GET, and newer API servers ask for create as well. */
export const agentPermissions: readonly Permission[] = needed('agent', 'attach');

/** The same where the agent's log is read instead. */
const logPermissions = needed('agent', 'log');

/** What an experiment does in the target's namespace. */
export const targetPermissions: readonly Permission[] = needed('target', undefined);

/** The same of one that is deleted, and has no agent. */
export const deletionPermissions: readonly Permission[] = [
  ...targetPermissions,
  { verb: 'delete', resource: resources.pods },
];

const isAttach = ({ verb, subresource }: Permission, asked: ApiRequest['verb']) =>
  subresource === 'attach' && verb === asked;

/** Whether one of the rules allows it for every object. A rule with resourceNames does not: our objects' names are made up. */
export function isAllowed(permission: Permission, rules: readonly V1ResourceRule[]): boolean {
  const { group, plural } = permission.resource;
  const { subresource } = permission;
  const names = ['*', subresource ? `${plural}/${subresource}` : plural, ...(subresource ? [`*/${subresource}`] : [])];
  return rules.some(
    (rule) =>
      (rule.resourceNames ?? []).length === 0 &&
      rule.verbs.some((verb) => verb === '*' || verb === permission.verb) &&
      (rule.apiGroups ?? []).some((ruled) => ruled === '*' || ruled === group) &&
      (rule.resources ?? []).some((ruled) => names.includes(ruled)),
  );
}

/**
 * Refuses (forbidden) when something needed is not allowed, naming all of it. One request; where the authorizer cannot list its rules (`incomplete`:
 * webhooks of clouds), one more for each rule
 * that was not listed. An API server that does not answer such questions at all is believed: the request itself will tell.
 */
export async function checkPermissions(rest: Rest, namespace: string, needed: readonly Permission[]): Promise<void> {
  const unheld = await unheldPermissions(rest, namespace, needed);
  const createAttach = unheld?.find((permission) => isAttach(permission, 'create'));
  const isOptional = createAttach && unheld && !((await asksForCreate(rest)) ?? unheld.length > 1);
  const missing = (unheld ?? []).filter((permission) => !isOptional || permission !== createAttach);
  const [first] = missing;
  if (!first) return;
  const hint =
    missing.length === 1
      ? ruleHint({ ...ruleOf(first), namespace })
      : `a Role in ${namespace} needs these; ${wholeRole(namespace)}; --agent-namespace takes another namespace for the agent pod`;
  throw new ApiError(403, 'forbidden', `you are not allowed to ${listPermissions(missing)} in namespace ${namespace}`, {
    hint: missing.some((permission) => isAttach(permission, 'get')) ? `${hint}; ${whyGet}` : hint,
  });
}

/** Which of these are not allowed in the namespace; undefined: the API server answers no such questions. Requests as of `checkPermissions`. */
export async function unheldPermissions(
  rest: Rest,
  namespace: string,
  needed: readonly Permission[],
): Promise<Permission[] | undefined> {
  let status: V1SelfSubjectRulesReview['status'];
  try {
    ({ status } = await rest.json<V1SelfSubjectRulesReview>({
      verb: 'create',
      resource: resources.selfsubjectrulesreviews,
      body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace } },
    }));
  } catch (error) {
    if (isStatus(error, 403, 404)) return undefined;
    throw error;
  }
  const unlisted = needed.filter((permission) => !isAllowed(permission, status?.resourceRules ?? []));
  return status?.incomplete ? await denied(rest, namespace, unlisted) : unlisted;
}

/**
 * Refuses as `checkPermissions` does what is missing in the agent's namespace. Gives the reason why there can be no attach, where it is wanted only and nothing else is missing.
 */
export async function checkAgentPermissions(
  rest: Rest,
  namespace: string,
  attach: Exclude<AttachUse, 'none'>,
): Promise<string | undefined> {
  if (attach === 'unused') {
    await checkPermissions(rest, namespace, logPermissions);
    return undefined;
  }
  try {
    await checkPermissions(rest, namespace, agentPermissions);
    return undefined;
  } catch (error) {
    if (attach === 'needed' || !isStatus(error, 403)) throw error;
    await checkPermissions(rest, namespace, logPermissions).catch(() => {
      throw error;
    });
    return error.message;
  }
}

/**
 * Whether the API server asks for `create` beside `get` before it attaches over a WebSocket: from Kubernetes 1.35 on
 * (AuthorizePodWebsocketUpgradeCreatePermission). Undefined: its version cannot be read, and the attach itself will tell.
 */
async function asksForCreate(rest: Rest): Promise<boolean | undefined> {
  const version = await rest.json<VersionInfo>({ verb: 'get', resource: resources.version }).catch((error: unknown) => {
    if (isStatus(error, 403, 404)) return undefined;
    throw error;
  });
  if (!version) return undefined;
  // Clouds write a minor version as `31+`.
  return Number.parseInt(version.major, 10) > 1 || Number.parseInt(version.minor, 10) >= 35;
}

function ruleOf({ verb, resource: { group, plural }, subresource }: Permission): Omit<Rule, 'namespace'> {
  return { verb, group, resource: subresource ? `${plural}/${subresource}` : plural };
}

/** `create and delete pods; get pods/attach`. */
function listPermissions(permissions: readonly Permission[]): string {
  const verbs = new Map<string, string[]>();
  for (const permission of permissions) {
    const name = resourceName(permission);
    verbs.set(name, [...(verbs.get(name) ?? []), permission.verb]);
  }
  return [...verbs].map(([name, all]) => `${joinWords(all)} ${name}`).join('; ');
}

/** Which of these are not allowed, by one request for each. `namespace` undefined: in every one, or of what is in none. */
export async function denied(
  rest: Rest,
  namespace: string | undefined,
  asked: readonly Permission[],
): Promise<Permission[]> {
  const answers = await Promise.all(
    asked.map(async (permission) => {
      const { group, plural } = permission.resource;
      const review = await rest.json<V1SelfSubjectAccessReview>({
        verb: 'create',
        resource: resources.selfsubjectaccessreviews,
        body: {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SelfSubjectAccessReview',
          spec: {
            resourceAttributes: {
              ...(namespace === undefined ? {} : { namespace }),
              verb: permission.verb,
              group,
              resource: plural,
              ...(permission.subresource ? { subresource: permission.subresource } : {}),
            },
          },
        },
      });
      return review.status?.allowed === true;
    }),
  );
  return asked.filter((_, index) => !answers[index]);
}
