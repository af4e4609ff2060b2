import type { Volume } from '../../ports.ts';
import type { PathFacts } from '../../shim/protocol.ts';
import { formatPercent } from '../../text.ts';
import { isMemory } from './file-systems.ts';

/** The kubelet's default eviction thresholds, percent free: of its own file system, and of one for container images and roots only. */
const thresholds = { nodefs: { space: 10, inodes: 5 }, imagefs: { space: 15, inodes: 5 } };

/** Whether what is done to this disk is done to the node. */
export function isNodes(
  { onNode, type, mountPoint }: Pick<PathFacts, 'onNode' | 'type' | 'mountPoint'>,
  { kind }: Volume,
): boolean {
  // In a root there are mounts of the runtime's, as /dev/shm, and of the container's own.
  return onNode || kind === 'hostPath' || (kind === 'root' && mountPoint === '/' && !isMemory(type));
}

/** What it means to others that so much of such a disk is taken, in words that follow a colon. */
export function effectOnOthers(facts: PathFacts, volume: Volume, taken: { bytes: number; inodes: number }): string {
  if (!facts.onNode && volume.kind !== 'root') return 'everything else that uses it is affected as well';
  // As the kubelet counts: of the whole file system, without what is reserved for root.
  const space = share('space is', facts.availableBytes, facts.sizeBytes, taken.bytes);
  const inodes = share('inodes are', facts.inodesAvailable, facts.inodes, taken.inodes);
  const limits = thresholds[facts.onNode ? 'nodefs' : 'imagefs'];
  const counted = facts.inodes > 0;
  const isBeyond = space.after < limits.space || (counted && inodes.after < limits.inodes);
  const now = [space.words, ...(counted ? [inodes.words] : [])].join(', ');
  const evicts = `below ${limits.space}% and ${limits.inodes}% the kubelet evicts pods, and any pod on the node may be affected`;
  return `${now}; ${evicts}${isBeyond ? '; this fault would cross that threshold' : ''}`;
}

function share(what: string, free: number, whole: number, taken: number): { after: number; words: string } {
  const percent = (value: number) => (whole > 0 ? (100 * Math.max(0, value)) / whole : 0);
  const after = percent(free - taken);
  const becomes = taken > 0 ? ` (${formatPercent(after)} under the fault)` : '';
  return { after, words: `${formatPercent(percent(free))} of its ${what} free${becomes}` };
}
