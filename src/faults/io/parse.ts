import { usageError } from '../../errors.ts';
import { type Flag, type FlagValues, isGiven } from '../../flags/flag.ts';
import { choice, percentage, quote, size } from '../../flags/values.ts';
import { formatQuantity, parsePercent, parseQuantity } from '../../units.ts';
import { flags, maxBytes, sectorBytes } from './flags.ts';
import {
  type FillRequest,
  type IoRequest,
  type LoadMode,
  type LoadRequest,
  loadModes,
  type ThrottleLimits,
  type ThrottleRequest,
} from './types.ts';

/** Flags of `io` as a request. `passedOn` is what stood behind `--`. Throws usage errors only. */
export function toIoRequest(values: FlagValues, passedOn: readonly string[] | undefined): IoRequest {
  if (passedOn !== undefined)
    throw usageError('io takes no arguments after "--"; to pass stress-ng arguments use "kubectl chaos stress"');
  if (isGiven(flags.rate, values)) {
    throw usageError(
      '--rate is not supported: stress-ng cannot limit its I/O rate; to limit that of the container use --throttle write=1Mi,read=4Mi',
    );
  }
  const path = toPath(flags.path.read(values));
  return { fault: 'io', path, action: toAction(values), allowNodeDisk: flags.allowNodeDisk.read(values) };
}

/** The kernel's PATH_MAX, with its NUL. */
const maxPathBytes = 4_095;

function toPath(path: string | undefined): string {
  if (path === undefined) throw usageError('--path is required: name a directory in the container, such as /data');
  if (!path.startsWith('/')) {
    throw usageError(`--path ${quote(path)}: must be an absolute path in the container, such as /data`);
  }
  // It is printed, and part of what others read about the experiment.
  if (/\p{Cc}/u.test(path)) throw usageError(`--path ${quote(path)}: must not contain control characters`);
  if (new TextEncoder().encode(path).length > maxPathBytes)
    throw usageError(`--path: must be at most ${maxPathBytes} bytes`);
  return path.length > 1 ? path.replace(/\/+$/, '') || '/' : path;
}

/** What each action is asked for by, and the flags that only change how it is done. */
const actions: ReadonlyArray<{
  by: readonly Flag[];
  with: readonly Flag[];
  to(values: FlagValues): IoRequest['action'];
}> = [
  { by: [flags.mode], with: [flags.workers, flags.size, flags.blockSize], to: toLoad },
  { by: [flags.fill, flags.fillInodes], with: [flags.leave], to: toFill },
  { by: [flags.throttle], with: [], to: toThrottle },
];

function toAction(values: FlagValues): IoRequest['action'] {
  const given = (all: readonly Flag[]) => all.find((flag) => isGiven(flag, values));
  const [first, second] = actions.flatMap(({ by }) => given(by) ?? []);
  if (first && second) {
    throw usageError(
      `${first.name} and ${second.name} are mutually exclusive: an experiment loads, fills or throttles a disk`,
    );
  }
  for (const { by, with: others } of actions) {
    const other = given(others);
    if (other && !given(by)) throw usageError(`${other.name} requires ${by.map(({ name }) => name).join(' or ')}`);
  }
  const action = actions.find(({ by }) => given(by));
  if (!action) throw usageError('no fault specified: use --mode, --fill, --fill-inodes or --throttle');
  return action.to(values);
}

function toLoad(values: FlagValues): LoadRequest {
  const mode = choice<LoadMode>(flags.mode.name, String(values.mode), loadModes);
  const workers = flags.workers.read(values);
  const given = (flag: Flag) => isGiven(flag, values);
  if (mode === 'metadata') {
    const useless = [flags.size, flags.blockSize].find(given);
    if (useless) throw usageError(`${useless.name} cannot be used with --mode metadata: its files are empty`);
  }
  if (mode === 'read' && given(flags.blockSize)) {
    throw usageError(
      '--block-size cannot be used with --mode read: stress-ng chooses the size itself; with --mode mixed it can be set',
    );
  }
  const sizeBytes = flags.size.read(values);
  const blockBytes = flags.blockSize.read(values);
  if (blockBytes === undefined) return { kind: 'load', mode, workers, sizeBytes };
  const blockText = String(values.blockSize);
  if (blockBytes % sectorBytes !== 0) {
    throw usageError(`--block-size ${quote(blockText)}: must be a multiple of ${formatQuantity(sectorBytes)}`);
  }
  if (blockBytes > sizeBytes) {
    throw usageError(`--block-size ${quote(blockText)}: must be at most --size ${formatQuantity(sizeBytes)}`);
  }
  return { kind: 'load', mode, workers, sizeBytes, blockBytes };
}

