import { kindOf } from '../faults/registry.ts';
import type { Agent, AgentUpdate, Clock, InterruptSignal, NodeUpdate, StandingUpdate, TargetUpdate } from '../ports.ts';
import { Queue } from '../queue.ts';
import { parseShimEvent, parseTerminationMessage } from '../shim/protocol.ts';
import { startupFailure } from './agent-errors.ts';
import { Connection, type ConnectionLoss } from './connection.ts';
import { type Reporter, reporterOf } from './events.ts';
import type { Interrupts } from './interrupt.ts';
import { Observations, type RunResult } from './observations.ts';
import { ActivePhase } from './phases/active.ts';
import { AttachedPhase, type Found } from './phases/attached.ts';
import type { Phase } from './phases/phase.ts';
import { RequestPhase } from './phases/request.ts';
import { StartingPhase } from './phases/starting.ts';
import type { Plan, RunPlan } from './plan.ts';
import { RunContext } from './run-context.ts';
import type { RunCluster } from './shared-watches.ts';
import { successors } from './succession.ts';
import type { TimerName } from './timeouts.ts';
import { Timers } from './timers.ts';
import { ByLog, byAttach, nobody, type Successor } from './way.ts';

/** Everything that can happen to a run, from all its sources, in one order. */
type Input =
  | FromAgent
  | { from: 'succeeded'; by: Agent }
  | { from: 'unsucceeded'; error: unknown }
  | { from: 'target'; update: TargetUpdate }
  | { from: 'node'; update: NodeUpdate }
  | { from: 'standing'; update: StandingUpdate }
  | { from: 'act'; act: () => void }
  | { from: 'interrupt'; signal: InterruptSignal }
  | { from: 'halt'; why: string }
  | { from: 'leave' }
  | { from: 'left' }
  | { from: 'timer'; name: TimerName }
  | { from: 'broken'; error: unknown };

/** `until`: aborted when another agent is at work, and nothing of this one is of interest any more. */
type FromAgent = { until: AbortSignal } & (
  | { from: 'agent'; update: AgentUpdate }
  | { from: 'attached' }
  | { from: 'lost'; loss: ConnectionLoss }
  | { from: 'line'; text: string }
  | { from: 'output'; text: string }
  | { from: 'blind'; error: unknown }
);

export interface FollowPorts {
  cluster: RunCluster;
  clock: Clock;
  reporter: Reporter;
  interrupts: Interrupts;
  /** When the command began, on `clock`. */
  startedAt: number;
  /** What it has to do with the other targets of its experiment; absent: there are none. */
  others?: OtherRuns;
}

/** The other targets of an experiment, as one of them sees it. */
export interface OtherRuns {
  /** It is ready to start, and does when `begin` is called: when all are. */
  armed(begin: () => void): void;
  /** Its fault is in force and to be left so, which it is when `leave` is called: when all are. */
  inForce(run: { leave: () => void; isStopping: () => boolean }): void;
  /** Without an attach: has agents launched that begin by themselves, with what its shim is to be told. Absent: its own is the only one. */
  succeed?: Successor['launch'];
  /** Calls back once when it is to end for the sake of the experiment, at once if that is so already. */
  onHalt(halt: (why: string) => void): void;
}

/**
 * Follows one target's run from the created agent pod to the confirmed revert, by one phase after the other.
 * Never rejects for what the run does; ends in bounded time whatever stays silent.
 */
export function followRun(plan: Plan, agent: Agent, ports: FollowPorts): Promise<RunResult> {
  const { others = alone } = ports;
  const launch = others.succeed ?? ((orders) => replaceOnly(plan, agent, orders, ports.cluster));
  return follow(plan, agent, ports, launch, (context, enter) => {
    return new StartingPhase(context, plan, (driver) =>
      others.armed(() => {
        if (context.isOver || context.stopAskedAt !== undefined) return;
        const next = new ActivePhase(context, driver, (update) =>
          mayHaveBegun(context, update) ? undefined : startupFailure(plan, plan.container, update),
        );
        enter(next);
        next.begin();
      }),
    );
  });
}

/** Of a run that is the only one. */
export const alone: OtherRuns = { armed: (begin) => begin(), inForce: ({ leave }) => leave(), onHalt: () => undefined };

async function replaceOnly(plan: Plan, former: Agent, orders: readonly string[], cluster: RunCluster): Promise<Agent> {
  const [spec = plan.agent] = successors([plan], new Map([[plan, orders]]));
  return cluster.replace(former, spec);
}

/** An agent that begins by itself has not while its container, by its status, has never run, or has ended without a word of its shim's. */
function mayHaveBegun({ mayHaveStarted, plan, observations }: RunContext, update: AgentUpdate): boolean {
  if (!plan.noAttach || !mayHaveStarted || observations.result.began || update.kind !== 'status') return mayHaveStarted;
  const status = update.containers[plan.container];
  return status?.state === 'terminated' && parseTerminationMessage(status.message).length > 0;
}

/**
 * Follows a detached fault that another command has started, to its confirmed revert or until the user has seen enough.
 * In other respects as `followRun`.
 */
export function followDetached(plan: RunPlan, agent: Agent, found: Found, ports: FollowPorts): Promise<RunResult> {
  return follow(plan, agent, ports, undefined, (context) => new AttachedPhase(context, found));
}

