import type { RunEvent } from '../experiment/events.ts';
import type { Ended } from '../shim/protocol.ts';

/** Characters: of a workload that says more, the last are kept, which tell why it failed. */
const longestKept = 16 * 1024;

/** What the workload prints is kept back until it has failed: what a healthy one says of itself is nobody's concern. */
export class WorkloadOutput {
  #kept = '';
  #isShown: boolean;
  #hasEndedWell = false;

  /** `isShown`: all of it, as it comes. */
  constructor(isShown: boolean) {
    this.#isShown = isShown;
  }

  /** What is to be printed of it before this event is; empty: nothing. */
  on(event: RunEvent): string {
    if (event.kind === 'output') this.#kept = (this.#kept + event.text).slice(-longestKept);
    else if (event.kind === 'ended') this.#onEnded(event.ended);
    // A run of which this is told without its end was not brought to it by the shim.
    else if (event.kind === 'removing') this.#isShown ||= !this.#hasEndedWell;
    if (!this.#isShown) return '';
    const text = this.#kept;
    this.#kept = '';
    return text;
  }

  #onEnded({ reason, exitCode }: Ended): void {
    this.#hasEndedWell = !(reason === 'killed' || (reason === 'exited' && exitCode !== 0));
    this.#isShown ||= !this.#hasEndedWell;
  }
}
