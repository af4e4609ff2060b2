import type { Target } from '../../ports.ts';
import type { Sample } from '../../shim/protocol.ts';
import { formatBytes, joinWords } from '../../text.ts';
import { memoryCeiling, type Place } from '../common/ceiling.ts';
import type { MemoryNeed } from '../common/memory-risk.ts';
import { stressNg } from '../common/stress-ng.ts';
import { stressNgBytes } from '../common/stress-ng-memory.ts';
import type { StressRequest } from './types.ts';

/** Memory to be held; `basis`: what a percentage was taken of, in words. */
export interface HeldMemory {
  bytes: number;
  basis?: string;
}

/** A percentage, before the shim has read what it is of; `estimate`: what the API objects say. */
export interface MemoryShare {
  percent: number;
  estimate?: HeldMemory;
}

/** A stress fault for one target. */
export interface StressFault {
  fault: 'stress';
  cpu?: { workers: number; loadPercent: number; cores: number };
  memory?: HeldMemory | MemoryShare;
  processes?: number;
  stressNgArgs: readonly string[];
  oomVictim: 'stressor' | 'app';
  /** Memory that the node's other pods need may be taken. */
  allowNodeMemory?: true;
}

/** The same with every amount in bytes. */
export type DecidedStress = StressFault & { memory?: HeldMemory };

/** Works out what a request means for this target, as far as the API objects tell. */
export function resolveStress(request: StressRequest, target: Target): StressFault {
  const { fault, cpu, memory, ...rest } = request;
  return {
    fault,
    ...(cpu ? { cpu: { ...cpu, cores: (cpu.workers * cpu.loadPercent) / 100 } } : {}),
    ...(memory ? { memory: 'bytes' in memory ? memory : shareOf(memory.percent, target) } : {}),
    ...rest,
  };
}

function shareOf(percent: number, target: Target): MemoryShare {
  const { memoryLimitBytes: own, podMemoryLimitBytes: ofPod, nodeMemoryBytes: node } = target;
  const limits = [
    { bytes: own, words: "the container's limit" },
    { bytes: ofPod, words: "the pod's limit" },
  ];
  const known = limits.flatMap(({ bytes, words }) => (bytes === undefined ? [] : [{ bytes, words }]));
  const nodes = node === undefined ? [] : [{ bytes: node, words: "the node's memory" }];
  const [least] = known.length > 0 ? known.toSorted((a, b) => a.bytes - b.bytes) : nodes;
  if (!least) return { percent };
  return { percent, estimate: share(percent, least.bytes, `${least.words}, ${formatBytes(least.bytes)}`) };
}

function share(percent: number, whole: number, words: string): HeldMemory {
  return { bytes: Math.floor((whole * percent) / 100), basis: `${percent}% of ${words}` };
}

/** Takes the percentage of what binds the target as the shim has read it. Undefined: the kernel does not tell. */
export function decideStress(fault: StressFault, sample: Sample, place?: Place): DecidedStress | undefined {
  const { memory, ...rest } = fault;
  if (memory === undefined) return rest;
  if ('bytes' in memory) return { ...rest, memory };
  const ceiling = memoryCeiling(sample, place);
  return ceiling && { ...rest, memory: share(memory.percent, ceiling.bytes, ceiling.words) };
}

/** Without the shim's reading: a percentage by the API objects' estimate; where there is none, the least that stress-ng takes. */
export function estimateStress({ memory, ...rest }: StressFault): DecidedStress {
  if (memory === undefined) return rest;
  return { ...rest, memory: 'bytes' in memory ? memory : (memory.estimate ?? { bytes: 4_096 }) };
}

/** argv of stress-ng. */
export function stressNgCommand(fault: DecidedStress, durationMs: number): string[] {
  const argv = stressNg(durationMs, { hasOwnArgs: fault.stressNgArgs.length > 0 });
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
export function memoryNeed(fault: DecidedStress): MemoryNeed {
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
export function describeMemory({ bytes, basis }: HeldMemory): string {
  return `${formatBytes(bytes)} of memory${basis === undefined ? '' : ` (${basis})`}`;
}

/** What is asked, for people: `2 busy CPUs and 102Mi of memory`. */
export function describeStress(fault: StressFault): string {
  const parts: string[] = [];
  if (fault.cpu) {
    const { workers, loadPercent } = fault.cpu;
    parts.push(`${workers} busy CPU${workers === 1 ? '' : 's'}${loadPercent < 100 ? ` at ${loadPercent}%` : ''}`);
  }
  if (fault.memory) parts.push(summarizeMemory(fault.memory));
  if (fault.processes !== undefined)
    parts.push(`fork pressure by ${fault.processes} worker${fault.processes === 1 ? '' : 's'}`);
  if (fault.stressNgArgs.length > 0) parts.push(`stress-ng ${fault.stressNgArgs.join(' ')}`);
  return joinWords(parts);
}

/** `102Mi of memory`, `80% of memory (about 102Mi)`. */
function summarizeMemory(memory: HeldMemory | MemoryShare): string {
  if ('bytes' in memory) return `${formatBytes(memory.bytes)} of memory`;
  const about = memory.estimate ? ` (about ${formatBytes(memory.estimate.bytes)})` : '';
  return `${memory.percent}% of memory${about}`;
}

/** The v1 controllers (and v2's `io`) without which the fault would act on something else than the target. */
export function neededControllers(fault: StressFault): string[] {
  const needed = new Set<string>(['cpu', 'cpuacct', 'memory']);
  if (fault.processes !== undefined) needed.add('pids');
  return [...needed];
}
