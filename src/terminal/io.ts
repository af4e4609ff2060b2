import { roomOf } from '../faults/io/room.ts';
import type { IoMeasurement } from '../faults/io/types.ts';
import type { Fact } from '../session/facts.ts';
import type { PathEvent, PathFacts, Sample } from '../shim/protocol.ts';
import { formatBytes, formatCount, formatElapsed, formatNumber } from '../text.ts';
import { dash, pressure, render } from './table.ts';
import { oneLine, targetName } from './words.ts';

/** What the human reporters show of an io fault: which disk it is, how it goes on, what it did. Pure. */

/** Below `target` and `fault`. The target may have named its mounts. */
export function mountLine({ line }: Extract<Fact, { kind: 'io-found' }>): string {
  return oneLine(`mount    ${line}`);
}

/** The live view of a running io fault. */
export function liveIoTable(fact: Extract<Fact, { kind: 'io-sample' }>): string[] {
  const { target, previous, sample, facts, pathBefore, path } = fact;
  return render(
    ['TARGET', 'READ', 'WRITTEN', 'SYNCED WRITE before → now', 'FREE', 'left'],
    [
      [
        targetName(target),
        rate(previous, sample, 'io_read_bytes'),
        rate(previous, sample, 'io_write_bytes'),
        `${latency(pathBefore?.write_us)} → ${path?.problem === undefined ? latency(path?.write_us) : 'failed'}`,
        free(path ?? pathBefore, facts),
        formatElapsed(fact.leftMs),
      ],
    ],
  );
}

function rate(previous: Sample, sample: Sample, name: 'io_read_bytes' | 'io_write_bytes'): string {
  const from = previous[name];
  const to = sample[name];
  const us = sample.elapsed_us - previous.elapsed_us;
  if (from === undefined || to === undefined || us <= 0) return dash;
  return `${formatBytes(Math.max(0, to - from) / (us / 1e6))}/s`;
}

/** To the target's user, as the verdict has it. */
function free(path: PathEvent | undefined, { may_use_reserved = false }: Partial<PathFacts> = {}): string {
  if (!path) return dash;
  const { freeBytes, wholeBytes, inodes } = roomOf(path, { may_use_reserved });
  const files = inodes ? `, ${formatNumber(inodes.free)} inodes` : '';
  return `${formatBytes(freeBytes)} of ${formatBytes(wholeBytes)}${files}`;
}

/** What the container did to its disks and what was seen of the path, before, during and after; rows that nothing was measured for are left out. */
export function ioProofTable(measured: IoMeasurement): string[] {
  const { seconds: time } = measured;
  const rows = [
    ['read', dash, amount(measured.readBytes, measured.readOps, time), dash],
    ['written', dash, amount(measured.writtenBytes, measured.writtenOps, time), dash],
    ['disk: read', dash, amount(measured.diskReadBytes, measured.diskReadOps, time), dash],
    ['disk: written', dash, amount(measured.diskWrittenBytes, measured.diskWrittenOps, time), dash],
    ['synced write', latency(measured.writeUsBefore), latency(measured.writeUsDuring), dash],
    ['read of a block', latency(measured.readUsBefore), latency(measured.readUsDuring), dash],
    [
      'free',
      bytes(measured.availableBytesBefore),
      bytes(measured.availableBytesDuring),
      bytes(measured.availableBytesAfter),
    ],
    [
      'free inodes',
      inodes(measured.inodesFreeBefore),
      inodes(measured.inodesFreeDuring),
      inodes(measured.inodesFreeAfter),
    ],
    ['I/O pressure', dash, pressure(measured.pressure) ?? dash, dash],
  ];
  return render(
    ['', 'before', 'during', 'after'],
    rows.filter(([, ...cells]) => cells.some((cell) => cell !== dash)),
  );
}

function amount(total: number | undefined, ops: number | undefined, time: number): string {
  if (total === undefined || time <= 0) return dash;
  const operations = ops === undefined ? '' : `, ${formatCount(Math.round(ops / time), 'operation')}/s`;
  return `${formatBytes(total)} (${formatBytes(total / time)}/s${operations})`;
}

function latency(us: number | undefined): string {
  return us === undefined ? dash : formatElapsed(us / 1_000);
}

function bytes(value: number | undefined): string {
  return value === undefined ? dash : formatBytes(value);
}

function inodes(value: number | undefined): string {
  return value === undefined ? dash : formatNumber(value);
}