function toFill(values: FlagValues): FillRequest {
  const space = flags.fill.read(values);
  const inodes = flags.fillInodes.read(values);
  const leaveBytes = flags.leave.read(values);
  return {
    kind: 'fill',
    ...(space === undefined ? {} : { space: toSpace(space) }),
    ...(inodes === undefined ? {} : { inodes: toInodes(inodes) }),
    ...(leaveBytes === undefined ? {} : { leaveBytes }),
  };
}

const leastPercent = 1;

function toSpace(value: string): NonNullable<FillRequest['space']> {
  if (value.endsWith('%')) return { percent: percentage('--fill', value, leastPercent) };
  if (/^\d{1,2}(?:\.\d+)?$/.test(value)) {
    throw usageError(`--fill ${quote(value)}: must be a size such as 512Mi, or a percentage; did you mean ${value}%?`);
  }
  return { bytes: size('--fill', value, sectorBytes, maxBytes, true) };
}

/** More than any file system's that a pod has. */
const maxInodes = 1e9;

function toInodes(value: string): NonNullable<FillRequest['inodes']> {
  if (value.endsWith('%')) return { percent: percentage('--fill-inodes', value, leastPercent) };
  const count = parseQuantity(value);
  if (count === undefined || !Number.isInteger(count) || count < 1 || count > maxInodes) {
    throw usageError(
      `--fill-inodes ${quote(value)}: must be a whole number from 1 to ${formatQuantity(maxInodes)}, or a percentage such as 95%`,
    );
  }
  return { count };
}

type Limit = keyof ThrottleLimits;

const limits: Readonly<Record<string, Limit>> = {
  write: 'writeBytesPerSecond',
  read: 'readBytesPerSecond',
  'write-iops': 'writeOpsPerSecond',
  'read-iops': 'readOpsPerSecond',
};

/** Below it the least that can be written takes longer than a measurement may. */
const minBytesPerSecond = 4_096;
const maxBytesPerSecond = 2 ** 40;
const maxOpsPerSecond = 1e6;

function toThrottle(values: FlagValues): ThrottleRequest {
  const found: ThrottleLimits = {};
  for (const item of flags.throttle.read(values)) {
    const [name = '', value] = item.split('=');
    const limit = Object.hasOwn(limits, name) ? limits[name] : undefined;
    if (limit === undefined || value === undefined || item.split('=').length > 2) {
      throw usageError(
        `--throttle ${quote(item)}: must be write=SIZE, read=SIZE, write-iops=NUMBER or read-iops=NUMBER, such as write=1Mi,read=4Mi,write-iops=50`,
      );
    }
    if (found[limit] !== undefined) throw usageError(`--throttle ${quote(item)}: ${name} is given twice`);
    found[limit] = limit.endsWith('OpsPerSecond') ? operations(item, value) : bytes(item, value);
  }
  return { kind: 'throttle', limits: found };
}

function bytes(item: string, value: string): number {
  if (parsePercent(value) !== undefined) {
    throw usageError(`--throttle ${quote(item)}: must be a size such as 1Mi; percentages are not supported`);
  }
  return size(`--throttle ${item.slice(0, item.indexOf('='))}`, value, minBytesPerSecond, maxBytesPerSecond);
}

function operations(item: string, value: string): number {
  const count = parseQuantity(value);
  if (count === undefined || !Number.isInteger(count) || count < 1 || count > maxOpsPerSecond) {
    throw usageError(
      `--throttle ${quote(item)}: must be a whole number of operations per second from 1 to ${formatQuantity(maxOpsPerSecond)}`,
    );
  }
  return count;
}
