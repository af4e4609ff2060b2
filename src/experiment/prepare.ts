import { ChaosError } from '../errors.ts';
import type { SurveyCluster } from '../faults/fault.ts';
import { kindOf } from '../faults/registry.ts';
import type {
  AgentSpec,
  AttachUse,
  Clock,
  Cluster,
  ReadToolbox,
  SelectedTarget,
  Skipped,
  Surroundings,
} from '../ports.ts';
import type { Request } from '../requests.ts';
import { mostShims } from '../shim/commands.ts';
import { formatBytes, formatCount } from '../text.ts';
import { agentsOf, assemble } from './assembly.ts';
import { type Reporter, reporterOf } from './events.ts';
import { impactOf } from './impact.ts';
import { isOnTarget, warningsOf } from './neighbours.ts';
import { clusterName } from './outcome.ts';
import { type Plan, type Plans, planExperiment, type SentTools, sendsTools, stopCommand } from './plan.ts';
import { mostAnnotations } from './plan-record.ts';
import { contextProtection, protectedError } from './protection.ts';
import { successors } from './succession.ts';
import type { Tidying } from './tidying.ts';

export interface PreparePorts {
  cluster: Cluster;
  clock: Clock;
  reporter: Reporter;
  /** Five characters of `[a-z0-9]` that make the experiment's id its own. */
  randomSuffix: () => string;
  who: string;
  /** KUBECTL_CHAOS_PROTECTED: contexts whose targets are protected. */
  protectedContexts: string | undefined;
  /** Asks whether to run although the target is protected, which has been reported; absent: nobody can be asked. */
  confirm?: () => Promise<boolean>;
  toolbox: ReadToolbox;
  tidying: Pick<Tidying, 'remove'>;
}

/** With what the targets share. */
interface SharedPorts extends PreparePorts {
  survey: SurveyCluster;
}

/** A plan and what is around its target. */
interface Prepared {
  plan: Plan;
  surroundings: Surroundings;
}

/**
 * Finds the targets and decides everything; only reads from the cluster.
 * @throws ChaosError protected, unless the user consents or it is a dry run; and what the cluster and the fault reject with.
 */
export async function prepare(request: Request, ports: PreparePorts): Promise<Plans> {
  const { cluster, reporter } = ports;
  const { run } = request;
  const suffix = ports.randomSuffix();
  const selection = { ...run.selection, seed: run.selection.seed ?? suffix };
  const namespace = selection.namespace ?? cluster.namespace;
  reporter.report({ kind: 'selecting', selection, cluster: clusterName(cluster), namespace });
  const kind = kindOf(request.fault);
  const withoutAgent = kind.needsNoAgent?.(request.fault) === true;
  const shared = { ...ports, toolbox: once(ports.toolbox), survey: sharedSurvey(cluster) };
  const attach = withoutAgent ? 'none' : kind.asksShim ? 'needed' : run.noAttach ? 'unused' : 'wanted';
  const { targets, skipped } = await cluster.findTargets(selection, run.agentNamespace, attach);
  for (const target of targets) reporter.report({ kind: 'selected', target });
  const [looked, memberships] = await Promise.all([
    lookAt(targets, request, { id: `chaos-${suffix}`, attach }, shared),
    cluster.memberships(targets),
  ]);
  const left = [...skipped, ...looked.unsuitable];
  if (left.length > 0) reporter.report({ kind: 'skipped', skipped: left });
  const impact = impactOf(
    looked.prepared.map(({ plan }) => plan.target),
    memberships,
  );
  reporter.report({ kind: 'impact', impact });
  const [first, ...others] = looked.prepared;
  const scope = { seed: selection.seed, skipped: left, impact };
  // Where one cannot be attached to, none is: all begin in the same way.
  const unheard = looked.prepared.some(({ plan }) => plan.noAttach) ? { noAttach: true as const } : {};
  const each: Plans = [
    { ...first.plan, ...unheard, scope },
    ...others.map(({ plan }) => ({ ...plan, ...unheard, scope })),
  ];
  const plans = others.length > 0 && !withoutAgent ? assemble(each) : each;
  const orderless = new Map(plans.map((plan) => [plan, []]));
  for (const agent of plans[0].noAttach ? successors(plans, orderless) : agentsOf(plans)) checkAgent(agent, plans[0]);
  reporter.report({ kind: 'planned', plans });
  for (const one of looked.prepared) warn(one, request, ports);
  await checkProtection(looked.prepared, request, ports);
  tidyAround(looked.prepared, ports);
  return plans;
}

