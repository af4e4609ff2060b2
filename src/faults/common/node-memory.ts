import type { Sample } from '../../shim/protocol.ts';
import { formatBytes } from '../../text.ts';
import { memoryCeiling, type Place } from './ceiling.ts';

/**
 * What a fault leaves alone of the node's memory: the larger of a tenth and 512 MiB. The kubelet evicts pods below 100 MiB available (its default of `memory.available`), and looks every ten
 * seconds: what the other pods take meanwhile must fit, which is more on a larger node.
 */
function reserveBytes(total: number): number {
  return Math.max(total / 10, 512 * 2 ** 20);
}

/** Whether it would take memory that the node's other pods need: a sentence, and the bytes that would do. Undefined: it would not, or nobody can tell. */
export function nodeMemoryShortage(bytes: number, sample: Sample): { message: string; mostBytes: number } | undefined {
  const { nodeMemoryAvailableBytes: available, nodeMemoryTotalBytes: total } = sample;
  if (available === undefined || total === undefined) return undefined;
  const mostBytes = Math.max(0, available - reserveBytes(total));
  if (bytes <= mostBytes) return undefined;
  const message = `${formatBytes(available)} of the node's ${formatBytes(total)} are available, of which ${formatBytes(reserveBytes(total))} are left to the other pods`;
  return { message, mostBytes };
}

/** Whether no limit of its own keeps the target from the memory of the node's other pods. */
export function isUnlimited(sample: Sample, place: Place): boolean {
  const by = memoryCeiling(sample, place)?.by;
  return by === 'node' || by === 'above';
}
