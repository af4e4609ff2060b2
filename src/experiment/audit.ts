import type { AuditEvent, Clock, Cluster } from '../ports.ts';
import type { Reporter, RunEvent } from './events.ts';
import { allReverted, type Outcome } from './outcome.ts';
import type { RunPlan } from './plan.ts';

/** How long the end of a run waits for its last Event at most: it is of use, and never a reason to wait. */
const limitMs = 2_000;

/**
 * Writes Events about the target's pod when the fault begins and when it has ended, for those who wonder about it
 * meanwhile and afterwards. Best effort: that one cannot be
 * written (a right that is missing, say) changes nothing of the experiment.
 */
export class Audit implements Reporter {
  readonly #plan: RunPlan;
  readonly #announcement: string | undefined;
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #reporter: Reporter;
  #begun: Promise<void> | undefined;

  /** Without an announcement, of a fault that another command has announced. */
  constructor(
    plan: RunPlan & { announcement?: string },
    ports: { cluster: Cluster; clock: Clock; reporter: Reporter },
  ) {
    this.#plan = plan;
    this.#announcement = plan.announcement;
    if (plan.announcement === undefined) this.#begun = Promise.resolve();
    this.#cluster = ports.cluster;
    this.#clock = ports.clock;
    this.#reporter = ports.reporter;
  }

  report(event: RunEvent): void {
    this.#reporter.report(event);
    if (event.kind !== 'active' || this.#announcement === undefined) return;
    this.#begun = this.#record({ type: 'Normal', reason: 'ChaosStarted', message: this.#announcement });
  }

  /** Only of a fault that was announced. Never rejects. */
  async ended(outcome: Outcome): Promise<void> {
    if (!this.#begun) return;
    await this.#atMost(this.#begun.then(() => this.#record(endEvent(outcome))));
  }

  /** What is on its way has arrived, or is not waited for any longer. Never rejects. */
  async written(): Promise<void> {
    if (this.#begun) await this.#atMost(this.#begun);
  }

  async #atMost(written: Promise<void>): Promise<void> {
    let cancel = (): void => undefined;
    const late = new Promise<void>((resolve) => {
      cancel = this.#clock.after(limitMs, resolve);
    });
    await Promise.race([written, late]);
    cancel();
  }

  #record(event: AuditEvent): Promise<void> {
    return this.#cluster.recordEvent(this.#plan.target, event).catch(() => undefined);
  }
}

/** Pure: how it ended, as an Event. */
function endEvent(outcome: Outcome): AuditEvent {
  const { left, targets } = outcome;
  const clean = allReverted(outcome) && left.length === 0;
  const problems = targets.flatMap((target) => target.problems);
  const sentences = [
    `${outcome.id}: ${clean ? 'reverted, nothing left' : `NOT confirmed to be reverted; by hand: ${outcome.undo}`}`,
    ...targets.flatMap(({ verdict }) => verdict?.proofs ?? []).map(({ sentence }) => sentence),
    ...targets.flatMap(({ shared }) => shared ?? []),
    ...problems,
  ];
  return {
    type: clean && problems.length === 0 ? 'Normal' : 'Warning',
    reason: 'ChaosEnded',
    message: sentences.join('. '),
  };
}
