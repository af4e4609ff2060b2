import { ChaosError } from '../errors.ts';
import type { Seen } from '../faults/fault.ts';
import { kindOf } from '../faults/registry.ts';
import type { Clock, Experiment, TargetUpdate } from '../ports.ts';
import type { Active, Ended, Resolved, Sample } from '../shim/protocol.ts';
import { joinWords } from '../text.ts';
import { describeTargetUpdate, earlyEnd, leaseLost } from './early-end.ts';
import type { TargetReporter } from './events.ts';
import type { RevertWitness } from './outcome.ts';
import type { RunPlan } from './plan.ts';
import { hasLease } from './plan-record.ts';

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
  /** What the fault has seen of itself. */
  own: unknown;
  /** The last whole lines of the workload's output. */
  output: readonly string[];
  ended?: Ended;
  /** No process of ours is in the target: said by the shim, by its container's end, or never begun. */
  reverted: boolean;
  /** The agent's lease has, and with it this target's; how the run ended has not been heard. */
  leaseRanOut?: true;
  revertedBy?: RevertWitness;
  /** Names of the states that did not read the same before and after. */
  differs: readonly string[];
  /**
   * The agent went without a report: a pod deleted by force may be gone before its containers, so that its absence does
   * not confirm the revert.
   */
  isUnconfirmed?: true;
  /** From the wish to stop, or the end of the time, to nothing left in the target. */
  revertMs?: number;
  /** The command left the fault in force, for about this long. */
  leftRunning?: { leftMs: number };
  /** Of a fault that was found in force: for how long it was watched until its end, milliseconds. */
  watchedMs?: number;
  /** Why it never became active. */
  failure?: ChaosError;
  problems: string[];
  /** Experiments on the same container, before and meanwhile. */
  others: Experiment[];
}

export const agentDeletedByOthers = 'the agent pod was deleted by somebody else';

/** Characters of the workload's output, and lines, that may tell why it ended. */
const longestOutput = 2_048;
const mostLines = 3;

function lastLines(output: string): string[] {
  return output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(-mostLines);
}

/**
 * Collects what is heard of a run and reports it, in whatever order and how often it comes. It decides nothing about
 * what to do next.
 */
export class Observations {
  readonly result: RunResult;
  /** A sentence about the target's own end is among the problems already. */
  endReported = false;
  readonly #plan: RunPlan;
  readonly #clock: Clock;
  readonly #reporter: TargetReporter;
  readonly #startedAt: number;
  readonly #isOurs: boolean;
  /** On the clock. */
  #activeAt: number | undefined;
  /** When it was found in force, on the clock. */
  #foundAt: number | undefined;
  /** The end of what the workload wrote. */
  #output = '';

  /** `isOurs`: it is this command that starts the fault. */
  constructor(plan: RunPlan, ports: { clock: Clock; reporter: TargetReporter; startedAt: number }, isOurs: boolean) {
    this.#plan = plan;
    this.#isOurs = isOurs;
    this.#clock = ports.clock;
    this.#reporter = ports.reporter;
    this.#startedAt = ports.startedAt;
    const own = kindOf(plan.fault).observations(plan.fault);
    const nothing = { before: [], during: [], output: [], differs: [], problems: [] };
    this.result = { began: false, reverted: false, own, ...nothing, others: [...(plan.others ?? [])] };
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
    // What came before it is neither of the target by itself nor of the fault: `start` was on its way to the shim, or the workload was being made.
    result.during.length = 0;
    this.#activeAt = this.#clock.now();
    result.activeMs = this.#activeAt - this.#startedAt;
    const { target, fault } = this.#plan;
    if (!result.resolved) return;
    const where = kindOf(fault).where(fault, target, result.resolved, active);
    this.#reporter.report({ kind: 'active', active, where, activeMs: result.activeMs });
  }

  /** It was done by a request, and there is no shim that would say so. `what`: in a few words. */
  injected(what: string): void {
    const { result } = this;
    result.began = true;
    this.#activeAt = this.#clock.now();
    result.activeMs = this.#activeAt - this.#startedAt;
    this.#reporter.report({ kind: 'injected', what, activeMs: result.activeMs });
  }

  /** Another command has started it, at this time on the clock. */
  found(activeAt: number): void {
    this.result.began = true;
    this.#foundAt = this.#clock.now();
    this.#activeAt = activeAt;
  }

  sampleBefore(sample: Sample): void {
    this.result.before.push(sample);
  }

