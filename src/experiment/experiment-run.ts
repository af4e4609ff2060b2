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
import type { Plan } from './plan.ts';
import { SharedAgent } from './shared-agent.ts';
import { type RunCluster, SharedWatches } from './shared-watches.ts';
import { type FollowPorts, followRun, type OtherRuns } from './target-run.ts';

export interface FollowedRuns {
  runs: readonly EndedRun<Plan>[];
  /** Why not one of them was begun, although nobody asked for that: the target that was the first not to be armed, if it was one, and the reason in words. */
  neverBegan?: { plan?: Plan; why: string };
}

interface Ports extends Omit<FollowPorts, 'cluster' | 'others'> {
  cluster: Cluster;
}

/**
 * Follows the runs of all targets: all are armed, then all begin in one tick, or none does. From then on each ends for itself, and the policy says what that is to the others; a lost lease, or
 * a revert that nobody has confirmed, ends all. `agents`: by the name of their pod. In the order of the plans. Never rejects.
 */
export async function followRuns(
  plans: readonly Plan[],
  agents: ReadonlyMap<string, Agent>,
  policy: PolicyRequest,
  ports: Ports,
): Promise<FollowedRuns> {
  const watches = new SharedWatches(
    ports.cluster,
    plans.map(({ target }) => target),
    [...agents.values()],
  );
  const shared = new Map(
    [...agents.values()].map((agent) => {
      const ofAgent = plans.filter((plan) => plan.agent.pod === agent.pod);
      return [agent.pod, new SharedAgent(watches, agent, new Map(ofAgent.map((plan) => [plan.container, plan.shim])))];
    }),
  );
  const group = new Group(plans, policy);
  const cancel = ports.clock.after(policy.armMs, () => group.onTooLate());
  try {
    const runs = await Promise.all(
      plans.map(async (plan) => {
        const agent = agents.get(plan.agent.pod);
        const sharedAgent = shared.get(plan.agent.pod);
        if (!agent || !sharedAgent) throw new Error(`${plan.agent.pod} was not launched`);
        const cluster = viewOf(plan, watches, sharedAgent);
        const result = await followRun(plan, agent, { ...ports, cluster, others: group.othersOf(plan) });
        group.onEnd(plan, result);
        const why = group.hasBegun ? whyFailed(result) : undefined;
        if (why !== undefined) reporterOf(plan.target, ports.reporter).report({ kind: 'failed', why });
        return { plan, result };
      }),
    );
    if (!runs.some(({ result }) => result.leftRunning)) {
      await Promise.all([...shared.values()].map((each) => each.stop(ports.clock)));
    }
    return { runs, ...(group.neverBegan === undefined ? {} : { neverBegan: group.neverBegan }) };
  } finally {
    cancel();
    for (const each of shared.values()) each.close();
  }
}

/** Undefined: it has ended as it should. */
function whyFailed({ problems, failure, reverted }: RunResult): string | undefined {
  return problems[0] ?? failure?.message ?? (reverted ? undefined : 'its revert is not confirmed');
}

/** The cluster as one run sees it: as if its shim were the only one of its agent. */
function viewOf({ container }: Plan, watches: SharedWatches, agent: SharedAgent): RunCluster {
  return {
    ...watches,
    server: watches.server,
    followAgent: (one, signal) => agent.updatesOf(container, watches.followAgent(one, signal), signal),
    attach: (_one, name, signal) => agent.attach(name, signal),
  };
}

/** What is known of all runs, and what follows from it for those that go on. */
class Group {
  readonly #plans: readonly Plan[];
  /** Undefined: any number. */
  readonly #mayFail: number | undefined;
  readonly #barrier: Barrier;
  readonly #armed = new Set<Plan>();
  readonly #halts = new Map<Plan, (why: string) => void>();
  #haltedWhy: string | undefined;
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
      onHalt: (halt) => {
        if (this.#haltedWhy !== undefined) halt(this.#haltedWhy);
        else this.#halts.set(plan, halt);
      },
    };
  }

  get hasBegun(): boolean {
    return this.#barrier.hasOpened;
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
    if (!this.#barrier.hasOpened) return this.#giveUp({ plan, why: `${targetName(plan.target)} could not be armed` });
    if (result.ended?.reason === 'lease' || result.leaseRanOut)
      return this.#halt(`the lease of ${targetName(plan.target)} has run out`);
    if (!result.reverted) return this.#halt(`the revert of ${targetName(plan.target)} is not confirmed`);
    if (result.problems.length === 0 && result.failure === undefined) return;
    this.#failed++;
    if (this.#mayFail !== undefined && this.#failed > this.#mayFail) {
      this.#halt(`${this.#failed} of ${this.#plans.length} targets failed, and ${this.#mayFail} may (--max-failed)`);
    }
  }

  /** Nobody begins. */
  #giveUp(reason: { plan?: Plan; why: string }): void {
    this.neverBegan ??= reason;
    this.#barrier.break();
    this.#halt(reason.why);
  }

  #halt(why: string): void {
    if (this.#haltedWhy !== undefined) return;
    this.#haltedWhy = why;
    for (const halt of this.#halts.values()) halt(why);
    this.#halts.clear();
  }
}

/**
 * Why the experiment as a whole failed: not one target was begun. What happened to one of several that had begun is a problem of that one, and is added there. `agents`: by the name of their pod.
 */
export function failureOf(
  { runs, neverBegan }: FollowedRuns,
  agents: ReadonlyMap<string, Agent>,
): ChaosError | undefined {
  if (runs.some(({ result }) => result.began)) {
    for (const { plan, result } of runs) {
      const agent = agents.get(plan.agent.pod);
      const failure = agent ? withChanges(result.failure, agent) : result.failure;
      if (failure) result.problems.push(failure.message);
      else if (agent) addChanges(result, agent);
    }
    return undefined;
  }
  if (!neverBegan) return runs.find(({ result }) => result.failure)?.result.failure;
  const run = runs.find(({ plan }) => plan === neverBegan.plan);
  const cause = run?.result.failure;
  const problem = run?.result.problems[0];
  // The user's own signal is no failure.
  if (run && !cause && problem === undefined) return undefined;
  const agent = run && agents.get(run.plan.agent.pod);
  const why = (agent ? withChanges(cause, agent)?.message : undefined) ?? problem;
  const message = run ? `${targetName(run.plan.target)}: ${why}` : neverBegan.why;
  const state = runs.every(({ result }) => result.reverted) ? undefined : cause?.state;
  return new ChaosError(cause?.code ?? 'agent-failed', message, {
    hint: cause?.hint ?? 'None of the targets was begun.',
    ...(state === undefined ? {} : { state }),
    cause,
  });
}
