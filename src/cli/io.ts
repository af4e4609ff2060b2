import { usageError } from '../errors.ts';
import { defaultLeaveBytes, defaultSizeBytes } from '../faults/io/room.ts';
import {
  type FillRequest,
  type IoRequest,
  type LoadMode,
  type LoadRequest,
  loadModes,
  type ThrottleLimits,
  type ThrottleRequest,
} from '../faults/io/types.ts';
import { separateWords } from '../text.ts';
import { formatQuantity, parsePercent, parseQuantity } from '../units.ts';
import { type FlagValues, list, text } from './run-options.ts';
import { choice, integer, percentage, quote, size } from './values.ts';

/** Flags of `io` as a request. `passedOn` is what stood behind `--`. Throws usage errors only. */
export function toIoRequest(flags: FlagValues, passedOn: readonly string[] | undefined): IoRequest {
  if (passedOn !== undefined)
    throw usageError('-- : io takes nothing behind it; arguments for stress-ng are of stress');
  if (flags.rate !== undefined) {
    throw usageError(
      '--rate: stress-ng cannot hold a rate of I/O; to slow the target to one: --throttle write=1Mi,read=4Mi',
    );
  }
  const path = toPath(text(flags, 'path'));
  return { fault: 'io', path, action: toAction(flags), allowNodeDisk: flags.allowNodeDisk === true };
}

/** The kernel's PATH_MAX, with its NUL. */
const maxPathBytes = 4_095;

function toPath(path: string | undefined): string {
  if (path === undefined) throw usageError('--path is missing: name a directory of the container, such as /data');
  if (!path.startsWith('/')) {
    throw usageError(`--path ${quote(path)}: must be absolute, in the container: begin with /`);
  }
  // It is printed, and part of what others read about the experiment.
  if (/\p{Cc}/u.test(path)) throw usageError(`--path ${quote(path)}: holds a control character`);
  if (new TextEncoder().encode(path).length > maxPathBytes) throw usageError(`--path: at most ${maxPathBytes} bytes`);
  return path.length > 1 ? path.replace(/\/+$/, '') || '/' : path;
}

/** What each action is asked for by, and the flags that only change how it is done. */
const actions = {
  load: { by: ['mode'], with: ['workers', 'size', 'blockSize'] },
  fill: { by: ['fill', 'fillInodes'], with: ['leave'] },
  throttle: { by: ['throttle'], with: [] },
} as const satisfies Record<string, { by: readonly string[]; with: readonly string[] }>;

function toAction(flags: FlagValues): IoRequest['action'] {
  const given = (names: readonly string[]) => names.filter((name) => flags[name] !== undefined);
  const asked = Object.values(actions).flatMap(({ by }) => given(by).slice(0, 1));
  const [first, second] = asked;
  if (first !== undefined && second !== undefined) {
    throw usageError(`${spelt(first)} and ${spelt(second)} exclude each other: a run does one thing to the disk`);
  }
  for (const { by, with: others } of Object.values(actions)) {
    const [other] = given(others);
    if (other !== undefined && given(by).length === 0) {
      throw usageError(`${spelt(other)} needs ${by.map(spelt).join(' or ')}`);
    }
  }
  if (first === 'mode') return toLoad(flags);
  if (first === 'throttle') return toThrottle(flags);
  if (first !== undefined) return toFill(flags);
  throw usageError('nothing to do: give --mode, --fill, --fill-inodes or --throttle');
}

function spelt(name: string): string {
  return `--${separateWords(name, '-')}`;
}

/** stress-ng takes no less for a file. */
const minSizeBytes = 2 ** 20;
const maxBytes = 2 ** 50;
/** O_DIRECT asks for whole sectors, of at most 4 KiB; stress-ng takes no more than 4 MiB. */
const sectorBytes = 4_096;
const maxBlockBytes = 4 * 2 ** 20;

