import { formatBytes, formatCount, formatPercent, joinWords } from '../../text.ts';
import { growth } from '../common/measure.ts';
import { whySlow } from '../common/slow.ts';
import type { Proof } from '../fault.ts';
import { limitsMet, limitsSeen } from './limits.ts';
import { reads, writes } from './load.ts';
import { addedTraffic, type Traffic } from './measure.ts';
import { amount, change, placeOf, proof, type SeenIo, unmeasured } from './proof.ts';
import type { IoFault, IoMeasurement, LoadMode, LoadRequest, ThrottleLimits } from './types.ts';

/** What must have gone over the disk at least: a load that stays in the page cache gets nothing there, or what a journal writes by itself. */
const tellingBytes = 2 ** 20;
const tellingOps = 64;

/** With less free than this, the largest block that a load writes does not fit. */
const fullBytes = 2 ** 20;

/** A probe that takes this many times as long as before, and this much longer, is an effect where no disk can be counted. */
const slower = { factor: 1.5, us: 200 };
const tellingPressure = 0.1;

export function judgeLoad(fault: IoFault, load: LoadRequest, seen: SeenIo, io: IoMeasurement): Proof {
  const asked = `Asked for ${load.mode} by ${formatCount(load.workers, 'worker')}`;
  const latencies = [
    change('fsync', io.writeUsBefore, io.writeUsDuring),
    reads[load.mode] ? change('read', io.readUsBefore, io.readUsDuring) : undefined,
    io.pressure === undefined ? undefined : `some task waited for I/O ${formatPercent(100 * io.pressure)} of the time`,
    // stress-ng goes on where a file of its finds no room.
    writes[load.mode] && io.availableBytesDuring < fullBytes ? 'the file system was full at times' : undefined,
    seen.isFound ? "the target's own I/O was not measured" : undefined,
  ].filter((text) => text !== undefined);
  const sentence = (what: string) => [`${asked}: ${what}`, ...latencies].join('; ');
  const place = placeOf(fault, seen);
  const { container, own, disk, seconds } = addedTraffic(seen);
  const byDisk = isCountedByDiskOnly(load.mode, seen, container);
  const limits = limitsMet(ratesOf(load.mode, own, seconds), limitsSeen(seen));
  // All that a low limit lets through may be little.
  const isOwn = isEffect(load.mode, own) || (limits.length > 0 && load.mode !== 'mixed');
  const effect = isOwn ? own : byDisk && isEffect(load.mode, disk) ? disk : undefined;
  if (effect) {
    const countedBy = effect === own ? '' : ', as the disk itself counts it';
    const limited = limits.length > 0 ? `, limited to ${joinWords(limits)}` : '';
    return proof(true, sentence(`${describeTraffic(load.mode, effect, seconds, place)}${countedBy}${limited}`));
  }
  const waits =
    isSlower(io.writeUsBefore, io.writeUsDuring) || (reads[load.mode] && isSlower(io.readUsBefore, io.readUsDuring));
  if (seen.facts?.disk === '') {
    const taken = io.availableBytesBefore - io.availableBytesDuring;
    const grew = writes[load.mode] && taken >= tellingBytes ? `, ${formatBytes(taken)} less free at most` : '';
    const nothing = waits || grew !== '' ? '' : ', and no other effect was measured';
    return proof(
      waits || grew !== '',
      sentence(`${place} is not backed by a local disk that counts I/O${grew}${nothing}`),
    );
  }
  // A journal is written by the kernel, for everybody: its container does not show in it.
  if (load.mode === 'metadata' && (waits || (io.pressure ?? 0) >= tellingPressure)) {
    return proof(true, sentence(`changes to ${place} took longer; journal writes are not attributed to a cgroup`));
  }
  if (isUncounted(seen)) {
    const nothing = waits ? '; I/O takes longer than before' : '; the disk itself was no busier than before';
    const what = `cgroup v1 of this kernel does not count a container's I/O on the disk of ${place}`;
    return waits
      ? proof(true, sentence(`${what}${nothing}`))
      : unmeasured(sentence(`${what}, so it cannot be measured there${nothing}`));
  }
  const isCounted = container.writtenBytes !== undefined || disk.writtenBytes !== undefined;
  const others =
    !byDisk && isEffect(load.mode, disk) ? `; others ${describeTraffic(load.mode, disk, seconds, 'it')}` : '';
  const slow = whySlow({ during: seen.samplesDuring }, 'to get there');
  const nothing = sentence(`${whyNothing(load.mode, container, byDisk ? disk : {}, place, slow)}${others}`);
  return isCounted ? proof(false, nothing) : unmeasured(nothing);
}

