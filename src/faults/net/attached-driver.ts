import type { AnswerEvent } from '../../shim/protocol.ts';
import type { Driver, FaultRun } from '../fault.ts';
import { NetCounts } from './counts.ts';
import type { NetRun } from './observations.ts';
import type { NetFault } from './types.ts';

/** A net fault that another command has started is counted; its peers and names are that command's. */
export class AttachedNetDriver implements Driver {
  readonly #counts: NetCounts;

  constructor(run: FaultRun<NetFault, NetRun>) {
    this.#counts = new NetCounts(run);
  }

  begin(): void {}

  onSample(): void {}

  onAnswer(event: AnswerEvent): void {
    this.#counts.onAnswer(event);
  }
}
