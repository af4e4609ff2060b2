import type { Sample } from '../../shim/protocol.ts';
import { formatBytes, formatPercent } from '../../text.ts';
import { cpuCeiling, describeCpus, isPinned, memoryLimitHolder, type Place } from '../common/ceiling.ts';
import { conclude } from '../common/conclude.ts';
import { growth, type Measurement, measure } from '../common/measure.ts';
import { heldBytes, memoryHighRoom, memoryLimitBytes, memoryRoom, swapRoom, workingSet } from '../common/memory.ts';
import type { Observation } from '../common/observation.ts';
import { whySlow } from '../common/slow.ts';
import type { Conclusion, Proof } from '../fault.ts';
import { type DecidedStress, describeMemory, type HeldMemory } from './plan.ts';

export interface StressVerdict extends Conclusion {
  before?: Measurement;
  during?: Measurement;
  after?: { memoryBytes?: number; processes?: number };
}

/** A change of memory that is more than stress-ng itself. */
const otherMemoryBytes = 16 * 2 ** 20;
/** Of what was asked and possible, this share must have been measured. */
const effectiveShare = 0.75;

/** Compares what was asked, within the container's limit, with what its cgroup measured (G1). */
export function judgeStress(fault: DecidedStress, seen: Observation): StressVerdict {
  const before = span(seen.before);
  const during = overview(seen);
  const last = seen.during.at(-1);
  const base: Pick<StressVerdict, 'before' | 'during' | 'after'> = {
    ...(before ? { before } : {}),
    ...(during ? { during } : {}),
    ...(seen.after ? { after: afterwards(seen.after) } : {}),
  };
  if (!during || !last) {
    const sentence = 'the run was too short to measure: fewer than two samples were taken while the fault was active';
    return { ...base, effective: false, proofs: [{ what: 'other', effective: false, sentence }] };
  }
  const proofs: Proof[] = [];
  if (fault.cpu) proofs.push(judgeCpu(fault.cpu, before, during, last, seen));
  if (fault.memory) proofs.push(judgeMemory(fault.memory, seen, during));
  if (fault.processes !== undefined) proofs.push(judgeProcesses(fault.processes, seen));
  if (fault.stressNgArgs.length > 0 && proofs.length === 0) proofs.push(judgeOther(before, during, seen));
  return { ...base, ...conclude(proofs) };
}

function span(samples: readonly Sample[]): Measurement | undefined {
  const first = samples[0];
  const last = samples.at(-1);
  return first && last ? measure(first, last) : undefined;
}

/** The whole of the run: its rates without the start-up, its peaks and its kills with it. */
function overview({ during: samples, ended }: Pick<Observation, 'during' | 'ended'>): Measurement | undefined {
  const rates = span(settled(samples));
  if (!rates) return undefined;
  const counted = span(samples)?.oomKills;
  // Those after the last sample too.
  const kills = ended?.oomKills ? Math.max(counted ?? 0, ended.oomKills) : counted;
  const peak = peakWorkingSet(samples);
  return {
    ...rates,
    ...(kills === undefined ? {} : { oomKills: kills }),
    ...(peak > 0 ? { memoryBytes: peak } : {}),
  };
}

function peakWorkingSet(samples: readonly Sample[]): number {
  return Math.max(0, ...samples.map((sample) => workingSet(sample) ?? 0));
}

/** The first interval is the start-up of the workload: it is left out where enough is left without it. */
function settled(samples: readonly Sample[]): readonly Sample[] {
  return samples.length >= 4 ? samples.slice(1) : samples;
}

function afterwards(sample: Sample): NonNullable<StressVerdict['after']> {
  const memoryBytes = workingSet(sample);
  return {
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(sample.pidsCurrent === undefined ? {} : { processes: sample.pidsCurrent }),
  };
}