/** Does a fault that needs no agent, and follows what comes of it. In other respects as `followRun`. */
export function followRequest(plan: Plan, ports: FollowPorts): Promise<RunResult> {
  const { others = alone } = ports;
  return follow(plan, undefined, ports, undefined, (context) => new RequestPhase(context, others.armed));
}

/** `agent`: absent: there is none. `launch`: how this command starts the fault where its agent is not attached to; absent: another one has started it. `enter`: goes on with another phase than the first. */
async function follow(
  plan: RunPlan,
  agent: Agent | undefined,
  ports: FollowPorts,
  launch: Successor['launch'] | undefined,
  first: (context: RunContext, enter: (next: Phase) => void) => Phase,
): Promise<RunResult> {
  const { cluster, clock, interrupts, others = alone } = ports;
  const reporter = reporterOf(plan.target, ports.reporter);
  const inbox = new Queue<Input>();
  const abort = new AbortController();
  const observations = new Observations(plan, { ...ports, reporter }, launch !== undefined || !agent);
  const timers = new Timers<TimerName>(clock, (name) => inbox.push({ from: 'timer', name }));
  let heard = new AbortController();
  /** Watches an agent and prepares the connection to it. */
  const hear = (one: Agent | undefined): Connection => {
    heard = new AbortController();
    const until = heard.signal;
    if (one) {
      const updates = cluster.followAgent(one, AbortSignal.any([abort.signal, until]));
      void inbox.pipe(
        updates,
        (update) => ({ from: 'agent', update, until }),
        (error) => ({ from: 'blind', error, until }),
      );
    }
    return new Connection(way, {
      attached: () => inbox.push({ from: 'attached', until }),
      line: (text) => inbox.push({ from: 'line', text, until }),
      output: (text) => inbox.push({ from: 'output', text, until }),
      lost: (loss) => inbox.push({ from: 'lost', loss, until }),
    });
  };
  const leave = (): void => {
    heard.abort();
    context.connection.close();
  };
  const succession = launch && {
    ...{ launch, leave },
    launched: (by: Agent) => inbox.push({ from: 'succeeded', by }),
    refused: (error: unknown) => inbox.push({ from: 'unsucceeded', error }),
  };
  const way = !agent
    ? nobody
    : plan.noAttach
      ? new ByLog(cluster, agent, plan.container, succession)
      : byAttach(cluster, agent, plan.container);
  const inTurn = (act: () => void): void => inbox.push({ from: 'act', act });
  const onInForce = (leave: () => void): void => {
    const leaveNow = (): void => {
      leave();
      inbox.push({ from: 'left' });
    };
    others.inForce({ leave: leaveNow, isStopping: () => context.stopAskedAt !== undefined });
  };
  const connection = hear(agent);
  const parts = { plan, cluster, clock, reporter, timers, connection, observations };
  const context = new RunContext({ ...parts, onInForce, inTurn });

  const broken = (error: unknown): Input => ({ from: 'broken', error });
  interrupts.onFirst((signal) => inbox.push({ from: 'interrupt', signal }));
  void interrupts.again.then(() => inbox.push({ from: 'leave' }));
  others.onHalt((why) => inbox.push({ from: 'halt', why }));
  if (kindOf(plan.fault).endsTarget) {
    const standings = cluster.followStandings([plan.target], abort.signal);
    void inbox.pipe(standings, ({ update }) => ({ from: 'standing', update }), broken);
  }
  if (agent) {
    void inbox.pipe(cluster.followTarget(plan.target, abort.signal), (update) => ({ from: 'target', update }), broken);
    void inbox.pipe(cluster.followNode(plan.target, abort.signal), (update) => ({ from: 'node', update }), broken);
  }

  let phase = first(context, (next) => {
    phase = next;
  });
  try {
    while (!context.isOver) {
      const input = await inbox.next();
      // Others may have ended it meanwhile.
      if (input.done || context.isOver) break;
      const { value } = input;
      if ('until' in value && value.until.aborted) continue;
      if (value.from === 'succeeded') context.connection = hear(value.by);
      else handle(value, phase, context);
    }
  } finally {
    timers.clear();
    abort.abort();
    context.connection.close();
  }
  return observations.close();
}

function handle(input: Exclude<Input, { from: 'succeeded' }>, phase: Phase, context: RunContext): void {
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
      if (event?.event === 'output') written(event.text, context);
      else if (event) phase.onEvent(event);
      else context.report({ kind: 'output', text: `${input.text}\n` });
      return;
    }
    case 'output':
      return written(input.text, context);
    case 'unsucceeded':
      // Whatever of it was created may have begun.
      context.observations.failed(input.error, false);
      return context.end();
    case 'target':
      return phase.onTarget(input.update);
    case 'node':
      return phase.onNode(input.update);
    case 'standing':
      return phase.onStanding(input.update);
    case 'act':
      return input.act();
    case 'interrupt':
      return phase.stop(`${input.signal} received`);
    case 'halt':
      return phase.stop(input.why);
    case 'leave':
    case 'left':
      return context.end();
    case 'timer':
      return phase.onTimer(input.name);
    case 'blind':
    case 'broken':
      return phase.onBroken(input.error);
  }
}

/** The workload has written something. */
function written(text: string, context: RunContext): void {
  context.observations.output(text);
  context.report({ kind: 'output', text });
}
