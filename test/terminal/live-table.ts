import type { RunEvent } from '../../src/experiment/events.ts';
import { Crowd } from '../../src/terminal/crowd.ts';

/** The table of one target's sample. */
export function liveTable(event: RunEvent): string[] | undefined {
  const crowd = new Crowd();
  crowd.on(event);
  return crowd.table();
}
