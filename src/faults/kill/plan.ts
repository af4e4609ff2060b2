import { ChaosError } from '../../errors.ts';
import type { Prospects, Target } from '../../ports.ts';
import type { RunOptions } from '../../requests.ts';
import type { PlannedFault } from '../fault.ts';
import { describeKill, describeSpan } from './describe.ts';
import { afterMs } from './parse.ts';
import type { KillFault, KillRequest } from './types.ts';

/** What the request means for this target. Refuses what never comes back, unless that is allowed. Pure. */
export function planKill(
  request: KillRequest,
  target: Target,
  prospects: Prospects,
  run: Pick<RunOptions, 'durationMs'>,
): PlannedFault<KillFault> {
  const { action, allowBarePod } = request;
  if (action.kind === 'deletion' && prospects.isStatic) {
    throw unsuitable(
      `pod/${target.pod} is a static pod, which its kubelet runs from a file: to delete it in the API server ends nothing`,
      'Leave --pod out: its processes can be killed.',
    );
  }
  const lost = allowBarePod ? undefined : lostForGood(request, target, prospects);
  if (lost !== undefined) throw unsuitable(lost, 'To kill it all the same, add --allow-bare-pod.');
  const isAgain = action.kind === 'signal' && action.everyMs !== undefined;
  const fault = { ...request, prospects, roundsMs: isAgain ? run.durationMs - afterMs(request) : 0 };
  return { fault, summary: describeKill(request), span: describeSpan(fault) };
}

/** Why it does not come back; undefined: it does. */
function lostForGood({ action }: KillRequest, { pod, container }: Target, prospects: Prospects): string | undefined {
  const { keeper, isStatic, restartPolicy } = prospects;
  if (keeper !== undefined || isStatic) return undefined;
  if (action.kind === 'deletion') return `no workload makes pod/${pod} again: deleted, it does not come back`;
  if (restartPolicy !== 'Never') return undefined;
  return `container ${container} is not started again (restart policy Never), and no workload makes pod/${pod} again`;
}

/** What is to be thought of before. */
export function cautionsOf({ action, prospects, allowBarePod }: KillFault): string[] {
  const { keeper, restartPolicy } = prospects;
  if (action.kind === 'deletion') {
    return [
      ...(keeper === undefined && allowBarePod ? ['the pod does not come back: no workload makes it again'] : []),
      ...(action.graceSeconds === 0
        ? ['with --grace-period 0 the API server forgets the pod at once, while its containers may still run']
        : []),
    ];
  }
  if (restartPolicy === 'Always') return [];
  const when = restartPolicy === 'Never' ? 'is not started again' : 'is started again only if it fails';
  return [`a container that ends ${when} (restart policy ${restartPolicy})`];
}

function unsuitable(message: string, hint: string): ChaosError {
  return new ChaosError('target-unsuitable', message, { hint });
}
