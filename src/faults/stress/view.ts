import type { Target } from '../../ports.ts';
import type { Sample } from '../../shim/protocol.ts';
import { formatBytes } from '../../text.ts';
import { cpuCeiling } from '../common/ceiling.ts';
import { dash, percent, pressure, targetName } from '../common/cells.ts';
import { type Measurement, measure } from '../common/measure.ts';
import { workingSet } from '../common/memory.ts';
import type { LiveRow, Rows } from '../fault.ts';
import type { StressVerdict } from './verdict.ts';

const ceilingWords = { quota: 'of limit', node: 'of node', cpuset: 'of cpuset' };

/** What the live view of a running stress shows. */
export interface StressSample {
  target: Target;
  before: readonly Sample[];
  previous: Sample;
  sample: Sample;
}

export function liveRow({ before, previous, sample, target }: StressSample): LiveRow {
  const first = before[0];
  const last = before.at(-1);
  const base = first && last ? measure(first, last) : undefined;
  const now = measure(previous, sample);
  const ceiling = cpuCeiling(sample, target.nodeCores);
  const cpu = now?.cpuCores;
  const memory = workingSet(sample);
  return {
    head: ['TARGET', 'CPU before → now', ceilingWords[ceiling?.by ?? 'quota'], 'throttled', 'MEMORY'],
    row: [
      targetName(target),
      cpu === undefined ? dash : `${base?.cpuCores?.toFixed(2) ?? dash} → ${cpu.toFixed(2)} cores`,
      cpu === undefined || !ceiling ? dash : percent(cpu / ceiling.cores),
      percent(now?.throttledShare),
      memory === undefined ? dash : formatBytes(memory),
    ],
  };
}

/** What the target's cgroup showed before, during and after; rows that the kernel does not tell are left out. */
export function proofRows({ before, during, after }: Pick<StressVerdict, 'before' | 'during' | 'after'>): Rows {
  const head = ['', 'before', 'during', 'after'];
  if (!during) return { head, rows: [] };
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
  return { head, rows: rows.filter(([, ...cells]) => cells.some((cell) => cell !== dash && !noPressure.test(cell))) };
}

/** A resource that nobody waited for, or hardly: a row of nothing else is left out. */
const noPressure = /^0(?:\.[0-4])?% of the time$/;