  /** Since `start`, which the shim may not have heard yet; true while the fault is active. */
  sampleAfter(sample: Sample): boolean {
    const { result } = this;
    if (result.ended) result.after = sample;
    else result.during.push(sample);
    return this.isInForce;
  }

  /** For how long the target by itself has been measured, milliseconds of the shim's clock. */
  get baselineMs(): number {
    const { before } = this.result;
    const [first] = before;
    const last = before.at(-1);
    return first && last ? (last.elapsedUs - first.elapsedUs) / 1_000 : 0;
  }

  /** A piece of what the workload wrote. */
  output(text: string): void {
    this.#output = `${this.#output}${text}`.slice(-longestOutput);
    this.result.output = lastLines(this.#output);
  }

  /** What every fault sees of its run. */
  get seen(): Seen {
    return { ...this.result, isFound: this.#foundAt !== undefined };
  }

  /** From `active`, or from when it was found so, to its end. */
  get isInForce(): boolean {
    return this.#activeAt !== undefined && this.result.ended === undefined;
  }

  /** Milliseconds until the fault's time is over. */
  get leftMs(): number {
    const now = this.#clock.now();
    return Math.max(0, this.#plan.durationMs - (now - (this.#activeAt ?? now)));
  }

  /** Milliseconds after which the fault is reverted automatically when nobody is heard any more. */
  get aloneMs(): number {
    return hasLease(this.#plan) ? this.#plan.leaseMs : this.leftMs;
  }

  ended(ended: Ended): void {
    const { result } = this;
    result.ended = ended;
    // Stopped between `start` and `active` it ends as well, without having run.
    const ran = ended.runMs > 0;
    if (this.#foundAt !== undefined) result.watchedMs = this.#clock.now() - this.#foundAt;
    else if (ran && !result.active && this.#isOurs) {
      this.problem('the report that the fault became active was lost');
    }
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
    if (differs.length > 0) this.problem(`${joinWords(differs.map((id) => this.#stateName(id)))}: not as before`);
    this.#reporter.report({ kind: 'reverted', revertMs, confirmedBy: by });
  }

  #stateName(id: string): string {
    return kindOf(this.#plan.fault).stateName?.(id, this.result.own) ?? id;
  }

  /** Known of its agent alone, when this command comes back to it. */
  leaseRanOut(): void {
    if (this.result.ended || !this.isInForce) return;
    this.result.leaseRanOut = true;
    this.problem(leaseLost(this.#plan));
  }

  /** The agent is gone, or will be, and with it nothing is proven. */
  unconfirmed(): void {
    this.result.isUnconfirmed = true;
  }

  targetChanged(update: TargetUpdate): void {
    this.endReported = true;
    const { namespace, pod, container } = this.#plan.target;
    this.problem(describeTargetUpdate(update, `${namespace}/${pod} (${container})`, this.#plan.fault));
  }

  /** That is why its shim was told to end. */
  get #isAgentDeleted(): boolean {
    return this.result.problems.includes(agentDeletedByOthers);
  }

  /** It ended for a reason that the API server is about to tell: why the target did, or that the agent was deleted. */
  get isUnexplained(): boolean {
    const reason = this.result.ended?.reason;
    if (reason === 'signal') return !this.#isAgentDeleted;
    return (reason === 'target-gone' || reason === 'killed') && !this.endReported;
  }

  /** Another experiment is on the same container. False: it was known. */
  other(experiment: Experiment): boolean {
    const { others } = this.result;
    if (others.some(({ id }) => id === experiment.id)) return false;
    others.push(experiment);
    return true;
  }

  /** Adds a sentence once, although both the stream and the kubelet may report the same. */
  problem(sentence: string): void {
    const { problems } = this.result;
    if (!problems.includes(sentence)) problems.push(sentence);
  }

  /** It never became active, for the first reason given; `reverted` says whether the target is known to be as it was. */
  failed(error: unknown, reverted: boolean): void {
    this.result.failure ??=
      error instanceof ChaosError ? error : new ChaosError('api', String(error), { cause: error });
    this.result.reverted = reverted;
  }

  /** The last look: why the workload ended early, unless the end of the target or of the agent says it already. */
  close(): RunResult {
    const { ended } = this.result;
    const isExplained = ended?.reason === 'signal' && this.#isAgentDeleted;
    const early = ended && !isExplained ? earlyEnd(this.#plan, ended, this.endReported, this.result.output) : undefined;
    if (early !== undefined) this.problem(early);
    return this.result;
  }
}
