import type { CgroupSetting } from '../../shim/commands.ts';
import type { CgroupPlace } from '../../shim/protocol.ts';
import type { ThrottleLimits } from './types.ts';

/** The hierarchy that can slow the target's I/O: v1's `blkio` where it is in one, else v2. Undefined: neither. */
export function throttler(cgroups: readonly CgroupPlace[]): 'blkio' | 'io' | undefined {
  if (cgroups.some(({ version, hierarchy }) => version === 1 && hierarchy.split(',').includes('blkio'))) return 'blkio';
  return cgroups.some(({ version }) => version === 2) ? 'io' : undefined;
}

/** In the order of the kernel's own file. */
const names = [
  { limit: 'readBytesPerSecond', io: 'rbps', blkio: 'blkio.throttle.read_bps_device' },
  { limit: 'writeBytesPerSecond', io: 'wbps', blkio: 'blkio.throttle.write_bps_device' },
  { limit: 'readOpsPerSecond', io: 'riops', blkio: 'blkio.throttle.read_iops_device' },
  { limit: 'writeOpsPerSecond', io: 'wiops', blkio: 'blkio.throttle.write_iops_device' },
] as const satisfies ReadonlyArray<{ limit: keyof ThrottleLimits; io: string; blkio: string }>;

/** What slows the target to these limits on this disk. Empty where nothing can: `reviewPath` refuses that. */
export function throttleSettings(
  limits: ThrottleLimits,
  disk: string,
  cgroups: readonly CgroupPlace[],
): readonly CgroupSetting[] {
  const by = throttler(cgroups);
  const asked = names.flatMap((name) => {
    const value = limits[name.limit];
    return value === undefined ? [] : [{ ...name, value }];
  });
  if (by === undefined || disk === '') return [];
  if (by === 'blkio') return asked.map(({ blkio, value }) => ({ file: blkio, device: disk, value: String(value) }));
  return [{ file: 'io.max', device: disk, value: asked.map(({ io, value }) => `${io}=${value}`).join(' ') }];
}

/** What is written, or read, to see a limit: so much that it makes it take as long as `us`. */
export interface Probe {
  bytes: number;
  blockBytes: number;
  /** At the limit, without what the kernel lets through at once. */
  us: number;
}

/** Much longer than a disk's own latency, and than the tenth of a second's worth that the kernel lets an idle group do at once. */
const probeSeconds = 0.25;
const pageBytes = 4_096;
const maxBlockBytes = 2 ** 20;
const maxProbeBytes = 16 * 2 ** 20;
/** Operations of a probe: they are done one after the other, each synced. */
const maxOps = 128;

/** Undefined: neither its bytes nor its operations are limited. */
export function probeOf(limits: ThrottleLimits, way: 'read' | 'write'): Probe | undefined {
  const bytesPerSecond = limits[`${way}BytesPerSecond`];
  const opsPerSecond = limits[`${way}OpsPerSecond`];
  if (bytesPerSecond === undefined && opsPerSecond === undefined) return undefined;
  const wanted = bytesPerSecond === undefined ? 0 : Math.min(maxProbeBytes, bytesPerSecond * probeSeconds);
  // In as many operations as that limit allows meanwhile; where only bytes are limited, in as few as can be.
  const ops =
    opsPerSecond === undefined
      ? Math.ceil(wanted / maxBlockBytes)
      : Math.min(maxOps, Math.max(1, Math.round(opsPerSecond * probeSeconds)));
  const blockBytes = Math.min(maxBlockBytes, inPages(wanted / Math.max(1, ops)));
  const needed = bytesPerSecond === undefined ? ops : Math.min(ops, Math.round(wanted / blockBytes));
  // A block is rounded to pages: so many of them may be more than wanted.
  const bytes = blockBytes * Math.max(1, Math.min(needed, Math.floor(maxProbeBytes / blockBytes)));
  const seconds = Math.max(bytes / (bytesPerSecond ?? Infinity), bytes / blockBytes / (opsPerSecond ?? Infinity));
  return { bytes, blockBytes, us: Math.round(seconds * 1e6) };
}

function inPages(bytes: number): number {
  return pageBytes * Math.max(1, Math.round(bytes / pageBytes));
}

/** The value of the shim's `--probe`. */
export function probeFor(limits: ThrottleLimits): string {
  const words = (['write', 'read'] as const).flatMap((way) => {
    const probe = probeOf(limits, way);
    return probe ? [`${way}=${probe.bytes}/${probe.blockBytes}`] : [];
  });
  return words.join(',');
}
