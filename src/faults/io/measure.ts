import { median } from '../../median.ts';
import type { PathEvent, Sample, Space } from '../../shim/protocol.ts';
import { growth, measure, withoutUndefined } from '../common/measure.ts';
import { roomOf } from './room.ts';
import type { IoMeasurement, IoObservation } from './types.ts';

export type Measured = Pick<
  IoObservation,
  'facts' | 'pathsBefore' | 'pathsDuring' | 'pathAfter' | 'samplesBefore' | 'samplesDuring'
>;

/** What was read and written between two looks. Absent: not counted. */
export interface Traffic {
  readBytes?: number;
  writtenBytes?: number;
  readOps?: number;
  writtenOps?: number;
}

/** Undefined: nothing was seen of the fault. */
export function measureIo(seen: Measured): IoMeasurement | undefined {
  const { pathsBefore, pathsDuring, samplesDuring } = seen;
  if (pathsDuring.length === 0 && samplesDuring.length === 0) return undefined;
  const [before, during, after] = [spaceBefore(seen), fullest(seen, 'freeBytes'), seen.pathAfter];
  const scarcest = fullest(seen, 'inodes');
  const disk = diskTraffic(seen);
  const pressure = pressureOf(samplesDuring);
  return withoutUndefined({
    ...traffic(seen),
    ...{ diskReadBytes: disk.readBytes, diskWrittenBytes: disk.writtenBytes },
    ...{ diskReadOps: disk.readOps, diskWrittenOps: disk.writtenOps },
    seconds: secondsOf(seen),
    ...{ writeUsBefore: medianOf(pathsBefore, 'writeUs'), writeUsDuring: medianOf(pathsDuring, 'writeUs') },
    ...{ readUsBefore: medianOf(pathsBefore, 'readUs'), readUsDuring: medianOf(pathsDuring, 'readUs') },
    availableBytesBefore: freeOf(before, seen)?.freeBytes ?? 0,
    availableBytesDuring: during?.freeBytes ?? 0,
    availableBytesAfter: freeOf(after, seen)?.freeBytes,
    inodesFreeBefore: freeOf(before, seen)?.inodes,
    inodesFreeDuring: scarcest?.inodes,
    inodesFreeAfter: freeOf(after, seen)?.inodes,
    pressure,
  });
}

/** The file system as it was without the fault: the last look before it, or where there was none the one after it. */
function spaceBefore({ facts, pathsBefore, pathAfter, pathsDuring }: Measured): Space | undefined {
  return pathsBefore.at(-1) ?? facts ?? pathAfter ?? pathsDuring[0];
}

interface Free {
  freeBytes: number;
  inodes: number | undefined;
}

function freeOf(space: Space | undefined, { facts }: Measured): Free | undefined {
  if (!space) return undefined;
  const room = roomOf(space, { mayUseReserved: facts?.mayUseReserved ?? false });
  return { freeBytes: room.freeBytes, inodes: room.inodes?.free };
}

/** The least there was of it under the fault. */
function fullest(seen: Measured, of: keyof Free): Free | undefined {
  const looks = seen.pathsDuring.flatMap((path) => freeOf(path, seen) ?? []);
  const [least = freeOf(spaceBefore(seen), seen)] = looks.toSorted((a, b) => (a[of] ?? 0) - (b[of] ?? 0));
  return least;
}

/** From the last look before the fault, where there was one: its first moment counts. */
function span<T>(before: readonly T[], during: readonly T[]): readonly [T | undefined, T | undefined] {
  return [before.at(-1) ?? during[0], during.at(-1)];
}

function secondsOf({ samplesBefore, samplesDuring, pathsBefore, pathsDuring }: Measured): number {
  const [from, to] = samplesDuring.length > 0 ? span(samplesBefore, samplesDuring) : span(pathsBefore, pathsDuring);
  return from && to ? Math.max(0, to.elapsedUs - from.elapsedUs) / 1e6 : 0;
}

function betweenSamples(from: Sample | undefined, to: Sample | undefined): Traffic {
  return withoutUndefined({
    ...{ readBytes: growth(from, to, 'ioReadBytes'), writtenBytes: growth(from, to, 'ioWriteBytes') },
    ...{ readOps: growth(from, to, 'ioReadOps'), writtenOps: growth(from, to, 'ioWriteOps') },
  });
}

