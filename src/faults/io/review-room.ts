import type { PathFacts, Resolved } from '../../shim/protocol.ts';
import { formatBytes, formatCount, formatNumber, formatPercent } from '../../text.ts';
import { formatQuantity } from '../../units.ts';
import { memoryLimitName } from '../common/ceiling.ts';
import { memoryLimitBytes, memoryRoom, swapRoom } from '../common/memory.ts';
import { isUnlimited, nodeMemoryShortage } from '../common/node-memory.ts';
import { pathWord } from './describe.ts';
import { isMemory } from './file-systems.ts';
import { defaultLeave, describeRoom, fillBytes, fillInodes, leaveOf, loadBytes, type Room } from './room.ts';
import type { FillRequest, LoadRequest, PathReview } from './types.ts';

export type Refusal = NonNullable<PathReview['refusal']>;

/** What the shim found. */
export interface Place {
  facts: PathFacts;
  resolved: Resolved;
  room: Room;
}

/** A directory for each worker, a file in it, and our own. */
const inodesOfWorker = 4;

/** Whether the files of a load fit. */
export function roomForLoad(load: LoadRequest, { facts, room }: Place): Refusal | undefined {
  const path = pathWord(facts.path);
  const needed = loadBytes(load);
  const leave = defaultLeave(room);
  if (needed + leave > room.freeBytes) {
    const each = Math.floor((room.freeBytes - leave) / load.workers / 2 ** 20);
    const who = `${formatCount(load.workers, 'worker')} of ${formatQuantity(load.sizeBytes)}${load.workers === 1 ? '' : ' each'}`;
    return {
      message: `${path} has too little room for ${who}: ${describeRoom(room)}, of which ${formatBytes(leave)} are left alone`,
      hint:
        each >= 1
          ? `Ask for at most --size ${each}Mi${load.workers > 1 ? ', or fewer workers' : ''}.`
          : 'Make room first.',
    };
  }
  if (room.inodes && room.inodes.free < (load.workers + 1) * inodesOfWorker) {
    return { message: `${path} has no inodes left for files: ${room.inodes.free} free`, hint: 'Make room first.' };
  }
  return undefined;
}

/** Whether there is so much to be taken. */
export function roomForFill(fill: FillRequest, place: Place): Refusal | undefined {
  return spaceForFill(fill, place) ?? inodesForFill(fill, place) ?? memoryForFill(fill, place);
}

function spaceForFill(fill: FillRequest, { facts, room }: Place): Refusal | undefined {
  const taken = fillBytes(fill, room);
  if (!fill.space || taken === undefined) return undefined;
  const path = pathWord(facts.path);
  const leave = leaveOf(fill, room);
  const most = room.freeBytes - leave;
  const floor = `${formatBytes(leave)} are to stay free (--leave)`;
  if ('bytes' in fill.space && taken > most) {
    return {
      message: `${path} has too little room to be filled by ${formatQuantity(fill.space.bytes)}: ${describeRoom(room)}, of which ${floor}`,
      hint: most >= 2 ** 20 ? `Ask for at most --fill ${Math.floor(most / 2 ** 20)}Mi.` : 'There is nothing to fill.',
    };
  }
  if (taken > 0) return undefined;
  return most <= 0
    ? {
        message: `${path} is full already: ${describeRoom(room)}, and ${floor}`,
        hint: 'Use a smaller --leave.',
      }
    : {
        message: `${path} is already fuller than requested: ${atMostPercent(room.usedPercent)} in use, ${describeRoom(room)}`,
        hint: `Ask for more than ${atMostPercent(room.usedPercent)}, or for an amount such as --fill 1Gi.`,
      };
}

function inodesForFill(fill: FillRequest, { facts, room: { inodes } }: Place): Refusal | undefined {
  const { inodes: asked } = fill;
  if (!asked) return undefined;
  const path = pathWord(facts.path);
  if (!inodes) {
    return {
      message: `${path} is ${facts.type}, which has no fixed number of inodes: they cannot run out`,
      hint: 'Fill its space instead: --fill.',
    };
  }
  const room = `${formatNumber(inodes.free)} of ${formatNumber(inodes.whole)} inodes are free`;
  if ('count' in asked && asked.count > inodes.free) {
    return {
      message: `${path} has too few inodes for ${formatNumber(asked.count)} more: ${room}`,
      hint: 'Ask for fewer, or for a percentage such as --fill-inodes 100%.',
    };
  }
  return (fillInodes(fill, { inodes }) ?? 0) >= 1
    ? undefined
    : {
        message: `${path} already has the requested share of its inodes in use: ${atMostPercent(inodes.usedPercent)}, ${room}`,
        hint: `Ask for more than ${atMostPercent(inodes.usedPercent)}.`,
      };
}

/** The container is charged for what it writes into a tmpfs, and without a limit the node's other pods are short of it. */
function memoryForFill(fill: FillRequest, { facts, room, resolved }: Place): Refusal | undefined {
  const { sample } = resolved;
  const taken = fillBytes(fill, room) ?? 0;
  if (!isMemory(facts.type) || taken <= 0) return undefined;
  const what = `${pathWord(facts.path)} is ${facts.type}, and what fills it is memory of the container`;
  const shortage = isUnlimited(sample, resolved) ? nodeMemoryShortage(taken, sample, resolved) : undefined;
  if (shortage) {
    const most = Math.floor(shortage.mostBytes / 2 ** 20);
    return {
      message: `${what}, which has no memory limit: ${formatBytes(taken)} are asked for, but ${shortage.message}`,
      hint: `${most >= 1 ? `Ask for at most --fill ${most}Mi; to` : 'To'} take memory that the other pods may need: kubectl chaos stress --memory --allow-node-memory.`,
    };
  }
  const [limit, left] = [memoryLimitBytes(sample), memoryRoom(sample)];
  if (limit === undefined || left === undefined || taken <= left + swapRoom(sample)) return undefined;
  return {
    message: `${what}: ${formatBytes(taken)} more do not fit below ${memoryLimitName(sample, resolved)}, ${formatBytes(limit)}, of which ${formatBytes(left)} are free`,
    hint: `Ask for less than ${formatBytes(left)}; to see the container run out of memory: kubectl chaos stress --memory.`,
  };
}

/** Rounded down: what is suggested from it must be possible. */
export function atMostPercent(percent: number): string {
  return formatPercent(Math.floor(percent * 10) / 10);
}
