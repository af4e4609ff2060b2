import type { NetCounters, NetPlan, RoundTrip } from '../faults/net/types.ts';
import type { Reporter as Port, Target, TargetQuery, Volume } from '../ports.ts';
import type { Active, Ended, PathEvent, PathFacts, Resolved, Sample } from '../shim/protocol.ts';
import type { RevertWitness } from './observations.ts';
import type { Detached, Outcome } from './outcome.ts';
import type { CoursePlan, Plan } from './plan.ts';

/** What the user sees while an experiment runs: it reports events; words and layout are the reporter's. */
export type Reporter = Port<RunEvent>;

/** What happens in an experiment, in the order in which it happens. Times are milliseconds since the command began. */
export type RunEvent =
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
