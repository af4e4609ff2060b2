/** Whether an object is there: `maybe` after a creation without an answer, which may still arrive after a deletion that found nothing. */
export type Existence = 'yes' | 'maybe' | 'no';

/** What an experiment of this process's may have in the cluster, kept true by whoever creates or deletes. */
export class Existing {
  /** By name. */
  readonly pods = new Map<string, Existence>();
  readonly configMaps = new Map<string, Existence>();
  /** Whether a fault may be in force: a shim in one of the pods may have been told to start, and it has not said that it reverted. */
  mayHaveBegun = false;

  /** All of it is confirmed gone. */
  clear(): void {
    this.pods.clear();
    this.configMaps.clear();
  }
}

/** Those that may be there, and whether one of them may arrive late. */
export function thereOf(objects: ReadonlyMap<string, Existence>): { names: string[]; mayArrive: boolean } {
  const there = [...objects].filter(([, existence]) => existence !== 'no');
  return { names: there.map(([name]) => name), mayArrive: there.some(([, existence]) => existence === 'maybe') };
}
