import type { Sample } from '../shim/protocol.ts';
import type { Conduct } from './driver.ts';
import type { Stage } from './run-context.ts';

/** While an io fault is in force: the shim measures the path by itself, and is told nothing but beats. */
export class IoConduct implements Conduct {
  readonly #stage: Stage;
  readonly #orders: readonly string[];

  /** `orders`: lines to be said before `start`. */
  constructor(stage: Stage, orders: readonly string[] = []) {
    this.#stage = stage;
    this.#orders = orders;
  }

  begin(): void {
    for (const line of this.#orders) this.#stage.send(line);
    this.#stage.sendStart();
  }

  onAnswer(): void {}

  onSample(sample: Sample, previous: Sample | undefined): void {
    const { plan, record } = this.#stage;
    if (!previous) return;
    const { target } = plan;
    const { facts, pathsBefore = [], pathsDuring = [] } = record.result.io ?? {};
    const pathBefore = pathsBefore.at(-1);
    const path = pathsDuring.at(-1);
    this.#stage.report({
      kind: 'io-sample',
      target,
      previous,
      sample,
      ...(facts ? { facts } : {}),
      ...(pathBefore ? { pathBefore } : {}),
      ...(path ? { path } : {}),
      leftMs: record.leftMs,
    });
  }
}
