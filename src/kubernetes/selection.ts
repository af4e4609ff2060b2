import type { KubernetesObject, V1Pod } from '@kubernetes/client-node';
import { ChaosError } from '../errors.ts';
import type { AttachUse, ChosenFrom, Selection, Skipped, Take, TargetName } from '../ports.ts';
import { formatCount } from '../text.ts';
import { isOurs } from './agent-pod.ts';
import { isStatus } from './api-error.ts';
import { type Candidate, choosePods, numberOf } from './choice.ts';
import { checkAgentPermissions, checkPermissions, deletionPermissions, targetPermissions } from './permissions.ts';
import { resources } from './request.ts';
import type { Rest } from './rest.ts';
import { type ChosenPod, type FoundTarget, findPod, Inspector } from './target.ts';
import { isReady, isRunning, noReadyPod, type PodList, podsOfWorkload, stateOf } from './workload.ts';

/** What was found for a selection. */
interface Found {
  targets: readonly FoundTarget[];
  skipped: readonly Skipped[];
}

/** What one object, or the labels, lead to. */
interface Source {
  /** `pod/web-0`, `deployment/web`, `-l app=web`. */
  what: string;
  /** It is a pod by its name, which is a target whether it is ready or not. */
  isNamed: boolean;
  list: PodList;
}

/** A pod that may be taken. */
interface Listed extends Candidate {
  chosen: ChosenPod;
}

/**
 * Finds the targets and refuses what cannot work, with reading requests only: the pods and the permissions at once, then the node of each pod that is
 * chosen (and its runtime class, if there is one).
 */
export async function findTargets(
  rest: Rest,
  selection: Selection,
  namespace: string,
  agentNamespace: string,
  attach: AttachUse,
): Promise<Found> {
  const allowed = Promise.all(
    attach === 'none'
      ? [checkPermissions(rest, namespace, deletionPermissions)]
      : agentNamespace === namespace
        ? [checkAgentPermissions(rest, namespace, attach)]
        : [checkAgentPermissions(rest, agentNamespace, attach), checkPermissions(rest, namespace, targetPermissions)],
  ).then(([attachBarred]) => attachBarred ?? undefined);
  // Awaited with the first pod that is looked at; a pod that is not there is the better message, and comes first.
  allowed.catch(() => {});
  const sources = await Promise.all(sourcesOf(rest, selection, namespace));
  const { groups, skipped } = candidatesOf(sources, selection, namespace);
  const take = fixedTake(selection, groups);
  await addZones(rest, groups, take);
  const inspector = new Inspector(rest, { ...selection, hasAgent: attach !== 'none' }, allowed);
  const { targets, failed } = await inspect(groups, take, selection, inspector);
  return { targets, skipped: [...skipped, ...[...failed].map(([pod, { message }]) => ({ pod, why: message }))] };
}

function sourcesOf(rest: Rest, { from }: Selection, namespace: string): Promise<Source>[] {
  if (!('labels' in from)) return from.map((name) => namedSource(rest, name, namespace));
  const query = { labelSelector: from.labels };
  const list = rest.json<PodList>({ verb: 'list', resource: resources.pods, namespace, query });
  return [list.then((found) => ({ what: `-l ${from.labels}`, isNamed: false, list: found }))];
}

async function namedSource(rest: Rest, target: TargetName, namespace: string): Promise<Source> {
  const { kind, name } = target;
  const what = `${kind}/${name}`;
  if (kind !== 'pod') return { what, isNamed: false, list: await podsOfWorkload(rest, kind, name, namespace) };
  const { pod, resourceVersion } = await findPod(rest, target, namespace);
  const metadata = resourceVersion === undefined ? {} : { metadata: { resourceVersion } };
  return { what, isNamed: true, list: { items: [pod], ...metadata } };
}

/** The pods that may be taken, a group for each source. Refuses a source that has none, unless such are left out and another has some. */
function candidatesOf(
  sources: readonly Source[],
  { skipUnsuitable, take, seed, from }: Selection,
  namespace: string,
): { groups: Listed[][]; skipped: Skipped[] } {
  const skipped: Skipped[] = [];
  const candidates = sources.map(({ isNamed, list }) =>
    list.items.filter(({ metadata = {} }) => isNamed || !isOurs(metadata)),
  );
  const groups = sources.map((source, index) => {
    const pods = candidates[index] ?? [];
    const ready = source.isNamed ? pods : pods.filter((pod) => isRunning(pod) && isReady(pod));
    if (take !== 'one' || ready.length === 0) skipped.push(...notReady(pods, ready));
    if (ready.length === 0 && pods.length === 0) skipped.push({ pod: source.what, why: 'it has no pods' });
    return ready.map((pod) => listed(pod, source, { pods, ready, take, seed }));
  });
  const first = groups.findIndex(({ length }) => length === 0);
  const isNone = groups.every(({ length }) => length === 0);
  if (first >= 0 && (!skipUnsuitable || isNone)) {
    const pods = candidates[first] ?? [];
    throw 'labels' in from && pods.length === 0
      ? new ChaosError('target-unsuitable', `no pod in namespace ${namespace} has the labels ${from.labels}`, {
          hint: `kubectl get pods -n ${namespace} --show-labels`,
        })
      : noReadyPod(pods, sources[first]?.what ?? '');
  }
  return { groups, skipped };
}

/** Those that have ended are left out without a word: a job may have many. */
function notReady(pods: readonly V1Pod[], ready: readonly V1Pod[]): Skipped[] {
  return pods
    .filter((pod) => !ready.includes(pod) && !['Succeeded', 'Failed'].includes(pod.status?.phase ?? ''))
    .map((pod) => ({ pod: nameOf(pod), why: `it is not ready (${stateOf(pod)})` }));
}

