import type { FaultEvent } from '../faults/fault.ts';
import type { ClusterName, Reporter as Port, SelectedTarget, Selection, Skipped, Target } from '../ports.ts';
import type { Active, Ended, Resolved } from '../shim/protocol.ts';
import type { Impact } from './impact.ts';
import type { Detached, Outcome, RevertWitness } from './outcome.ts';
import type { Plans, RunPlan } from './plan.ts';

/** What the user sees while an experiment runs: it reports events; words and layout are the reporter's. */
export type Reporter = Port<RunEvent>;

/** What happens to one target, in the order in which it happens. Times are milliseconds since the command began. */
export type TargetEvent =
  | { kind: 'resolved'; resolved: Resolved }
  | FaultEvent
  /** The target is protected, for these reasons; the run goes on only with the user's consent. */
  | { kind: 'protected'; reasons: readonly string[] }
  /** `where` the fault is, in a few words each. */
  | { kind: 'active'; active: Active; where: readonly string[]; activeMs: number }
  /** The same of one that was done by a request, and stays as it is: `what`, in a few words. */
  | { kind: 'injected'; what: string; activeMs: number }
  /** A fault that was started `agoMs` before is in force. */
  | { kind: 'watching'; plan: RunPlan; agoMs: number; leftMs: number }
  /** How much of the fault's `tools` has arrived on the target's node. `readyMs`: they are ready to run, so long after the first of it was sent. */
  | { kind: 'tools'; tools: string; sentBytes: number; bytes: number; readyMs?: number }
  | { kind: 'output'; text: string }
  | { kind: 'stopping'; why: string }
  | { kind: 'ended'; ended: Ended }
  | { kind: 'reverted'; revertMs: number; confirmedBy: RevertWitness }
  /** One of several targets is over otherwise than by its time or by the user. */
  | { kind: 'failed'; why: string };

export type TargetReporter = Port<TargetEvent>;

/** What happens in an experiment, in the order in which it happens. */
export type RunEvent =
  /** `namespace`: where the targets are looked for. */
  | { kind: 'selecting'; selection: Selection; cluster: ClusterName; namespace: string }
  /** Once for each target. */
  | { kind: 'selected'; target: SelectedTarget }
  /** Pods that are left out; at least one. */
  | { kind: 'skipped'; skipped: readonly Skipped[] }
  | { kind: 'impact'; impact: Impact }
  /** A plan for each target. */
  | { kind: 'planned'; plans: Plans }
  | { kind: 'launching'; plans: Plans }
  | (TargetEvent & { target: Target })
  | { kind: 'removing' }
  | { kind: 'removed'; left: readonly string[]; why: string }
  /** The last event of a command that leaves the fault in force. */
  | { kind: 'detached'; detached: Detached }
  | { kind: 'outcome'; outcome: Outcome };

/** Reports what happens to this target. */
export function reporterOf(target: Target, reporter: Reporter): TargetReporter {
  return { report: (event) => reporter.report({ ...event, target }) };
}
