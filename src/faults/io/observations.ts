import type { PathEvent, PathFacts } from '../../shim/protocol.ts';
import type { FaultEvent } from '../fault.ts';
import type { IoFault } from './types.ts';
import { volumeBehind } from './volume.ts';

/** What was seen of the path of an io fault. */
export class IoRun {
  /** The fault in the volume that the shim has found its path in; until then, in the one that the path names. */
  fault: IoFault;
  /** Undefined: not heard, of a fault that another command has started. */
  facts: PathFacts | undefined;
  readonly pathsBefore: PathEvent[] = [];
  readonly pathsDuring: PathEvent[] = [];
  pathAfter: PathEvent | undefined;
  readonly #problems = new Set<string>();

  constructor(fault: IoFault) {
    this.fault = fault;
  }

  /** What the path is. The first time, that decides which volume it is in. */
  found(facts: PathFacts): void {
    const { volumes } = this.fault.surroundings;
    if (!this.facts && volumes) {
      const volume = volumeBehind(volumes, facts);
      this.fault = { ...this.fault, surroundings: { volume, volumes } };
    }
    this.facts = facts;
  }

  /** Warns once of each problem: a failing disk fails every probe. */
  warnOf({ problem }: PathEvent, run: { report(event: FaultEvent): void }): void {
    if (problem === undefined || this.#problems.has(problem)) return;
    this.#problems.add(problem);
    run.report({ kind: 'warning', message: `the path could not be measured: ${problem}` });
  }
}