function judgeCpu(
  asked: NonNullable<DecidedStress['cpu']>,
  before: Measurement | undefined,
  during: Measurement,
  last: Sample,
  { nodeCores, isFound, place }: Observation,
): Proof {
  const ceiling = cpuCeiling(last, nodeCores, place);
  const possible = Math.min(asked.cores, ceiling?.cores ?? Number.POSITIVE_INFINITY);
  const used = during.cpuCores;
  const wanted = `Asked for ${asked.workers} busy CPU${asked.workers === 1 ? '' : 's'}${asked.loadPercent < 100 ? ` at ${asked.loadPercent}%` : ''}`;
  if (used === undefined) return unmeasured('cpu', wanted, 'CPU time');
  const bound = ceiling && asked.cores > ceiling.cores ? `; ${ceiling.words}` : '';
  // A target that already used its whole limit cannot use more: then the shortage shows as waiting, not as use.
  const already = before?.cpuCores ?? 0;
  const rose = used - already >= 0.1 * possible || waits(before, during);
  const effective = used >= effectiveShare * possible && rose;
  const throttled = during.throttledShare
    ? `, throttled in ${formatPercent(100 * during.throttledShare)} of the periods`
    : '';
  const measured = `it used ${used.toFixed(2)} (${formatPercent((100 * used) / possible)})${throttled}`;
  const why = effective
    ? isFound
      ? "; the target's own use was not measured"
      : ''
    : rose
      ? `: less than asked, ${isPinned(last, nodeCores) ? `others may have ${describeCpus(last)} busy as well` : 'the node itself may be out of CPU'}`
      : `: no more than before (${already.toFixed(2)})`;
  return { what: 'cpu', effective, sentence: `${wanted}${bound}: ${measured}${why}` };
}

/** Without its counter an effect cannot be proven, which is something else than having seen none. */
function unmeasured(what: Proof['what'], wanted: string, counter: string): Proof {
  return {
    what,
    effective: false,
    unmeasured: true,
    sentence: `${wanted}: the kernel does not report the ${counter} of the target's cgroup`,
  };
}

function waits(before: Measurement | undefined, during: Measurement): boolean {
  return (
    (during.throttledShare ?? 0) - (before?.throttledShare ?? 0) >= 0.1 ||
    (during.cpuPressure ?? 0) - (before?.cpuPressure ?? 0) >= 0.1
  );
}

function judgeMemory(asked: HeldMemory, seen: Observation, during: Measurement): Proof {
  const wanted = `Asked for ${describeMemory(asked)}`;
  if (during.memoryBytes === undefined) return unmeasured('memory', wanted, 'memory');
  const room = roomBefore(seen);
  const whole = Math.min(room.limit, room.node);
  const most = Math.min(whole, room.high) + room.swap;
  const possible = Math.min(asked.bytes, most);
  const peak = peakWorkingSet(seen.during);
  const start = lastOf(seen.before, heldBytes) ?? 0;
  const grown = Math.max(0, Math.max(...seen.during.map((sample) => heldBytes(sample) ?? 0)) - start);
  const kills = during.oomKills ?? 0;
  const throttled =
    growth((seen.isFound ? undefined : seen.before.at(-1)) ?? seen.during[0], seen.during.at(-1), 'memoryHighEvents') ??
    0;
  // The kernel kills the stressor the moment it meets the limit, and lets nobody by at memory.high: what the sampling misses in between, that proves.
  const met = asked.bytes > whole && kills > 0;
  const held = asked.bytes > room.high && throttled > 0;
  const effective = (grown > 0 && grown >= effectiveShare * possible) || met || held;
  const bound = asked.bytes > most ? `; ${describeRoom(room, seen)}` : '';
  const swappedBefore = lastOf(seen.before, (sample) => sample.memorySwapCurrentBytes) ?? 0;
  const swapped = Math.max(0, ...seen.during.map((sample) => sample.memorySwapCurrentBytes ?? 0)) - swappedBefore;
  const details = [
    ...(swapped > 0 ? [`, and ${formatBytes(swapped)} were swapped out`] : []),
    ...(held ? [', throttled at memory.high'] : []),
    ...(kills > 0 ? [`, ${kills} OOM kill${kills === 1 ? '' : 's'}`] : []),
  ].join('');
  return {
    what: 'memory',
    effective,
    sentence: `${wanted}${bound}: it grew by ${formatBytes(grown)} to ${formatBytes(peak)}${details}${effective ? '' : whySlow(seen, 'to take more')}`,
  };
}

interface MemoryRoom {
  /** What fits before the limit, before memory.high, into what the node has available, and into swap. */
  limit: number;
  high: number;
  node: number;
  swap: number;
}

