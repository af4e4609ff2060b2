import type { Reporter, RunEvent } from '../../src/experiment/events.ts';

/** Keeps every event, in order. */
export class RecordingReporter implements Reporter {
  readonly events: RunEvent[] = [];

  report(event: RunEvent): void {
    this.events.push(event);
  }

  /** The kinds, in order; a run of one kind counts once. */
  get kinds(): string[] {
    return this.events.map(({ kind }) => kind).filter((kind, index, all) => kind !== all[index - 1]);
  }

  of<K extends RunEvent['kind']>(kind: K): Array<Extract<RunEvent, { kind: K }>> {
    return this.events.filter((event): event is Extract<RunEvent, { kind: K }> => event.kind === kind);
  }
}
