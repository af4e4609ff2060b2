import { isObject, readJson } from '../json.ts';

/**
 * What the shim says and hears, as native/README.md defines it. This file mirrors that contract and nothing else: what the numbers mean is worked out in `faults/`.
 */

/**
 * Counters of the target's cgroup. Units are in the names; `-1` is "unlimited"; a field the kernel does not offer is absent. A limit is the smallest of the target's cgroup and of those above it, and
 * `room` what is left within the tightest of them, whoever uses it; native/README.md says of which cgroup each number is.
 */
export interface Sample {
  elapsed_us: number;
  cpu_usage_us?: number;
  cpu_periods?: number;
  cpu_throttled_periods?: number;
  cpu_throttled_us?: number;
  cpu_quota_us?: number;
  cpu_period_us?: number;
  /** How many levels above the target's own cgroup the one is that has the quota, and that the five above are of. */
  cpu_level?: number;
  /** How many CPUs it may use, and which: `0-3,8`. */
  cpuset_cpus?: number;
  cpuset_list?: string;
  memory_current_bytes?: number;
  memory_limit_bytes?: number;
  memory_room_bytes?: number;
  memory_inactive_file_bytes?: number;
  memory_oom_events?: number;
  memory_oom_kills?: number;
  memory_oom_group?: number;
  memory_high_bytes?: number;
  memory_high_room_bytes?: number;
  memory_high_events?: number;
  memory_swap_current_bytes?: number;
  memory_swap_limit_bytes?: number;
  memory_swap_room_bytes?: number;
  /** Of the whole node. */
  swap_free_bytes?: number;
  pids_current?: number;
  pids_limit?: number;
  pids_room?: number;
  io_read_bytes?: number;
  io_write_bytes?: number;
  io_read_ops?: number;
  io_write_ops?: number;
  cpu_some_us?: number;
  cpu_full_us?: number;
  memory_some_us?: number;
  memory_full_us?: number;
  io_some_us?: number;
  io_full_us?: number;
}

/** The target's place in one hierarchy. */
export interface CgroupPlace {
  /** The v1 controllers (`cpu,cpuacct`) or `name=…`; empty for v2. */
  hierarchy: string;
  version: 1 | 2;
  path: string;
  joined: boolean;
}

export interface NamespaceFact {
  name: string;
  inode: number;
  /** Whether the target's namespace is another than the shim's. */
  own: boolean;
}

export interface Resolved {
  event: 'resolved';
  at_ms: number;
  version: string;
  kernel: string;
  pid: number;
  comm: string;
  cgroup_mode: 'v1' | 'v2' | 'hybrid';
  cgroup_view: 'init' | 'host' | 'own';
  cgroups: CgroupPlace[];
  unmounted: string[];
  namespaces: NamespaceFact[];
  uid: number;
  gid: number;
  frozen: boolean;
  sample: Sample;
  /** With --path. */
  path?: PathFacts;
}

/** How much a file system has. Numbers of inodes are 0 where it counts none. */
export interface Space {
  size_bytes: number;
  free_bytes: number;
  /** Free, without what is reserved for root. */
  available_bytes: number;
  inodes: number;
  inodes_free: number;
  inodes_available: number;
}

/** What a cgroup may do to the disk behind the path in a second; -1: as much as it likes. */
export interface IoLimits {
  cgroup: string;
  /** The target's own, where a throttle is set; else one above it, whose limits hold as well. */
  own: boolean;
  read_bytes_per_s: number;
  write_bytes_per_s: number;
  read_ops_per_s: number;
  write_ops_per_s: number;
}

/** What the path of --path is, as the target sees it. */
export interface PathFacts extends Space {
  path: string;
  /** The mount that it is in, as in the target's mountinfo. */
  mount_point: string;
  root: string;
  source: string;
  type: string;
  options: string;
  super_options: string;
  /** `MAJOR:MINOR` of the file system that what is written ends in: of an overlay that of its upper layer. Empty: not known. */
  device: string;
  /** The whole disk that a cgroup's limit can name. Empty: there is none. */
  disk: string;
  /** As `sda`; empty: there is none. */
  disk_name: string;
  /** The node's own root or the kubelet's directory is in the same file system. */
  on_node: boolean;
  read_only: boolean;
  /** Whether the workload's user may create files there. */
  writable: boolean;
  /** Whether that user may use what is reserved for root. */
  may_use_reserved: boolean;
  owner_uid: number;
  owner_gid: number;
  /** Permission bits. */
  mode: number;
  /** Of the cgroups that have any, from the target's own upwards. Absent: there is no disk, or no cgroup that can tell. */
  io_limits?: IoLimits[];
}

