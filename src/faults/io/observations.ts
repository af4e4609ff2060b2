import type { Volume } from '../../ports.ts';
import type { PathEvent, PathFacts } from '../../shim/protocol.ts';
import type { FaultEvent } from '../fault.ts';

/** What was seen of the path of an io fault. */
export class IoRun {
  /** Undefined: not heard, of a fault that another command has started. */
  facts: PathFacts | undefined;
  /** Where the path has been found to be. */
  volume: Volume;
  readonly pathsBefore: PathEvent[] = [];
  readonly pathsDuring: PathEvent[] = [];
  pathAfter: PathEvent | undefined;
  readonly #problems = new Set<string>();

  constructor(volume: Volume) {
    this.volume = volume;
  }

  /** Warns once of each problem: a failing disk fails every probe. */
  warnOf({ problem }: PathEvent, run: { report(event: FaultEvent): void }): void {
    if (problem === undefined || this.#problems.has(problem)) return;
    this.#problems.add(problem);
    run.report({ kind: 'warning', message: `the path could not be measured: ${problem}` });
  }
}
