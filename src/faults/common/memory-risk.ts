import type { Sample } from '../../shim/protocol.ts';
import { formatBytes, joinWords } from '../../text.ts';
import { memoryLimitName, memoryLimitOwner, type Place } from './ceiling.ts';
import { memoryHighRoom, memoryLimitBytes, memoryRoom, swapRoom, workingSet } from './memory.ts';

/** What a fault takes of the container's memory. */
export interface MemoryNeed {
  /** What it is to hold by request, > 0, and that in words: `120Mi of memory`. Absent: it is no memory that was asked for. */
  asked?: { bytes: number; words: string };
  /** What stress-ng takes for itself, bytes: `stressNgBytes`; 0: it is not stress-ng. */
  ownBytes: number;
  /** Whom the OOM killer takes first. */
  victim: 'stressor' | 'app';
  /** The flag by which the user accepts the container's death. Absent: there is none. */
  acceptFlag?: string;
}

/** What a fault's memory would do to the container, judged on its real cgroup before anything is started. */
export type MemoryRisk =
  | { kind: 'none' }
  /** A limit is met, or may be; `message` says who would be killed, or slowed down. */
  | { kind: 'warning'; message: string }
  /** It would take the whole container down, which was not asked for. */
  | { kind: 'refusal'; message: string; hint: string };

/**
 * Of any fault: what it takes by request and for itself, against what the sample says is free below the limits of all
 * levels, and below memory.high, with swap and memory.oom.group. Pure. It says "will" only where even a part of what
 * the stressor takes for itself is too much, the rest being an estimate, and where giving up all of the target's page
 * cache would not help. `place`: where the target's cgroups are, to name whose limit it is.
 */
export function memoryRisk(need: MemoryNeed, sample: Sample, place?: Place): MemoryRisk {
  const used = workingSet(sample);
  if (used === undefined) return { kind: 'none' };
  const sum = `${describeNeed(need)}, ${formatBytes(used)} in use`;
  const limit = memoryLimitBytes(sample);
  const left = memoryRoom(sample);
  const high = highRisk(need, sum, sample);
  if (limit === undefined || left === undefined || most(need) <= left) return high;
  return limitRisk(need, sample, {
    high,
    left,
    sum: `${sum}, ${describeLimit({ limit, used, left }, sample, place)}`,
    limit,
  });
}

interface Bound {
  high: MemoryRisk;
  left: number;
  limit: number;
  sum: string;
}

function limitRisk(need: MemoryNeed, sample: Sample, { high, left, limit, sum }: Bound): MemoryRisk {
  const swap = swapRoom(sample);
  const isHighFirst = high.kind === 'warning' && (memoryHighRoom(sample) ?? left) < left;
  const reclaimed = left + (sample.memoryActiveFileBytes ?? 0);
  const exceeded = `the memory limit ${least(need) > reclaimed ? 'will' : 'may'} be exceeded: ${sum}`;
  if (most(need) <= left + swap) {
    if (isHighFirst) return high;
    const swapped = `what exceeds it will be swapped out (${formatBytes(swap)} of swap are free)`;
    return { kind: 'warning', message: `${exceeded}; ${swapped}` };
  }
  const isCertain = least(need) > reclaimed + swap;
  const isGroup = sample.memoryOomGroup === 1;
  if (isGroup && need.victim === 'stressor') {
    return {
      kind: 'refusal',
      message: `this ${isCertain ? 'would' : 'may'} kill the whole container: ${sum}, and memory.oom.group is set, so the OOM killer takes every process of the container at once`,
      hint: refusalHint(need, left + swap),
    };
  }
  const victim = describeVictim(need, isCertain, isGroup);
  const message = isHighFirst
    ? `${high.message}; if the limit of ${formatBytes(limit)} is reached anyway, ${victim}`
    : `${exceeded}; ${victim}`;
  return { kind: 'warning', message };
}

function describeNeed({ asked, ownBytes }: MemoryNeed): string {
  const own = ownBytes > 0 ? [`about ${formatBytes(ownBytes)} for stress-ng itself`] : [];
  return joinWords([...(asked ? [`${asked.words} asked for`] : []), ...own]);
}

function most({ asked, ownBytes }: MemoryNeed): number {
  return (asked?.bytes ?? 0) + ownBytes;
}

/** The least of what is known only about. */
function least({ asked, ownBytes }: MemoryNeed): number {
  return (asked?.bytes ?? 0) + 0.75 * ownBytes;
}

function refusalHint({ asked, ownBytes, acceptFlag }: MemoryNeed, left: number): string {
  const mebibytes = Math.floor((left - ownBytes) / 2 ** 20);
  const accept = acceptFlag && `${acceptFlag} if the container's death is what you want to see.`;
  if (asked && mebibytes >= 1) {
    const less = `Ask for at most ${mebibytes}Mi`;
    return accept ? `${less}, or say ${accept}` : `${less}.`;
  }
  const why = asked ? 'Nothing is free' : 'Not even the stressor itself fits';
  return accept
    ? `${why}: say ${accept}`
    : `${why}: choose a container with a higher memory limit, or use fewer workers.`;
}

function describeVictim({ victim }: MemoryNeed, isCertain: boolean, isGroup: boolean): string {
  const will = isCertain ? 'will' : 'would';
  if (victim === 'stressor') {
    return `the OOM killer ${will} kill the stressor first${isCertain ? ', repeatedly' : ''}`;
  }
  return isGroup
    ? `every process of the container ${will} be killed at once (memory.oom.group)`
    : `a process of the application ${will} be killed (--oom-victim app)`;
}

/** What is in use leaves the rest of the limit free, unless others use it, or it is the limit of a cgroup above that leaves least. */
function describeLimit(
  { limit, used, left }: { limit: number; used: number; left: number },
  sample: Sample,
  place: Place | undefined,
): string {
  // The target allocates between the kernel's counters: a difference that nobody would see is none.
  const isOwn = formatBytes(limit - used) === formatBytes(left);
  return `${whoseLimit(sample, place)} ${formatBytes(limit)}${isOwn ? '' : `, of which, with all that shares the limits, ${formatBytes(left)} are free`}`;
}

function whoseLimit(sample: Sample, place: Place | undefined): string {
  return memoryLimitOwner(sample, place) === 'container' ? 'limit' : memoryLimitName(sample, place);
}

/** Nobody is killed at memory.high: who takes more is made to wait, longer and longer. */
function highRisk(need: MemoryNeed, sum: string, sample: Sample): MemoryRisk {
  const room = memoryHighRoom(sample);
  if (room === undefined || most(need) <= room) return { kind: 'none' };
  const high = formatBytes(sample.memoryHighBytes ?? 0);
  const swap = most(need) <= room + swapRoom(sample) ? ' or swaps it' : '';
  const less = need.asked ? ', and less memory than requested may be used' : '';
  return {
    kind: 'warning',
    message: `memory.high ${least(need) > room ? 'will' : 'may'} be exceeded: ${sum}, memory.high ${high}; from there on the kernel throttles the container${swap}${less}`,
  };
}
