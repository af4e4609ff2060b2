import { ChaosError } from '../../errors.ts';
import type { Found } from './processes.ts';
import { isUnnoticed, sigkill, signalName } from './signals.ts';
import type { Process, SignalAction } from './types.ts';

/** Why a signal would be lost on a process, for a sentence; undefined: it would not. Pure. */
export function lostOn({ isInit, disposition }: Process, signal: number): string | undefined {
  const name = signalName(signal);
  if (signal === sigkill) return undefined;
  if (disposition === 'ignored') return `ignores ${name}`;
  if (disposition === 'handled') return undefined;
  // Linux, sig_task_ignored of kernel/signal.c: from outside of its pid namespace only KILL and STOP are forced upon its first process. A blocked one waits until it is let through, or is taken.
  if (disposition === 'default' && isInit) {
    return `has no handler for ${name} and is the first process of its pid namespace, so that the kernel drops it`;
  }
  return isUnnoticed(signal) ? `has no handler for ${name}, which then does nothing` : undefined;
}

/** Whether a signal would come to anything. Pure. */
export function reviewProcesses(
  { processes }: Extract<Found, { kind: 'processes' }>,
  { signal, which }: SignalAction,
): { refusal?: ChaosError; warnings: string[] } {
  if (processes.length === 0) {
    const what =
      which.by === 'first'
        ? 'the first process has just ended'
        : which.by === 'match'
          ? `no process of the container matches ${JSON.stringify(which.pattern)}`
          : 'the container has no process';
    return {
      refusal: unsuitable(
        what,
        'See what there is with kubectl exec POD -- ps, or use --match "*NAME*" for a part of a name.',
      ),
      warnings: [],
    };
  }
  const lost = processes.flatMap((one) => {
    const why = lostOn(one, signal);
    return why === undefined ? [] : [`${one.comm} (pid ${one.pid}) ${why}`];
  });
  if (lost.length < processes.length) return { warnings: lost.slice(0, 5) };
  const [first = '', ...others] = lost;
  const more = others.length === 0 ? '' : `; so it is with ${others.length} more`;
  return { refusal: unsuitable(`${first}${more}`, 'To end it all the same: --signal KILL.'), warnings: [] };
}

function unsuitable(message: string, hint: string): ChaosError {
  return new ChaosError('target-unsuitable', message, { hint });
}
