import type { ChaosError } from '../errors.ts';
import type { Flag, FlagValues } from '../flags/flag.ts';
import type { Clock, Cluster, StandingUpdate, Target } from '../ports.ts';
import type { FaultRequest, RunOptions } from '../requests.ts';
import type { Active, AnswerEvent, Ended, PathEvent, Resolved, Sample } from '../shim/protocol.ts';

/** What a fault is to the rest of the program. Everything else of it stays in its folder. */

/** A fault as it is planned for one target: data, of which only the fault itself knows more than its name. */
export interface Fault {
  fault: string;
}

/**
 * One kind of fault. `Request`: what is asked; `Surveyed`: what the cluster knows for it; `Planned`: what is decided; `Own`: what is seen of it during a run, beside what is seen of every run.
 * Methods decide or build; none of them waits but `survey`, and `inject` of a fault that needs no agent.
 */
export interface FaultKind<
  Request extends FaultRequest = FaultRequest,
  Planned extends Fault = Fault,
  Surveyed = unknown,
  Own = unknown,
> {
  /** The word of the command line, and the `fault` of every request and plan of it. */
  readonly verb: Request['fault'] & Planned['fault'];
  readonly command: FaultCommand<Request>;
  readonly tools: FaultTools<Request | Planned>;

  /** Asks the cluster what the plan depends on; only reads. @throws ChaosError target-unsuitable and what the cluster rejects with. */
  survey(request: Request, target: Target, ports: SurveyPorts): Promise<Surveyed>;
  /** Works out what the request means for this target, and says it in a few words. @throws ChaosError target-unsuitable. */
  plan(request: Request, target: Target, surveyed: Surveyed, context: PlanContext): PlannedFault<Planned>;
  /** What the user is to be told of a planned fault before anything is created; one sentence each. */
  cautions?(fault: Planned, isDetached: boolean): readonly string[];
  /** Where it is done, for a sentence: `in container app`. */
  place(fault: Planned, target: Target): string;
  shimCommand(fault: Planned, run: ShimOptions): ShimCommand;
  readonly allowances?: Allowances<Planned>;
  /** What it asks of the node's kernel beside its version. */
  readonly kernelNeeds?: readonly KernelNeed[];
  /** It is done to all containers of a pod together, whichever of them is the target. */
  readonly isOfPod?: true;
  /** Its shim is asked before `start`, and told by its answers: it cannot be done without an attach. */
  readonly asksShim?: true;
  /** The end of the target's container, or of its pod, is what it brings about: that ends no run, and its setup and driver are told how things stand with the target. */
  readonly endsTarget?: true;
  /** It is done through the API server alone, and no agent is created; absent: one is in any case. */
  needsNoAgent?(fault: Request | Planned): boolean;
  /** Of one that needs no agent: does it. When it rejects, with ChaosError, nothing has been done. `isRehearsal`: the API server says whether it would. */
  inject?(fault: Planned, target: Target, cluster: Pick<Cluster, 'deleteTarget'>, isRehearsal: boolean): Promise<void>;
  /** How a plan of it is left with a detached experiment, and read back. */
  readonly record: FaultRecord<Planned>;

  /** Nothing seen yet. */
  observations(fault: Planned): Own;
  /** What comes before `start`; calls `go` once, with what follows it. */
  setup(run: FaultRun<Planned, Own>, go: (driver: Driver) => void): Setup;
  /** What follows the `start` of a fault that another command has started. */
  attach(run: FaultRun<Planned, Own>): Driver;

  /** Whether what it did to the target stays when the shim is gone, and somebody has to undo it. */
  outlivesShim(fault: Planned): boolean;
  /** What nobody has confirmed when a guardian stayed silent, and what makes certain of it. Only of one that outlives its shim. */
  unconfirmed(fault: Planned, target: Target): string;
  actor(fault: Planned): Actor;
  /** What a state that differs after the revert is called; undefined: by its id. */
  stateName?(id: string, own: Own): string | undefined;
  /** The fault goes on for a target's container that was restarted. */
  readonly staysAfterRestart?: true;
  /** What an eviction has to do with the fault, from the kubelet's message; undefined: nothing. */
  evictedWhy?(message: string): string | undefined;

  /** Of a fault that was found in force: whether enough was seen for a verdict. */
  isMeasured(seen: Seen, own: Own): boolean;
  judge(fault: Planned, target: Target, seen: Seen, own: Own): Verdict;

  /** Where an active fault is, in a few words each. */
  where(fault: Planned, target: Target, resolved: Resolved, active: Active): readonly string[];
  /** What a dry run says of it beside its summary. */
  dryRun(fault: Planned): Readonly<Record<string, unknown>>;
}

