import { formatNumber, joinWords } from '../../text.ts';
import type { Round } from './observations.ts';
import { lostOn } from './review.ts';
import { signalName } from './signals.ts';
import type { Process, SignalAction } from './types.ts';

/** What came of a signal, process by process. Pure. */

/** `unknown`: it may take the signal in a way that nobody sees. */
export type Effect = 'effective' | 'none' | 'unknown';

function effectOn(one: Process): Effect {
  if (one.outcome === 'ended' || one.disposition === 'handled') return 'effective';
  return one.disposition === 'blocked' ? 'unknown' : 'none';
}

/** Of a round that was sent. */
export function effectOf({ found }: Round): Effect {
  if (found?.kind !== 'processes') return 'unknown';
  const effects = found.processes.map(effectOn);
  if (effects.length === 0 || effects.includes('none')) return 'none';
  return effects.includes('unknown') ? 'unknown' : 'effective';
}

export function describeRound({ skipped, found }: Round, action: SignalAction): string {
  const name = signalName(action.signal);
  if (skipped !== undefined) return `${name} was not sent: ${skipped}`;
  if (!found || found.kind === 'no-container') return `${name} was sent`;
  if (found.kind === 'failed') return `${name}: ${found.why}`;
  const what = describeProcesses(found.processes, action);
  return `${name} was sent to ${what}${found.isWhole ? '' : '; there were more, or ever new ones'}`;
}

const shown = 3;

/** `nginx (pid 1), which ended`; of many how many. */
function describeProcesses(processes: readonly Process[], { signal }: SignalAction): string {
  if (processes.length === 0) return 'no process';
  if (processes.length > shown) {
    const ended = processes.filter(({ outcome }) => outcome === 'ended').length;
    const stubborn = processes.filter((one) => effectOn(one) === 'none');
    const [first] = stubborn;
    const how = first ? `; ${first.comm} (pid ${first.pid}) ${became(first, signal)}` : '';
    return `${formatNumber(processes.length)} processes, of which ${ended} ended${how}`;
  }
  return joinWords(processes.map((one) => `${one.comm} (pid ${one.pid}), which ${became(one, signal)}`));
}

function became(one: Process, signal: number): string {
  if (one.outcome === 'ended') return 'ended';
  if (one.disposition === 'handled') return 'has a handler for it and is still there';
  if (one.disposition === 'blocked') return 'blocks it and is still there';
  return `${lostOn(one, signal) ?? 'has not ended, although nothing holds it off'}, and is still there`;
}
