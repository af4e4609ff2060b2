import * as v from 'valibot';
import { isObject, readJson } from '../json.ts';

/**
 * What the shim says and hears, as native/README.md defines it. This file mirrors that contract and nothing else: what the numbers mean is worked out in `faults/`.
 */

const sampleSchema = v.object({
  elapsedUs: v.number(),
  cpuUsageUs: v.exactOptional(v.number()),
  cpuPeriods: v.exactOptional(v.number()),
  cpuThrottledPeriods: v.exactOptional(v.number()),
  cpuThrottledUs: v.exactOptional(v.number()),
  cpuQuotaUs: v.exactOptional(v.number()),
  cpuPeriodUs: v.exactOptional(v.number()),
  /** How many levels above the target's own cgroup the one is that has the quota, and that the five above are of. */
  cpuLevel: v.exactOptional(v.number()),
  /** How many CPUs it may use, and which: `0-3,8`. */
  cpusetCpus: v.exactOptional(v.number()),
  cpusetList: v.exactOptional(v.string()),
  memoryCurrentBytes: v.exactOptional(v.number()),
  memoryLimitBytes: v.exactOptional(v.number()),
  /** How many levels above the target's own cgroup the one is that has it. Absent: there is no limit. */
  memoryLimitLevel: v.exactOptional(v.number()),
  memoryRoomBytes: v.exactOptional(v.number()),
  memoryInactiveFileBytes: v.exactOptional(v.number()),
  memoryActiveFileBytes: v.exactOptional(v.number()),
  memoryOomEvents: v.exactOptional(v.number()),
  memoryOomKills: v.exactOptional(v.number()),
  memoryOomGroup: v.exactOptional(v.number()),
  memoryHighBytes: v.exactOptional(v.number()),
  memoryHighRoomBytes: v.exactOptional(v.number()),
  memoryHighEvents: v.exactOptional(v.number()),
  memorySwapCurrentBytes: v.exactOptional(v.number()),
  memorySwapLimitBytes: v.exactOptional(v.number()),
  memorySwapRoomBytes: v.exactOptional(v.number()),
  /** Of the whole node. */
  swapFreeBytes: v.exactOptional(v.number()),
  nodeMemoryAvailableBytes: v.exactOptional(v.number()),
  nodeMemoryTotalBytes: v.exactOptional(v.number()),
  pidsCurrent: v.exactOptional(v.number()),
  pidsLimit: v.exactOptional(v.number()),
  pidsRoom: v.exactOptional(v.number()),
  ioReadBytes: v.exactOptional(v.number()),
  ioWriteBytes: v.exactOptional(v.number()),
  ioReadOps: v.exactOptional(v.number()),
  ioWriteOps: v.exactOptional(v.number()),
  cpuSomeUs: v.exactOptional(v.number()),
  cpuFullUs: v.exactOptional(v.number()),
  memorySomeUs: v.exactOptional(v.number()),
  memoryFullUs: v.exactOptional(v.number()),
  ioSomeUs: v.exactOptional(v.number()),
  ioFullUs: v.exactOptional(v.number()),
  /** With --freeze: whether the cgroup is asked to stand still, whether all of it does (0 or 1), and the CPU time of all that is in it. */
  pauseAsked: v.exactOptional(v.number()),
  pauseFrozen: v.exactOptional(v.number()),
  pauseUsageUs: v.exactOptional(v.number()),
  /** With --stop, from `start` on: how many of the processes are stopped, wait in the kernel, go on, have ended; and the CPU time that they have used since they were seen stopped. */
  pauseStopped: v.exactOptional(v.number()),
  pauseWaiting: v.exactOptional(v.number()),
  pauseRunning: v.exactOptional(v.number()),
  pauseEnded: v.exactOptional(v.number()),
  pauseRanUs: v.exactOptional(v.number()),
  /** Such as were stopped before, by somebody else; and such as were not reached. */
  pauseBefore: v.exactOptional(v.number()),
  pauseMissed: v.exactOptional(v.number()),
});
/**
 * Counters of the target's cgroup. Units are in the names; `-1` is "unlimited"; a field the kernel does not offer is absent. A limit is the smallest of the target's cgroup and of those above it, and
 * `room` what is left within the tightest of them, whoever uses it; native/README.md says of which cgroup each number is.
 */
