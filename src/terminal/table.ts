import Table from 'cli-table3';
import { cpuCeiling, type Measurement, measure } from '../faults/cgroup/measure.ts';
import { workingSet } from '../faults/cgroup/memory.ts';
import type { Verdict } from '../faults/verdict.ts';
import type { Fact } from '../session/facts.ts';
import { formatBytes, formatElapsed, formatPercent } from '../text.ts';
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
export function columns(head: string[], rows: string[][]): string[] {
  const table = new Table({
    head,
    chars: plainChars,
    style: { 'padding-left': 0, 'padding-right': 1, head: [], border: [], compact: true },
  });
  table.push(...rows);
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
export function render(head: string[], rows: string[][]): string[] {
  return columns(head, rows).map((line) => `  ${line}`);
}

/** Where there is nothing to say. */
export const dash = '-';

const ceilingWords = { quota: 'of limit', node: 'of node', cpuset: 'of cpuset' };

/** The live view of one running target. */
export function liveTable(fact: Extract<Fact, { kind: 'sample' }>): string[] {
  const { before, previous, sample, target } = fact;
  const first = before[0];
  const last = before.at(-1);
  const base = first && last ? measure(first, last) : undefined;
  const now = measure(previous, sample);
  const ceiling = cpuCeiling(sample, target.nodeAllocatableCores);
  const cpu = now?.cpuCores;
  const memory = workingSet(sample);
  return render(
    ['TARGET', 'CPU before → now', ceilingWords[ceiling?.by ?? 'quota'], 'throttled', 'MEMORY', 'left'],
    [
      [
        `${target.pod} (${target.container})`,
        cpu === undefined ? dash : `${base?.cpuCores?.toFixed(2) ?? dash} → ${cpu.toFixed(2)} cores`,
        cpu === undefined || !ceiling ? dash : percent(cpu / ceiling.cores),
        percent(now?.throttledShare),
        memory === undefined ? dash : formatBytes(memory),
        formatElapsed(fact.leftMs),
      ],
    ],
  );
}

/** What the target's cgroup showed before, during and after; rows that the kernel does not tell are left out. */
export function proofTable(verdict: Verdict): string[] {
  const { before, during, after } = verdict;
  if (!during) return [];
  const row = (name: string, of: (m: Measurement) => string | undefined, end = ''): string[] => [
    name,
    (before && of(before)) ?? dash,
    of(during) ?? dash,
    end || dash,
  ];
  const bytes = (value: number | undefined) => (value === undefined ? undefined : formatBytes(value));
  const rows = [
    row('CPU', (m) => (m.cpuCores === undefined ? undefined : `${m.cpuCores.toFixed(2)} cores`)),
    row('throttled', (m) => (m.throttledShare === undefined ? undefined : `${percent(m.throttledShare)} of periods`)),
    row('memory', (m) => bytes(m.memoryBytes), bytes(after?.memoryBytes)),
    row('OOM kills', (m) => m.oomKills?.toString()),
    row('processes', (m) => m.processes?.toString(), after?.processes?.toString()),
    row('CPU pressure', (m) => pressure(m.cpuPressure)),
    row('memory pressure', (m) => pressure(m.memoryPressure)),
    row('I/O pressure', (m) => pressure(m.ioPressure)),
  ];
  return render(
    ['', 'before', 'during', 'after'],
    rows.filter(([, ...cells]) => cells.some((cell) => cell !== dash && !noPressure.test(cell))),
  );
}

/** A resource that nobody waited for, or hardly: a row of nothing else is left out. */
const noPressure = /^0(?:\.[0-4])?% of the time$/;

function percent(share: number | undefined): string {
  return share === undefined ? dash : formatPercent(100 * share);
}

/** Of the time in which somebody waited for a resource. */
export function pressure(share: number | undefined): string | undefined {
  return share === undefined ? undefined : `${percent(share)} of the time`;
}