/** What was free when it began; of one that was found in force by what it is now. */
function roomBefore({ before, during }: Observation): MemoryRoom {
  const [start, now] = [before.at(-1), during.at(-1)];
  const limit = now && memoryLimitBytes(now);
  const whole = limit === undefined ? Number.POSITIVE_INFINITY : limit;
  if (!start) {
    const { memoryHighBytes: high = -1 } = now ?? {};
    const without = Number.POSITIVE_INFINITY;
    return { limit: whole, high: high < 0 ? without : high, node: without, swap: now ? swapRoom(now) : 0 };
  }
  const room = start.memoryRoomBytes === undefined ? Math.max(0, whole - (workingSet(start) ?? 0)) : memoryRoom(start);
  return {
    limit: room ?? Number.POSITIVE_INFINITY,
    high: memoryHighRoom(start) ?? Number.POSITIVE_INFINITY,
    node: start.nodeMemoryAvailableBytes ?? Number.POSITIVE_INFINITY,
    swap: swapRoom(start),
  };
}

function describeRoom(room: MemoryRoom, { during, before, place }: Observation): string {
  const sample = during.at(-1) ?? before.at(-1);
  const swap = room.swap > 0 ? `, and ${formatBytes(room.swap)} of swap` : '';
  if (room.node < Math.min(room.limit, room.high)) return `the node had ${formatBytes(room.node)} available${swap}`;
  return room.high < room.limit
    ? `from memory.high, ${formatBytes(sample?.memoryHighBytes ?? 0)}, on it is throttled, of which ${formatBytes(room.high)} were free${swap}`
    : `${describeLimit(sample, place)}, of which ${formatBytes(room.limit)} were free${swap}`;
}

/** `the pod may use 128Mi`. */
function describeLimit(sample: Sample | undefined, place: Place | undefined): string {
  const holder = sample ? memoryLimitHolder(sample, place) : 'the container';
  return `${holder} may use ${formatBytes((sample && memoryLimitBytes(sample)) ?? 0)}`;
}

/** Of the last of them. */
function lastOf<T>(samples: readonly Sample[], of: (sample: Sample) => T | undefined): T | undefined {
  const last = samples.at(-1);
  return last && of(last);
}

function judgeProcesses(asked: number, seen: Observation): Proof {
  const wanted = `Asked for fork pressure by ${asked} worker${asked === 1 ? '' : 's'}`;
  if (seen.during.every((sample) => sample.pidsCurrent === undefined))
    return unmeasured('processes', wanted, 'processes');
  const start = seen.before.at(-1)?.pidsCurrent ?? 0;
  const peak = Math.max(0, ...seen.during.map((sample) => sample.pidsCurrent ?? 0));
  const limit = seen.during.at(-1)?.pidsLimit ?? -1;
  const own = limit > 0 ? limit - start : Number.POSITIVE_INFINITY;
  const free = seen.before.at(-1)?.pidsRoom ?? -1;
  // Of a limit that others share there may be less left.
  const room = free < 0 ? own : free;
  const effective = peak - start >= effectiveShare * Math.min(asked, room) && peak > start;
  const shared = room < own ? `, of which ${room} were free` : '';
  const bound = asked > room ? `; the container may have ${limit}${shared}` : '';
  return {
    what: 'processes',
    effective,
    sentence: `${wanted}${bound}: ${start} processes became ${peak}${effective ? '' : whySlow(seen, 'to start more')}`,
  };
}

/** Nobody but the user knows what these arguments should do: any change that the cgroup shows counts, and is named. */
function judgeOther(before: Measurement | undefined, during: Measurement, seen: Observation): Proof {
  const start = lastOf(seen.before, workingSet) ?? 0;
  const peak = peakWorkingSet(seen.during);
  const changes: string[] = [];
  const usedBefore = before?.cpuCores ?? 0;
  if ((during.cpuCores ?? 0) - usedBefore >= 0.05) {
    changes.push(`CPU ${usedBefore.toFixed(2)} → ${(during.cpuCores ?? 0).toFixed(2)} cores`);
  }
  if (peak - start >= otherMemoryBytes) changes.push(`memory ${formatBytes(start)} → ${formatBytes(peak)}`);
  const ioBefore = (before?.ioBytes ?? 0) / (before?.seconds ?? 1);
  const io = (during.ioBytes ?? 0) / during.seconds;
  if (io - ioBefore >= 2 ** 20) changes.push(`I/O ${formatBytes(ioBefore)}/s → ${formatBytes(io)}/s`);
  const failed = seen.ended?.reason === 'exited' && seen.ended.exitCode !== 0;
  const effective = changes.length > 0 && !failed;
  const outcome = failed
    ? `stress-ng failed with exit code ${seen.ended?.exitCode}`
    : changes.length > 0
      ? changes.join(', ')
      : `nothing changed in the target's cgroup${whySlow(seen, 'to do anything')}`;
  return { what: 'other', effective, sentence: `Asked for stress-ng's own stressors: ${outcome}` };
}
