import { ChaosError, ExitCode } from '../../errors.ts';
import type { Examiner, NodeFacts, PodFacts } from '../../facts.ts';
import type { AgentSpec, Architecture, BuildName, Clock, ClusterName, Signals, Target } from '../../ports.ts';
import type { DoctorRequest } from '../../requests.ts';
import { faultImage, sweepImage } from '../agent-image.ts';
import { clusterName } from '../outcome.ts';
import { undoCommand } from '../plan.ts';
import { contextProtection } from '../protection.ts';
import { judgeOtherNamespace, judgePodSecurity, judgeRehearsal, type Rehearsal } from './admission.ts';
import { judgeExperiments } from './experiments.ts';
import { type Finding, ifKnown, inOrder, judged, type Known, known, of } from './finding.ts';
import { judgeHeartbeat, judgeKernel, judgeNode, judgePlatform, judgeRoom } from './node.ts';
import { judgeResolved, lookOnNode } from './on-node.ts';
import { judgeRights, type Places, type RightsContext, wantedRights } from './rights.ts';
import { judgeClock, judgeCredentials, judgeServer } from './server.ts';
import {
  judgeLimits,
  judgeMesh,
  judgeNetwork,
  judgeOom,
  judgeProbes,
  judgeProtection,
  judgeReplicas,
  judgeTarget,
} from './target.ts';
import { judgeWay } from './way.ts';

/** What `doctor` has found. */
export interface DoctorReport {
  cluster: ClusterName;
  /** Of the target, and of the agent. */
  places: Places;
  target?: Pick<Target, 'namespace' | 'pod' | 'container'>;
  node?: string;
  findings: readonly Finding[];
  exitCode: number;
}

export interface DoctorPorts {
  examiner: Examiner;
  clock: Clock;
  signals: Signals;
  build: BuildName;
  who: string;
  /** Asks; absent: nobody is there to answer. */
  confirm?: (question: string) => Promise<boolean>;
  /** KUBECTL_CHAOS_PROTECTED. */
  protectedContexts: string | undefined;
  randomSuffix: () => string;
}

/**
 * Asks and judges; changes nothing, but that `onNode` creates an agent and removes it. What cannot be learnt is a finding and no error.
 * @throws ChaosError interrupted, and not-reverted where that agent is left.
 */
export async function examine(request: DoctorRequest, ports: DoctorPorts): Promise<DoctorReport> {
  const { examiner } = ports;
  const { cluster } = examiner;
  const namespace = request.namespace ?? cluster.namespace;
  const places = { namespace, agentNamespace: request.agentNamespace ?? namespace };
  const report = (findings: readonly Finding[], seen: Seen = {}): DoctorReport => ({
    ...{ cluster: clusterName(cluster), places, findings: inOrder(findings) },
    ...(seen.pod ? { target: { namespace, pod: seen.pod.name, container: seen.pod.container } } : {}),
    ...(seen.nodeName === undefined ? {} : { node: seen.nodeName }),
    exitCode: findings.some(({ state }) => state === 'problem') ? ExitCode.notInjected : ExitCode.effective,
  });
  const credentials = await known(examiner.credentials());
  if ('unknown' in credentials) return report([stopped('credentials', credentials.unknown)]);
  const signedIn = judgeCredentials(credentials.known, ports.clock.date());
  const server = await known(examiner.server());
  if ('unknown' in server && ['unreachable', 'unauthorized'].includes(server.unknown.code)) {
    // Every other request would wait as long, and end in the same way.
    return report([
      ...signedIn,
      stopped(server.unknown.code === 'unauthorized' ? 'credentials' : 'server', server.unknown),
    ]);
  }
  const name = clusterName(cluster);
  const ofServer = [
    ...judged('server', server, (facts) => [judgeServer(facts, ports.build.version, name)]),
    ...('known' in server ? [judgeClock(server.known)] : []),
  ];
  const minor = ifKnown(server)?.minor;
  const now = ifKnown(server)?.date ?? ports.clock.date();
  const target = request.target && (await known(examiner.pod(request.target)));
  const pod = ifKnown(target);
  const nodeName = pod ? pod.node : request.node;
  const node = nodeName === undefined ? undefined : await known(examiner.node(nodeName));
  const seen: Seen = { ...(pod ? { pod } : {}), ...(nodeName === undefined ? {} : { nodeName }), node };
  const groups = await Promise.all([
    rightsFindings(examiner, { places, minor, hasImage: request.image !== undefined }),
    way(examiner, places, pod),
    ...(target ? [targetFindings(target, ports, places, seen)] : []),
    nodeFindings(request, examiner, places, seen, now),
    admissionFindings(request, ports, places, seen),
    known(cluster.listExperiments(undefined)).then((found) =>
      judged('experiments', found, (experiments) => judgeExperiments(experiments, nearOf(seen))),
    ),
  ]);
  const findings = [...signedIn, ...ofServer, ...groups.flat()];
  return report(request.onNode ? await withLook(findings, request, ports, places, seen) : findings, seen);
}

