import type { Volume } from '../faults/io/types.ts';
import type { NetCounters, NetPlan, RoundTrip } from '../faults/net/types.ts';
import type { CoursePlan, Plan } from '../faults/plan.ts';
import type { Verdict } from '../faults/verdict.ts';
import type { Target, TargetQuery } from '../ports.ts';
import type { Active, Ended, PathEvent, PathFacts, Resolved, Sample } from '../shim/protocol.ts';
import type { RevertWitness } from './observations.ts';

/** How an experiment ended: the last fact, and what decides the exit code. */
export interface Outcome {
  id: string;
  summary: string;
  target: Target;
  exitCode: number;
  /** Whether what was asked was measured; undefined when the fault was never active. */
  verdict?: Verdict;
  /** Of a fault that was detached: how much of it was watched; 0: nobody did, and there is no verdict. Milliseconds. */
  watchedMs?: number;
  /** Why it ended otherwise than by its time or the user; one sentence each. */
  problems: string[];
  ended?: Ended;
  /** The revert was confirmed, by the shim or by the container's end. */
  reverted: boolean;
  /** Who confirmed it; undefined when it was the removal, or nobody. */
  revertedBy?: RevertWitness;
  /** What could not be confirmed to be gone (`pod/chaos-7f3k2`), and the command that removes it. */
  left: string[];
  undo: string;
  /** What looks for what the fault may have left where nothing is left of the experiment. */
  sweep: string;
  times: {
    /** From the command's start to `active`, milliseconds. */
    activeMs?: number;
    /** From the end of the fault's time or the request to stop to the shim's `reverted`. */
    revertMs?: number;
    /** From there to everything deleted and confirmed. */
    removeMs?: number;
    totalMs: number;
  };
  requests: Readonly<Record<string, number>>;
}

/** How a command ends that leaves the fault in force. */
export interface Detached {
  id: string;
  summary: string;
  target: Target;
  exitCode: number;
  /** When the fault ends by itself, about. */
  until: Date;
  leftMs: number;
  /** How to look at it, how to end it, and how to do so without this plugin. */
  commands: CoursePlan['commands'];
  undo: string;
  times: { activeMs?: number; totalMs: number };
  requests: Readonly<Record<string, number>>;
}

/** What happens in an experiment, in the order in which it happens. Times are milliseconds since the command began. */
export type Fact =
  | { kind: 'selecting'; query: TargetQuery }
  | { kind: 'selected'; target: Target }
  | { kind: 'planned'; plan: Plan }
  | { kind: 'launching'; plan: Plan }
  | { kind: 'progress'; message: string }
  | { kind: 'resolved'; resolved: Resolved }
  | { kind: 'warning'; message: string }
  /** What a net fault will do to whom; before anything is changed. */
  | { kind: 'net-planned'; target: Target; plan: NetPlan }
  /** What the path of an io fault is, also in one line; before anything is changed. */
  | { kind: 'io-found'; target: Target; facts: PathFacts; volume: Volume; line: string }
  /** `network`: of a net fault, with the names of the containers that share it. `disk`: of a limit to what the container's cgroup does to it. */
  | {
      kind: 'active';
      target: Target;
      active: Active;
      resolved: Resolved;
      activeMs: number;
      network?: { sharedBy: readonly string[] };
      disk?: string;
    }
  /** A fault that was started `agoMs` before is in force. */
  | { kind: 'watching'; plan: CoursePlan; agoMs: number; leftMs: number }
  | { kind: 'sample'; target: Target; before: readonly Sample[]; previous: Sample; sample: Sample; leftMs: number }
  /** What was counted since the fault began, and the latest round trip; each list in order. */
  | {
      kind: 'net-sample';
      target: Target;
      counters: NetCounters;
      roundTripsBefore: readonly RoundTrip[];
      roundTripsDuring: readonly RoundTrip[];
      leftMs: number;
    }
  /** What the container reads and writes, as `sample` has it, and what was seen of the path: the latest before the fault and the latest under it. */
  | {
      kind: 'io-sample';
      target: Target;
      previous: Sample;
      sample: Sample;
      /** Undefined: not heard, of a fault that another command has started. */
      facts?: PathFacts;
      pathBefore?: PathEvent;
      path?: PathEvent;
      leftMs: number;
    }
  | { kind: 'output'; text: string }
  | { kind: 'stopping'; why: string }
  | { kind: 'ended'; ended: Ended }
  | { kind: 'reverted'; revertMs: number; confirmedBy: RevertWitness }
  | { kind: 'removing' }
  | { kind: 'removed'; left: readonly string[]; why: string }
  /** The last fact of a command that leaves the fault in force. */
  | { kind: 'detached'; detached: Detached }
  | { kind: 'outcome'; outcome: Outcome };
