import { createHash } from 'node:crypto';
import type { Take } from '../ports.ts';

/** Which pods are taken out of those that there are. Pure, and the same whatever the order in which the API server lists them. */

/** A pod that may be taken. */
export interface Candidate {
  /** Its own among all candidates. */
  name: string;
  node: string;
  /** Of the node; absent: not known, which counts as one zone. */
  zone?: string;
}

/** How many of `available` pods are meant: of a percentage at least one, rounded up; of a number that number, however many there are. */
export function numberOf(take: Exclude<Take, 'one'>, available: number): number {
  if (take === 'all') return available;
  if ('count' in take) return take.count;
  return Math.ceil((available * take.percent) / 100);
}

/**
 * One of each group, another one than those of the groups before it if there is another; or so many of all groups together. By name in the order of
 * their code units.
 */
export function choosePods<Pod extends Candidate>(
  groups: readonly (readonly Pod[])[],
  take: Take,
  seed: string,
): Pod[] {
  const chosen = new Choice<Pod>(seed);
  if (take === 'one') {
    // What can only be one pod is taken first, so that the others can be others.
    for (const group of [...groups].sort((a, b) => Number(a.length > 1) - Number(b.length > 1))) chosen.add(group, 1);
  } else {
    const all = [...new Map(groups.flat().map((pod) => [pod.name, pod])).values()];
    chosen.add(all, numberOf(take, all.length));
  }
  return chosen.pods;
}

/** Takes one pod after the other: of the nodes with the fewest pods taken, then of the zones with the fewest, the pod that the seed puts first. */
class Choice<Pod extends Candidate> {
  readonly #seed: string;
  readonly #chosen = new Map<string, Pod>();
  readonly #onNode = new Map<string, number>();
  readonly #inZone = new Map<string | undefined, number>();

  constructor(seed: string) {
    this.#seed = seed;
  }

  get pods(): Pod[] {
    return [...this.#chosen.values()].sort((a, b) => compare(a.name, b.name));
  }

  add(pods: readonly Pod[], count: number): void {
    const left = pods
      .filter(({ name }) => !this.#chosen.has(name))
      .map((pod) => ({ pod, rank: rankOf(pod.name, this.#seed) }))
      .sort((a, b) => compare(a.rank, b.rank));
    for (let taken = 0; taken < count && left.length > 0; taken++) {
      const best = left.reduce((a, b) => (this.#isBetter(b.pod, a.pod) ? b : a));
      left.splice(left.indexOf(best), 1);
      this.#take(best.pod);
    }
  }

  #take(pod: Pod): void {
    this.#chosen.set(pod.name, pod);
    this.#onNode.set(pod.node, this.#nodeLoad(pod) + 1);
    this.#inZone.set(pod.zone, this.#zoneLoad(pod) + 1);
  }

  #isBetter(one: Pod, other: Pod): boolean {
    const byNode = this.#nodeLoad(one) - this.#nodeLoad(other);
    return byNode < 0 || (byNode === 0 && this.#zoneLoad(one) < this.#zoneLoad(other));
  }

  #nodeLoad({ node }: Pod): number {
    return this.#onNode.get(node) ?? 0;
  }

  #zoneLoad({ zone }: Pod): number {
    return this.#inZone.get(zone) ?? 0;
  }
}

/** A pod's place in the order of the seed, which the other pods do not change. */
function rankOf(name: string, seed: string): string {
  return createHash('sha256').update(`${seed}\0${name}`).digest('hex');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