/**
 * Of a container that v2 counts, all but a journal is counted: what else the disk does is done by others. v1 may count
 * another disk of the container and not this one.
 */
function isCountedByDiskOnly(mode: LoadMode, { counter }: SeenIo, { writtenBytes: counted }: Traffic): boolean {
  return mode === 'metadata' || counter !== 'io' || counted === undefined;
}

function ratesOf(mode: LoadMode, traffic: Traffic, seconds: number): ThrottleLimits {
  const { readBytes = 0, readOps = 0, writtenBytes = 0, writtenOps = 0 } = traffic;
  const rate = (total: number) => total / Math.max(seconds, 1e-3);
  return {
    ...(writes[mode] ? { writeBytesPerSecond: rate(writtenBytes), writeOpsPerSecond: rate(writtenOps) } : {}),
    ...(reads[mode] ? { readBytesPerSecond: rate(readBytes), readOpsPerSecond: rate(readOps) } : {}),
  };
}

/**
 * The probe writes to the disk in the target's cgroup: where not even that is counted, no load is. Since Linux 6.10 v1
 * counts only disks that have a limit.
 */
function isUncounted({ counter, pathsDuring, samplesBefore, samplesDuring }: SeenIo): boolean {
  const probes = pathsDuring.filter(({ writeUs: time }) => time !== undefined);
  const written = growth(samplesBefore.at(-1) ?? samplesDuring[0], samplesDuring.at(-1), 'ioWriteBytes');
  return counter === 'blkio' && probes.length > 1 && written === 0;
}

/** Whether there is traffic enough in each direction that the mode uses. */
function isEffect(mode: LoadMode, { readBytes = 0, readOps = 0, writtenBytes = 0, writtenOps = 0 }: Traffic): boolean {
  const isReal = (bytes: number, ops: number) => bytes >= tellingBytes || (bytes > 0 && ops >= tellingOps);
  return (!reads[mode] || isReal(readBytes, readOps)) && (!writes[mode] || isReal(writtenBytes, writtenOps));
}

function describeTraffic(mode: LoadMode, traffic: Traffic, seconds: number, place: string): string {
  const { readBytes = 0, writtenBytes = 0, writtenOps = 0 } = traffic;
  const read = `read ${amount(readBytes, seconds)}`;
  const wrote = `wrote ${amount(writtenBytes, seconds)}`;
  const operations = `${formatCount(Math.round(writtenOps / Math.max(seconds, 1e-3)), 'write')}/s`;
  switch (mode) {
    case 'read':
      return `${read} from ${place}`;
    case 'write':
      return `${wrote} to ${place}`;
    case 'mixed':
      return `${read} and ${wrote} in ${place}`;
    case 'metadata':
    case 'sync':
      return `${wrote} in ${operations} to ${place}`;
  }
}

function isSlower(before: number | undefined, during: number | undefined): boolean {
  return (
    before !== undefined && during !== undefined && during >= before * slower.factor && during - before >= slower.us
  );
}

/** `slow`: as the end of a sentence, if lack of CPU time is the reason. */
function whyNothing(mode: LoadMode, container: Traffic, disk: Traffic, place: string, slow: string): string {
  const written = Math.max(container.writtenBytes ?? 0, disk.writtenBytes ?? 0);
  if (reads[mode] && written >= tellingBytes)
    return `only the files to read were prepared in ${place}: use a longer --duration or a smaller --size${slow}`;
  const isCounted = container.writtenBytes !== undefined || disk.writtenBytes !== undefined;
  return isCounted
    ? `nothing of it reached the disk of ${place}${slow || ': it was served from the page cache'}`
    : `the kernel reports neither what the container nor what the disk of ${place} reads and writes`;
}
