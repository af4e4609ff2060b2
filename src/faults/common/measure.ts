import type { Sample } from '../../shim/protocol.ts';
import { workingSet } from './memory.ts';

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
  const elapsedUs = to.elapsedUs - from.elapsedUs;
  if (elapsedUs <= 0) return undefined;
  const grown = (name: keyof Sample) => growth(from, to, name);
  const share = (name: keyof Sample) => scaled(grown(name), 1 / elapsedUs);
  // Of a quota that has been set or taken away meanwhile: another cgroup's counters.
  const cpu = (name: keyof Sample) => (from.cpuLevel === to.cpuLevel ? grown(name) : undefined);
  const periods = cpu('cpuPeriods');
  const throttledPeriods = cpu('cpuThrottledPeriods');
  const read = grown('ioReadBytes');
  const written = grown('ioWriteBytes');
  return withoutUndefined({
    seconds: elapsedUs / 1e6,
    cpuCores: scaled(cpu('cpuUsageUs'), 1 / elapsedUs),
    throttledShare: periods ? scaled(throttledPeriods, 1 / periods) : periods === 0 ? 0 : undefined,
    throttledSeconds: scaled(cpu('cpuThrottledUs'), 1e-6),
    memoryBytes: workingSet(to),
    oomKills: grown('memoryOomKills'),
    processes: to.pidsCurrent,
    ioBytes: read === undefined && written === undefined ? undefined : (read ?? 0) + (written ?? 0),
    cpuPressure: share('cpuSomeUs'),
    memoryPressure: share('memorySomeUs'),
    ioPressure: share('ioSomeUs'),
  });
}

/** By how much a counter has grown; undefined where one of both looks does not have it. */
export function growth<T>(from: T | undefined, to: T | undefined, name: keyof T): number | undefined {
  const [before, after] = [from?.[name], to?.[name]];
  return typeof before === 'number' && typeof after === 'number' ? Math.max(0, after - before) : undefined;
}

function scaled(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : value * factor;
}

/** What was not measured is not there, rather than undefined. */
export function withoutUndefined<T extends object>(fields: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
