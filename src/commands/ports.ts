import type { RunEvent } from '../experiment/events.ts';
import type { Examiner } from '../facts.ts';
import type { ConnectionOptions, MainPorts } from '../ports.ts';

/** The world as the commands see it. */
export interface CommandPorts extends MainPorts<RunEvent> {
  /** As `connect`, for who asks more of the cluster than an experiment does. */
  examine: (options: ConnectionOptions) => Promise<Examiner>;
}
