import type { PathFacts, Resolved } from '../../shim/protocol.ts';
import { formatBytes, formatCount, joinWords } from '../../text.ts';
import { memoryRisk } from '../common/memory-risk.ts';
import { describeVolume, pathWord } from './describe.ts';
import { isMemory, isPseudo } from './file-systems.ts';
import { limitsMet, tighterLimits } from './limits.ts';
import { memoryNeed, reads, writes } from './load.ts';
import { effectOnOthers, isNodes } from './node-disk.ts';
import { atMostPercent, type Place, type Refusal, roomForFill, roomForLoad } from './review-room.ts';
import { leaveOf, roomOf, takes } from './room.ts';
import { throttler } from './throttle.ts';
import type { IoFault, LoadMode, PathReview, ThrottleLimits } from './types.ts';

/** The fault, with its path in the volume that it has been found in, and what the shim found. */
interface Case extends Place {
  fault: IoFault;
}

type Check = (at: Case) => Refusal | undefined;

/**
 * The last look before anything changes: what cannot work here, or would affect others than the target. The first
 * reason is the one that is given.
 */
export function reviewPath(fault: IoFault, resolved: Resolved): PathReview {
  const facts = resolved.path;
  if (!facts) {
    const message = `the shim did not report what ${pathWord(fault.path)} is`;
    return { refusal: { message, hint: 'Run the command again with -v, and report what it shows.' }, warnings: [] };
  }
  const at = { fault, facts, resolved, room: roomOf(facts, facts) };
  for (const check of checks) {
    const refusal = check(at);
    if (refusal) return { refusal, warnings: [] };
  }
  return { warnings: warnings(at) };
}

const anotherPath = 'Name a directory in another volume of the container: --path.';

const checks: readonly Check[] = [
  ({ facts }) => {
    const gone = [facts.source, facts.root, facts.mountPoint].find((text) => text.endsWith('//deleted'));
    if (gone === undefined) return undefined;
    return {
      message: `the mount of ${pathWord(facts.path)} is stale: what it shows was deleted on the node (${gone})`,
      hint: 'Its server was probably restarted. Only a new pod gets a new mount: delete the pod.',
    };
  },
  ({ facts: { path, type } }) =>
    isPseudo(type)
      ? {
          message: `${pathWord(path)} is ${type}, a pseudo-filesystem: it has no disk and no space`,
          hint: anotherPath,
        }
      : undefined,
  ({ facts, fault }) => {
    const why = readOnlyWhy(facts, fault);
    return why === undefined
      ? undefined
      : {
          message: `${pathWord(facts.path)} is read-only: ${why}`,
          hint: 'Name a directory that is mounted for writing: --path.',
        };
  },
  ({ facts: { path, type }, fault: { action } }) =>
    isMemory(type) && action.kind === 'load'
      ? {
          message: `${pathWord(path)} is ${type}, which is memory, not a disk: there is nothing to load`,
          hint: 'To take memory: kubectl chaos stress --memory. To fill it: --fill.',
        }
      : undefined,
  throttleable,
  lowersLimits,
  nodesDisk,
  writable,
  ({ fault: { action }, resolved }) => {
    const risk = action.kind === 'load' ? memoryRisk(memoryNeed(action), resolved.sample, resolved) : undefined;
    return risk?.kind === 'refusal' ? { message: risk.message, hint: risk.hint } : undefined;
  },
  ({ fault: { action }, ...at }) =>
    action.kind === 'load' ? roomForLoad(action, at) : action.kind === 'fill' ? roomForFill(action, at) : undefined,
];

function readOnlyWhy({ options, readOnly }: PathFacts, { surroundings: { volume } }: IoFault): string | undefined {
  // The pod's spec explains it, and no more: what the runtime mounts into a root, as /dev/shm, has a mode of its own.
  if (!readOnly) return undefined;
  if (volume.readOnly) {
    return volume.kind === 'root'
      ? 'the container has readOnlyRootFilesystem'
      : `the pod mounts volume ${volume.name} (${describeVolume(volume)}) for reading only`;
  }
  return options.split(',').includes('ro')
    ? 'by its mount options'
    : 'its file system is read-only, which also happens after an error';
}

function throttleable({ fault: { action }, facts, resolved }: Case): Refusal | undefined {
  if (action.kind !== 'throttle') return undefined;
  if (facts.disk === '') {
    return {
      message: `${pathWord(facts.path)} cannot be throttled: it is ${facts.type}${facts.source === '' ? '' : ` (${facts.source})`}, which is not backed by a local disk`,
      hint: anotherPath,
    };
  }
  if (throttler(resolved.cgroups) === undefined) {
    return {
      message: "the target's I/O cannot be throttled: it is in no cgroup hierarchy with blkio or io",
      hint: 'Have the controller enabled on the node. --fill does not need it.',
    };
  }
  return undefined;
}

/** A limit that is written into the target's own cgroup replaces the one there: a higher one would speed the target up. */
function lowersLimits({ fault: { action }, facts }: Case): Refusal | undefined {
  if (action.kind !== 'throttle') return undefined;
  const hint = 'Use a lower limit: --throttle.';
  const disk = `the disk of ${pathWord(facts.path)}`;
  const there = facts.ioLimits ?? [];
  const [lower] = tighterLimits(
    action.limits,
    there.filter(({ own }) => own),
  );
  if (lower) {
    const message = `the target is already limited to ${lower.limit} on ${disk}: the fault would not lower that`;
    return { message, hint };
  }
  const tighter = tighterLimits(action.limits, there);
  if (tighter.length < Object.keys(action.limits).length) return undefined;
  const limited = joinWords(tighter.map(({ limit, cgroup }) => `${limit} by ${cgroup}`));
  return { message: `the target is already limited to ${limited} on ${disk}: the fault would change nothing`, hint };
}