export type Sample = v.InferOutput<typeof sampleSchema>;

const cgroupPlaceSchema = v.object({
  /** The v1 controllers (`cpu,cpuacct`) or `name=…`; empty for v2. */
  hierarchy: v.string(),
  version: v.picklist([1, 2]),
  path: v.string(),
  joined: v.boolean(),
});
/** The target's place in one hierarchy. */
export type CgroupPlace = v.InferOutput<typeof cgroupPlaceSchema>;

const namespaceFactSchema = v.object({
  name: v.string(),
  inode: v.number(),
  /** Whether the target's namespace is another than the shim's. */
  own: v.boolean(),
});

const spaceSchema = v.object({
  sizeBytes: v.number(),
  freeBytes: v.number(),
  /** Free, without what is reserved for root. */
  availableBytes: v.number(),
  inodes: v.number(),
  inodesFree: v.number(),
  inodesAvailable: v.number(),
});
/** How much a file system has. Numbers of inodes are 0 where it counts none. */
export type Space = v.InferOutput<typeof spaceSchema>;

const ioLimitsSchema = v.object({
  cgroup: v.string(),
  /** The target's own, where a throttle is set; else one above it, whose limits hold as well. */
  own: v.boolean(),
  readBytesPerS: v.number(),
  writeBytesPerS: v.number(),
  readOpsPerS: v.number(),
  writeOpsPerS: v.number(),
});
/** What a cgroup may do to the disk behind the path in a second; -1: as much as it likes. */
export type IoLimits = v.InferOutput<typeof ioLimitsSchema>;

const pathFactsSchema = v.object({
  ...spaceSchema.entries,
  path: v.string(),
  /** The mount that it is in, as in the target's mountinfo. */
  mountPoint: v.string(),
  root: v.string(),
  source: v.string(),
  type: v.string(),
  options: v.string(),
  superOptions: v.string(),
  /** `MAJOR:MINOR` of the file system that what is written ends in: of an overlay that of its upper layer. Empty: not known. */
  device: v.string(),
  /** The whole disk that a cgroup's limit can name. Empty: there is none. */
  disk: v.string(),
  /** As `sda`; empty: there is none. */
  diskName: v.string(),
  /** The node's own root or the kubelet's directory is in the same file system. */
  onNode: v.boolean(),
  readOnly: v.boolean(),
  /** Whether the workload's user may create files there. */
  writable: v.boolean(),
  /** Whether that user may use what is reserved for root. */
  mayUseReserved: v.boolean(),
  ownerUid: v.number(),
  ownerGid: v.number(),
  /** Permission bits. */
  mode: v.number(),
  /** Of the cgroups that have any, from the target's own upwards. Absent: there is no disk, or no cgroup that can tell. */
  ioLimits: v.exactOptional(v.array(ioLimitsSchema)),
});
/** What the path of --path is, as the target sees it. */
export type PathFacts = v.InferOutput<typeof pathFactsSchema>;

const matchFactsSchema = v.object({
  processes: v.number(),
  /** Of them. */
  stopped: v.number(),
  /** Some of them. */
  first: v.array(v.object({ pid: v.number(), comm: v.string() })),
});
/** The processes of the target that --match means. */
export type MatchFacts = v.InferOutput<typeof matchFactsSchema>;

