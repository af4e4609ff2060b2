/** An amount of memory as the user said it. */
export type MemoryAmount =
  /** Bytes, > 0. */
  | { bytes: number }
  /** Percent of what binds the container: a limit in force, or memory.high; the node's memory where there is none; > 0. */
  | { percent: number };

/** What `stress` is asked to do; at least one of the four. */
export interface StressRequest {
  fault: 'stress';
  cpu?: { workers: number; loadPercent: number };
  memory?: MemoryAmount;
  processes?: number;
  /** Arguments for stress-ng as the user wrote them after `--`. */
  stressNgArgs: readonly string[];
  oomVictim: 'stressor' | 'app';
  /** Memory that the node's other pods need may be taken. */
  allowNodeMemory?: true;
}