/** A fault on the node's disk affects every pod of the node; a limit on the target's reads does not. */
function nodesDisk({ fault, facts, room }: Case): Refusal | undefined {
  const { action, allowNodeDisk, surroundings } = fault;
  const { volume } = surroundings;
  if (allowNodeDisk || !isNodes(facts, volume)) return undefined;
  if (
    action.kind === 'throttle' &&
    action.limits.writeBytesPerSecond === undefined &&
    action.limits.writeOpsPerSecond === undefined
  )
    return undefined;
  const effect =
    action.kind === 'throttle'
      ? "other users of its file system wait for the target's throttled writes when they sync"
      : effectOnOthers(facts, volume, takes(fault, room));
  return {
    message: `${pathWord(facts.path)} (${describeVolume(volume)}) is on ${whose(facts, fault)}: ${effect}`,
    hint: 'Name a directory in a volume with a disk of its own, or use --allow-node-disk.',
  };
}

function whose({ onNode }: PathFacts, { surroundings: { volume } }: IoFault): string {
  return onNode || volume.kind === 'root' ? "the node's own disk" : 'a disk of the node that others may use';
}

function writable({ fault, facts, resolved }: Case): Refusal | undefined {
  if (facts.writable) return undefined;
  const mode = (facts.mode & 0o7777).toString(8).padStart(4, '0');
  const owner = `it belongs to ${facts.ownerUid}:${facts.ownerGid}, mode ${mode}`;
  const who = fault.asRoot ? "the container's root" : `uid ${resolved.uid}, which the target runs as,`;
  return {
    message: `${who} may not create files in ${pathWord(facts.path)}: ${owner}`,
    hint: fault.asRoot
      ? 'Name a directory that it may write to: --path.'
      : 'Name a directory that it may write to, or use --run-as root: uid 0, with no more capabilities than the target can have.',
  };
}

/** As much as a load of this mode can do, in each way that it goes. */
function anyOf(mode: LoadMode): ThrottleLimits {
  return {
    ...(writes[mode] ? { writeBytesPerSecond: Infinity, writeOpsPerSecond: Infinity } : {}),
    ...(reads[mode] ? { readBytesPerSecond: Infinity, readOpsPerSecond: Infinity } : {}),
  };
}

/** More files than this take tens of seconds to create, and as long to remove. */
const manyInodes = 1e6;

function warnings({ fault, facts, room, resolved }: Case): string[] {
  const { action, surroundings } = fault;
  const found: string[] = [];
  const { bytes, inodes } = takes(fault, room);
  if (isNodes(facts, surroundings.volume) && action.kind !== 'throttle') {
    found.push(
      `${pathWord(facts.path)} is on ${whose(facts, fault)}: ${effectOnOthers(facts, surroundings.volume, { bytes, inodes })}`,
    );
  }
  const { sizeLimitBytes: limit, name } = surroundings.volume;
  // A tmpfs of it has that size, and is only full.
  if (limit !== undefined && bytes > limit && !isMemory(facts.type)) {
    found.push(
      `emptyDir ${name} has a sizeLimit of ${formatBytes(limit)}, and ${formatBytes(bytes)} more are to be in it: the kubelet evicts the target's pod when it notices`,
    );
  }
  if (action.kind === 'throttle') {
    for (const { limit, cgroup } of tighterLimits(action.limits, facts.ioLimits ?? [])) {
      found.push(`the target is already limited to ${limit} by ${cgroup}: a limit above that changes nothing`);
    }
    found.push(
      `the limits are those of the container on the whole disk ${facts.diskName || facts.disk}: its other directories there are slowed as well`,
    );
    const writes = action.limits.writeBytesPerSecond ?? action.limits.writeOpsPerSecond;
    if (writes !== undefined && throttler(resolved.cgroups) === 'blkio') {
      found.push(
        'cgroup v1 slows what is written past the page cache or synced; what only the kernel writes back later is not slowed',
      );
    }
  }
  if (action.kind === 'load') {
    const limits = limitsMet(anyOf(action.mode), facts.ioLimits ?? []);
    if (limits.length > 0) {
      found.push(
        `the target is limited to ${joinWords(limits)} on the disk of ${pathWord(facts.path)}: the load does no more than that`,
      );
    }
    const risk = memoryRisk(memoryNeed(action), resolved.sample, resolved);
    if (risk.kind === 'warning') found.push(risk.message);
  }
  if (action.kind === 'fill') {
    const { space } = action;
    const leaveBytes = leaveOf(action, room);
    const full = (100 * (room.wholeBytes - leaveBytes)) / room.wholeBytes;
    if (space && 'percent' in space && space.percent > full) {
      found.push(
        `${space.percent}% would leave less than ${formatBytes(leaveBytes)} free (--leave): filled to ${atMostPercent(full)}`,
      );
    }
    if (inodes > manyInodes) {
      found.push(`${formatCount(Math.round(inodes), 'file')} are created and removed one by one, which takes a while`);
    }
  }
  return found;
}
