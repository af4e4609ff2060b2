import type { ExecProbe, NetworkProbe } from '../../ports.ts';
import { formatDuration } from '../../units.ts';

/** What the kubelet does about probes that fail because of a fault. Pure. */

/** A probe that the fault may keep from succeeding for so long that the kubelet acts. */
export interface ProbeAtRisk<Probe extends NetworkProbe | ExecProbe = NetworkProbe> {
  probe: Probe;
  /** It will, of a net fault if its source is affected; else it may. */
  isCertain: boolean;
}

/** Whether so many of its probes fail within this time that the kubelet acts, if every one fails: the first comes at most a period after the start, each of the others a period after the one before it. */
export function outlasts(
  durationMs: number,
  { periodSeconds, timeoutSeconds, failureThreshold }: NetworkProbe | ExecProbe,
): 'certainly' | 'perhaps' | 'not' {
  if (durationMs <= 1_000 * (failureThreshold - 1) * periodSeconds) return 'not';
  return durationMs >= 1_000 * (failureThreshold * periodSeconds + timeoutSeconds) ? 'certainly' : 'perhaps';
}

/** `the liveness probe of container app (http :8080/healthz, every 10s, 3 failures)`. */
export function describeProbe(probe: NetworkProbe | ExecProbe): string {
  const { kind, container, by, periodSeconds, failureThreshold } = probe;
  const failures = `${failureThreshold} failure${failureThreshold === 1 ? '' : 's'}`;
  const where = by === 'exec' ? by : `${by} :${probe.port}${by === 'http' || by === 'https' ? (probe.path ?? '') : ''}`;
  return `the ${kind} probe of container ${container} (${where}, every ${formatDuration(1_000 * periodSeconds)}, ${failures})`;
}

/** What the kubelet does about it. */
export function describeConsequence({ probe, isCertain }: ProbeAtRisk<NetworkProbe | ExecProbe>): string {
  const { kind, container, periodSeconds, failureThreshold, isFinal } = probe;
  const after = `after about ${formatDuration(1_000 * periodSeconds * failureThreshold)}`;
  const verb = isCertain ? 'will' : 'may';
  if (kind === 'readiness') return `the pod ${verb} be taken out of its services ${after}`;
  return isFinal
    ? `the kubelet ${verb} end container ${container} ${after}, which is not started again (restart policy Never)`
    : `the kubelet ${verb} restart container ${container} ${after}`;
}