/** The state of the file system behind --path, and how long a small write and a read in it took. */
export interface PathEvent extends Space {
  event: 'path';
  at_ms: number;
  elapsed_us: number;
  /** Until it was on the disk. Absent: not tried, or it failed. */
  write_us?: number;
  read_us?: number;
  /** What the probe could not do, in words. */
  problem?: string;
  /** Totals of the disk itself, whoever uses it: of facts' `disk`. Absent: there is none, or the kernel does not tell. */
  disk_read_bytes?: number;
  disk_write_bytes?: number;
  disk_read_ops?: number;
  disk_write_ops?: number;
  /** As in the facts, by now. */
  io_limits?: IoLimits[];
}

export interface Active {
  event: 'active';
  at_ms: number;
  pid: number;
  /** Namespaces read back as the target's, of how many the target has; of `hold` the network of its guardian alone, 0 of 0 where nothing is undone in a network. */
  entered: number;
  of: number;
  elapsed_ms: number;
}

export interface SampleEvent extends Sample {
  event: 'sample';
  at_ms: number;
}

export interface Warning {
  event: 'warning';
  at_ms: number;
  code: string;
  message: string;
}

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

export interface Ended {
  event: 'ended';
  at_ms: number;
  reason: EndReason;
  exit_code: number;
  signal: number;
  /** KILL was needed after the grace. */
  forced: boolean;
  run_ms: number;
  oom_kills?: number;
}

/** What came of `ask`, `fresh`, `lookup`, `connect` or `count`. */
export interface AnswerEvent {
  event: 'answer';
  at_ms: number;
  id: string;
  /** 128+n for a signal, 124 when its time ran out. */
  exit_code: number;
  stdout: string;
  stderr: string;
  /** More than 1 MiB was printed: the rest is not there. */
  truncated: boolean;
  /** CLOCK_MONOTONIC, when it ended. */
  elapsed_us: number;
}

const reverters = ['shim', 'guardian'] as const;

export interface Reverted {
  event: 'reverted';
  at_ms: number;
  elapsed_ms: number;
  left: number;
  /** The guardian undoes where the shim itself no longer could. Absent: the shim. */
  by?: (typeof reverters)[number];
  /** Of `hold`: the ids of `compare` that did not read the same before and after. */
  differs?: string[];
}

export interface ShimError {
  event: 'error';
  at_ms: number;
  code: string;
  message: string;
  /** `unchanged`, `reverted`, or `unknown: …`. */
  state: string;
}

export type ShimEvent =
  | Resolved
  | Active
  | SampleEvent
  | PathEvent
  | Warning
  | AnswerEvent
  | Ended
  | Reverted
  | ShimError;

/** Words the shim hears on stdin, one a line; what `hold` hears besides is made in commands.ts. */
export type Command = 'start' | 'beat' | 'stop';

type FieldType =
  | 'number'
  | 'string'
  | 'boolean'
  | 'sample'
  | 'places'
  | 'namespaces'
  | 'strings'
  | 'reason'
  | 'reverter'
  | 'limits'
  | 'path';

const spaceFields: Readonly<Record<keyof Space, FieldType>> = {
  size_bytes: 'number',
  free_bytes: 'number',
  available_bytes: 'number',
  inodes: 'number',
  inodes_free: 'number',
  inodes_available: 'number',
};

const pathFields: Readonly<Record<Exclude<keyof PathFacts, 'io_limits'>, FieldType>> = {
  ...spaceFields,
  path: 'string',
  mount_point: 'string',
  root: 'string',
  source: 'string',
  type: 'string',
  options: 'string',
  super_options: 'string',
  device: 'string',
  disk: 'string',
  disk_name: 'string',
  on_node: 'boolean',
  read_only: 'boolean',
  writable: 'boolean',
  may_use_reserved: 'boolean',
  owner_uid: 'number',
  owner_gid: 'number',
  mode: 'number',
};