/** What was found, with what an agent sees on the node. What it tells takes the place of what was not known of that. */
async function withLook(
  findings: readonly Finding[],
  request: DoctorRequest,
  ports: DoctorPorts,
  places: Places,
  seen: Seen,
): Promise<Finding[]> {
  const { examiner, signals, clock, who, randomSuffix, confirm } = ports;
  const { cluster } = examiner;
  const { pod, nodeName } = seen;
  const { unknown, problem } = of('agent pod');
  const isBarred = findings.some(({ state }) => state === 'problem');
  if (isBarred || nodeName === undefined || pod?.containerId === undefined) {
    return [...findings, unknown('nothing was looked at from the node: the problems come first')];
  }
  const question = `This creates a privileged pod on node ${nodeName}, in namespace ${places.agentNamespace}, which looks at the target and is removed. Go on? [y/N] `;
  if (!request.yes && (await confirm?.(question)) !== true) {
    return [...findings, unknown('nothing was looked at from the node: nobody has agreed to a pod there', 'add --yes')];
  }
  try {
    const spec = await agentFor(request, examiner, places, seen, nodeName, randomSuffix);
    const undo = undoCommand(request.connection, spec.namespace, spec.id);
    const annotations = {
      ...spec.annotations,
      ...{ 'kubectl-chaos.io/fault': 'inspect', 'kubectl-chaos.io/target': `node/${nodeName}` },
      ...{ 'kubectl-chaos.io/who': who, 'kubectl-chaos.io/undo': undo },
    };
    const resolved = await lookOnNode({ ...spec, annotations }, undo, { cluster, clock, signals });
    const open = findings.filter(({ check, state }) => state !== 'unknown' || (check !== 'kernel' && check !== 'oom'));
    return [...open, ...judgeResolved(resolved)];
  } catch (error) {
    if (!(error instanceof ChaosError) || ['interrupted', 'not-reverted'].includes(error.code)) throw error;
    return [...findings, problem(`it could not look from the node: ${error.message}`, error.hint)];
  }
}

/** What has been found out first, and the rest depends on. */
interface Seen {
  pod?: PodFacts;
  nodeName?: string;
  node?: Known<NodeFacts> | undefined;
}

/** What says why nothing more could be learnt. */
function stopped(check: Finding['check'], { message, hint }: ChaosError): Finding {
  return of(check).problem(message, hint);
}

function nearOf({ pod, nodeName }: Seen): Pick<Target, 'namespace' | 'pod' | 'container' | 'node'> | undefined {
  if (!pod || nodeName === undefined) return undefined;
  return { namespace: pod.namespace, pod: pod.name, container: pod.container, node: nodeName };
}

/** Who the user is matters where rights are missing alone. */
async function rightsFindings(examiner: Examiner, context: Omit<RightsContext, 'user'>): Promise<Finding[]> {
  const missing = await known(examiner.missing(wantedRights(context.places)));
  const isShort = (ifKnown(missing)?.length ?? 0) > 0;
  const user = isShort ? ifKnown(await known(examiner.user())) : undefined;
  return judged('rights', missing, (rights) => judgeRights(rights, { ...context, user }));
}

async function way(
  examiner: Examiner,
  { agentNamespace, namespace }: Places,
  pod: PodFacts | undefined,
): Promise<Finding[]> {
  const [watch, attach] = await Promise.all([
    known(pod ? examiner.watchUpgrade(namespace, pod.name) : examiner.watchUpgrade(agentNamespace, undefined)),
    known(examiner.attachUpgrade(agentNamespace)),
  ]);
  return judged('websocket', watch, (opened) => judged('websocket', attach, (reached) => [judgeWay(opened, reached)]));
}

