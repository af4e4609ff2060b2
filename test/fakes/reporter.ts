import type { Reporter, RunEvent } from '../../src/experiment/events.ts';

/** Keeps every fact, in order. */
export class RecordingReporter implements Reporter {
  readonly facts: RunEvent[] = [];

  report(fact: RunEvent): void {
    this.facts.push(fact);
  }

  /** The kinds, in order; a run of one kind counts once. */
  get kinds(): string[] {
    return this.facts.map(({ kind }) => kind).filter((kind, index, all) => kind !== all[index - 1]);
  }

  of<K extends RunEvent['kind']>(kind: K): Array<Extract<RunEvent, { kind: K }>> {
    return this.facts.filter((fact): fact is Extract<RunEvent, { kind: K }> => fact.kind === kind);
  }
}