/** Of an object's annotations, for what the agent pod has besides its own, and for what webhooks add: bytes. */
const otherAnnotations = 16 * 1024;

/** An agent has room for so many shims, and its record of their targets has to fit into its pod. */
function checkAgent({ annotations, shape, node, targets = 1 }: AgentSpec, { noAttach }: Plan): void {
  const count = formatCount(targets, 'target');
  if (targets > mostShims) {
    const hint = 'Select fewer targets, by --count or --percent.';
    const message = `${count} are on node ${node}, and an agent has room for ${mostShims}`;
    throw new ChaosError('target-unsuitable', message, { hint });
  }
  const texts = Object.entries({ ...shape.annotations, ...annotations }).flat();
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (bytes <= mostAnnotations - otherAnnotations) return;
  throw new ChaosError(
    'target-unsuitable',
    `what the agent pod on node ${node} has to hold of its ${count} is ${formatBytes(bytes)}, and an object's annotations have ${formatBytes(mostAnnotations)} at most`,
    {
      hint: `Select fewer targets${noAttach ? '' : ', or leave --detach out: without it the pod has no record of them'}.`,
    },
  );
}

/** How many targets are looked at at the same time: each takes several requests. */
const atOnce = 8;

/** Refuses those that the fault cannot be done to, all together, or leaves them out as long as there are others. */
async function lookAt(
  targets: readonly SelectedTarget[],
  request: Request,
  context: { id: string; attach: AttachUse },
  ports: SharedPorts,
): Promise<{ prepared: readonly [Prepared, ...Prepared[]]; unsuitable: Skipped[] }> {
  const prepared: Prepared[] = [];
  const failed: { target: SelectedTarget; error: ChaosError }[] = [];
  for (let at = 0; at < targets.length; at += atOnce) {
    const some = targets.slice(at, at + atOnce);
    const outcomes = await Promise.all(
      some.map((target) => prepareTarget(request, target, context, ports).catch(unsuitable)),
    );
    for (const [index, outcome] of outcomes.entries()) {
      if (!(outcome instanceof ChaosError)) prepared.push(outcome);
      else failed.push({ target: some[index] as SelectedTarget, error: outcome });
    }
  }
  const [first, ...others] = prepared;
  const [failure] = failed;
  if (failure && (!first || !request.run.selection.skipUnsuitable)) {
    throw targets.length === 1 ? failure.error : noneOf(failed, targets.length, first !== undefined);
  }
  if (!first) throw new Error('a selection that selects nothing is refused');
  const skipped = failed.map(({ target, error }) => ({ pod: target.pod, why: error.message }));
  return { prepared: [first, ...others], unsuitable: skipped };
}

/** An error that is about the target alone, as a value. */
function unsuitable(error: unknown): ChaosError {
  if (error instanceof ChaosError && error.code === 'target-unsuitable') return error;
  throw error;
}

const shown = 5;

function noneOf(
  failed: readonly { target: SelectedTarget; error: ChaosError }[],
  of: number,
  hasOthers: boolean,
): ChaosError {
  const reasons = failed.slice(0, shown).map(({ target, error }) => `pod/${target.pod}: ${error.message}`);
  const hint = hasOthers ? 'To leave such targets out, add --skip-unsuitable.' : undefined;
  return new ChaosError(
    'target-unsuitable',
    `the fault cannot be done to ${failed.length} of ${formatCount(of, 'target')}: ${reasons.join('; ')}${failed.length > shown ? '; …' : ''}`,
    hint === undefined ? {} : { hint },
  );
}

async function prepareTarget(
  request: Request,
  target: SelectedTarget,
  { id, attach }: { id: string; attach: AttachUse },
  ports: SharedPorts,
): Promise<Prepared> {
  const { cluster } = ports;
  const { fault, run } = request;
  const ofTarget = reporterOf(target, ports.reporter);
  const survey = kindOf(fault).survey(fault, target, {
    cluster: ports.survey,
    run,
    report: (event) => ofTarget.report(event),
    stopCommand: (namespace, experiment) => stopCommand(run.connection, namespace, experiment),
  });
  const around = cluster.surroundings(target, run.agentNamespace ?? target.namespace);
  const [surveyed, surroundings] = await Promise.all([survey, around]);
  const planned = planExperiment(request, target, {
    id,
    who: ports.who,
    now: ports.clock.date(),
    surveyed,
    noAttach: attach === 'unused' || target.attachBarred !== undefined,
    withoutAgent: attach === 'none',
  });
  const sends = sendsTools(planned.fault, run);
  if (sends && target.attachBarred !== undefined) throw nothingCanBeSent(planned, target.attachBarred);
  const tools = sends ? await toolsFor(planned, ports.toolbox) : undefined;
  const others = surroundings.experiments.filter((experiment) => isOnTarget(experiment, target));
  const plan = { ...planned, cluster: clusterName(cluster), others, ...(tools ? { tools } : {}) };
  return { plan, surroundings };
}

