import type { AnswerEvent, Resolved, Sample } from '../shim/protocol.ts';
import { IoConduct } from './io-driver.ts';
import { IoPreparation } from './io-setup.ts';
import { NetWatch } from './net-counts.ts';
import { NetPreparation } from './net-setup.ts';
import type { Stage } from './run-context.ts';
import { StressConduct, StressPreparation } from './stress-driver.ts';
import type { TimerName } from './timeouts.ts';

/** What is special to one kind of fault before `start`: the last look at the target, and what has to be known of it. It ends the stage, or goes on to the conduct. */
export interface Preparation {
  /** The shim is there and waits. `anew`: for the first time on this stream, so that nothing said before is known to have arrived. */
  onResolved(resolved: Resolved, anew: boolean): void;
  onAnswer(answer: AnswerEvent): void;
  onTimer(name: TimerName): void;
}

/** What is special to one kind of fault from `start` on. */
export interface Conduct {
  /** Says `start`, after what has to be said before it; once more when both were lost with their stream. */
  begin(): void;
  onAnswer(answer: AnswerEvent): void;
  /** Each sample while the fault is active; `previous`: the one before it since `start`. */
  onSample(sample: Sample, previous: Sample | undefined): void;
}

/** The preparation of the plan's fault; `go` is called once, with what follows it. */
export function prepareFault(stage: Stage, go: (conduct: Conduct) => void): Preparation {
  const { fault } = stage.plan;
  switch (fault.fault) {
    case 'stress':
      return new StressPreparation(stage, fault, go);
    case 'net':
      return new NetPreparation(stage, fault, go);
    case 'io':
      return new IoPreparation(stage, fault, go);
  }
}

/** The conduct of a fault that another command has started. */
export function watchFault(stage: Stage): Conduct {
  const { fault } = stage.plan;
  switch (fault.fault) {
    case 'stress':
      return new StressConduct(stage);
    case 'net':
      return new NetWatch(stage, fault);
    case 'io':
      return new IoConduct(stage);
  }
}
