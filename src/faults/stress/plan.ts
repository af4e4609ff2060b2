import { ChaosError } from '../../errors.ts';
import type { Target } from '../../ports.ts';
import { formatBytes, joinWords } from '../../text.ts';
import type { MemoryNeed } from '../common/memory-risk.ts';
import { stressNgBytes } from '../common/stress-ng-memory.ts';
import type { StressRequest } from './types.ts';

/** A stress fault with every amount worked out for one target. */
export interface StressFault {
  fault: 'stress';
  cpu?: { workers: number; loadPercent: number; cores: number };
  /** `basis`: what a percentage was taken of, in words. */
  memory?: { bytes: number; basis?: string };
  processes?: number;
  stressNgArgs: readonly string[];
  oomVictim: 'stressor' | 'app';
}

/** Works out what a request means for this target: percentages become bytes. */
export function resolveStress(request: StressRequest, target: Target): StressFault {
  return {
    fault: 'stress',
    ...(request.cpu ? { cpu: { ...request.cpu, cores: (request.cpu.workers * request.cpu.loadPercent) / 100 } } : {}),
    ...(request.memory ? { memory: resolveMemory(request.memory, target) } : {}),
    ...(request.processes === undefined ? {} : { processes: request.processes }),
    stressNgArgs: request.stressNgArgs,
    oomVictim: request.oomVictim,
  };
}

function resolveMemory(
  amount: NonNullable<StressRequest['memory']>,
  target: Target,
): NonNullable<StressFault['memory']> {
  if ('bytes' in amount) return { bytes: amount.bytes };
  const { memoryLimitBytes: limit, nodeAllocatableMemoryBytes: allocatable } = target;
  const whole = limit ?? allocatable;
  if (whole === undefined) {
    throw new ChaosError(
      'target-unsuitable',
      `--memory ${amount.percent}%: the size cannot be computed: container ${target.container} has no memory limit, and you are not allowed to get node ${target.node}`,
      { hint: 'Use a size such as --memory 512Mi, or ask for the right to get nodes.' },
    );
  }
  const what =
    limit === undefined ? "the node's allocatable memory, the container has no limit" : "the container's limit";
  return {
    bytes: Math.floor((whole * amount.percent) / 100),
    basis: `${amount.percent}% of ${what}, ${formatBytes(whole)}`,
  };
}

/**
 * argv of stress-ng. Its own time-out is a further clock behind ours (G2), a little later, so that it is the shim that ends the run and reports it.
 */
export function stressNgCommand(fault: StressFault, durationMs: number): string[] {
  const argv = ['stress-ng', '--timeout', `${Math.ceil(durationMs / 1_000) + 5}s`];
  if (fault.cpu) {
    argv.push('--cpu', String(fault.cpu.workers), '--cpu-load', String(fault.cpu.loadPercent));
    // A slice per worker of its own choosing makes partial loads swing; whole slices of 50 ms keep the average within each CFS period.
    if (fault.cpu.loadPercent < 100) argv.push('--cpu-load-slice', '50');
  }
  if (fault.memory) {
    // One worker that fills its pages once and then sleeps on them: memory is held, and no CPU burnt meanwhile.
    argv.push(
      '--vm',
      '1',
      '--vm-bytes',
      String(fault.memory.bytes),
      '--vm-keep',
      '--vm-hang',
      '0',
      '--vm-method',
      'zero-one',
    );
  }
  if (fault.processes !== undefined) argv.push('--fork', String(fault.processes));
  return [...argv, ...fault.stressNgArgs];
}

/** What it takes of the container's memory, stress-ng itself included. What the user's own arguments make it hold is not known. */
export function memoryNeed(fault: StressFault): MemoryNeed {
  const { cpu, memory, processes, stressNgArgs } = fault;
  const workers = {
    cpu: cpu?.workers ?? 0,
    vm: memory ? 1 : 0,
    fork: processes ?? 0,
    other: stressNgArgs.length > 0 ? 1 : 0,
  };
  return {
    ...(memory ? { asked: { bytes: memory.bytes, words: describeMemory(memory) } } : {}),
    ownBytes: stressNgBytes(workers, { heldBytes: memory?.bytes ?? 0 }),
    victim: fault.oomVictim,
    acceptFlag: '--oom-victim app',
  };
}

/** `102Mi of memory (80% of the container's limit, 128Mi)`. */
export function describeMemory({ bytes, basis }: NonNullable<StressFault['memory']>): string {
  return `${formatBytes(bytes)} of memory${basis === undefined ? '' : ` (${basis})`}`;
}

/** What is asked, for people: `2 busy CPUs and 102Mi of memory`. */
export function describeStress(fault: StressFault): string {
  const parts: string[] = [];
  if (fault.cpu) {
    const { workers, loadPercent } = fault.cpu;
    parts.push(`${workers} busy CPU${workers === 1 ? '' : 's'}${loadPercent < 100 ? ` at ${loadPercent}%` : ''}`);
  }
  if (fault.memory) parts.push(`${formatBytes(fault.memory.bytes)} of memory`);
  if (fault.processes !== undefined)
    parts.push(`fork pressure by ${fault.processes} worker${fault.processes === 1 ? '' : 's'}`);
  if (fault.stressNgArgs.length > 0) parts.push(`stress-ng ${fault.stressNgArgs.join(' ')}`);
  return joinWords(parts);
}

/** The v1 controllers (and v2's `io`) without which the fault would act on something else than the target. */
export function neededControllers(fault: StressFault): string[] {
  const needed = new Set<string>(['cpu', 'cpuacct', 'memory']);
  if (fault.processes !== undefined) needed.add('pids');
  return [...needed];
}
