import { ChaosError } from '../errors.ts';
import type { AuditEvent, Clock, Cluster, Target } from '../ports.ts';
import type { Reporter, RunEvent } from './events.ts';
import type { Outcome } from './outcome.ts';
import type { RunPlan } from './plan.ts';

/** How long the end of a run waits for its last Event at most, and for each target more: it is of use, and never a reason to wait. */
const limitMs = 2_000;
const limitMsEach = 20;
/** How long the first of several targets waits for the others to become active, before it is written about. */
const togetherMs = 1_000;
/** How many are written at once: each on a connection of its own, whose making takes this process milliseconds. */
const atOnce = 8;

type Announced = RunPlan & { announcement?: string };

/**
 * Writes Events about each target's pod when its fault begins and when it has ended, for those who wonder about it
 * meanwhile and afterwards: two for each, since `kubectl describe` shows those about the pod itself alone. Best effort: that one cannot be
 * written (a right that is missing, say) changes nothing of the experiment. Of several targets none is written before all are active, so that nothing is held up by them that is on the way there.
 */
export class Audit implements Reporter {
  readonly #plans: readonly Announced[];
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #reporter: Reporter;
  /** Of those that were announced, the writing of it. */
  readonly #begun = new Map<Announced, Promise<void>>();
  /** What is to be written, in its order. */
  readonly #waiting: (() => Promise<void>)[] = [];
  #writing = 0;
  /** All are active, or are not waited for any longer. */
  #isOpen = false;
  #stopWaiting: (() => void) | undefined;
  /** The user may not. */
  #isForbidden = false;

  /** A plan without an announcement is of a fault that another command has announced. */
  constructor(plans: readonly Announced[], ports: { cluster: Cluster; clock: Clock; reporter: Reporter }) {
    this.#plans = plans;
    for (const plan of plans) if (plan.announcement === undefined) this.#begun.set(plan, Promise.resolve());
    this.#cluster = ports.cluster;
    this.#clock = ports.clock;
    this.#reporter = ports.reporter;
  }

  report(event: RunEvent): void {
    this.#reporter.report(event);
    if (event.kind !== 'active' && event.kind !== 'injected') return;
    const plan = this.#plans.find(({ target }) => target === event.target);
    if (plan?.announcement === undefined) return;
    const message = plan.announcement;
    this.#begun.set(plan, this.#record(plan, { type: 'Normal', reason: 'ChaosStarted', message }));
    if (this.#begun.size === this.#plans.length) this.#open();
    else this.#stopWaiting ??= this.#clock.after(togetherMs, () => this.#open());
  }

  /** Only of faults that were announced. Never rejects. */
  async ended(outcome: Outcome): Promise<void> {
    await this.#atMost(
      [...this.#begun].map(([plan, begun]) => begun.then(() => this.#record(plan, endEvent(outcome, plan)))),
    );
  }

  /** What is on its way has arrived, or is not waited for any longer. Never rejects. */
  async written(): Promise<void> {
    await this.#atMost([...this.#begun.values()]);
  }

  async #atMost(written: readonly Promise<void>[]): Promise<void> {
    this.#open();
    if (written.length === 0) return;
    let cancel = (): void => undefined;
    const late = new Promise<void>((resolve) => {
      cancel = this.#clock.after(limitMs + limitMsEach * (written.length - 1), resolve);
    });
    await Promise.race([Promise.all(written), late]);
    cancel();
  }

  #open(): void {
    this.#stopWaiting?.();
    this.#isOpen = true;
    this.#write();
  }

  #record({ target }: RunPlan, event: AuditEvent): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(() => this.#recordNow(target, event).then(resolve));
      this.#write();
    });
  }

  #write(): void {
    while (this.#isOpen && this.#writing < atOnce) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#writing++;
      void next().then(() => {
        this.#writing--;
        this.#write();
      });
    }
  }

  /** Never rejects. */
  async #recordNow(target: Target, event: AuditEvent): Promise<void> {
    if (this.#isForbidden) return;
    try {
      await this.#cluster.recordEvent(target, event);
    } catch (error) {
      this.#isForbidden ||= error instanceof ChaosError && error.code === 'forbidden';
    }
  }
}

/** Pure: how it ended for this target, as an Event. */
function endEvent(outcome: Outcome, plan: RunPlan): AuditEvent {
  const { left } = outcome;
  const targets = outcome.targets.filter(({ target }) => target === plan.target);
  const clean = targets.every(({ reverted }) => reverted) && left.length === 0;
  const problems = targets.flatMap((target) => target.problems);
  const reverted = `${outcome.isFinal ? 'done' : 'reverted'}, nothing left`;
  const sentences = [
    `${outcome.id}: ${clean ? reverted : `NOT confirmed to be reverted; by hand: ${outcome.undo}`}`,
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