export const resolvedSchema = v.object({
  event: v.literal('resolved'),
  atMs: v.number(),
  version: v.string(),
  kernel: v.string(),
  arch: v.exactOptional(v.string()),
  pid: v.number(),
  /** When the process began, in clock ticks since the start of the machine. */
  startTicks: v.exactOptional(v.number()),
  comm: v.string(),
  container: v.exactOptional(v.string()),
  cgroupMode: v.picklist(['v1', 'v2', 'hybrid']),
  cgroupView: v.picklist(['init', 'host', 'own']),
  cgroups: v.array(cgroupPlaceSchema),
  unmounted: v.array(v.string()),
  namespaces: v.array(namespaceFactSchema),
  uid: v.number(),
  gid: v.number(),
  groups: v.exactOptional(v.array(v.number())),
  noNewPrivs: v.exactOptional(v.boolean()),
  /** Sets of capabilities as 16 hexadecimal digits. */
  capInheritable: v.exactOptional(v.string()),
  capPermitted: v.exactOptional(v.string()),
  capEffective: v.exactOptional(v.string()),
  capBounding: v.exactOptional(v.string()),
  capAmbient: v.exactOptional(v.string()),
  oomScoreAdj: v.exactOptional(v.number()),
  frozen: v.boolean(),
  sample: sampleSchema,
  /** With --path. */
  path: v.exactOptional(pathFactsSchema),
  /** With --match. */
  match: v.exactOptional(matchFactsSchema),
  /** Of `inspect`: what the node's kernel has for net faults; of what is left out it is not known. */
  modules: v.exactOptional(
    v.array(v.object({ name: v.string(), state: v.picklist(['present', 'loadable', 'missing']) })),
  ),
});
export type Resolved = v.InferOutput<typeof resolvedSchema>;

const pathEventSchema = v.object({
  ...spaceSchema.entries,
  event: v.literal('path'),
  atMs: v.number(),
  elapsedUs: v.number(),
  /** Until it was on the disk. Absent: not tried, or it failed. */
  writeUs: v.exactOptional(v.number()),
  readUs: v.exactOptional(v.number()),
  /** What the probe could not do, in words. */
  problem: v.exactOptional(v.string()),
  /** Totals of the disk itself, whoever uses it: of facts' `disk`. Absent: there is none, or the kernel does not tell. */
  diskReadBytes: v.exactOptional(v.number()),
  diskWriteBytes: v.exactOptional(v.number()),
  diskReadOps: v.exactOptional(v.number()),
  diskWriteOps: v.exactOptional(v.number()),
  /** As in the facts, by now. */
  ioLimits: v.exactOptional(v.array(ioLimitsSchema)),
});
/** The state of the file system behind --path, and how long a small write and a read in it took. */
export type PathEvent = v.InferOutput<typeof pathEventSchema>;

export const activeSchema = v.object({
  event: v.literal('active'),
  atMs: v.number(),
  pid: v.number(),
  /** Namespaces read back as the target's, of how many the target has; of `hold` the network of its guardian alone, 0 of 0 where nothing is undone in a network. */
  entered: v.number(),
  of: v.number(),
  /** As read back. */
  cgroups: v.exactOptional(v.array(cgroupPlaceSchema)),
  namespaces: v.exactOptional(v.array(namespaceFactSchema)),
  elapsedMs: v.number(),
});
export type Active = v.InferOutput<typeof activeSchema>;

const sampleEventSchema = v.object({
  ...sampleSchema.entries,
  event: v.literal('sample'),
  atMs: v.number(),
});
export type SampleEvent = v.InferOutput<typeof sampleEventSchema>;

const warningSchema = v.object({
  event: v.literal('warning'),
  atMs: v.number(),
  code: v.string(),
  message: v.string(),
});

export const endReasons = [
  'exited',
  'killed',
  'stopped',
  'deadline',
  'lease',
  'signal',
  'target-gone',
  'overwritten',
] as const;
export type EndReason = (typeof endReasons)[number];

const howEnded = {
  reason: v.picklist(endReasons),
  exitCode: v.number(),
  signal: v.number(),
  /** KILL was needed after the grace. */
  forced: v.boolean(),
  runMs: v.number(),
  oomKills: v.exactOptional(v.number()),
};
export const endedSchema = v.object({ event: v.literal('ended'), atMs: v.number(), ...howEnded });
export type Ended = v.InferOutput<typeof endedSchema>;

const answerEventSchema = v.object({
  event: v.literal('answer'),
  atMs: v.number(),
  id: v.string(),
  /** 128+n for a signal, 124 when its time ran out. */
  exitCode: v.number(),
  stdout: v.string(),
  stderr: v.string(),
  /** More than 1 MiB was printed: the rest is not there. */
  truncated: v.boolean(),
  /** CLOCK_MONOTONIC, when it ended. */
  elapsedUs: v.number(),
});
/** What came of `ask`, `fresh`, `lookup`, `connect` or `count`. */
export type AnswerEvent = v.InferOutput<typeof answerEventSchema>;

