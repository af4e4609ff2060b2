import type { Resolved } from '../shim/protocol.ts';
import type { Stage } from './run-context.ts';
import { waits } from './timeouts.ts';

/** What the preparations of faults in a container's cgroup have in common. */

export function warnOfUnmounted(stage: Stage, { unmounted }: Resolved): void {
  if (unmounted.length === 0) return;
  const message = `passed over cgroup hierarchies that have lost their mount: ${unmounted.join(', ')}`;
  stage.report({ kind: 'warning', message });
}

/** Answered with `resolved`, and so with another sample; asked again should it have come a moment too early. */
export function lookAgain(stage: Stage): void {
  stage.timers.set('baseline', waits.baseline);
  stage.send('beat');
}
