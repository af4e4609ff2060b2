import { ChaosError } from '../errors.ts';
import { targetName } from '../faults/common/cells.ts';
import type { Agent, Cluster } from '../ports.ts';
import type { PolicyRequest } from '../requests.ts';
import { joinWords } from '../text.ts';
import { addChanges, withChanges } from './agent-errors.ts';
import { Barrier } from './barrier.ts';
import { reporterOf } from './events.ts';
import type { EndedRun } from './finish.ts';
import type { RunResult } from './observations.ts';
import type { Found } from './phases/attached.ts';
import type { Plan, RunPlan } from './plan.ts';
import { SharedAgents, type SharedHow } from './shared-agents.ts';
import { type RunCluster, SharedWatches } from './shared-watches.ts';
import { Succession } from './succession.ts';
import { alone, type FollowPorts, followDetached, followRequest, followRun, type OtherRuns } from './target-run.ts';

export interface FollowedRuns {
  runs: readonly EndedRun<Plan>[];
  /** Why not one of them was begun, although nobody asked for that: the target that was the first not to be armed, if it was one, and the reason in words. */
  neverBegan?: { plan?: Plan; why: string };
}

interface Ports extends Omit<FollowPorts, 'cluster' | 'others'> {
  cluster: Cluster;
}

/**
 * Follows the runs of all targets. Of one, that is all; of several all are armed, then all begin in one tick, or none does. From then on each ends for itself, and the policy says what that is to the others; a lost lease, or
 * a revert that nobody has confirmed, ends all. `agents`: by the name of their pod. In the order of the plans. Never rejects.
 */
export async function followRuns(
  plans: readonly Plan[],
  agents: ReadonlyMap<string, Agent>,
  policy: PolicyRequest,
  ports: Ports,
): Promise<FollowedRuns> {
  const [first, ...others] = plans;
  if (first && others.length === 0) {
    const follow = (plan: Plan, agent: Agent) => followRun(plan, agent, ports);
    if (first.withoutAgent) return { runs: [{ plan: first, result: await followRequest(first, ports) }] };
    return { runs: [await followOnly(first, agents, follow)] };
  }
  const group = new Group(plans, policy);
  const cancel = ports.clock.after(policy.armMs, () => group.onTooLate());
  try {
    if (first?.withoutAgent) {
      const asked = await followRequests(plans, group, ports);
      return { runs: asked, ...(group.neverBegan === undefined ? {} : { neverBegan: group.neverBegan }) };
    }
    const succession = first?.noAttach ? new Succession(plans, agents, ports.cluster) : undefined;
    const runs = await followEach(plans, agents, ports, {
      wordsOf: ({ shim }) => shim,
      isFound: false,
      follow: async (plan, agent, cluster, shared) => {
        const succeed = async (orders: readonly string[], by: Succession): Promise<Agent> => {
          const next = await by.begin(plan, orders);
          shared.add(next.all);
          return next.agent;
        };
        const inTurn = succession ? { succeed: (orders: readonly string[]) => succeed(orders, succession) } : {};
        const ofGroup = { ...group.othersOf(plan), ...inTurn };
        const result = await followRun(plan, agent, { ...ports, cluster, others: ofGroup });
        succession?.leave(plan);
        group.onEnd(plan, result);
        if (group.hasBegun) tellFailure(plan, result, ports);
        return result;
      },
    });
    return { runs, ...(group.neverBegan === undefined ? {} : { neverBegan: group.neverBegan }) };
  } finally {
    cancel();
  }
}

/** The same of faults that need no agent. */
async function followRequests(plans: readonly Plan[], group: Group, ports: Ports): Promise<EndedRun<Plan>[]> {
  const targets = plans.map(({ target }) => target);
  const cluster = new SharedWatches(ports.cluster, targets, []);
  return Promise.all(
    plans.map(async (plan) => {
      const result = await followRequest(plan, { ...ports, cluster, others: group.othersOf(plan) });
      group.onEnd(plan, result);
      if (group.hasBegun) tellFailure(plan, result, ports);
      return { plan, result };
    }),
  );
}

/**
 * Follows detached faults that another command has started, each to its end, or all until the user has seen enough or one of them cannot be followed. In the order of the plans. `agents`: by the name
 * of their pod. Never rejects.
 */
