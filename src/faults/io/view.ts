import type { Target } from '../../ports.ts';
import type { PathEvent, PathFacts, Sample } from '../../shim/protocol.ts';
import { formatBytes, formatCount, formatElapsed, formatNumber } from '../../text.ts';
import { dash, pressure, targetName } from '../common/cells.ts';
import type { LiveRow, Rows } from '../fault.ts';
import { formatBytesApart } from './digits.ts';
import { roomOf } from './room.ts';
import type { IoMeasurement } from './types.ts';

/** What is shown of an io fault: how it goes on, what it did. Pure. */

/** The live view of a running io fault. */
export interface IoSample {
  target: Target;
  previous: Sample;
  sample: Sample;
  /** Undefined: not heard, of a fault that another command has started. */
  facts?: PathFacts;
  /** The latest before the fault, and the latest under it. */
  pathBefore?: PathEvent;
  path?: PathEvent;
}

export function liveRow({ target, previous, sample, facts, pathBefore, path }: IoSample): LiveRow {
  return {
    head: ['TARGET', 'READ', 'WRITTEN', 'SYNCED WRITE before → now', 'FREE'],
    row: [
      targetName(target),
      rate(previous, sample, 'ioReadBytes'),
      rate(previous, sample, 'ioWriteBytes'),
      `${latency(pathBefore?.writeUs)} → ${path?.problem === undefined ? latency(path?.writeUs) : 'failed'}`,
      free(path ?? pathBefore, facts),
    ],
  };
}

function rate(previous: Sample, sample: Sample, name: 'ioReadBytes' | 'ioWriteBytes'): string {
  const from = previous[name];
  const to = sample[name];
  const us = sample.elapsedUs - previous.elapsedUs;
  if (from === undefined || to === undefined || us <= 0) return dash;
  return `${formatBytes(Math.max(0, to - from) / (us / 1e6))}/s`;
}

/** To the target's user, as the verdict has it. */
function free(path: PathEvent | undefined, { mayUseReserved = false }: Partial<PathFacts> = {}): string {
  if (!path) return dash;
  const { freeBytes, wholeBytes, inodes } = roomOf(path, { mayUseReserved });
  const files = inodes ? `, ${formatNumber(inodes.free)} inodes` : '';
  return `${formatBytes(freeBytes)} of ${formatBytes(wholeBytes)}${files}`;
}

/** What the container did to its disks and what was seen of the path, before, during and after; rows that nothing was measured for are left out. */
export function proofRows(measured: IoMeasurement): Rows {
  const { seconds: time } = measured;
  const rows = [
    ['read', dash, amount(measured.readBytes, measured.readOps, time), dash],
    ['written', dash, amount(measured.writtenBytes, measured.writtenOps, time), dash],
    ['disk: read', dash, amount(measured.diskReadBytes, measured.diskReadOps, time), dash],
    ['disk: written', dash, amount(measured.diskWrittenBytes, measured.diskWrittenOps, time), dash],
    ['synced write', latency(measured.writeUsBefore), latency(measured.writeUsDuring), dash],
    ['read of a block', latency(measured.readUsBefore), latency(measured.readUsDuring), dash],
    ['free', ...freeBytes(measured)],
    [
      'free inodes',
      inodes(measured.inodesFreeBefore),
      inodes(measured.inodesFreeDuring),
      inodes(measured.inodesFreeAfter),
    ],
    ['I/O pressure', dash, pressure(measured.pressure) ?? dash, dash],
  ];
  return {
    head: ['', 'before', 'during', 'after'],
    rows: rows.filter(([, ...cells]) => cells.some((cell) => cell !== dash)),
  };
}

function amount(total: number | undefined, ops: number | undefined, time: number): string {
  if (total === undefined || time <= 0) return dash;
  const operations = ops === undefined ? '' : `, ${formatCount(Math.round(ops / time), 'operation')}/s`;
  return `${formatBytes(total)} (${formatBytes(total / time)}/s${operations})`;
}

function latency(us: number | undefined): string {
  return us === undefined ? dash : formatElapsed(us / 1_000);
}

/** Before, during and after, so that the first two differ where they do. */
function freeBytes(measured: IoMeasurement): string[] {
  const { availableBytesBefore: before, availableBytesDuring: during, availableBytesAfter: after } = measured;
  return [before, during, after].map((value) =>
    value === undefined ? dash : formatBytesApart(value, before - during),
  );
}

function inodes(value: number | undefined): string {
  return value === undefined ? dash : formatNumber(value);
}
