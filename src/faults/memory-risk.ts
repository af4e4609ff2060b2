import type { Sample } from '../shim/protocol.ts';
import { formatBytes } from '../units.ts';
import { memoryLimitBytes, workingSet } from './cgroup/memory.ts';
import { describeMemory, type StressFault, stressorOverheadBytes } from './stress.ts';

/** What the asked memory would do to the container, judged on its real cgroup before anything is started. */
export type MemoryRisk =
  | { kind: 'none' }
  /** It would exceed the limit; `message` says who would be killed. */
  | { kind: 'warning'; message: string }
  /** It would take the whole container down, which was not asked for. */
  | { kind: 'refusal'; message: string; hint: string };

export function memoryRisk(fault: StressFault, sample: Sample): MemoryRisk {
  const limit = memoryLimitBytes(sample);
  const used = workingSet(sample);
  if (!fault.memory || limit === undefined || used === undefined) return { kind: 'none' };
  const room = limit - used - stressorOverheadBytes;
  if (fault.memory.bytes <= room) return { kind: 'none' };

  const sum = `${describeMemory(fault.memory)} asked for, ${formatBytes(used)} in use, limit ${formatBytes(limit)}`;
  if (sample.memory_oom_group === 1 && fault.oomVictim === 'stressor') {
    return {
      kind: 'refusal',
      message: `this would kill the whole container: ${sum}, and memory.oom.group is set, so the OOM killer takes every process of the container at once`,
      hint: `${room >= 2 ** 20 ? `Ask for at most ${Math.floor(room / 2 ** 20)}Mi, or say` : 'Nothing is free: say'} --oom-victim app if the container's death is what you want to see.`,
    };
  }
  const victim =
    fault.oomVictim === 'app'
      ? sample.memory_oom_group === 1
        ? 'every process of the container will be killed at once (memory.oom.group)'
        : 'a process of the application will be killed (--oom-victim app)'
      : 'the OOM killer will take the stressor first, again and again';
  return { kind: 'warning', message: `the memory limit will be exceeded: ${sum}; ${victim}` };
}
