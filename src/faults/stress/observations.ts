import type { DecidedStress } from './plan.ts';

/** What is seen of a stress beside what is seen of every run. */
export interface StressRun {
  /** What was worked out before the start; absent: of one that was found in force. */
  decided?: DecidedStress;
}
