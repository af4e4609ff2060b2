import { ChaosError } from '../errors.ts';
import type { NetCounters, NetPlan, RoundTrip } from '../faults/net/types.ts';
import type { Plan } from '../faults/plan.ts';
import type { Clock, Reporter, TargetUpdate } from '../ports.ts';
import type { Active, Ended, Resolved, Sample } from '../shim/protocol.ts';
import { describeTargetUpdate, earlyEnd } from './endings.ts';

/** What was asked of the target's network, and measured of it. */
export interface NetRun {
  plan: NetPlan;
  counters: NetCounters[];
  roundTripsBefore: readonly RoundTrip[];
  roundTripsDuring: RoundTrip[];
}

/** Who said that the fault is undone: the shim, its guardian after the shim's death, or the kubelet, that the shim's container has ended. */
export type RevertWitness = 'shim' | 'guardian' | 'container';

/** What became known of one target's run. */
export interface RunResult {
  /** The workload ran, whether or not its `active` was heard. */
  began: boolean;
  resolved?: Resolved;
  active?: Active;
  /** From the command's start. */
  activeMs?: number;
  before: Sample[];
  during: Sample[];
  after?: Sample;
  /** Of a net fault, once it is planned. */
  net?: NetRun;
  ended?: Ended;
  /** No process of ours is in the target: said by the shim, by its container's end, or never begun. */
  reverted: boolean;
  revertedBy?: RevertWitness;
  /** Names of the states that did not read the same before and after. */
  differs: readonly string[];
  /** The agent went without a word of its own: that it is not there any more says nothing of the fault. A deletion by force takes the pod before its containers, and a network keeps what was done to it. */
  isUnconfirmed?: true;
  /** From the wish to stop, or the end of the time, to nothing left in the target. */
  revertMs?: number;
  /** Why it never became active. */
  failure?: ChaosError;
  problems: string[];
}

/** Collects what is heard of a run and reports it, in whatever order and how often it comes. It decides nothing about what to do next. */
export class RunRecord {
  readonly result: RunResult = { began: false, before: [], during: [], reverted: false, differs: [], problems: [] };
  /** The target's own end has been told. */
  explained = false;
  readonly #plan: Plan;
  readonly #clock: Clock;
  readonly #reporter: Reporter;
  readonly #startedAt: number;

  constructor(plan: Plan, ports: { clock: Clock; reporter: Reporter; startedAt: number }) {
    this.#plan = plan;
    this.#clock = ports.clock;
    this.#reporter = ports.reporter;
    this.#startedAt = ports.startedAt;
  }

  /** Takes the sample of the target by itself. */
  resolved(resolved: Resolved): void {
    const { result } = this;
    if (!result.resolved) {
      result.resolved = resolved;
      this.#reporter.report({ kind: 'resolved', resolved });
    }
    result.before.push(resolved.sample);
  }

  active(active: Active): void {
    const { result } = this;
    result.began = true;
    result.active = active;
    result.activeMs = this.#clock.now() - this.#startedAt;
    const { target, fault } = this.#plan;
    if (!result.resolved) return;
    const network = fault.fault === 'net' ? { sharedBy: fault.surroundings.podContainers } : undefined;
    this.#reporter.report({
      kind: 'active',
      target,
      active,
      resolved: result.resolved,
      activeMs: result.activeMs,
      ...(network ? { network } : {}),
    });
  }

  sampleBefore(sample: Sample): void {
    this.result.before.push(sample);
  }

  /** Since `start`; true while the fault is active. */
  sampleAfter(sample: Sample): boolean {
    const { result } = this;
    if (result.ended) result.after = sample;
    else result.during.push(sample);
    return result.active !== undefined && result.ended === undefined;
  }

  /** Milliseconds until the fault's time is over. */
  get leftMs(): number {
    const spent = this.#clock.now() - this.#startedAt - (this.result.activeMs ?? 0);
    return Math.max(0, this.#plan.durationMs - spent);
  }

  ended(ended: Ended): void {
    const { result } = this;
    result.ended = ended;
    // Stopped between `start` and `active` it ends as well, without having run.
    const ran = ended.run_ms > 0;
    if (ran && !result.active) this.problem('the report that the fault became active was lost on its way');
    result.began ||= ran;
    this.#reporter.report({ kind: 'ended', ended });
  }

  reverted(revertMs: number, by: RevertWitness, differs: readonly string[]): void {
    const { result } = this;
    result.reverted = true;
    result.revertedBy = by;
    result.revertMs = revertMs;
    result.differs = differs;
    if (by === 'guardian' && !result.ended) this.problem('the shim was killed, and its guardian undid the fault');
    if (differs.length > 0) this.problem(`${differs.map((id) => this.#stateName(id)).join(' and ')}: not as before`);
    this.#reporter.report({ kind: 'reverted', revertMs, confirmedBy: by });
  }

  #stateName(id: string): string {
    return this.result.net?.plan.compare.find((state) => state.id === id)?.argv.join(' ') ?? id;
  }

  /** The agent is gone, or will be, and with it nothing is proven. */
  unconfirmed(): void {
    this.result.isUnconfirmed = true;
  }

  targetChanged(update: TargetUpdate): void {
    this.explained = true;
    const { namespace, pod, container } = this.#plan.target;
    this.problem(describeTargetUpdate(update, `${namespace}/${pod} (${container})`, this.#plan.fault.fault));
  }

  problem(sentence: string): void {
    this.result.problems.push(sentence);
  }

  /** It never became active, for the first reason given; `reverted` says whether the target is known to be as it was. */
  failed(error: unknown, reverted: boolean): void {
    this.result.failure ??=
      error instanceof ChaosError ? error : new ChaosError('api', String(error), { cause: error });
    this.result.reverted = reverted;
  }

  /** The last look: why the workload ended early, unless the target's own end says it already. */
  close(): RunResult {
    const { ended } = this.result;
    const early = ended ? earlyEnd(this.#plan, ended, this.explained) : undefined;
    if (early !== undefined) this.problem(early);
    return this.result;
  }
}
