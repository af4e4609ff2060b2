import { ChaosError } from '../errors.ts';
import type { Volume } from '../faults/io/types.ts';
import type { NetCounters, NetPlan, RoundTrip } from '../faults/net/types.ts';
import type { CoursePlan } from '../faults/plan.ts';
import type { Clock, Reporter, TargetUpdate } from '../ports.ts';
import type { Active, Ended, PathEvent, PathFacts, Resolved, Sample } from '../shim/protocol.ts';
import { joinWords } from '../text.ts';
import { describeTargetUpdate, earlyEnd } from './endings.ts';

/** What was asked of the target's network, and measured of it. */
export interface NetRun {
  /** Undefined: another command has made it. */
  plan?: NetPlan;
  counters: NetCounters[];
  roundTripsBefore: readonly RoundTrip[];
  roundTripsDuring: RoundTrip[];
}

/** What was seen of the path of an io fault. */
export interface IoRun {
  /** Undefined: not heard, of a fault that another command has started. */
  facts?: PathFacts;
  /** Where the path has been found to be. */
  volume: Volume;
  pathsBefore: PathEvent[];
  pathsDuring: PathEvent[];
  pathAfter?: PathEvent;
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
  /** Of an io fault. */
  io?: IoRun;
  /** The last whole lines of the workload's output. */
  output: readonly string[];
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
  /** Nobody has ended it, and it was left in force, for about this long. */
  goesOn?: { leftMs: number };
  /** Of a fault that was found in force: for how long it was watched until its end, milliseconds. */
  watchedMs?: number;
  /** Why it never became active. */
  failure?: ChaosError;
  problems: string[];
}

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

function ioRun({ fault }: CoursePlan): Pick<RunResult, 'io'> {
  if (fault.fault !== 'io') return {};
  return { io: { volume: fault.surroundings.volume, pathsBefore: [], pathsDuring: [] } };
}

/** Collects what is heard of a run and reports it, in whatever order and how often it comes. It decides nothing about what to do next. */
export class RunRecord {
  readonly result: RunResult;
  /** The target's own end has been told. */
  explained = false;
  readonly #plan: CoursePlan;
  readonly #clock: Clock;
  readonly #reporter: Reporter;
  readonly #startedAt: number;
  readonly #isOurs: boolean;
  /** On the clock. */
  #activeAt: number | undefined;
  /** When it was found in force, on the clock. */
  #foundAt: number | undefined;
  readonly #problemsOfPath = new Set<string>();
  /** The end of what the workload wrote. */
  #output = '';

  /** `isOurs`: it is this command that starts the fault. */
  constructor(plan: CoursePlan, ports: { clock: Clock; reporter: Reporter; startedAt: number }, isOurs: boolean) {
    this.#plan = plan;
    this.#isOurs = isOurs;
    this.#clock = ports.clock;
    this.#reporter = ports.reporter;
    this.#startedAt = ports.startedAt;
    const nothing = { before: [], during: [], output: [], differs: [], problems: [] };
    this.result = { began: false, reverted: false, ...nothing, ...ioRun(plan) };
  }

  /** Takes the sample of the target by itself. */
  resolved(resolved: Resolved): void {
    const { result } = this;
    if (!result.resolved) {
      result.resolved = resolved;
      this.#reporter.report({ kind: 'resolved', resolved });
    }
    result.before.push(resolved.sample);
    if (result.io && resolved.path) result.io.facts = resolved.path;
  }

  active(active: Active): void {
    const { result } = this;
    result.began = true;
    result.active = active;
    this.#activeAt = this.#clock.now();
    result.activeMs = this.#activeAt - this.#startedAt;
    const { target, fault } = this.#plan;
    if (!result.resolved) return;
    const network = fault.fault === 'net' ? { sharedBy: fault.surroundings.podContainers } : undefined;
    const isThrottle = fault.fault === 'io' && fault.action.kind === 'throttle';
    const disk = isThrottle ? result.resolved.path?.disk_name : undefined;
    this.#reporter.report({
      kind: 'active',
      target,
      active,
      resolved: result.resolved,
      activeMs: result.activeMs,
      ...(network ? { network } : {}),
      ...(disk === undefined ? {} : { disk }),
    });
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

  /** Since `start`; true while the fault is active. */
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
    return first && last ? (last.elapsed_us - first.elapsed_us) / 1_000 : 0;
  }

  /** Where the path of an io fault is. */
  foundIn(volume: Volume): void {
    if (this.result.io) this.result.io.volume = volume;
  }

  pathBefore(path: PathEvent): void {
    this.#warnOf(path);
    this.result.io?.pathsBefore.push(path);
  }

  /** Since `start`. */
  pathAfter(path: PathEvent): void {
    const { io, ended } = this.result;
    if (!io) return;
    this.#warnOf(path);
    if (ended) io.pathAfter = path;
    else io.pathsDuring.push(path);
  }

  /** Once of each kind: what goes wrong with a disk goes wrong every second. */
  #warnOf({ problem }: PathEvent): void {
    if (problem === undefined || this.#problemsOfPath.has(problem)) return;
    this.#problemsOfPath.add(problem);
    this.#reporter.report({ kind: 'warning', message: `the path could not be measured: ${problem}` });
  }

  /** A piece of what the workload wrote. */
  output(text: string): void {
    this.#output = `${this.#output}${text}`.slice(-longestOutput);
    this.result.output = lastLines(this.#output);
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

  /** Milliseconds after which the fault ends by itself when nobody is heard any more. */
  get aloneMs(): number {
    return this.#plan.leaseMs > 0 ? this.#plan.leaseMs : this.leftMs;
  }

  ended(ended: Ended): void {
    const { result } = this;
    result.ended = ended;
    // Stopped between `start` and `active` it ends as well, without having run.
    const ran = ended.run_ms > 0;
    if (this.#foundAt !== undefined) result.watchedMs = this.#clock.now() - this.#foundAt;
    else if (ran && !result.active && this.#isOurs) {
      this.problem('the report that the fault became active was lost on its way');
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
    return this.result.net?.plan?.compare.find((state) => state.id === id)?.argv.join(' ') ?? id;
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

  /** Said by the stream and by the kubelet, it is one. */
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

  /** The last look: why the workload ended early, unless the target's own end says it already. */
  close(): RunResult {
    const { ended } = this.result;
    const early = ended ? earlyEnd(this.#plan, ended, this.explained, this.result.output) : undefined;
    if (early !== undefined) this.problem(early);
    return this.result;
  }
}
