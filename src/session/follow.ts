import { type CoursePlan, type Plan, targetContainer } from '../faults/plan.ts';
import type { Agent, AgentUpdate, Clock, Cluster, InterruptSignal, Reporter, TargetUpdate } from '../ports.ts';
import { Queue } from '../queue.ts';
import { parseShimEvent } from '../shim/protocol.ts';
import { AfterStart } from './after-start.ts';
import { BeforeStart } from './before-start.ts';
import { Connection, type ConnectionLoss } from './connection.ts';
import type { Interrupts } from './interrupt.ts';
import { RunRecord, type RunResult } from './record.ts';
import { type Phase, Stage } from './stage.ts';
import { startupFailure } from './startup.ts';
import { Timers } from './timers.ts';
import type { TimerName } from './waits.ts';
import { type Found, Watching } from './watching.ts';

/** Everything that can happen to a run, from all its sources, in one order. */
type Input =
  | { from: 'agent'; update: AgentUpdate }
  | { from: 'attached' }
  | { from: 'lost'; loss: ConnectionLoss }
  | { from: 'line'; text: string }
  | { from: 'output'; text: string }
  | { from: 'target'; update: TargetUpdate }
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
  return follow(plan, agent, ports, true, (stage, enter) => {
    return new BeforeStart(stage, plan, (conduct) => {
      const next = new AfterStart(stage, conduct, (update) =>
        stage.mayHaveStarted ? undefined : startupFailure(plan, stage.container, update),
      );
      enter(next);
      next.begin();
    });
  });
}

/** Follows a detached fault that another command has started, to its confirmed revert or until the user has seen enough. In other respects as `followRun`. */
export function followDetached(plan: CoursePlan, agent: Agent, found: Found, ports: FollowPorts): Promise<RunResult> {
  return follow(plan, agent, ports, false, (stage) => new Watching(stage, found));
}

/** `isOurs`: this command starts the fault. `enter`: goes on with another phase than the first. */
async function follow(
  plan: CoursePlan,
  agent: Agent,
  ports: FollowPorts,
  isOurs: boolean,
  first: (stage: Stage, enter: (next: Phase) => void) => Phase,
): Promise<RunResult> {
  const { cluster, clock, reporter, interrupts } = ports;
  const inbox = new Queue<Input>();
  const abort = new AbortController();
  const container = targetContainer;
  const record = new RunRecord(plan, ports, isOurs);
  const timers = new Timers<TimerName>(clock, (name) => inbox.push({ from: 'timer', name }));
  const connection = new Connection(cluster, agent, container, {
    attached: () => inbox.push({ from: 'attached' }),
    line: (text) => inbox.push({ from: 'line', text }),
    output: (text) => inbox.push({ from: 'output', text }),
    lost: (loss) => inbox.push({ from: 'lost', loss }),
  });
  const stage = new Stage({ plan, cluster, clock, reporter, container, timers, connection, record });

  const broken = (error: unknown): Input => ({ from: 'broken', error });
  interrupts.onFirst((signal) => inbox.push({ from: 'interrupt', signal }));
  void interrupts.again.then(() => inbox.push({ from: 'leave' }));
  void inbox.pipe(cluster.followAgent(agent, abort.signal), (update) => ({ from: 'agent', update }), broken);
  void inbox.pipe(cluster.followTarget(plan.target, abort.signal), (update) => ({ from: 'target', update }), broken);

  let phase = first(stage, (next) => {
    phase = next;
  });
  try {
    while (!stage.isOver) {
      const input = await inbox.next();
      if (input.done) break;
      handle(input.value, phase, stage);
    }
  } finally {
    timers.clear();
    abort.abort();
    connection.close();
  }
  return record.close();
}

function handle(input: Input, phase: Phase, stage: Stage): void {
  switch (input.from) {
    case 'agent':
      return phase.onAgent(input.update);
    case 'attached':
      return phase.onAttached();
    case 'lost':
      return phase.onLost(input.loss);
    case 'line': {
      stage.timers.stop('silence');
      const event = parseShimEvent(input.text);
      if (event) phase.onEvent(event);
      else stage.report({ kind: 'output', text: `${input.text}\n` });
      return;
    }
    case 'output':
      stage.record.output(input.text);
      return stage.report({ kind: 'output', text: input.text });
    case 'target':
      return phase.onTarget(input.update);
    case 'interrupt':
      return phase.stop(`${input.signal} received`);
    case 'leave':
      return stage.end();
    case 'timer':
      return phase.onTimer(input.name);
    case 'broken':
      return phase.onBroken(input.error);
  }
}
