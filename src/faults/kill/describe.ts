import { formatDuration } from '../../units.ts';
import { afterMs } from './parse.ts';
import { signalName } from './signals.ts';
import type { KillFault, KillRequest, Which } from './types.ts';

/** What it is called. Pure. */

export function describeWhich(which: Which): string {
  if (which.by === 'match') return `the processes that match ${JSON.stringify(which.pattern)}`;
  return which.by === 'all' ? 'all processes' : 'the first process';
}

export function describeKill({ action }: Pick<KillRequest, 'action'>): string {
  if (action.kind === 'signal') {
    const every = action.everyMs === undefined ? '' : ` every ${formatDuration(action.everyMs)}`;
    return `${signalName(action.signal)} to ${describeWhich(action.which)}${every}`;
  }
  return `pod deletion${action.graceSeconds === undefined ? '' : ` (grace period ${action.graceSeconds}s)`}`;
}

/** For how long. */
export function describeSpan({ roundsMs, ...fault }: KillFault): string {
  const rounds = roundsMs > 0 ? ` for ${formatDuration(roundsMs)}` : '';
  const after = formatDuration(afterMs(fault));
  return `${rounds}, ${fault.readyWithinMs === undefined ? `and up to ${after} until all is ready again` : `to be ready again within ${after}`}`;
}