/** Modules of the kernel, as modprobe calls them, and what cannot be done where one of them is missing: the end of a sentence. */
export interface KernelNeed {
  modules: readonly string[];
  without: string;
}

export interface PlannedFault<Planned extends Fault> {
  fault: Planned;
  /** In a few words. */
  summary: string;
  /** For how long, in words, where that is not what `--duration` says: `, and 30s to be ready again`. */
  span?: string;
}

/** What the command line is told of a fault. */
export interface FaultCommand<Request extends FaultRequest> {
  /** For the list of commands. */
  readonly summary: string;
  readonly usage: string;
  readonly examples: string;
  /** Those of this fault alone; how to run one are the same for all. */
  readonly flags: readonly Flag[];
  /** What help says of `--container`; absent: the usual. */
  readonly container?: string;
  /** What stands behind `--` is passed on to a program of the fault's; absent: nothing may stand there. */
  readonly takesArguments?: true;
  /** What its workload does, for help; absent: it starts none in the target. */
  readonly workload?: string;
  /** Help says nothing of `--detach`, which `settle` refuses. */
  readonly neverDetached?: true;
  /** `passedOn`: what stood behind `--`. @throws ChaosError usage. */
  parse(values: FlagValues, passedOn: readonly string[] | undefined): Request;
  /** How to run it, where what the flags for all faults say does not fit: refused, or otherwise. Absent: it fits. @throws ChaosError usage. */
  settle?(request: Request, run: RunOptions, values: FlagValues): RunOptions;
}

/** The programs that a fault needs, of an image or of the toolbox: known of one that is asked for, and of one that is planned. */
export interface FaultTools<Either extends Fault> {
  needed(fault: Either): boolean;
  /** For a sentence: `stress-ng`; empty: it needs none. */
  names(fault: Either): string;
  /** The part of the toolbox that has them; empty: it needs none. */
  readonly toolbox: string;
  /** What comes first that cannot do without them. */
  readonly neededFor: 'setup' | 'start';
}

/** What a fault may look at before it is planned. */
export type SurveyCluster = Pick<Cluster, 'podNetwork' | 'volumes' | 'prospects' | 'addressesOf' | 'listAgents'>;

export interface SurveyPorts {
  cluster: SurveyCluster;
  run: RunOptions;
  report(event: FaultEvent): void;
  /** The command that ends another experiment. */
  stopCommand(namespace: string, id: string): string;
}

export interface PlanContext {
  /** Of the experiment. */
  id: string;
  run: RunOptions;
}

/** What of a run its shim is told in the fault's own words. */
export type ShimOptions = Pick<RunOptions, 'durationMs' | 'graceMs' | 'runAs' | 'strict'>;

/** What the shim is told besides the bounds of the run: its command, its options, and behind `--` the workload. */
export interface ShimCommand {
  command: 'run' | 'hold';
  options: readonly string[];
  workload: readonly string[];
}

/** Time that a fault needs beside the usual, milliseconds. */
export interface Allowances<Planned extends Fault> {
  /** Before the kubelet ends the pod, from the end of the fault's time on. */
  endMs(fault: Planned): number;
  /** Until its undo is waited for no longer. */
  undoMs(fault: Planned): number;
}

/** Whoever may write pods may have written a record: it is read as a stranger's. */
export interface FaultRecord<Planned extends Fault> {
  /** With the `fault` that it is of; no more than the pod itself shows, since whoever may read pods may read it. */
  write(fault: Planned): Readonly<Record<string, unknown>>;
  /** Undefined: not what `write` writes. */
  read(record: unknown): Planned | undefined;
}

/** Who does the fault, in the words of a sentence about its end. */
export interface Actor {
  /** `the stressor`. */
  name: string;
  /** Its program's name, if it is somebody else's; else as `name`. */
  program: string;
  /** Why it failed, by the last lines that it wrote; undefined: it writes nothing. */
  complaint(output: readonly string[]): string | undefined;
  /** Its output says why it failed, and is worth a moment's wait. */
  speaks?: true;
  /** Arguments of the user's may end it early, which is no failure. */
  mayEnd?: true;
  /** What somebody else did to what it had set, who it may have been, and what to do now, one sentence; `after`: when. Absent: it has set nothing that it looks after. */
  overwritten?(after: string): string;
}

/** The timers that a fault may set; each is one of the run's, and ends with it. */
export type FaultTimer = 'answer' | 'baseline' | 'question' | 'round' | 'settled';