const bytes = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const toolsEventSchema = v.object({
  event: v.literal('tools'),
  atMs: v.number(),
  /** As it was announced by `tools`. */
  name: v.string(),
  sha256: v.string(),
  bytes,
  /** So many bytes of it have come: what is sent next begins there. */
  offset: bytes,
  /** All of it is there, verified and unpacked. */
  ready: v.boolean(),
  /** How long that took, once it is ready. */
  unpackMs: v.exactOptional(v.number()),
  /** Why what has come is of no use; all of it has been thrown away. */
  problem: v.exactOptional(v.string()),
});
/** How far a toolbox has come, after `tools` and `chunk`: one event may stand for several lines. */
export type ToolsEvent = v.InferOutput<typeof toolsEventSchema>;

const reverters = ['shim', 'guardian'] as const;

const revertedSchema = v.object({
  event: v.literal('reverted'),
  atMs: v.number(),
  elapsedMs: v.number(),
  left: v.number(),
  /** The guardian undoes where the shim itself no longer could. Absent: the shim. */
  by: v.exactOptional(v.picklist(reverters)),
  /** Of `hold`: the ids of `compare` that did not read the same before and after. */
  differs: v.exactOptional(v.array(v.string())),
});
export type Reverted = v.InferOutput<typeof revertedSchema>;

const shimErrorSchema = v.object({
  event: v.literal('error'),
  atMs: v.number(),
  code: v.string(),
  message: v.string(),
  /** `unchanged`, `reverted`, or `unknown: …`. */
  state: v.string(),
});
export type ShimError = v.InferOutput<typeof shimErrorSchema>;

const outputSchema = v.object({
  event: v.literal('output'),
  atMs: v.number(),
  text: v.string(),
});

const shimEventSchema = v.variant('event', [
  resolvedSchema,
  activeSchema,
  sampleEventSchema,
  pathEventSchema,
  warningSchema,
  outputSchema,
  answerEventSchema,
  toolsEventSchema,
  endedSchema,
  revertedSchema,
  shimErrorSchema,
]);
export type ShimEvent = v.InferOutput<typeof shimEventSchema>;

/** Words the shim hears on stdin, one a line; what `run` and `hold` hear besides is made in commands.ts. */
export type Command = 'start' | 'beat' | 'stop';

/** The shim's names are in snake_case, and nowhere else in src/. */
function fromWire(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromWire);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      fromWire(field),
    ]),
  );
}

function toWire(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const wired = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [wired(name), field]));
}

/**
 * One line of the shim's stdout, without what the contract does not name. Undefined for what is not an event of the contract: another program's output out of a replaced image, a line cut by a
 * broken stream.
 */
export function parseShimEvent(line: string): ShimEvent | undefined {
  const result = v.safeParse(shimEventSchema, fromWire(readJson(line)), { abortEarly: true });
  return result.success ? result.output : undefined;
}

/** The events in a termination message, one a line: the `ended` of the run and the last event. */
export function parseTerminationMessage(message: string): ShimEvent[] {
  return message.split('\n').flatMap((line) => parseShimEvent(line) ?? []);
}

/** What becomes known of a target when its shim has gone: `unknown`, when nobody has said it. */
const ends = ['reverted', 'unchanged', 'unknown'] as const;

/** Of one that has gone: what its event of that name said. */
const endedBefore = v.exactOptional(v.object(howEnded));

const overSchema = v.object({
  event: v.literal('over'),
  /** Why it has ended. */
  reason: v.string(),
  /** How many there were, and how many of them ended so. */
  targets: v.number(),
  unknown: v.number(),
});

