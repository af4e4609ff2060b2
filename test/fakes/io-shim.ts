import type { PathEvent, PathFacts, Sample } from '../../src/shim/protocol.ts';
import { MiB, pathEvent, pathFacts } from './samples.ts';

/** What the shim finds in a path, and on the disk behind it. */
export class IoShim {
  /** Undefined: it was not asked for a path. */
  facts: PathFacts | undefined;
  /** False: it is still at its first probe. */
  isProbing = true;
  /** Fields of every probe from now on. */
  found: Partial<PathEvent> = {};
  /** What the container writes, bytes in a second. */
  writesPerSecond = 0;
  #written = 100 * MiB;

  expect(change: Partial<PathFacts> = {}): void {
    this.facts = pathFacts(change);
  }

  /** `seconds` after the first sample. */
  probes(seconds: number): PathEvent[] {
    return this.facts && this.isProbing ? [pathEvent(seconds, this.found)] : [];
  }

  pass(ms: number): void {
    this.#written += (this.writesPerSecond * ms) / 1_000;
  }

  counters(): Partial<Sample> {
    if (!this.facts) return {};
    const blocks = Math.round(this.#written / MiB);
    return { ioReadBytes: 0, ioReadOps: 0, ioWriteBytes: Math.round(this.#written), ioWriteOps: blocks };
  }
}
