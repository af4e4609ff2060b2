import type { RightAt } from '../../facts.ts';
import { each, rbacCommand, rights } from '../../rights.ts';
import { joinWords } from '../../text.ts';
import { type Finding, of } from './finding.ts';

/** Whether the user may do what a run does. */

/** Where a run asks for rights. */
export interface Places {
  /** Of the target. */
  namespace: string;
  agentNamespace: string;
}

/** Every right that a run may ask for, and where. Pure. */
export function wantedRights({ namespace, agentNamespace }: Places): RightAt[] {
  const places = { target: namespace, agent: agentNamespace, cluster: undefined, everywhere: undefined };
  return each(rights).map((right) => ({ ...right, namespace: places[right.place] }));
}

/** From Kubernetes 1.35 on an attach over a WebSocket needs `create` beside `get`. */
const createSince = 35;

/** What rights are judged by. */
export interface RightsContext {
  places: Places;
  /** Of the server; undefined: not known. */
  minor: number | undefined;
  /** An image with the tools is named. */
  hasImage: boolean;
  /** As the API server names it; undefined: not known. */
  user: string | undefined;
}

/** Pure. */
export function judgeRights(
  missing: readonly RightAt[] | undefined,
  { places, minor, hasImage, user }: RightsContext,
): Finding[] {
  const { ok, warning, problem, unknown } = of('rights');
  if (missing === undefined) return [unknown('the API server does not say what you are allowed to do')];
  const asked = missing.filter(
    ({ resource, verb }) =>
      !(resource === 'pods/attach' && verb === 'create' && minor !== undefined && minor < createSince),
  );
  const remedy = (some: readonly RightAt[]) =>
    `${commandFor(some, places, user)} | kubectl apply -f -, by somebody who may give rights`;
  const needed = asked.filter(({ otherwise, way }) => otherwise === undefined && way === undefined);
  const toAttach = asked.filter(({ way }) => way === 'attach');
  const toRead = asked.filter(({ way }) => way === 'log');
  const optional = asked.filter(({ otherwise, way }) => otherwise !== undefined && way === undefined);
  const isDeaf = toAttach.length > 0 && toRead.length > 0;
  const stopping = [...needed, ...(isDeaf ? [...toAttach, ...toRead] : [])];
  const findings = [
    ...(stopping.length > 0 ? [problem(`you are not allowed to ${listed(stopping)}`, remedy(stopping))] : []),
    ...(toAttach.length > 0 && !isDeaf ? [withoutAttach(toAttach, hasImage, remedy(toAttach))] : []),
    ...(toRead.length > 0 && !isDeaf
      ? [warning(`you are not allowed to ${listed(toRead)}: no --no-attach, and no sweep`, remedy(toRead))]
      : []),
    ...byReason(optional).map((some) =>
      warning(`you are not allowed to ${listed(some)}: ${some[0]?.otherwise}`, remedy(some)),
    ),
  ];
  if (findings.length > 0) return findings;
  const { namespace, agentNamespace } = places;
  const where = namespace === agentNamespace ? namespace : `${namespace}, and for agents in ${agentNamespace}`;
  return [ok(`all that a run asks for in namespace ${where}`)];
}

/** The agent's log is read instead: for a fault that asks nothing, with tools that are in an image. */
function withoutAttach(missing: readonly RightAt[], hasImage: boolean, remedy: string): Finding {
  const { warning, problem } = of('rights');
  const what = `you are not allowed to ${listed(missing)}: the agent's log has to do, so that no net fault is possible`;
  if (hasImage) return warning(what, remedy);
  return problem(`${what}, and no tools can be sent`, `${remedy}; or --image with one that has the tools`);
}

/** A missing right of the whole cluster takes the ClusterRole. */
function commandFor(
  asked: readonly RightAt[],
  { namespace, agentNamespace }: Places,
  user: string | undefined,
): string {
  const apart = agentNamespace === namespace ? '' : ` --agent-namespace ${agentNamespace}`;
  const isWide = asked.some(({ place }) => place === 'everywhere');
  const whole = rbacCommand({ namespace: isWide ? undefined : namespace, ...(user === undefined ? {} : { user }) });
  return `${whole}${apart}${user === undefined ? ' --user NAME' : ''}`;
}

function byReason(some: readonly RightAt[]): RightAt[][] {
  return [...Map.groupBy(some, ({ why }) => why).values()];
}

/** `create and delete pods in shop; get nodes`. */
function listed(some: readonly RightAt[]): string {
  const named = Map.groupBy(
    some,
    ({ resource, namespace }) => `${resource}${namespace === undefined ? '' : ` in ${namespace}`}`,
  );
  const parts = [...named].map(([what, all]) => `${joinWords(all.map(({ verb }) => verb))} ${what}`);
  const everywhere = some.every(({ place }) => place === 'everywhere') ? ' in every namespace' : '';
  return `${parts.join('; ')}${everywhere}`;
}
