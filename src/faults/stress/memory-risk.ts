import type { Sample } from '../../shim/protocol.ts';
import { formatBytes } from '../../text.ts';
import { memoryHighRoom, memoryLimitBytes, memoryRoom, swapRoom, workingSet } from '../common/memory.ts';
import { describeMemory, type StressFault, stressorOverheadBytes } from './plan.ts';

/** What the asked memory would do to the container, judged on its real cgroup before anything is started. */
export type MemoryRisk =
  | { kind: 'none' }
  /** It would exceed the limit; `message` says who would be killed. */
  | { kind: 'warning'; message: string }
  /** It would take the whole container down, which was not asked for. */
  | { kind: 'refusal'; message: string; hint: string };

export function memoryRisk(fault: StressFault, sample: Sample): MemoryRisk {
  const { memory } = fault;
  const used = workingSet(sample);
  if (!memory || used === undefined) return { kind: 'none' };
  const wanted = memory.bytes + stressorOverheadBytes;
  const asked = `${describeMemory(memory)} asked for, ${formatBytes(used)} in use`;
  const limit = memoryLimitBytes(sample);
  const left = memoryRoom(sample);
  const high = highRisk(wanted, asked, sample);
  if (limit === undefined || left === undefined || wanted <= left) return high;

  const room = left - stressorOverheadBytes;
  const sum = `${asked}, ${describeLimit(limit, used, left)}`;
  const swap = swapRoom(sample);
  const isHighFirst = high.kind === 'warning' && (memoryHighRoom(sample) ?? left) < left;
  if (wanted <= left + swap) {
    if (isHighFirst) return high;
    return {
      kind: 'warning',
      message: `the memory limit will be exceeded: ${sum}; what exceeds it will be swapped out (${formatBytes(swap)} of swap are free)`,
    };
  }
  if (sample.memoryOomGroup === 1 && fault.oomVictim === 'stressor') {
    return {
      kind: 'refusal',
      message: `this would kill the whole container: ${sum}, and memory.oom.group is set, so the OOM killer takes every process of the container at once`,
      hint: `${room >= 2 ** 20 ? `Ask for at most ${Math.floor(room / 2 ** 20)}Mi, or say` : 'Nothing is free: say'} --oom-victim app if the container's death is what you want to see.`,
    };
  }
  const victim =
    fault.oomVictim === 'app'
      ? sample.memoryOomGroup === 1
        ? 'every process of the container will be killed at once (memory.oom.group)'
        : 'a process of the application will be killed (--oom-victim app)'
      : 'the OOM killer will kill the stressor first, repeatedly';
  if (isHighFirst) {
    return {
      kind: 'warning',
      message: `${high.message}; if the limit of ${formatBytes(limit)} is reached anyway, ${victim}`,
    };
  }
  return { kind: 'warning', message: `the memory limit will be exceeded: ${sum}; ${victim}` };
}

/** What is in use leaves the rest of the limit free, unless others use it, or it is the limit of a cgroup above that leaves least. */
function describeLimit(limit: number, used: number, left: number): string {
  const isOwn = limit - used === left;
  return `limit ${formatBytes(limit)}${isOwn ? '' : `, of which, with all that shares the limits, ${formatBytes(left)} are free`}`;
}

/** Nobody is killed at memory.high: who takes more is made to wait, longer and longer. */
function highRisk(wanted: number, asked: string, sample: Sample): MemoryRisk {
  const room = memoryHighRoom(sample);
  if (room === undefined || wanted <= room) return { kind: 'none' };
  const high = formatBytes(sample.memoryHighBytes ?? 0);
  const swap = wanted <= room + swapRoom(sample) ? ' or swaps it' : '';
  return {
    kind: 'warning',
    message: `memory.high will be exceeded: ${asked}, memory.high ${high}; from there on the kernel throttles the container${swap}, and less memory than requested may be used`,
  };
}
