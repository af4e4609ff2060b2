import { ChaosError } from '../errors.ts';
import type { Agent, Clock, Cluster } from '../ports.ts';
import {
  type AgentEvent,
  endOfTarget,
  type LastWord,
  parseAgentLine,
  parseShimEvent,
  parseTerminationMessage,
  type ShimEvent,
} from '../shim/protocol.ts';
import { failedShim } from './agent-errors.ts';
import { agentContainer } from './assembly.ts';

/** What a shim itself has said of its revert: that it is done, that it may not be, with the reason, or nothing. */
export type RevertReport = { reverted: true } | { reverted: false; why?: string };

/** Those of an agent, by the names of its shims. */
export type RevertReports = ReadonlyMap<string, RevertReport>;

/** An agent's one container, and the shims that are known to be in it: of an agent of one, that is called as the container is. */
export interface Shims {
  container: string;
  names: readonly string[];
}

/**
 * From the end of a shim to its kubelet's report of that, which is due at its next look, within a second or two. A deletion that overtakes
 * the report is seen through by a kubelet of 1.20 only up to a minute later.
 */
export const endReportMs = 5_000;

/**
 * Tells the shims of an agent to stop and hears their word that they have reverted, which the kubelet takes seconds to report, and
 * an old one now and then a minute. One that has ended by itself has left its word with the kubelet. Without a word, for
 * want of the right to attach or of a shim that listens, only the end of its pod can tell. Never rejects.
 * `limitMs`: for all of that; `silentMs`: for what the kubelet may have to report of a shim that does not answer.
 */
export async function stopAgent(
  agent: Agent,
  shims: Shims,
  { limitMs, silentMs }: { limitMs: number; silentMs: number },
  cluster: Cluster,
  clock: Clock,
): Promise<RevertReports> {
  const abort = new AbortController();
  const cancels = [clock.after(limitMs, () => abort.abort())];
  const told = async (): Promise<RevertReports> => {
    const hearing = hearingOf(shims);
    const isBarred = await tell(agent, shims, hearing, cluster, abort.signal);
    if (hearing.isOver || isBarred) return hearing.reports;
    await new Promise<void>((resolve) => cancels.push(clock.after(silentMs, resolve)));
    return hearing.reports;
  };
  try {
    return await Promise.race([told(), reported(agent, shims, cluster, abort.signal)]);
  } finally {
    for (const cancel of cancels) cancel();
    abort.abort();
  }
}

const unknown: RevertReport = { reverted: false };

/** What is heard of an agent that is told to stop. */
interface Hearing {
  /** What it is told. */
  readonly words: readonly string[];
  take(line: string): void;
  /** There is nothing more to hear. */
  readonly isOver: boolean;
  /** What was heard so far; of a shim that has said nothing, that. */
  readonly reports: RevertReports;
}

function hearingOf(shims: Shims): Hearing {
  return isMany(shims) ? new HearingMany(shims) : new HearingOne(shims);
}

function isMany({ container }: Shims): boolean {
  return container === agentContainer;
}

class HearingOne implements Hearing {
  readonly words = ['stop'];
  readonly #container: string;
  #word: RevertReport | undefined;

  constructor({ container }: Shims) {
    this.#container = container;
  }

  take(line: string): void {
    const event = parseShimEvent(line);
    this.#word ??= event && reportOf(event);
  }

  get isOver(): boolean {
    return this.#word !== undefined;
  }

