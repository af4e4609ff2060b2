import { messageOf } from '../errors.ts';
import type { Clock, Cluster, Experiment, ExperimentAgent } from '../ports.ts';
import { hasLeftNothing, parseTerminationMessage } from '../shim/protocol.ts';
import { parseSwept } from '../shim/swept.ts';
import { joinWords } from '../text.ts';
import { agentContainer } from './assembly.ts';
import { readPlans } from './plan-record.ts';

/**
 * Whether what is left of an experiment is of no use to anybody: every clock of it has run out, so that no command follows it any more; its shim has
 * said that nothing is left of its fault, or only its ConfigMap is there; and nobody is to read its end by attaching to it. Pure.
 */
export function isOver({ state, deadline, remains, agents = [] }: Experiment, now: Date): boolean {
  if (!remains || !deadline || deadline >= now) return false;
  if (state === 'leftover') return true;
  const isDone = (agent: ExperimentAgent) => !isToBeRead(agent) && isClean(agent);
  return state === 'ended' && agents.length > 0 && agents.every(isDone);
}

/** It was left in force, and `attach` tells its end from its pod. */
function isToBeRead({ plan }: ExperimentAgent): boolean {
  return plan !== undefined && readPlans(plan)?.followed !== true;
}

/** Whether its termination message says at last that nothing is left of the fault, or that a sweep has left nothing. */
function isClean({ container, lastWords: message = '' }: ExperimentAgent): boolean {
  if (container === agentContainer) return hasLeftNothing(message);
  const last = parseTerminationMessage(message).at(-1);
  if (last?.event === 'reverted') return last.left === 0 && (last.differs ?? []).length === 0;
  if (last?.event === 'error') return !last.state.startsWith('unknown');
  return parseSwept(message)?.left === 0;
}

/** How long all of it may take, milliseconds; what is not done then, another command does. */
const limitMs = 3_000;
/** A burst of more would be felt. */
const atOnce = 20;

/** Removes, beside what a command does, what commands have left that were killed. Never fails. */
export class Tidying {
  readonly #cluster: Pick<Cluster, 'discard'>;
  readonly #clock: Clock;
  readonly #isOn: boolean;
  readonly #removals: Promise<unknown>[] = [];
  readonly #notes: string[] = [];

  /** `isOn`: the user has not forbidden it. */
  constructor(cluster: Pick<Cluster, 'discard'>, clock: Clock, isOn: boolean) {
    this.#cluster = cluster;
    this.#clock = clock;
    this.#isOn = isOn;
  }

  /** Removes what of these is over. Resolves to what is gone, in bounded time; never rejects. */
  remove(found: readonly Experiment[]): Promise<readonly Experiment[]> {
    const now = this.#clock.date();
    const over = this.#isOn ? found.filter((one) => isOver(one, now)).slice(0, atOnce) : [];
    const removal = over.length === 0 ? Promise.resolve([]) : this.#removeAll(over);
    this.#removals.push(removal);
    return removal;
  }

  /** Waits for what was begun. Resolves to what has become of it, a sentence each. */
  async end(): Promise<readonly string[]> {
    await Promise.all(this.#removals);
    return this.#notes;
  }

  async #removeAll(over: readonly Experiment[]): Promise<readonly Experiment[]> {
    const abort = new AbortController();
    const cancel = this.#clock.after(limitMs, () => abort.abort());
    const gone = await Promise.all(over.map((one) => this.#removeOne(one, abort.signal)));
    cancel();
    return over.filter((_, index) => gone[index]);
  }

  async #removeOne({ id, namespace, objects, remains = [] }: Experiment, signal: AbortSignal): Promise<boolean> {
    const what = `${joinWords(objects)} of experiment ${id} in namespace ${namespace}`;
    try {
      await this.#cluster.discard(namespace, remains, signal);
      this.#notes.push(`removed ${what}: it was over, and nothing of its fault was left`);
      return true;
    } catch (error) {
      this.#notes.push(`${what} could not be removed: ${messageOf(error)}`);
      return false;
    }
  }
}
