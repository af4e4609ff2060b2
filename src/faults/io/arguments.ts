import type { Target } from '../../ports.ts';
import type { ShimCommand, ShimOptions } from '../fault.ts';
import { fillCommand } from './fill.ts';
import { loadCommand } from './load.ts';
import { probeFor } from './throttle.ts';
import type { IoFault } from './types.ts';

/** The one directory for all files of an experiment on this target: several may share a volume. The shim removes only directories whose names begin like this. */
export function directoryOf(id: string, { containerId }: Target): string {
  const ofContainer = containerId.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  return `.kubectl-${id}-${ofContainer.slice(0, 8)}`;
}

export function ioCommand(fault: IoFault, run: ShimOptions): ShimCommand {
  const { action, path, directory } = fault;
  const where = ['--path', path];
  if (action.kind === 'throttle') {
    return {
      command: 'hold',
      options: [
        ...(run.runAs === 'root' ? ['--as', 'root'] : []),
        ...['--need', 'blkio', ...where],
        ...['--probe', probeFor(action.limits), '--probe-ms', String(throttledProbeMs(run.durationMs))],
      ],
      workload: [],
    };
  }
  const isLoad = action.kind === 'load';
  return {
    command: 'run',
    options: [
      ...['--grace-ms', String(run.graceMs), '--as', run.runAs, ...(run.strict ? ['--strict'] : [])],
      // In the target's memory cgroup its page cache is charged to the target, in its blkio cgroup its bytes are counted.
      ...['--need', isLoad ? 'memory,blkio' : 'memory'],
      ...['--oom-score-adj', '1000', ...where, '--directory', directory],
      ...['--probe', isLoad ? 'write=4096,read=4096' : 'write=4096'],
    ],
    workload: isLoad ? loadCommand(action, run.durationMs) : fillCommand(action),
  };
}

/**
 * A throttled probe uses up a quarter of a second of the limit: this interval leaves the target most of it and still
 * gives enough probes to judge by.
 */
function throttledProbeMs(durationMs: number): number {
  return Math.max(250, Math.min(3_000, Math.floor(durationMs / 10)));
}
