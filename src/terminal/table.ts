import Table from 'cli-table3';
import type { Rows } from '../faults/fault.ts';
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

/** Set off from the text around it. */
export function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

/** What a fault measured; nothing where there are no rows. */
export function proofTable({ head, rows }: Rows): string[] {
  return rows.length === 0 ? [] : indented(columns(head, rows));
}
