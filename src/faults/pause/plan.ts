import { ChaosError } from '../../errors.ts';
import { quote } from '../../flags/values.ts';
import type { PodNetwork, Target } from '../../ports.ts';
import { formatDuration } from '../../units.ts';
import { describeConsequence, describeProbe, outlasts, type ProbeAtRisk } from '../common/probes.ts';
import type { PauseFault, PauseRequest, Probe } from './types.ts';

/** What a pause means for its target. Pure. */

/** `process nginx` or `the whole container`, in a few words. */
export function describePause({ match }: PauseRequest): string {
  return match === undefined ? 'pause of the whole container' : `pause of the processes ${quote(match)}`;
}

/** @throws ChaosError target-unsuitable: where the kubelet restarts the container before the pause is over, unless that is allowed. */
export function planPause(
  request: PauseRequest,
  { container }: Target,
  { probes, execProbes = [] }: Pick<PodNetwork, 'probes' | 'execProbes'>,
  durationMs: number,
): PauseFault {
  const own = [...probes, ...execProbes].filter((probe) => probe.container === container);
  const atRisk = own.flatMap((probe) => riskOf(probe, request, durationMs));
  const fatal = atRisk.find(({ probe, isCertain }) => isCertain && probe.kind !== 'readiness');
  if (fatal && request.allowRestart !== true) throw tooLong(fatal);
  return { ...request, atRisk };
}

/**
 * A container that stands still answers no request. The kernel accepts connections for it all the same until the queue of its socket is full. A command is refused by runtimes that look
 * (runc 1.1, crun), which the kubelet does not count; with others it hangs, which is a failure. Of some of its processes it is not known whether one of them answers.
 */
function riskOf(probe: Probe, { match }: PauseRequest, durationMs: number): ProbeAtRisk<Probe>[] {
  const isLong = outlasts(durationMs, probe);
  if (isLong === 'not') return [];
  const answers = probe.by === 'http' || probe.by === 'https' || probe.by === 'grpc';
  return [{ probe, isCertain: isLong === 'certainly' && answers && match === undefined }];
}

function tooLong(fatal: ProbeAtRisk<Probe>): ChaosError {
  const { failureThreshold, periodSeconds } = fatal.probe;
  const mostMs = 1_000 * (failureThreshold - 1) * periodSeconds;
  const shorter = mostMs >= 1_000 ? `Use --duration ${formatDuration(mostMs)} at most, or` : 'Use';
  return new ChaosError(
    'target-unsuitable',
    `${describeProbe(fatal.probe)} fails while the container stands still: ${describeConsequence(fatal)}, before the pause is over`,
    { hint: `${shorter} --allow-restart if that is what is to be seen.` },
  );
}

/** One sentence for each probe. */
export function cautions({ atRisk }: PauseFault): readonly string[] {
  return atRisk.map((each) => {
    const how = each.isCertain ? 'fails' : 'may fail';
    return `${describeProbe(each.probe)} ${how} while the target stands still: ${describeConsequence(each)}`;
  });
}
