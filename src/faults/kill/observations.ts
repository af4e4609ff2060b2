import { Aftermath } from './aftermath.ts';
import type { Found } from './processes.ts';
import type { KillFault } from './types.ts';

/** One time that a signal was sent, or was not. */
export interface Round {
  /** Since the first. */
  atMs: number;
  /** Why it was not sent; absent: it was. */
  skipped?: string;
  /** What the shim said of it; absent: nothing yet. */
  found?: Found;
}

/** What is seen of a kill. */
export class KillRun {
  readonly rounds: Round[] = [];
  readonly aftermath: Aftermath;

  constructor({ action }: KillFault) {
    this.aftermath = new Aftermath(action.kind === 'deletion');
  }
}
