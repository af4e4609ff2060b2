import type { RunEvent } from '../experiment/events.ts';
import type { MainPorts } from '../ports.ts';

/** The world as the commands see it. */
export type CommandPorts = MainPorts<RunEvent>;