function toLoad(flags: FlagValues): LoadRequest {
  const mode = choice<LoadMode>('--mode', text(flags, 'mode') ?? '', loadModes);
  const workers = integer('--workers', text(flags, 'workers') ?? '1', 1, 256);
  const sizeText = text(flags, 'size');
  const blockText = text(flags, 'blockSize');
  if (mode === 'metadata') {
    const useless = sizeText === undefined ? (blockText === undefined ? undefined : '--block-size') : '--size';
    if (useless) throw usageError(`${useless} has no use with --mode metadata: its files are empty`);
  }
  if (mode === 'read' && blockText !== undefined) {
    throw usageError('--block-size has no use with --mode read: stress-ng chooses it; --mode mixed reads in blocks');
  }
  const sizeBytes = sizeText === undefined ? defaultSizeBytes : size('--size', sizeText, minSizeBytes, maxBytes);
  if (blockText === undefined) return { kind: 'load', mode, workers, sizeBytes };
  const blockBytes = size('--block-size', blockText, sectorBytes, maxBlockBytes);
  if (blockBytes % sectorBytes !== 0) {
    throw usageError(`--block-size ${quote(blockText)}: must be a multiple of ${formatQuantity(sectorBytes)}`);
  }
  if (blockBytes > sizeBytes) {
    throw usageError(`--block-size ${quote(blockText)}: must be at most --size ${formatQuantity(sizeBytes)}`);
  }
  return { kind: 'load', mode, workers, sizeBytes, blockBytes };
}

function toFill(flags: FlagValues): FillRequest {
  const space = text(flags, 'fill');
  const inodes = text(flags, 'fillInodes');
  const leave = text(flags, 'leave');
  return {
    kind: 'fill',
    ...(space === undefined ? {} : { space: toSpace(space) }),
    ...(inodes === undefined ? {} : { inodes: toInodes(inodes) }),
    leaveBytes: leave === undefined ? defaultLeaveBytes : size('--leave', leave, 0, maxBytes),
  };
}

const leastPercent = 1;

function toSpace(value: string): NonNullable<FillRequest['space']> {
  if (value.endsWith('%')) return { percent: percentage('--fill', value, leastPercent) };
  if (/^\d{1,2}(?:\.\d+)?$/.test(value)) {
    throw usageError(`--fill ${quote(value)}: not a size such as 512Mi; did you mean ${value}%?`);
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

function toThrottle(flags: FlagValues): ThrottleRequest {
  const found: ThrottleLimits = {};
  for (const item of list(flags, 'throttle')) {
    const [name = '', value] = item.split('=');
    const limit = Object.hasOwn(limits, name) ? limits[name] : undefined;
    if (limit === undefined || value === undefined || item.split('=').length > 2) {
      throw usageError(
        `--throttle ${quote(item)}: must be ${Object.keys(limits).join('=, ')}=, such as write=1Mi,read=4Mi,write-iops=50`,
      );
    }
    if (found[limit] !== undefined) throw usageError(`--throttle ${quote(item)}: ${name} is given twice`);
    found[limit] = limit.endsWith('OpsPerSecond') ? operations(item, value) : bytes(item, value);
  }
  return { kind: 'throttle', limits: found };
}

function bytes(item: string, value: string): number {
  if (parsePercent(value) !== undefined) {
    throw usageError(
      `--throttle ${quote(item)}: not a size such as 1Mi; of what a disk can do nobody knows a percentage`,
    );
  }
  return size(`--throttle ${item.slice(0, item.indexOf('='))}`, value, minBytesPerSecond, maxBytesPerSecond);
}

function operations(item: string, value: string): number {
  const count = parseQuantity(value);
  if (count === undefined || !Number.isInteger(count) || count < 1 || count > maxOpsPerSecond) {
    throw usageError(
      `--throttle ${quote(item)}: must be a whole number of operations a second from 1 to ${formatQuantity(maxOpsPerSecond)}`,
    );
  }
  return count;
}
