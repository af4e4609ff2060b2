import type { RunContext } from '../../experiment/run-context.ts';
import type { Sample } from '../../shim/protocol.ts';
import type { Driver } from '../fault.ts';

/** While an io fault is in force: the shim measures the path by itself, and is told nothing but beats. */
export class IoDriver implements Driver {
  readonly #context: RunContext;
  readonly #orders: readonly string[];

  /** `orders`: lines to be said before `start`. */
  constructor(context: RunContext, orders: readonly string[] = []) {
    this.#context = context;
    this.#orders = orders;
  }

  begin(): void {
    for (const line of this.#orders) this.#context.send(line);
    this.#context.sendStart();
  }

  onAnswer(): void {}

  onSample(sample: Sample, previous: Sample | undefined): void {
    const { plan, observations } = this.#context;
    if (!previous) return;
    const { target } = plan;
    const { facts, pathsBefore = [], pathsDuring = [] } = observations.result.io ?? {};
    const pathBefore = pathsBefore.at(-1);
    const path = pathsDuring.at(-1);
    this.#context.report({
      kind: 'io-sample',
      target,
      previous,
      sample,
      ...(facts ? { facts } : {}),
      ...(pathBefore ? { pathBefore } : {}),
      ...(path ? { path } : {}),
      leftMs: observations.leftMs,
    });
  }
}