function listed(
  pod: V1Pod,
  { what, isNamed, list }: Source,
  { pods, ready, take, seed }: { pods: readonly V1Pod[]; ready: readonly V1Pod[]; take: Take; seed: string },
): Listed {
  const isChosen = take !== 'all' && ready.length > 1;
  const chosenFrom: ChosenFrom = {
    ...{ workload: what, runningPods: pods.filter(isRunning).length },
    ...(isChosen ? { seed } : {}),
  };
  const resourceVersion = list.metadata?.resourceVersion;
  return {
    name: nameOf(pod),
    node: pod.spec?.nodeName ?? '',
    chosen: { pod, resourceVersion, ...(isNamed ? {} : { chosenFrom }) },
  };
}

/** How many are taken is decided by those that are ready: it does not grow or shrink with those that are then left out. */
function fixedTake({ take, skipUnsuitable }: Selection, groups: readonly Listed[][]): Take {
  if (take === 'one' || take === 'all') return take;
  const available = new Set(groups.flat().map(({ name }) => name)).size;
  const count = numberOf(take, available);
  if (count > available && !skipUnsuitable) {
    throw new ChaosError('target-unsuitable', `--count ${count}: there ${only(available)} to choose from`, {
      hint: `--count ${available}, or --all`,
    });
  }
  return { count };
}

function only(available: number): string {
  return `${available === 1 ? 'is' : 'are'} only ${formatCount(available, 'pod')}`;
}

/** Only where several are taken, and not all: zones matter for nothing else. Zones that may not be read are not known. */
async function addZones(rest: Rest, groups: readonly Listed[][], take: Take): Promise<void> {
  const all = groups.flat();
  const taken = take === 'one' ? groups.length : numberOf(take, all.length);
  if (taken === 1 || taken >= all.length) return;
  const zones = await zonesOf(rest);
  for (const pod of all) {
    const zone = zones.get(pod.node);
    if (zone !== undefined) pod.zone = zone;
  }
}

/** From the API server's cache, and of each node its metadata alone. */
async function zonesOf(rest: Rest): Promise<Map<string, string>> {
  const query = { resourceVersion: '0' };
  const list = { verb: 'list', resource: resources.nodes, query, metadataOnly: true } as const;
  try {
    const { items } = await rest.json<{ items: KubernetesObject[] }>(list);
    return new Map(
      items.flatMap(({ metadata }) => {
        const zone = metadata?.labels?.['topology.kubernetes.io/zone'];
        return zone === undefined ? [] : [[metadata?.name ?? '', zone]];
      }),
    );
  } catch (error) {
    if (isStatus(error, 403)) return new Map();
    throw error;
  }
}

/** How many pods are looked at at the same time: each may take two requests. */
const atOnce = 8;

/** Looks at what is chosen. Those that cannot be hit are refused together, or others are chosen in their place, as long as there are some. */
async function inspect(
  groups: readonly Listed[][],
  take: Take,
  { seed, skipUnsuitable }: Selection,
  inspector: Inspector,
): Promise<{ targets: FoundTarget[]; failed: Map<string, ChaosError> }> {
  const targets = new Map<string, FoundTarget[]>();
  const failed = new Map<string, ChaosError>();
  for (;;) {
    const left = groups.map((group) => group.filter(({ name }) => !failed.has(name)));
    const chosen = choosePods(left, take, seed);
    const open = chosen.filter(({ name }) => !targets.has(name));
    if (open.length === 0 && chosen.length > 0) {
      return { targets: chosen.flatMap(({ name }) => targets.get(name) ?? []), failed };
    }
    for (let at = 0; at < open.length; at += atOnce) {
      await Promise.all(
        open.slice(at, at + atOnce).map(async ({ name, chosen: pod }) => {
          const outcome = await inspector.targetsOf(pod).catch(unsuitable);
          if (outcome instanceof ChaosError) failed.set(name, outcome);
          else targets.set(name, outcome);
        }),
      );
    }
    if (chosen.length === 0 || (failed.size > 0 && !skipUnsuitable)) throw refusal(failed, chosen.length);
  }
}

/** An error that is about the pod alone, as a value. */
function unsuitable(error: unknown): ChaosError {
  const isOfPod = error instanceof ChaosError && ['target-unsuitable', 'not-found', 'protected'].includes(error.code);
  if (isOfPod) return error;
  throw error;
}

const shown = 5;

/** Of one pod its own; `chosen`: 0: there is no other left. */
function refusal(failed: ReadonlyMap<string, ChaosError>, chosen: number): ChaosError {
  const [first] = failed.values();
  if (first && failed.size === 1 && chosen < 2) return first;
  const reasons = [...failed]
    .slice(0, shown)
    .map(([pod, { message }]) => (message.includes(pod) ? message : `pod/${pod}: ${message}`));
  const which = chosen === 0 ? `none of ${formatCount(failed.size, 'pod')}` : `${failed.size} of ${chosen} pods cannot`;
  const isSystem = [...failed.values()].some(({ code }) => code === 'protected');
  return new ChaosError(
    'target-unsuitable',
    `${which}${chosen === 0 ? ' can' : ''} be hit: ${reasons.join('; ')}${failed.size > shown ? '; …' : ''}`,
    {
      hint: [
        ...(chosen === 0 ? [] : ['To leave such pods out, add --skip-unsuitable.']),
        ...(isSystem ? ['To hit a part of the cluster itself, add --allow-system.'] : []),
        ...(chosen === 0 && !isSystem ? ['name another target'] : []),
      ].join(' '),
    },
  );
}

function nameOf({ metadata }: V1Pod): string {
  return metadata?.name ?? '';
}
