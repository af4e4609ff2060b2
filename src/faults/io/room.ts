import type { PathFacts, Space } from '../../shim/protocol.ts';
import { formatBytes } from '../../text.ts';
import type { FillRequest, IoFault, LoadRequest } from './types.ts';

/** How much room a file system has for the target's user, and how much of it a fault takes. */

/** Of each worker's file, where the user names no size. */
export const defaultSizeBytes = 2 ** 30;
/** What stays free of a file system, where the user names no floor; of a smaller one a share. */
export const defaultLeaveBytes = 64 * 2 ** 20;
const defaultLeaveShare = 1 / 20;

export interface Room {
  /** Whatever the target's user could use, were it empty. */
  wholeBytes: number;
  freeBytes: number;
  /** 0 … 100. */
  usedPercent: number;
  /** Absent: the file system counts none. */
  inodes?: { whole: number; free: number; usedPercent: number };
}

/** As `df` has it: of what is reserved for root nothing counts, neither as free nor as used, for those who may not use it. */
export function roomOf(space: Space, { mayUseReserved: all }: Pick<PathFacts, 'mayUseReserved'>): Room {
  const freeBytes = all ? space.freeBytes : space.availableBytes;
  const wholeBytes = space.sizeBytes - space.freeBytes + freeBytes;
  const free = all ? space.inodesFree : space.inodesAvailable;
  const whole = space.inodes - space.inodesFree + free;
  return {
    wholeBytes,
    freeBytes,
    usedPercent: used(wholeBytes, freeBytes),
    ...(space.inodes > 0 ? { inodes: { whole, free, usedPercent: used(whole, free) } } : {}),
  };
}

function used(whole: number, free: number): number {
  return whole > 0 ? (100 * (whole - free)) / whole : 100;
}

/**
 * Bytes that stay free unless the user names a floor, as the shim's `fill` works it out as well: a floor of 64 MiB
 * would be all of a small volume.
 */
export function defaultLeave({ wholeBytes }: Pick<Room, 'wholeBytes'>): number {
  return Math.min(defaultLeaveBytes, Math.floor(wholeBytes * defaultLeaveShare));
}

/** Bytes that a fill leaves free whatever is asked. */
export function leaveOf({ leaveBytes }: FillRequest, room: Pick<Room, 'wholeBytes'>): number {
  return leaveBytes ?? defaultLeave(room);
}

/** Bytes that a fill takes of this room, its floor respected; ≤ 0: there is nothing to take. Undefined: it is not asked for space. */
export function fillBytes(fill: FillRequest, room: Room): number | undefined {
  const { space } = fill;
  if (!space) return undefined;
  if ('bytes' in space) return space.bytes;
  return Math.min(
    (room.wholeBytes * space.percent) / 100 - (room.wholeBytes - room.freeBytes),
    room.freeBytes - leaveOf(fill, room),
  );
}

/** As `fillBytes`, of inodes. */
export function fillInodes({ inodes }: FillRequest, room: Pick<Room, 'inodes'>): number | undefined {
  if (!inodes) return undefined;
  if ('count' in inodes) return inodes.count;
  const { whole = 0, free = 0 } = room.inodes ?? {};
  return (whole * inodes.percent) / 100 - (whole - free);
}

/** Bytes that the files of a load take. */
export function loadBytes({ mode, workers, sizeBytes }: LoadRequest): number {
  return mode === 'metadata' ? 0 : workers * sizeBytes;
}

/** Bytes and inodes that a fault takes. */
export function takes({ action }: Pick<IoFault, 'action'>, room: Room): { bytes: number; inodes: number } {
  if (action.kind === 'load') return { bytes: loadBytes(action), inodes: 0 };
  if (action.kind === 'throttle') return { bytes: 0, inodes: 0 };
  return { bytes: Math.max(0, fillBytes(action, room) ?? 0), inodes: Math.max(0, fillInodes(action, room) ?? 0) };
}

/** `7.2Gi of 9.8Gi free`. */
export function describeRoom({ freeBytes, wholeBytes }: Room): string {
  return `${formatBytes(freeBytes)} of ${formatBytes(wholeBytes)} free`;
}