/** Asks for the same once, for all targets that want it. */
function once<Words extends readonly unknown[], Value>(
  ask: (...words: Words) => Promise<Value>,
): (...words: Words) => Promise<Value> {
  const asked = new Map<string, Promise<Value>>();
  return (...words) => {
    const key = JSON.stringify(words);
    const value = asked.get(key) ?? ask(...words);
    asked.set(key, value);
    return value;
  };
}

/** What faults ask of the cluster about many targets, and of what is around them. */
function sharedSurvey(cluster: Cluster): SurveyCluster {
  return {
    podNetwork: (target) => cluster.podNetwork(target),
    volumes: (target) => cluster.volumes(target),
    prospects: (target) => cluster.prospects(target),
    addressesOf: once((...words: Parameters<Cluster['addressesOf']>) => cluster.addressesOf(...words)),
    listAgents: once((namespace: string) => cluster.listAgents(namespace)),
  };
}

/** Tools go through the attach. */
function nothingCanBeSent({ fault }: Plan, why: string): ChaosError {
  const names = kindOf(fault).tools.names(fault);
  return new ChaosError('forbidden', why, {
    hint: `Without an attach ${names} cannot be sent to the agent: name an image with ${names} in it: --image.`,
  });
}

async function toolsFor({ fault, target }: Plan, read: ReadToolbox): Promise<SentTools> {
  const { names, toolbox } = kindOf(fault).tools;
  return { names: names(fault), ...(await read(toolbox, target.architecture)) };
}

/** Has the API server say whether it would do what is done through it alone. False: it is another kind of fault. Rejects when it would not. */
export async function rehearseRequest({ fault, target, withoutAgent }: Plan, cluster: Cluster): Promise<boolean> {
  if (!withoutAgent) return false;
  await kindOf(fault).inject?.(fault, target, cluster, true);
  return true;
}

/** What is to be thought of. */
function warn({ plan, surroundings }: Prepared, { run }: Request, { cluster, reporter }: PreparePorts): void {
  const { target, fault } = plan;
  const ofTarget = reporterOf(target, reporter);
  const cautions = kindOf(fault).cautions?.(fault, run.detached) ?? [];
  const barred = target.attachBarred;
  if (barred !== undefined) ofTarget.report(withoutAttachSaid(cluster, barred));
  for (const message of [...cautions, ...warningsOf(surroundings, target)]) {
    ofTarget.report({ kind: 'warning', message });
  }
}

/** What is said of a run that goes on by the agent's log. */
export function withoutAttachSaid({ server }: Cluster, why: string): { kind: 'warning'; message: string } {
  return { kind: 'warning', message: `no attach through ${server}: going on without it (${why})` };
}

async function checkProtection(prepared: readonly Prepared[], { run }: Request, ports: PreparePorts): Promise<void> {
  const { cluster, reporter } = ports;
  const listed = cluster.contexts.flatMap((context) => contextProtection(context, ports.protectedContexts) ?? []);
  const protectedOnes = prepared.flatMap(({ plan, surroundings }) => {
    const reasons = [...listed, ...surroundings.protectedBy];
    return reasons.length > 0 ? [{ target: plan.target, reasons }] : [];
  });
  for (const { target, reasons } of protectedOnes) reporterOf(target, reporter).report({ kind: 'protected', reasons });
  const [first] = protectedOnes;
  if (!first || run.yes || run.dryRun !== undefined || (await ports.confirm?.()) === true) return;
  throw protectedError(first.target, first.reasons);
}

/** What killed commands have left where this experiment looks, which nobody waits for. */
function tidyAround(prepared: readonly Prepared[], { tidying }: PreparePorts): void {
  const namespaces = prepared.flatMap(({ plan }) => [plan.target.namespace, plan.agent.namespace]);
  const around = prepared.flatMap(({ surroundings }) => surroundings.experiments);
  void tidying.remove(around.filter(({ namespace }) => namespaces.includes(namespace)));
}