export async function followFound(
  plans: readonly RunPlan[],
  agents: ReadonlyMap<string, Agent>,
  foundOf: (plan: RunPlan) => Found,
  ports: Ports,
): Promise<readonly EndedRun[]> {
  const follow = (plan: RunPlan, agent: Agent, of: FollowPorts) => followDetached(plan, agent, foundOf(plan), of);
  const [first, ...others] = plans;
  if (first && others.length === 0)
    return [await followOnly(first, agents, (plan, agent) => follow(plan, agent, ports))];
  const halts = new Halts<RunPlan>();
  return followEach(plans, agents, ports, {
    wordsOf: () => undefined,
    isFound: true,
    follow: async (plan, agent, cluster) => {
      const onHalt = (halt: (why: string) => void) => halts.add(plan, halt);
      const result = await follow(plan, agent, { ...ports, cluster, others: { ...alone, onHalt } });
      halts.delete(plan);
      tellFailure(plan, result, ports);
      if (result.leftRunning) halts.halt(`${targetName(plan.target)} cannot be followed`);
      return result;
    },
  });
}

/** The only one has its agent for itself. */
async function followOnly<P extends RunPlan>(
  plan: P,
  agents: ReadonlyMap<string, Agent>,
  follow: (plan: P, agent: Agent) => Promise<RunResult>,
): Promise<EndedRun<P>> {
  return { plan, result: await follow(plan, agentOf(plan, agents)) };
}

function agentOf({ agent: { pod } }: RunPlan, agents: ReadonlyMap<string, Agent>): Agent {
  const agent = agents.get(pod);
  if (!agent) throw new Error(`${pod} is not there`);
  return agent;
}

/** What somebody has made of its agent's pod, if there is one. */
function madeOf(plan: RunPlan, agents: ReadonlyMap<string, Agent>): Pick<Agent, 'changes'> {
  return plan.withoutAgent ? {} : agentOf(plan, agents);
}

interface Following<P extends RunPlan> extends SharedHow<P> {
  follow(plan: P, agent: Agent, cluster: RunCluster, shared: SharedAgents<P>): Promise<RunResult>;
}

/** Follows each by a view of its own of what all share. */
async function followEach<P extends RunPlan>(
  plans: readonly P[],
  agents: ReadonlyMap<string, Agent>,
  ports: Ports,
  { follow, ...how }: Following<P>,
): Promise<readonly EndedRun<P>[]> {
  const shared = new SharedAgents(plans, agents, ports.cluster, how);
  try {
    const runs = await Promise.all(
      plans.map(async (plan) => {
        const result = await follow(plan, agentOf(plan, agents), shared.viewFor(plan), shared);
        shared.leave(plan);
        return { plan, result };
      }),
    );
    if (!runs.some(({ result }) => result.leftRunning)) await shared.stop(ports.clock);
    return runs;
  } finally {
    shared.close();
  }
}

/** One of several that has not ended as it should is told of at once. */
function tellFailure({ target }: RunPlan, { problems, failure, reverted, leftRunning }: RunResult, ports: Ports): void {
  if (leftRunning) return;
  const why = problems[0] ?? failure?.message ?? (reverted ? undefined : 'its revert is not confirmed');
  if (why !== undefined) reporterOf(target, ports.reporter).report({ kind: 'failed', why });
}

/** What ends runs for the sake of the experiment, once, and those that come later at once. */
class Halts<P> {
  why: string | undefined;
  readonly #halts = new Map<P, (why: string) => void>();

  add(plan: P, halt: (why: string) => void): void {
    if (this.why !== undefined) halt(this.why);
    else this.#halts.set(plan, halt);
  }

  /** It has ended. */
  delete(plan: P): void {
    this.#halts.delete(plan);
  }

  halt(why: string): void {
    if (this.why !== undefined) return;
    this.why = why;
    for (const halt of this.#halts.values()) halt(why);
    this.#halts.clear();
  }
}

/** What is known of all runs, and what follows from it for those that go on. */
class Group {
  readonly #plans: readonly Plan[];
  /** Undefined: any number. */
  readonly #mayFail: number | undefined;
  readonly #barrier: Barrier;
  readonly #armed = new Set<Plan>();
  readonly #halts = new Halts<Plan>();
  /** Those whose faults are in force, and to be left so. */
  readonly #inForce: Parameters<OtherRuns['inForce']>[0][] = [];
  #failed = 0;
  neverBegan: FollowedRuns['neverBegan'];

