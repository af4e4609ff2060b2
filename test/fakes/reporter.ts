import type { Fact } from '../../src/experiment/events.ts';
import type { Reporter } from '../../src/ports.ts';

/** Keeps every fact, in order. */
export class RecordingReporter implements Reporter {
  readonly facts: Fact[] = [];

  report(fact: Fact): void {
    this.facts.push(fact);
  }

  /** The kinds, in order; a run of one kind counts once. */
  get kinds(): string[] {
    return this.facts.map(({ kind }) => kind).filter((kind, index, all) => kind !== all[index - 1]);
  }

  of<K extends Fact['kind']>(kind: K): Array<Extract<Fact, { kind: K }>> {
    return this.facts.filter((fact): fact is Extract<Fact, { kind: K }> => fact.kind === kind);
  }
}
