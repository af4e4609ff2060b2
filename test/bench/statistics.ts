/** Medians of interleaved runs: what else the machine does meanwhile hits both sides. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? Number.NaN) + high) / 2;
}

export interface Row {
  what: string;
  /** Milliseconds, bytes, or a count. */
  ours: number;
  unit: 'ms' | 'bytes' | 'requests';
  /** What it is compared with, in the same unit; undefined: an absolute goal. */
  rival?: { name: string; value: number };
  /** The goal as a ratio to the rival, or in `unit`. */
  goal: number;
}

/** How soon a fault is gone that nobody could stop any more; milliseconds. */
export function killedRows(what: string, times: readonly number[]): Row[] {
  const row = (name: string, ours: number): Row => ({
    what: `${what}, ${name} of ${times.length}`,
    ours,
    unit: 'ms',
    goal: 1_000,
  });
  return [row('median', median(times)), row('worst', Math.max(...times))];
}

export function printRows(rows: readonly Row[]): void {
  for (const { what, ours, unit, rival, goal } of rows) {
    const told = (value: number) => (unit === 'ms' ? `${value.toFixed(1)} ms` : `${value} ${unit}`);
    const measured = told(ours);
    const compared = rival
      ? `${(ours / rival.value).toFixed(2)} x ${rival.name} (${told(rival.value)}), goal ${goal} x`
      : `goal ${goal} ${unit}`;
    const reached = (rival ? ours / rival.value : ours) <= goal;
    process.stdout.write(`${reached ? 'reached' : 'MISSED '}  ${what}: ${measured}   ${compared}\n`);
  }
}
