import type { Target } from '../../ports.ts';
import type { Resolved } from '../../shim/protocol.ts';
import type { MemoryRisk } from '../common/memory-risk.ts';
import { isUnlimited, nodeMemoryShortage } from '../common/node-memory.ts';
import { type DecidedStress, describeMemory, memoryNeed } from './plan.ts';

/** What a stress takes of the node's other pods: refused where no limit of the container's or the pod's allows so much, unless the user does. */
export function nodeMemoryRisk(fault: DecidedStress, resolved: Resolved, { container }: Target): MemoryRisk {
  const { memory, allowNodeMemory } = fault;
  const own = memoryNeed(fault).ownBytes;
  const shortage = memory && nodeMemoryShortage(memory.bytes + own, resolved.sample, resolved);
  if (!memory || !shortage) return { kind: 'none' };
  const sum = `${describeMemory(memory)} asked for, but ${shortage.message}`;
  if (allowNodeMemory || !isUnlimited(resolved.sample, resolved)) {
    return {
      kind: 'warning',
      message: `the node will be short of memory: ${sum}; other pods may be evicted or killed`,
    };
  }
  const most = Math.floor((shortage.mostBytes - own) / 2 ** 20);
  return {
    kind: 'refusal',
    message: `container ${container} has no memory limit, and the node would be short of memory: ${sum}`,
    hint: `${most >= 1 ? `Ask for at most --memory ${most}Mi, or use` : 'Use'} --allow-node-memory if other pods may be evicted or killed.`,
  };
}