async function targetFindings(
  target: Known<PodFacts>,
  { examiner, protectedContexts }: DoctorPorts,
  { namespace }: Places,
  { node }: Seen,
): Promise<Finding[]> {
  if ('unknown' in target) {
    const { code, message, hint } = target.unknown;
    const { problem, unknown } = of('target');
    return [['not-found', 'target-unsuitable'].includes(code) ? problem(message, hint) : unknown(message, hint)];
  }
  const pod = target.known;
  const [workload, budgets, around] = await Promise.all([
    known(examiner.workload(pod)),
    known(examiner.budgets(pod)),
    known(examiner.namespace(namespace)),
  ]);
  const { contexts } = examiner.cluster;
  const listed = contexts.flatMap((context) => contextProtection(context, protectedContexts) ?? []);
  const reasons = [...listed, ...pod.protectedBy, ...(ifKnown(around)?.protectedBy ?? [])];
  const ofNode = ifKnown(node);
  return [
    judgeTarget(pod),
    ...(reasons.length === 0 ? judged('protection', around, () => [judgeProtection([])]) : [judgeProtection(reasons)]),
    ...judgeLimits(pod),
    ...judgeOom(pod, ofNode),
    ...judgeProbes(pod),
    ...judged('replicas', workload, (made) => judgeReplicas(pod, made, ifKnown(budgets) ?? [])),
    ...('unknown' in budgets ? judged('replicas', budgets, () => []) : []),
    judgeMesh(pod),
    ...judgeNetwork(pod, ofNode),
  ];
}

async function nodeFindings(
  { shape }: DoctorRequest,
  examiner: Examiner,
  { agentNamespace }: Places,
  { nodeName, node }: Seen,
  now: Date,
): Promise<Finding[]> {
  if (nodeName === undefined || node === undefined) return [];
  if ('unknown' in node) {
    const { code, message, hint } = node.unknown;
    const { problem, unknown } = of('node');
    return [code === 'not-found' ? problem(message, hint) : unknown(message, hint)];
  }
  const [room, beat] = await Promise.all([known(examiner.room(nodeName, shape)), known(examiner.heartbeat(nodeName))]);
  const where = { namespace: agentNamespace, node: nodeName };
  // Who may not see leases sees this, which is rarer.
  const { reported } = node.known;
  return [
    ...judgeNode(node.known),
    ...judgeKernel(node.known),
    ...judged('room', room, (used) => judgeRoom(node.known, used, where)),
    ...('unknown' in beat && reported
      ? [judgeHeartbeat(reported, nodeName, now, 'status')]
      : judged('heartbeat', beat, (last) => [judgeHeartbeat(last, nodeName, now)])),
  ];
}

/** What depends on whether the agent pod is let in. */
async function admissionFindings(
  request: DoctorRequest,
  { examiner, randomSuffix }: DoctorPorts,
  places: Places,
  seen: Seen,
): Promise<Finding[]> {
  const { namespace, agentNamespace } = places;
  const { nodeName, node } = seen;
  const rehearse = async (on: string): Promise<Rehearsal> =>
    known(agentFor(request, examiner, places, seen, on, randomSuffix).then((spec) => examiner.cluster.rehearse(spec)));
  const isOther = request.target !== undefined && agentNamespace !== namespace;
  const [rehearsal, ofAgent, ofTarget] = await Promise.all([
    nodeName === undefined ? undefined : rehearse(nodeName),
    known(examiner.namespace(agentNamespace)),
    isOther ? known(examiner.namespace(namespace)) : undefined,
  ]);
  const isAdmitted = rehearsal && 'known' in rehearsal;
  const facts = ifKnown(node);
  return [
    ...judged('pod security', ofAgent, (around) => [judgePodSecurity(around, rehearsal)]),
    ...(ofTarget ? judged('pod security', ofTarget, (around) => [judgeOtherNamespace(around, agentNamespace)]) : []),
    ...(rehearsal
      ? judgeRehearsal(rehearsal, agentNamespace)
      : [
          of('agent pod').unknown(
            'whether it is let in depends on its node and image',
            'name a TARGET, or --node NAME',
          ),
        ]),
    ...(facts ? judgePlatform(facts, agentNamespace, isAdmitted) : []),
  ];
}

/** The agent pod as a run would have it, but for what its shim is told. Rejects with ChaosError image where a node has none to run on. */
async function agentFor(
  request: DoctorRequest,
  { cluster }: Examiner,
  { agentNamespace: namespace }: Places,
  { pod, node }: Seen,
  nodeName: string,
  randomSuffix: () => string,
): Promise<AgentSpec> {
  const id = `chaos-${randomSuffix()}`;
  const image = pod
    ? faultImage(request, pod, namespace)
    : sweepImage(request, { running: await cluster.imagesOn(nodeName, namespace), namespace, node: nodeName });
  const { uid, architecture } = ifKnown(node) ?? {};
  return {
    ...{ id, namespace, configMap: id, pod: `${id}-0`, node: nodeName, ...image, shape: request.shape },
    ...(uid === undefined ? {} : { nodeUid: uid }),
    architecture: architecture === 'arm64' ? architecture : ('amd64' satisfies Architecture),
    containers: [
      { name: 'target-0', args: ['inspect', ...(pod?.containerId ? ['--container', pod.containerId] : [])] },
    ],
    activeDeadlineSeconds: 330,
    annotations: { 'kubectl-chaos.io/verb': 'doctor' },
  };
}