const limitFields = {
  ...{ cgroup: 'string', own: 'boolean' },
  ...{ read_bytes_per_s: 'number', write_bytes_per_s: 'number', read_ops_per_s: 'number', write_ops_per_s: 'number' },
};

const requiredFields: Readonly<Record<ShimEvent['event'], Readonly<Record<string, FieldType>>>> = {
  resolved: {
    version: 'string',
    kernel: 'string',
    pid: 'number',
    comm: 'string',
    cgroup_mode: 'string',
    cgroup_view: 'string',
    cgroups: 'places',
    unmounted: 'strings',
    namespaces: 'namespaces',
    uid: 'number',
    gid: 'number',
    frozen: 'boolean',
    sample: 'sample',
  },
  active: { pid: 'number', entered: 'number', of: 'number', elapsed_ms: 'number' },
  sample: { elapsed_us: 'number' },
  path: { elapsed_us: 'number', ...spaceFields },
  warning: { code: 'string', message: 'string' },
  answer: {
    id: 'string',
    exit_code: 'number',
    stdout: 'string',
    stderr: 'string',
    truncated: 'boolean',
    elapsed_us: 'number',
  },
  ended: { reason: 'reason', exit_code: 'number', signal: 'number', forced: 'boolean', run_ms: 'number' },
  reverted: { elapsed_ms: 'number', left: 'number' },
  error: { code: 'string', message: 'string', state: 'string' },
};

/** Fields that may be missing, and must be right where they are. */
const optionalFields: Partial<typeof requiredFields> = {
  resolved: { path: 'path' },
  path: {
    ...{ write_us: 'number', read_us: 'number', problem: 'string' },
    ...{ disk_read_bytes: 'number', disk_write_bytes: 'number', disk_read_ops: 'number', disk_write_ops: 'number' },
    io_limits: 'limits',
  },
  reverted: { by: 'reverter', differs: 'strings' },
};

const allOf = (value: unknown, check: (element: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(check);
const has = (value: unknown, types: Readonly<Record<string, string>>): boolean =>
  isObject(value) && Object.entries(types).every(([name, type]) => typeof value[name] === type);

const checks: Readonly<Record<FieldType, (value: unknown) => boolean>> = {
  number: (value) => typeof value === 'number',
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  // Counters, but for one: a text among them would turn every sum into another text.
  sample: (value) =>
    isObject(value) &&
    'elapsed_us' in value &&
    Object.entries(value).every(([name, field]) => typeof field === (name === 'cpuset_list' ? 'string' : 'number')),
  places: (value) =>
    allOf(value, (place) => has(place, { hierarchy: 'string', version: 'number', path: 'string', joined: 'boolean' })),
  namespaces: (value) => allOf(value, (fact) => has(fact, { name: 'string', inode: 'number', own: 'boolean' })),
  strings: (value) => allOf(value, (text) => typeof text === 'string'),
  reason: (value) => endReasons.some((reason) => reason === value),
  reverter: (value) => reverters.some((reverter) => reverter === value),
  limits: (value) => allOf(value, (limits) => has(limits, limitFields)),
  path: (value) =>
    has(value, pathFields) && isObject(value) && (value.io_limits === undefined || checks.limits(value.io_limits)),
};

function isEventName(name: unknown): name is ShimEvent['event'] {
  return typeof name === 'string' && Object.hasOwn(requiredFields, name);
}

/**
 * One line of the shim's stdout. Undefined for what is not an event of the contract: another program's output out of a replaced image, a line cut by a broken stream.
 */
export function parseShimEvent(line: string): ShimEvent | undefined {
  const value = readJson(line);
  if (!isObject(value)) return undefined;
  const { event, ...fields } = value;
  if (!isEventName(event) || typeof fields.at_ms !== 'number') return undefined;
  if (event === 'sample' && !checks.sample(fields)) return undefined;
  const isGood = ([name, type]: [string, FieldType]) => checks[type](fields[name]);
  const required = Object.entries(requiredFields[event]);
  const optional = Object.entries(optionalFields[event] ?? {}).filter(([name]) => Object.hasOwn(fields, name));
  return [...required, ...optional].every(isGood) ? (value as unknown as ShimEvent) : undefined;
}

/** The events in a termination message, one a line: the `ended` of the run and the last event. */
export function parseTerminationMessage(message: string): ShimEvent[] {
  return message.split('\n').flatMap((line) => parseShimEvent(line) ?? []);
}
