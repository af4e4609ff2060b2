import type { ContainerStanding, Standing, StandingUpdate } from '../../ports.ts';

/** How a container has ended, as its pod's status tells. */
export interface End {
  exitCode: number;
  /** 0: the runtime names none. */
  signal: number;
  reason: string;
  /** Of the container that was there then. */
  restartCount: number;
}

/** A blow, and what it took until all was again as before; `readyMs` absent: that has not been seen. */
export interface Disturbance {
  atMs: number;
  readyMs?: number;
}

/** What there is to tell, as it becomes known. */
export type News =
  | { kind: 'ended'; end: End }
  | { kind: 'back-off'; message: string }
  | { kind: 'replaced'; pod: string }
  | { kind: 'gone' }
  | { kind: 'ready'; readyMs: number };

/** What is seen of the target and of what counts on it, before the first blow and after each. `isDeleted`: the pod is what is hit, and its place is taken by another. Decides nothing. */
export class Aftermath {
  first: Standing | undefined;
  last: Standing | undefined;
  /** Why endpoints are not known; absent: they are. */
  unseen: string | undefined;
  readonly ends: End[] = [];
  readonly disturbances: Disturbance[] = [];
  /** Fewest of all since the first blow. */
  lowestReady: number | undefined;
  readonly lowestEndpoints = new Map<string, number>();
  /** What the kubelet said last of a container that it does not start yet. */
  backOff: string | undefined;
  /** Pods that have come since, by name. */
  readonly newcomers = new Set<string>();
  readonly #isDeleted: boolean;
  readonly #known = new Set<string>();
  /** Of which containers, by their restart counts, the end has been told. */
  readonly #toldEnds = new Set<number>();
  /** When the blow came after which all is not as before yet; undefined: there is none. */
  #struckAt: number | undefined;
  /** Something has come of it. */
  #isDisturbed = false;
  /** The container as it was when it came. */
  #struck: ContainerStanding | undefined;

  constructor(isDeleted: boolean) {
    this.#isDeleted = isDeleted;
  }

  /** Times are milliseconds on any one clock. */
  strike(now: number): void {
    if (this.#struckAt !== undefined && this.#isDisturbed) return;
    this.#struckAt = now;
    this.#struck = this.last?.container;
    this.lowestReady ??= this.last?.readyPods;
    for (const { name, ready } of this.last?.services ?? []) {
      if (!this.lowestEndpoints.has(name)) this.lowestEndpoints.set(name, ready);
    }
  }

  /** Something has come of the last blow, and all is not as before. */
  get isDown(): boolean {
    return this.#struckAt !== undefined && this.#isDisturbed;
  }

  take({ standing, unseen }: StandingUpdate, now: number): News[] {
    const before = this.last;
    this.last = standing;
    this.unseen = unseen;
    if (!this.first) {
      this.first = standing;
      for (const { uid } of standing.others) this.#known.add(uid);
      if (standing.container?.end) this.#toldEnds.add(endedCount(standing.container));
      return [];
    }
    const news = [...this.#ended(before, standing), ...this.#gone(before, standing), ...this.#replaced(standing)];
    if (this.#struckAt === undefined) return news;
    this.#count(standing);
    this.#isDisturbed ||= this.#isOtherThanStruck(standing);
    if (!this.#isDisturbed || !this.#isWhole(this.first, standing)) return news;
    const readyMs = now - this.#struckAt;
    this.disturbances.push({ atMs: this.#struckAt, readyMs });
    this.#struckAt = undefined;
    this.#isDisturbed = false;
    return [...news, { kind: 'ready', readyMs }];
  }

  /** The blow that was not got over counts as one too. */
  close(): readonly Disturbance[] {
    const open = this.#struckAt !== undefined && this.#isDisturbed ? [{ atMs: this.#struckAt }] : [];
    return [...this.disturbances, ...open];
  }

  #ended(before: Standing | undefined, { container }: Standing): News[] {
    const was = before?.container;
    if (!container?.end || !was) return [];
    const news: News[] = [];
    const restartCount = endedCount(container);
    if (!this.#toldEnds.has(restartCount)) {
      this.#toldEnds.add(restartCount);
      const end = { ...container.end, restartCount };
      this.ends.push(end);
      news.push({ kind: 'ended', end });
    }
    const { waiting } = container;
    if (waiting && /BackOff$/.test(waiting.reason) && was.waiting?.reason !== waiting.reason) {
      this.backOff = `${waiting.reason}${waiting.message === '' ? '' : `: ${waiting.message}`}`;
      news.push({ kind: 'back-off', message: this.backOff });
    }
    return news;
  }

  #gone(before: Standing | undefined, now: Standing): News[] {
    return before?.pod && !now.pod ? [{ kind: 'gone' }] : [];
  }

  #replaced({ others }: Standing): News[] {
    return others.flatMap(({ uid, name }): News[] => {
      if (this.#known.has(uid)) return [];
      this.#known.add(uid);
      this.newcomers.add(name);
      return [{ kind: 'replaced', pod: name }];
    });
  }

  #count({ readyPods, services = [] }: Standing): void {
    this.lowestReady = Math.min(this.lowestReady ?? readyPods, readyPods);
    for (const { name, ready } of services) {
      this.lowestEndpoints.set(name, Math.min(this.lowestEndpoints.get(name) ?? ready, ready));
    }
  }

  #isOtherThanStruck({ pod, container }: Standing): boolean {
    if (!pod || pod.isBeingDeleted || this.#isDeleted) return true;
    const was = this.#struck;
    return (
      container?.state !== 'running' ||
      container.id !== was?.id ||
      container.restartCount !== was.restartCount ||
      (this.first?.pod?.isReady === true && !pod.isReady)
    );
  }

  /** As it was at first. Where the pod has gone, or is about to, in another's place. */
  #isWhole(first: Standing, { pod, container, readyPods }: Standing): boolean {
    if (pod && !pod.isBeingDeleted) {
      if (this.#isDeleted) return false;
      return container?.state === 'running' && (pod.isReady || first.pod?.isReady !== true);
    }
    return readyPods >= Math.max(1, first.readyPods);
  }
}

/** The restart count of the one whose end is told: it goes up when the next one is started, which may be long after. */
function endedCount({ state, restartCount }: ContainerStanding): number {
  return state === 'running' ? restartCount - 1 : restartCount;
}
