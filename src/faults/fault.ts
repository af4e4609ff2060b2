import type { RunContext } from '../experiment/run-context.ts';
import type { TimerName } from '../experiment/timeouts.ts';
import type { AnswerEvent, Resolved, Sample } from '../shim/protocol.ts';
import { IoDriver } from './io/driver.ts';
import { IoSetup } from './io/setup.ts';
import { AttachedNetDriver } from './net/counts.ts';
import { NetSetup } from './net/setup.ts';
import { StressDriver, StressSetup } from './stress/driver.ts';

/** What is special to one kind of fault before `start`: the last look at the target, and what has to be known of it. It ends the run, or goes on to the driver. */
export interface Setup {
  /** The shim is there and timeouts. `anew`: for the first time on this stream, so that nothing said before is known to have arrived. */
  onResolved(resolved: Resolved, anew: boolean): void;
  onAnswer(answer: AnswerEvent): void;
  onTimer(name: TimerName): void;
}

/** What is special to one kind of fault from `start` on. */
export interface Driver {
  /** Says `start`, after what has to be said before it; once more when both were lost with their stream. */
  begin(): void;
  onAnswer(answer: AnswerEvent): void;
  /** Each sample while the fault is active; `previous`: the one before it since `start`. */
  onSample(sample: Sample, previous: Sample | undefined): void;
}

/** The setup of the plan's fault; `go` is called once, with what follows it. */
export function setupFault(context: RunContext, go: (driver: Driver) => void): Setup {
  const { fault } = context.plan;
  switch (fault.fault) {
    case 'stress':
      return new StressSetup(context, fault, go);
    case 'net':
      return new NetSetup(context, fault, go);
    case 'io':
      return new IoSetup(context, fault, go);
  }
}

/** The driver of a fault that another command has started. */
export function attachFault(context: RunContext): Driver {
  const { fault } = context.plan;
  switch (fault.fault) {
    case 'stress':
      return new StressDriver(context);
    case 'net':
      return new AttachedNetDriver(context, fault);
    case 'io':
      return new IoDriver(context);
  }
}