/** What a fault's setup and driver see of the run that they are part of. */
export interface FaultRun<Planned extends Fault, Own> {
  readonly plan: {
    readonly id: string;
    readonly target: Target;
    readonly fault: Planned;
    readonly durationMs: number;
    readonly detached: boolean;
    /** For errors: where other experiments are found. */
    readonly commands: { readonly list: string; readonly sweep: string };
  };
  readonly clock: Clock;
  readonly timers: { set(name: FaultTimer, ms: number): void; stop(name: FaultTimer): void };
  readonly seen: Seen;
  readonly own: Own;
  /** When a stop was asked for; undefined: it was not. */
  readonly stopAskedAt: number | undefined;
  readonly isInForce: boolean;
  /** Milliseconds until the fault's time is over. */
  readonly leftMs: number;
  /** For how long the target by itself has been measured, milliseconds. */
  readonly baselineMs: number;
  /** One line to the shim. What is lost with its stream is asked for anew after the next attach. */
  send(line: string): void;
  sendStart(): void;
  report(event: FaultEvent): void;
  /** It will not be begun, although the shim is ready to. */
  refuse(error: ChaosError): void;
  /** It cannot be begun. */
  fail(error: ChaosError): void;
  /** All that was to be seen of an active fault has been: it ends now, and not with its time. */
  finish(): void;
}

/** What is special to one kind of fault before `start`: the last look at the target, and what has to be known of it. It ends the run, or goes on to the driver. */
export interface Setup {
  /** The shim is there and waits. `anew`: for the first time on this stream, so that nothing said before is known to have arrived. */
  onResolved(resolved: Resolved, anew: boolean): void;
  onAnswer?(answer: AnswerEvent): void;
  onPath?(path: PathEvent): void;
  onStanding?(update: StandingUpdate): void;
  onTimer(name: string): void;
}

/** What is special to one kind of fault from `start` on. */
export interface Driver {
  /** Says `start`, after what has to be said before it; once more when both were lost with their stream. */
  begin(): void;
  onAnswer?(answer: AnswerEvent): void;
  onPath?(path: PathEvent): void;
  onStanding?(update: StandingUpdate): void;
  onTimer?(name: string): void;
  /** Each sample while the fault is active; `previous`: the one before it since `start`. */
  onSample(sample: Sample, previous: Sample | undefined): void;
}

/** What is seen of every run, in order. */
export interface Seen {
  resolved?: Resolved;
  /** The target by itself, before `start`. */
  before: readonly Sample[];
  /** From `active` to the end of the workload. */
  during: readonly Sample[];
  /** After the revert. */
  after?: Sample;
  ended?: Ended;
  /** The last whole lines that the workload wrote; none of a fault that was found in force. */
  output: readonly string[];
  /** Names of the states that did not read the same before and after. */
  differs: readonly string[];
  /** The fault was found in force: how the target is by itself has not been seen. */
  isFound: boolean;
}

/** Cells in columns, each row as long as the head. */
export interface Rows {
  head: readonly string[];
  rows: readonly (readonly string[])[];
}

/** What is told of a fault while it goes on: rows and lines for people, `document` for `-o ndjson`, with its `kind` and keys in camelCase. */
export type FaultEvent =
  | { kind: 'warning'; message: string }
  /** What it waits for before it begins. */
  | { kind: 'progress'; message: string }
  /** What it will do to whom; before anything is changed. A note is something to think of. */
  | { kind: 'announced'; lines: readonly string[]; notes: readonly string[]; document: FaultDocument }
  /** What it has done, or what came of it. */
  | { kind: 'happened'; message: string; document: FaultDocument }
  /** How an active fault goes on: the target's row of the live table. The run adds the `effect`. */
  | { kind: 'sample'; live: LiveRow; leftMs: number; effect?: Effect; document: FaultDocument };

/** What has been seen so far of the effect of an active fault; `unmeasured`: nothing counts it. */
export type Effect = 'seen' | 'unseen' | 'unmeasured';

export interface LiveRow {
  head: readonly string[];
  row: readonly string[];
}

export interface FaultDocument {
  readonly kind: string;
  readonly [key: string]: unknown;
}

/** What was measured of one thing that was asked for. */
export interface Proof {
  /** `cpu`, `memory`, …, or the fault's verb. */
  what: string;
  effective: boolean;
  /** One sentence: asked, possible within the limit, measured. */
  sentence: string;
  /** Nothing counts what it may have done: that it did nothing is not known either. */
  unmeasured?: true;
}

/** Whether what was asked for was measured. */
export interface Conclusion {
  effective: boolean;
  /** It is not known whether it was effective: what was measured of it was, and something was not. */
  unmeasured?: true;
  proofs: Proof[];
}

/** The same with the numbers behind it. */
export interface Verdict extends Conclusion {
  /** For people; without rows nothing was measured. */
  table: Rows;
  /** For programs: fields of the verdict's document, keys in camelCase. */
  document: Readonly<Record<string, unknown>>;
}
