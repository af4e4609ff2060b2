import type { Agent, AgentUpdate, Clock, Cluster, InterruptSignal, NodeUpdate, TargetUpdate } from '../ports.ts';
import { Queue } from '../queue.ts';
import { parseShimEvent } from '../shim/protocol.ts';
import { startupFailure } from './agent-errors.ts';
import { Connection, type ConnectionLoss } from './connection.ts';
import { type Reporter, reporterOf } from './events.ts';
import type { Interrupts } from './interrupt.ts';
import { Observations, type RunResult } from './observations.ts';
import { ActivePhase } from './phases/active.ts';
import { AttachedPhase, type Found } from './phases/attached.ts';
import type { Phase } from './phases/phase.ts';
import { StartingPhase } from './phases/starting.ts';
import { agentContainer, type Plan, type RunPlan } from './plan.ts';
import { RunContext } from './run-context.ts';
import type { TimerName } from './timeouts.ts';
import { Timers } from './timers.ts';

/** Everything that can happen to a run, from all its sources, in one order. */
type Input =
  | { from: 'agent'; update: AgentUpdate }
  | { from: 'attached' }
  | { from: 'lost'; loss: ConnectionLoss }
  | { from: 'line'; text: string }
  | { from: 'output'; text: string }
  | { from: 'target'; update: TargetUpdate }
  | { from: 'node'; update: NodeUpdate }
  | { from: 'interrupt'; signal: InterruptSignal }
  | { from: 'leave' }
  | { from: 'timer'; name: TimerName }
  | { from: 'broken'; error: unknown };

export interface FollowPorts {
  cluster: Cluster;
  clock: Clock;
  reporter: Reporter;
  interrupts: Interrupts;
  /** When the command began, on `clock`. */
  startedAt: number;
}

/**
 * Follows one target's run from the created agent pod to the confirmed revert, by one phase after the other.
 * Never rejects for what the run does; ends in bounded time whatever stays silent.
 */
export function followRun(plan: Plan, agent: Agent, ports: FollowPorts): Promise<RunResult> {
  return follow(plan, agent, ports, true, (context, enter) => {
    return new StartingPhase(context, plan, (driver) => {
      const next = new ActivePhase(context, driver, (update) =>
        context.mayHaveStarted ? undefined : startupFailure(plan, agentContainer, update),
      );
      enter(next);
      next.begin();
    });
  });
}

/**
 * Follows a detached fault that another command has started, to its confirmed revert or until the user has seen enough.
 * In other respects as `followRun`.
 */
export function followDetached(plan: RunPlan, agent: Agent, found: Found, ports: FollowPorts): Promise<RunResult> {
  return follow(plan, agent, ports, false, (context) => new AttachedPhase(context, found));
}

/** `isOurs`: this command starts the fault. `enter`: goes on with another phase than the first. */
async function follow(
  plan: RunPlan,
  agent: Agent,
  ports: FollowPorts,
  isOurs: boolean,
  first: (context: RunContext, enter: (next: Phase) => void) => Phase,
): Promise<RunResult> {
  const { cluster, clock, interrupts } = ports;
  const reporter = reporterOf(plan.target, ports.reporter);
  const inbox = new Queue<Input>();
  const abort = new AbortController();
  const observations = new Observations(plan, { ...ports, reporter }, isOurs);
  const timers = new Timers<TimerName>(clock, (name) => inbox.push({ from: 'timer', name }));
  const connection = new Connection(cluster, agent, agentContainer, {
    attached: () => inbox.push({ from: 'attached' }),
    line: (text) => inbox.push({ from: 'line', text }),
    output: (text) => inbox.push({ from: 'output', text }),
    lost: (loss) => inbox.push({ from: 'lost', loss }),
  });
  const context = new RunContext({ plan, cluster, clock, reporter, timers, connection, observations });

  const broken = (error: unknown): Input => ({ from: 'broken', error });
  interrupts.onFirst((signal) => inbox.push({ from: 'interrupt', signal }));
  void interrupts.again.then(() => inbox.push({ from: 'leave' }));
  void inbox.pipe(cluster.followAgent(agent, abort.signal), (update) => ({ from: 'agent', update }), broken);
  void inbox.pipe(cluster.followTarget(plan.target, abort.signal), (update) => ({ from: 'target', update }), broken);
  void inbox.pipe(cluster.followNode(plan.target, abort.signal), (update) => ({ from: 'node', update }), broken);

  let phase = first(context, (next) => {
    phase = next;
  });
  try {
    while (!context.isOver) {
      const input = await inbox.next();
      if (input.done) break;
      handle(input.value, phase, context);
    }
  } finally {
    timers.clear();
    abort.abort();
    connection.close();
  }
  return observations.close();
}

function handle(input: Input, phase: Phase, context: RunContext): void {
  switch (input.from) {
    case 'agent':
      return phase.onAgent(input.update);
    case 'attached':
      return phase.onAttached();
    case 'lost':
      return phase.onLost(input.loss);
    case 'line': {
      context.timers.stop('silence');
      const event = parseShimEvent(input.text);
      if (event) phase.onEvent(event);
      else context.report({ kind: 'output', text: `${input.text}\n` });
      return;
    }
    case 'output':
      context.observations.output(input.text);
      return context.report({ kind: 'output', text: input.text });
    case 'target':
      return phase.onTarget(input.update);
    case 'node':
      return phase.onNode(input.update);
    case 'interrupt':
      return phase.stop(`${input.signal} received`);
    case 'leave':
      return context.end();
    case 'timer':
      return phase.onTimer(input.name);
    case 'broken':
      return phase.onBroken(input.error);
  }
}
