import { ChaosError } from '../errors.ts';
import type { Plan } from '../faults/plan.ts';
import type { Clock, Reporter, TargetUpdate } from '../ports.ts';
import type { Active, Ended, Resolved, Sample } from '../shim/protocol.ts';
import { describeTargetUpdate, earlyEnd } from './endings.ts';
import { waits } from './waits.ts';

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
  ended?: Ended;
  /** No process of ours is in the target: said by the shim, by its container's end, or never begun. */
  reverted: boolean;
  /** The agent pod was taken from the API server before its end was told, as a deletion by force does: that it is not there says nothing of its containers. */
  agentVanished?: true;
  /** From the wish to stop, or the end of the time, to nothing left in the target. */
  revertMs?: number;
  /** Why it never became active. */
  failure?: ChaosError;
  problems: string[];
}

/** Collects what is heard of a run and reports it, in whatever order and how often it comes. It decides nothing about what to do next. */
export class RunRecord {
  readonly result: RunResult = { began: false, before: [], during: [], reverted: false, problems: [] };
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

  /** Takes a sample of the target by itself; true when they span long enough to start. */
  resolved(resolved: Resolved): boolean {
    const { result } = this;
    if (!result.resolved) {
      result.resolved = resolved;
      this.#reporter.report({ kind: 'resolved', resolved });
    }
    result.before.push(resolved.sample);
    const first = result.before[0] ?? resolved.sample;
    return resolved.sample.elapsed_us - first.elapsed_us >= waits.baseline * 1_000;
  }

  active(active: Active): void {
    const { result } = this;
    result.began = true;
    result.active = active;
    result.activeMs = this.#clock.now() - this.#startedAt;
    const { target } = this.#plan;
    if (result.resolved) {
      this.#reporter.report({ kind: 'active', target, active, resolved: result.resolved, activeMs: result.activeMs });
    }
  }

  sample(sample: Sample, started: boolean): void {
    const { result } = this;
    if (result.ended) {
      result.after = sample;
      return;
    }
    const list = started ? result.during : result.before;
    const previous = list.at(-1);
    list.push(sample);
    if (!started || !previous || !result.active) return;
    const spent = this.#clock.now() - this.#startedAt - (result.activeMs ?? 0);
    this.#reporter.report({
      kind: 'sample',
      target: this.#plan.target,
      before: result.before,
      previous,
      sample,
      leftMs: Math.max(0, this.#plan.durationMs - spent),
    });
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

  reverted(revertMs: number, confirmedBy: 'shim' | 'container'): void {
    this.result.reverted = true;
    this.result.revertMs = revertMs;
    this.#reporter.report({ kind: 'reverted', revertMs, confirmedBy });
  }

  targetChanged(update: TargetUpdate): void {
    this.explained = true;
    const { namespace, pod, container } = this.#plan.target;
    this.problem(describeTargetUpdate(update, `${namespace}/${pod} (${container})`));
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
