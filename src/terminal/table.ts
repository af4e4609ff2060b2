import Table from 'cli-table3';
import type { RunEvent } from '../experiment/events.ts';
import type { Rows } from '../faults/fault.ts';
import { formatElapsed } from '../text.ts';
import { harmless } from './words.ts';

/** Columns apart by spaces, as kubectl prints tables. */
const plainChars = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** Lines of cells in columns. */
export function columns(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const table = new Table({
    head: [...head],
    chars: plainChars,
    style: { 'padding-left': 0, 'padding-right': 1, head: [], border: [], compact: true },
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}

/** Cells that others have written, each one line without gaps that could be taken for the end of a column. */
export function cells(row: readonly string[]): string[] {
  return row.map((cell) => harmless(cell).replace(/\s+/g, ' '));
}

/** As `columns`, set off from the text around it. */
function render(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return columns(head, rows).map((line) => `  ${line}`);
}

/** The table of the running fault; undefined: the event is about something else. */
export function liveTable(event: RunEvent): string[] | undefined {
  if (event.kind !== 'sample') return undefined;
  const { head, row } = event.live;
  return render([...head, 'left'], [[...row, formatElapsed(event.leftMs)]]);
}

/** What a fault measured; nothing where there are no rows. */
export function proofTable({ head, rows }: Rows): string[] {
  return rows.length === 0 ? [] : render(head, rows);
}