  constructor(plans: readonly Plan[], { maxFailed }: PolicyRequest) {
    this.#plans = plans;
    this.#mayFail =
      maxFailed && ('count' in maxFailed ? maxFailed.count : Math.floor((plans.length * maxFailed.percent) / 100));
    this.#barrier = new Barrier(plans.length);
  }

  othersOf(plan: Plan): OtherRuns {
    return {
      armed: (begin) => {
        this.#armed.add(plan);
        this.#barrier.arrive(begin);
      },
      inForce: (run) => {
        this.#inForce.push(run);
        this.#leaveAll();
      },
      onHalt: (halt) => this.#halts.add(plan, halt),
    };
  }

  get hasBegun(): boolean {
    return this.#barrier.hasOpened;
  }

  /** All are left in force in one tick, or none is: one that is stopping will have failed, which stops the others. */
  #leaveAll(): void {
    if (this.#inForce.length < this.#plans.length || this.#halts.why !== undefined) return;
    if (this.#inForce.some(({ isStopping }) => isStopping())) return;
    for (const { leave } of this.#inForce) leave();
  }

  onTooLate(): void {
    if (this.#barrier.hasOpened) return;
    const missing = this.#plans.filter((plan) => !this.#armed.has(plan));
    this.#giveUp({
      why: `${joinWords(missing.map(({ target }) => targetName(target)))} could not be armed in time (--arm-timeout)`,
    });
  }

  onEnd(plan: Plan, result: RunResult): void {
    this.#halts.delete(plan);
    if (result.leftRunning) return;
    if (!this.#barrier.hasOpened) return this.#giveUp({ plan, why: `${targetName(plan.target)} could not be armed` });
    if (result.ended?.reason === 'lease' || result.leaseRanOut)
      return this.#halts.halt(`the lease of ${targetName(plan.target)} has run out`);
    if (!result.reverted) return this.#halts.halt(`the revert of ${targetName(plan.target)} is not confirmed`);
    if (plan.detached) return this.#halts.halt(`${targetName(plan.target)} ended before all were in force (--detach)`);
    if (result.problems.length === 0 && result.failure === undefined) return;
    this.#failed++;
    if (this.#mayFail !== undefined && this.#failed > this.#mayFail) {
      this.#halts.halt(
        `${this.#failed} of ${this.#plans.length} targets failed, and ${this.#mayFail} may (--max-failed)`,
      );
    }
  }

  /** Nobody begins. */
  #giveUp(reason: { plan?: Plan; why: string }): void {
    this.neverBegan ??= reason;
    this.#barrier.break();
    this.#halts.halt(reason.why);
  }
}

/**
 * Why the experiment as a whole failed: not one target was begun. What happened to one of several that had begun is a problem of that one, and is added there. `agents`: by the name of their pod.
 */
export function failureOf(
  { runs, neverBegan }: { runs: readonly EndedRun[]; neverBegan?: FollowedRuns['neverBegan'] },
  agents: ReadonlyMap<string, Agent>,
): ChaosError | undefined {
  const [first, ...others] = runs;
  if (first && others.length === 0) {
    const agent = madeOf(first.plan, agents);
    addChanges(first.result, agent);
    return withChanges(first.result.failure, agent);
  }
  if (runs.some(({ result }) => result.began)) {
    for (const { plan, result } of runs) {
      const agent = madeOf(plan, agents);
      const failure = withChanges(result.failure, agent);
      if (failure) result.problems.push(failure.message);
      else addChanges(result, agent);
    }
    return undefined;
  }
  if (!neverBegan) return runs.find(({ result }) => result.failure)?.result.failure;
  const run = runs.find(({ plan }) => plan === neverBegan.plan);
  const cause = run?.result.failure;
  const problem = run?.result.problems[0];
  // The user's own signal is no failure.
  if (run && !cause && problem === undefined) return undefined;
  const why = (run && withChanges(cause, madeOf(run.plan, agents))?.message) ?? problem;
  const message = run ? `${targetName(run.plan.target)}: ${why}` : neverBegan.why;
  const state = runs.every(({ result }) => result.reverted) ? undefined : cause?.state;
  return new ChaosError(cause?.code ?? 'agent-failed', message, {
    hint: cause?.hint ?? 'None of the targets was begun.',
    ...(state === undefined ? {} : { state }),
    cause,
  });
}