  get reports(): RevertReports {
    return new Map([[this.#container, this.#word ?? unknown]]);
  }
}

/**
 * The agent is asked which shims it has before it is told: those that it has not were not begun, and others have begun nothing. What another client has asked is heard as well: that there is none was
 * perhaps true before that one began some, and holds only when the agent has ended.
 */
class HearingMany implements Hearing {
  readonly words = ['beat', 'stop'];
  readonly #names: readonly string[];
  readonly #there = new Set<string>();
  #over: Extract<AgentEvent, { event: 'over' }> | undefined;
  readonly #ends = new Map<string, LastWord['end']>();
  /** What is wrong with whom. */
  readonly #errors = new Map<string, string>();

  constructor({ names }: Shims) {
    this.#names = names;
  }

  take(line: string): void {
    const read = parseAgentLine(line);
    if (!read) return;
    if ('event' in read) return this.#onEvent(read.event);
    const event = parseShimEvent(line);
    if (event?.event === 'error') this.#errors.set(read.target, failedShim(event));
  }

  #onEvent(event: AgentEvent): void {
    if (event.event === 'over') this.#over = event;
    if (event.event === 'gone') this.#ends.set(event.name, event.end);
    if (event.event === 'begun') this.#isThere(event.name);
    if (event.event === 'agent') for (const { name, end } of event.targets) this.#isThere(name, end);
  }

  /** Without an end it goes on, though one of its name may have ended before. */
  #isThere(name: string, end?: LastWord['end']): void {
    this.#there.add(name);
    if (end) this.#ends.set(name, end);
    else this.#ends.delete(name);
  }

  get isOver(): boolean {
    if (this.#over) return true;
    return this.#there.size > 0 && [...this.#there].every((name) => this.#ends.has(name));
  }

  get reports(): RevertReports {
    const names = new Set([...this.#names, ...this.#there]);
    return new Map([...names].map((name) => [name, this.#reportOf(name)]));
  }

  #reportOf(name: string): RevertReport {
    const end = this.#ends.get(name);
    if (end !== undefined) return reportOfEnd(end, this.#errors.get(name));
    const unknownEnds = [...this.#ends.values()].filter((each) => each === 'unknown').length;
    const isKnown = this.#over ? this.#over.unknown <= unknownEnds : this.isOver && !this.#there.has(name);
    return isKnown ? { reverted: true } : unknown;
  }
}

/** Until its answer is complete, or the stream ends. Whether there can be none: it may not be attached to. */
async function tell(
  agent: Agent,
  { container }: Shims,
  hearing: Hearing,
  cluster: Cluster,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const attachment = await cluster.attach(agent, container, signal);
    // Of whoever was killed in the middle of a line the shim has its beginning, which an empty line ends.
    for (const word of ['', ...hearing.words]) await attachment.send(word);
    for await (const line of attachment.stdout) {
      hearing.take(line);
      if (hearing.isOver) break;
    }
    return false;
  } catch (error) {
    return error instanceof ChaosError && error.barsAttach === true;
  }
}

/** What it has left with the kubelet, once that reports its end. Where its pod may not be watched, never. */
async function reported(agent: Agent, shims: Shims, cluster: Cluster, signal: AbortSignal): Promise<RevertReports> {
  try {
    for await (const update of cluster.followAgent(agent, signal)) {
      const state = update.kind === 'status' ? update.containers[shims.container] : undefined;
      if (state?.state === 'terminated') return lastReports(state.message, shims);
    }
    return lastReports('', shims);
  } catch {
    return new Promise(() => undefined);
  }
}

/** What is known of shims that have ended, from their container's termination message. */
export function lastReports(message: string, shims: Shims): RevertReports {
  if (!isMany(shims)) {
    const words = parseTerminationMessage(message).flatMap((event) => reportOf(event) ?? []);
    return new Map([[shims.container, words.at(-1) ?? unknown]]);
  }
  return new Map(
    shims.names.map((name) => {
      const word = endOfTarget(message, name);
      const error = word?.code === undefined ? undefined : failedShim({ code: word.code, message: word.message ?? '' });
      return [name, word ? reportOfEnd(word.end, error) : unknown];
    }),
  );
}

function reportOf(event: ShimEvent): RevertReport | undefined {
  if (event.event === 'reverted') return { reverted: true };
  if (event.event !== 'error') return undefined;
  return event.state.startsWith('unknown') ? { reverted: false, why: failedShim(event) } : { reverted: true };
}

/** What an agent knows of a shim that has gone. */
function reportOfEnd(end: LastWord['end'], error: string | undefined): RevertReport {
  if (end !== 'unknown') return { reverted: true };
  return { reverted: false, why: error ?? 'the shim was killed, and nobody has said that its fault is undone' };
}