const agentEventSchema = v.variant('event', [
  v.object({
    event: v.literal('agent'),
    targets: v.array(
      v.object({ name: v.string(), state: v.string(), end: v.exactOptional(v.picklist(ends)), ended: endedBefore }),
    ),
  }),
  v.object({ event: v.literal('begun'), name: v.string() }),
  v.object({ event: v.literal('refused'), name: v.string(), code: v.string(), message: v.string() }),
  v.object({
    event: v.literal('gone'),
    name: v.string(),
    exitCode: v.number(),
    signal: v.number(),
    end: v.picklist(ends),
    ended: endedBefore,
  }),
  overSchema,
  toolsEventSchema,
  warningSchema,
  shimErrorSchema,
]);
/** What an agent of many shims says of itself and of them. */
export type AgentEvent = v.InferOutput<typeof agentEventSchema>;

/** A shim's line has its name as the first member: what is in it is read by whom it is for. */
const tag = /^\{"target":"([a-z0-9-]{1,32})",/;

const lastWordSchema = v.object({
  target: v.string(),
  end: v.picklist(ends),
  /** Of its `error`, if there was one. */
  code: v.exactOptional(v.string()),
  message: v.exactOptional(v.string()),
  ended: endedBefore,
});
/** The last that an agent knows of one of its targets. Of its termination message `ended` is there when it has not ended by its time or by `stop`. */
export type LastWord = v.InferOutput<typeof lastWordSchema>;

/** The same as the shim would have left it by itself, in a termination message that `parseTerminationMessage` reads. Undefined: nobody has said anything. */
export function messageOfWord(word: Partial<Omit<LastWord, 'target'>> = {}): string {
  const { end: state = 'unknown', ended, code, message } = word;
  const last =
    code !== undefined && message !== undefined
      ? [{ event: 'error', atMs: 0, code, message, state }]
      : state === 'reverted'
        ? [{ event: 'reverted', atMs: 0, elapsedMs: 0, left: 0 }]
        : state === 'unchanged'
          ? [{ event: 'error', atMs: 0, code: 'not-started', message: 'it was not begun', state }]
          : [];
  return [...(ended ? [{ event: 'ended', atMs: 0, ...ended }] : []), ...last]
    .map((event) => JSON.stringify(toWire(event)))
    .join('\n');
}

/** A line of an agent's: of which of its shims it is, or what it says itself; undefined: neither. */
export function parseAgentLine(line: string): { target: string } | { event: AgentEvent } | undefined {
  const target = tag.exec(line)?.[1];
  if (target !== undefined) return { target };
  const result = v.safeParse(agentEventSchema, fromWire(readJson(line)), { abortEarly: true });
  return result.success ? { event: result.output } : undefined;
}

/** `over`: what the agent says of itself, if it could. `words`: of each target, as far as there was room for it. */
export function parseAgentTermination(message: string): { over?: v.InferOutput<typeof overSchema>; words: LastWord[] } {
  const lines = message.split('\n').map(readJson);
  const over = lines.map((line) => v.safeParse(overSchema, line)).find(({ success }) => success);
  const words = lines.flatMap((line) => {
    const result = v.safeParse(lastWordSchema, fromWire(line));
    return result.success ? result.output : [];
  });
  return { ...(over?.success ? { over: over.output } : {}), words };
}

/**
 * How a target of an agent's ended, by that message. One for which there was no room has left nothing, since those of which that is not known come first; one that was not begun is as it was.
 * Undefined: nobody has said it.
 */
export function endOfTarget(message: string, name: string): LastWord | undefined {
  const { over, words } = parseAgentTermination(message);
  const word = words.find(({ target }) => target === name);
  if (word || !over || over.unknown > words.filter(({ end }) => end === 'unknown').length) return word;
  return { target: name, end: over.targets > words.length ? 'reverted' : 'unchanged' };
}

/**
 * Whether by that message nothing is left of any of its targets, and all reads as it did. Whatever speaks against that has a `code` and comes first: where there was no room for it, there was none for one
 * without.
 */
export function hasLeftNothing(message: string): boolean {
  const { over, words } = parseAgentTermination(message);
  const isClean = ({ end, code }: LastWord) => end !== 'unknown' && code !== 'differs';
  const isWhole = over !== undefined && (over.targets <= words.length || words.some(({ code }) => code === undefined));
  return isWhole && over.unknown === 0 && words.every(isClean);
}
