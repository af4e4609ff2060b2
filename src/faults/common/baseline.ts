import type { RunContext } from '../../experiment/run-context.ts';
import { timeouts } from '../../experiment/timeouts.ts';
import type { Resolved } from '../../shim/protocol.ts';

/** What the preparations of faults in a container's cgroup have in common. */

export function warnOfUnmounted(context: RunContext, { unmounted }: Resolved): void {
  if (unmounted.length === 0) return;
  const message = `passed over cgroup hierarchies that have lost their mount: ${unmounted.join(', ')}`;
  context.report({ kind: 'warning', message });
}

/** Answered with `resolved`, and so with another sample; asked again should it have come a moment too early. */
export function lookAgain(context: RunContext): void {
  context.timers.set('baseline', timeouts.baseline);
  context.send('beat');
}
