import type { Plan } from '../faults/plan.ts';
import type { Agent, AgentUpdate, Clock, Cluster, InterruptSignal, Reporter, TargetUpdate } from '../ports.ts';
import { parseShimEvent } from '../shim/protocol.ts';
import { AfterStart } from './after-start.ts';
import { BeforeStart } from './before-start.ts';
import { Connection, type ConnectionLoss } from './connection.ts';
import { Inbox } from './inbox.ts';
import type { Interrupts } from './interrupt.ts';
import { RunRecord, type RunResult } from './record.ts';
import { type Phase, Stage } from './stage.ts';
import { Timers } from './timers.ts';
import type { TimerName } from './waits.ts';

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
export async function followRun(plan: Plan, agent: Agent, ports: FollowPorts): Promise<RunResult> {
  const { cluster, clock, reporter, interrupts } = ports;
  const inbox = new Inbox<Input>();
  const abort = new AbortController();
  const container = plan.agent.containers[0]?.name ?? '';
  const record = new RunRecord(plan, ports);
  const timers = new Timers<TimerName>(clock, (name) => inbox.post({ from: 'timer', name }));
  const connection = new Connection(cluster, agent, container, {
    attached: () => inbox.post({ from: 'attached' }),
    line: (text) => inbox.post({ from: 'line', text }),
    output: (text) => inbox.post({ from: 'output', text }),
    lost: (loss) => inbox.post({ from: 'lost', loss }),
  });
  const stage = new Stage({ plan, cluster, clock, reporter, container, timers, connection, record });

  const broken = (error: unknown): Input => ({ from: 'broken', error });
  interrupts.onFirst((signal) => inbox.post({ from: 'interrupt', signal }));
  void interrupts.again.then(() => inbox.post({ from: 'leave' }));
  void inbox.pour(cluster.followAgent(agent, abort.signal), (update) => ({ from: 'agent', update }), broken);
  void inbox.pour(cluster.followTarget(plan.target, abort.signal), (update) => ({ from: 'target', update }), broken);

  let phase: Phase = new BeforeStart(stage, (conduct) => {
    phase = new AfterStart(stage, conduct);
  });
  try {
    while (!stage.isOver) handle(await inbox.next(), phase, stage);
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
