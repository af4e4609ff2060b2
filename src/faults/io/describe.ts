import type { Volume } from '../../ports.ts';
import type { PathFacts } from '../../shim/protocol.ts';
import { formatBytes, formatCount, formatShortCount, joinWords } from '../../text.ts';
import { formatQuantity } from '../../units.ts';
import { roomOf } from './room.ts';
import type { FillRequest, IoRequest, LoadRequest, ThrottleLimits } from './types.ts';

/** What is asked, for people: `write by 4 workers of 1Gi each in /data`. */
export function describeIo({ path, action }: Pick<IoRequest, 'path' | 'action'>): string {
  switch (action.kind) {
    case 'load':
      return `${describeLoad(action)} in ${pathWord(path)}`;
    case 'fill':
      return `fill ${pathWord(path)} ${describeFill(action)}`;
    case 'throttle':
      return `throttle ${pathWord(path)} to ${describeLimits(action.limits)}`;
  }
}

function describeLoad({ mode, workers, sizeBytes, blockBytes }: LoadRequest): string {
  const who = `${mode} by ${formatCount(workers, 'worker')}`;
  if (mode === 'metadata') return who;
  const blocks = blockBytes === undefined ? '' : ` and in blocks of ${formatQuantity(blockBytes)}`;
  return `${who} of ${formatQuantity(sizeBytes)}${workers === 1 ? '' : ' each'}${blocks}`;
}

/** `to 95% and by 1,000 inodes`. */
export function describeFill({ space, inodes }: Pick<FillRequest, 'space' | 'inodes'>): string {
  return joinWords([
    ...(space ? ['bytes' in space ? `by ${formatQuantity(space.bytes)}` : `to ${space.percent}%`] : []),
    ...(inodes
      ? ['count' in inodes ? `by ${formatCount(inodes.count, 'inode')}` : `to ${inodes.percent}% of its inodes`]
      : []),
  ]);
}

export function describeLimits(limits: ThrottleLimits): string {
  const { readBytesPerSecond, writeBytesPerSecond, readOpsPerSecond, writeOpsPerSecond } = limits;
  return joinWords([
    ...(writeBytesPerSecond === undefined ? [] : [`${formatQuantity(writeBytesPerSecond)}/s written`]),
    ...(readBytesPerSecond === undefined ? [] : [`${formatQuantity(readBytesPerSecond)}/s read`]),
    ...(writeOpsPerSecond === undefined ? [] : [`${writeOpsPerSecond} writes/s`]),
    ...(readOpsPerSecond === undefined ? [] : [`${readOpsPerSecond} reads/s`]),
  ]);
}

/** A path in a sentence: quoted where one could not see its end. */
export function pathWord(path: string): string {
  return /^[^\s"'`,;]+$/u.test(path) ? path : JSON.stringify(path);
}

/** Whose disk it is, in one line: `/data is ext4 on /dev/sdb (PVC data-db-0), 9.8Gi, 7.2Gi free, 640k inodes free, rw`. */
export function describeMount(facts: PathFacts, volume: Volume): string {
  const room = roomOf(facts, facts);
  const mounted = facts.mountPoint === facts.path ? '' : `, mounted at ${pathWord(facts.mountPoint)}`;
  return [
    `${pathWord(facts.path)} is ${facts.type} on ${describeSource(facts)} (${describeVolume(volume)})${mounted}`,
    formatBytes(facts.sizeBytes),
    `${formatBytes(room.freeBytes)} free`,
    ...(room.inodes ? [`${formatShortCount(room.inodes.free)} inodes free`] : []),
    facts.readOnly ? 'read-only' : 'rw',
    ...(facts.onNode ? ["the node's own disk"] : []),
  ].join(', ');
}

/** What is mounted: the device, or where that is none the disk behind it. */
function describeSource({ source, diskName: disk }: PathFacts): string {
  if (disk === '' || source === `/dev/${disk}`) return source === '' ? 'nothing' : source;
  return source.startsWith('/dev/') ? `${source} of disk ${disk}` : `disk ${disk}`;
}

/** `PVC data-db-0`; the API's own word for the kinds that are rarer. */
export function describeVolume({ kind, name, detail }: Volume): string {
  switch (kind) {
    case 'root':
      return "the container's own root";
    case 'persistentVolumeClaim':
      return `PVC ${detail ?? name}`;
    case 'ephemeral':
      return `ephemeral PVC ${detail ?? name}`;
    case 'emptyDir':
      return `emptyDir ${name}${detail ? ` in ${detail}` : ''}`;
    default:
      return `${kind} ${name}${detail && detail !== name ? `, ${detail}` : ''}`;
  }
}
