import type { Sample } from '../../shim/protocol.ts';
import { formatBytes } from '../../text.ts';
import { memoryLimitOwner, type Place } from './ceiling.ts';
import { memoryHighRoom, memoryLimitBytes, memoryRoom } from './memory.ts';

/**
 * What a fault leaves alone of the node's memory: the larger of a tenth and 512 MiB. The kubelet evicts pods below 100
 * MiB available (its default of `memory.available`), and looks every ten seconds: what the other pods take meanwhile
 * must fit, which is more on a larger node.
 */
function reserveBytes(total: number): number {
  return Math.max(total / 10, 512 * 2 ** 20);
}

/** What a fault that asks for so much can take before a limit of the container or its pod stops it, or memory.high holds it up. */
function takenBytes(bytes: number, sample: Sample, place: Place): number {
  const room = isUnlimited(sample, place) ? undefined : memoryRoom(sample);
  return Math.min(bytes, room ?? Number.POSITIVE_INFINITY, memoryHighRoom(sample) ?? Number.POSITIVE_INFINITY);
}

/**
 * Whether it would take memory that the node's other pods need: a sentence, and the bytes that would do. Undefined: it
 * would not, or nobody can tell.
 */
export function nodeMemoryShortage(
  bytes: number,
  sample: Sample,
  place: Place,
): { message: string; mostBytes: number } | undefined {
  const { nodeMemoryAvailableBytes: available, nodeMemoryTotalBytes: total } = sample;
  if (available === undefined || total === undefined) return undefined;
  const mostBytes = Math.max(0, available - reserveBytes(total));
  if (takenBytes(bytes, sample, place) <= mostBytes) return undefined;
  const message = `${formatBytes(available)} of the node's ${formatBytes(total)} are available, of which ${formatBytes(reserveBytes(total))} are left to the other pods`;
  return { message, mostBytes };
}

/**
 * Whether no limit of its own keeps the target from the memory of the node's other pods. memory.high is none: the
 * kubelet sets it near the whole node's memory where a container has no limit (feature gate MemoryQoS).
 */
export function isUnlimited(sample: Sample, place: Place): boolean {
  return memoryLimitBytes(sample) === undefined || memoryLimitOwner(sample, place) === 'above';
}
