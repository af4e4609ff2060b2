import type { Sample } from '../shim/protocol.ts';
import { workingSet } from './cgroup/memory.ts';

/** What the target's cgroup did between two samples, in units a person reads. Absent: the kernel does not tell. */
export interface Measurement {
  seconds: number;
  cpuCores?: number;
  /** Share of the enforcement periods in which the cgroup was throttled, 0 … 1, and the time its tasks waited. */
  throttledShare?: number;
  throttledSeconds?: number;
  /** At the end of the interval, page cache that can be dropped at once not counted. */
  memoryBytes?: number;
  oomKills?: number;
  processes?: number;
  ioBytes?: number;
  /** Share of the time in which some task waited for the resource (PSI), 0 … 1. */
  cpuPressure?: number;
  memoryPressure?: number;
  ioPressure?: number;
}

/** Compares two samples of the same cgroup; `from` is the earlier one. Undefined when no time lies between them. */
export function measure(from: Sample, to: Sample): Measurement | undefined {
  const elapsedUs = to.elapsed_us - from.elapsed_us;
  if (elapsedUs <= 0) return undefined;
  const growth = (name: keyof Sample): number | undefined => {
    const before = from[name];
    const after = to[name];
    return before === undefined || after === undefined ? undefined : Math.max(0, after - before);
  };
  const share = (name: keyof Sample) => scaled(growth(name), 1 / elapsedUs);
  const periods = growth('cpu_periods');
  const throttledPeriods = growth('cpu_throttled_periods');
  const read = growth('io_read_bytes');
  const written = growth('io_write_bytes');
  return withoutUndefined({
    seconds: elapsedUs / 1e6,
    cpuCores: share('cpu_usage_us'),
    throttledShare: periods ? scaled(throttledPeriods, 1 / periods) : periods === 0 ? 0 : undefined,
    throttledSeconds: scaled(growth('cpu_throttled_us'), 1e-6),
    memoryBytes: workingSet(to),
    oomKills: growth('memory_oom_kills'),
    processes: to.pids_current,
    ioBytes: read === undefined && written === undefined ? undefined : (read ?? 0) + (written ?? 0),
    cpuPressure: share('cpu_some_us'),
    memoryPressure: share('memory_some_us'),
    ioPressure: share('io_some_us'),
  });
}

function scaled(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : value * factor;
}

function withoutUndefined(
  fields: { seconds: number } & { [K in keyof Measurement]: Measurement[K] | undefined },
): Measurement {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as unknown as Measurement;
}

/** The container's CPU limit in cores as its cgroups enforce it; undefined: none. */
export function cpuLimitCores(sample: Sample): number | undefined {
  const { cpu_quota_us: quota, cpu_period_us: period } = sample;
  return quota === undefined || period === undefined || quota <= 0 || period <= 0 ? undefined : quota / period;
}
