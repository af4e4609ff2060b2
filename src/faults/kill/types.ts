import type { Prospects } from '../../ports.ts';

/** Which processes of the container. */
export type Which =
  /** The one that the runtime has started. */
  | { by: 'first' }
  /** Those that the pattern means: native/README.md, _Which processes_. */
  | { by: 'match'; pattern: string }
  | { by: 'all' };

/** A signal to processes of the container. */
export interface SignalAction {
  kind: 'signal';
  /** As Linux numbers it: 1 … 31. */
  signal: number;
  which: Which;
  /** Again and again, whole milliseconds apart; absent: once. */
  everyMs?: number;
}

/** The deletion of the pod. */
export interface DeletionAction {
  kind: 'deletion';
  /** From TERM to KILL; absent: as the pod says. */
  graceSeconds?: number;
}

export interface KillRequest {
  fault: 'kill';
  action: SignalAction | DeletionAction;
  /** What is killed has to be ready again within this, whole milliseconds; absent: that decides nothing. */
  readyWithinMs?: number;
  /** What never comes back may be killed. */
  allowBarePod?: true;
}

/** As it is planned for one target. */
export interface KillFault extends KillRequest {
  prospects: Prospects;
  /** With `everyMs`: for how long signals are sent; else 0. */
  roundsMs: number;
}

/** What a process does with the signal, by its own masks; `blocked`: it comes when it is taken, by sigwait or a signalfd, or is let through. */
export type Disposition = 'default' | 'handled' | 'ignored' | 'blocked';

/** A process that was chosen. */
export interface Process {
  /** In the innermost pid namespace that it is in. */
  pid: number;
  /** It is the first of that, to which the kernel gives nothing that it has no handler for, but KILL. */
  isInit: boolean;
  disposition: Disposition;
  /** `there`: it had not ended when that was looked for last. */
  outcome: 'ended' | 'there';
  /** What it calls itself: anything, of printable characters. */
  comm: string;
}