function betweenPaths(from: PathEvent | undefined, to: PathEvent | undefined): Traffic {
  return withoutUndefined({
    ...{ readBytes: growth(from, to, 'diskReadBytes'), writtenBytes: growth(from, to, 'diskWriteBytes') },
    ...{ readOps: growth(from, to, 'diskReadOps'), writtenOps: growth(from, to, 'diskWriteOps') },
  });
}

function traffic({ samplesBefore, samplesDuring }: Measured): Traffic {
  return betweenSamples(...span(samplesBefore, samplesDuring));
}

function diskTraffic({ pathsBefore, pathsDuring }: Measured): Traffic {
  return betweenPaths(...span(pathsBefore, pathsDuring));
}

/** What the fault has added: what was going on before it, had it gone on, is taken off. */
export function addedTraffic(seen: Measured): { container: Traffic; own: Traffic; disk: Traffic; seconds: number } {
  const seconds = secondsOf(seen);
  const [firstSample, lastSample] = [seen.samplesBefore[0], seen.samplesBefore.at(-1)];
  const [firstPath, lastPath] = [seen.pathsBefore[0], seen.pathsBefore.at(-1)];
  const disk = diskTraffic(seen);
  const container = less(
    traffic(seen),
    betweenSamples(firstSample, lastSample),
    seconds / elapsed(firstSample, lastSample),
  );
  return {
    container,
    // Of a busy disk the whole is compared, not its growth: the container may have displaced others.
    own: ownPart(container, disk),
    disk: less(disk, betweenPaths(firstPath, lastPath), seconds / elapsed(firstPath, lastPath)),
    seconds,
  };
}

/** The container on this disk at most: its cgroup counts all devices (a device below another twice), the disk counts all its users. */
export function ownPart(container: Traffic, disk: Traffic): Traffic {
  const names = Object.keys(container) as Array<keyof Traffic>;
  return Object.fromEntries(
    names.map((name) => [name, Math.min(container[name] ?? 0, disk[name] ?? Number.POSITIVE_INFINITY)]),
  );
}

/** Seconds; where no time lies between, nothing is to be taken off. */
function elapsed(from: { elapsedUs: number } | undefined, to: { elapsedUs: number } | undefined): number {
  const us = from && to ? to.elapsedUs - from.elapsedUs : 0;
  return us > 0 ? us / 1e6 : Number.POSITIVE_INFINITY;
}

function less(total: Traffic, before: Traffic, factor: number): Traffic {
  const names = Object.keys(total) as Array<keyof Traffic>;
  return Object.fromEntries(
    names.map((name) => [name, Math.max(0, (total[name] ?? 0) - (before[name] ?? 0) * factor)]),
  ) as Traffic;
}

/** Of the container under the fault alone, without the time until it began. */
export function trafficUnder({ samplesDuring, pathsDuring }: Measured): {
  container: Traffic;
  disk: Traffic;
  seconds: number;
} {
  const [firstSample, lastSample] = [samplesDuring[0], samplesDuring.at(-1)];
  const [firstPath, lastPath] = [pathsDuring[0], pathsDuring.at(-1)];
  const seconds = firstSample && lastSample ? (lastSample.elapsedUs - firstSample.elapsedUs) / 1e6 : 0;
  const ofPaths = elapsed(firstPath, lastPath);
  return {
    container: betweenSamples(firstSample, lastSample),
    disk: Number.isFinite(ofPaths) ? scaled(betweenPaths(firstPath, lastPath), seconds / ofPaths) : {},
    seconds,
  };
}

function scaled(traffic: Traffic, factor: number): Traffic {
  return Object.fromEntries(Object.entries(traffic).map(([name, value]) => [name, value * factor]));
}

function pressureOf(samples: readonly Sample[]): number | undefined {
  const [first, last] = [samples[0], samples.at(-1)];
  const share = first && last && measure(first, last)?.ioPressure;
  return share === undefined ? undefined : Math.min(1, share);
}

function medianOf(paths: readonly PathEvent[], name: 'writeUs' | 'readUs'): number | undefined {
  return median(paths.flatMap((path) => path[name] ?? []));
}
