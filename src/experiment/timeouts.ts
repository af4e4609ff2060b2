import { answerMs } from '../faults/common/timeouts.ts';
import type { Fault, FaultTimer } from '../faults/fault.ts';
import { kindOf } from '../faults/registry.ts';

/** How long a run waits for what, in milliseconds. Every wait ends (G2), and the phase that waits decides what follows. */
export const timeouts = {
  /** Between two beats: the shim's lease, at least 5 s, survives a lost one. */
  beat: 3_000,
  /** For an API server that does not answer, before a detached fault begins: as the usual lease. */
  contact: 15_000,
  /** The kubelet takes a pod up, or says why not, within a second or two. */
  pickup: 5_000,
  /** From created to `resolved`: what a plan allows for pulling an image. */
  startup: 300_000,
  answer: answerMs,
  /** After the workload's grace: the shim reports, the stream or the kubelet delivers. */
  slack: 10_000,
  /** From `stop` to the end of a shim that has not begun: a round trip. */
  shimExit: 1_000,
  /**
   * From the end of a shim that was killed to its guardian's word: the undo takes a tenth of a second, the kubelet's
   * next rounds a few.
   */
  guardian: 5_000,
  /**
   * A shim that waits for `start` answers a beat with `resolved` within this, a round trip: samples without that are of
   * a fault in force.
   */
  waiting: 1_000,
  /** What a shim may have been asked before `start`. */
  setup: 60_000,
  /** From a pod's deletion to the shim's TERM, at most: a kubelet that has just started a container is slow to act on it. */
  deletion: 20_000,
  /** Tools that are sent: without a word of them, while they arrive or are unpacked, on a node perhaps that has no CPU to spare. */
  tools: 120_000,
  /** Between two words about how much of them has arrived. */
  telling: 500,
  /** What a plan allows for all of that: the largest toolbox, 8 MB and a third more as base64, at 36 kB/s. */
  sending: 300_000,
  /** For the API server to say why the target ended, or who ended the agent, once the shim has seen that it did. */
  explain: 2_000,
} as const;

/** From the end of the workload to the word that the fault is undone. */
export function undoMs(fault: Fault): number {
  return timeouts.slack + (kindOf(fault).allowances?.undoMs(fault) ?? 0);
}

/** From the start of the agent's container to `active`, at most. */
export function setupMs({ sentTools }: { sentTools?: true }): number {
  return timeouts.setup + (sentTools ? timeouts.sending : 0);
}

/** From the end of a shim that was killed to its guardian's word. */
export function guardianMs(fault: Fault): number {
  return timeouts.guardian + (kindOf(fault).allowances?.undoMs(fault) ?? 0);
}

/** A container that has just been started may refuse an attach for a moment. */
export const attachAttempts = 6;

export type TimerName =
  | FaultTimer
  | 'beat'
  | 'attach'
  | 'pickup'
  | 'contact'
  | 'startup'
  | 'tools'
  | 'deadline'
  | 'silence'
  | 'confirm'
  | 'explain'
  | 'finish';
