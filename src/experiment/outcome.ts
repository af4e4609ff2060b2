import type { Verdict } from '../faults/fault.ts';
import type { Cluster, ClusterName, Target } from '../ports.ts';
import type { Ended } from '../shim/protocol.ts';
import type { RunPlan, Scope } from './plan.ts';

/**
 * Who said that the fault is undone: the shim, its guardian after the shim's death, or the kubelet, that the shim's
 * container has ended.
 */
export type RevertWitness = 'shim' | 'guardian' | 'container';

/** What was done to one target, and how that ended. */
export interface TargetOutcome {
  target: Target;
  summary: string;
  /** Whether what was asked was measured; undefined when the fault was never active. */
  verdict?: Verdict;
  /** Of a fault that was detached: how much of it was watched; 0: nobody did, and there is no verdict. Milliseconds. */
  watchedMs?: number;
  /** Why it ended otherwise than by its time or the user; one sentence each. */
  problems: string[];
  /** Ids of other experiments on the same container, and the sentence that says so; absent: there were none. */
  sharedWith?: readonly string[];
  shared?: string;
  ended?: Ended;
  /** The revert was confirmed, by the shim or by the container's end. */
  reverted: boolean;
  /** Who confirmed it; undefined when it was the removal, or nobody. */
  revertedBy?: RevertWitness;
}

/** How an experiment ended: the last event, and what decides the exit code. */
export interface Outcome {
  id: string;
  cluster: ClusterName;
  exitCode: number;
  /** Absent: another command has selected the targets. */
  scope?: Scope;
  /** What was done cannot be undone. */
  isFinal?: true;
  /** Nothing was created, and so nothing can be left. */
  withoutAgent?: true;
  targets: readonly TargetOutcome[];
  /** What could not be confirmed to be gone (`pod/chaos-7f3k2-0`), and the command that removes it. */
  left: string[];
  undo: string;
  /** What looks for what the fault may have left where nothing is left of the experiment. */
  sweep: string;
  times: {
    /** From the command's start to `active`, milliseconds. */
    activeMs?: number;
    /** Of several targets, whose last `activeMs` is of: between the first that became active and that one. */
    activeSpreadMs?: number;
    /** From the end of the fault's time or the request to stop to the shim's `reverted`. */
    revertMs?: number;
    /** From there to everything deleted and confirmed. */
    removeMs?: number;
    totalMs: number;
  };
  requests: Readonly<Record<string, number>>;
}

/** The revert of every target was confirmed. */
export function allReverted({ targets }: Outcome): boolean {
  return targets.every(({ reverted }) => reverted);
}

/** How a command ends that leaves the fault in force. */
export interface Detached {
  id: string;
  cluster: ClusterName;
  exitCode: number;
  /** Absent: another command has selected the targets. */
  scope?: Scope;
  targets: readonly Pick<TargetOutcome, 'target' | 'summary'>[];
  /** When the fault ends by itself, about. */
  until: Date;
  leftMs: number;
  /** How to look at it, how to end it, and how to do so without this plugin. */
  commands: RunPlan['commands'];
  undo: string;
  times: { activeMs?: number; totalMs: number };
  requests: Readonly<Record<string, number>>;
}

/** As a person calls it, and where it is. */
export function clusterName({ context, server }: Pick<Cluster, 'context' | 'server'>): ClusterName {
  return { ...(context === undefined ? {} : { context }), server };
}
