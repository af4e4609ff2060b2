import type { Target } from '../../ports.ts';
import { dash, targetName } from '../common/cells.ts';
import type { LiveRow, Rows } from '../fault.ts';
import type { KillRun } from './observations.ts';

/** What is shown of a kill. Pure. */

export function liveRow(target: Target, { aftermath, rounds }: KillRun): LiveRow {
  const { last } = aftermath;
  const container = last?.container;
  return {
    head: ['TARGET', 'SIGNALS', 'CONTAINER', 'RESTARTS', 'READY PODS', 'ENDPOINTS'],
    row: [
      targetName(target),
      String(rounds.filter(({ skipped }) => skipped === undefined).length),
      container ? (container.waiting?.reason ?? (container.isReady ? 'ready' : container.state)) : dash,
      String(container?.restartCount ?? dash),
      String(last?.readyPods ?? dash),
      last?.services?.map(({ name, ready }) => `${name} ${ready}`).join(', ') || dash,
    ],
  };
}

/** Before the first blow, the fewest since, and as it was in the end. */
export function proofRows({ aftermath }: KillRun): Rows {
  const { first, last, lowestReady, lowestEndpoints } = aftermath;
  const head = ['', 'before', 'lowest', 'after'];
  if (!first || !last) return { head, rows: [] };
  const cell = (value: number | undefined) => (value === undefined ? dash : String(value));
  const endpoints = (standing: typeof last, name: string) =>
    cell(standing.services?.find((service) => service.name === name)?.ready);
  return {
    head,
    rows: [
      ['ready pods', cell(first.readyPods), cell(lowestReady), cell(last.readyPods)],
      ...[...lowestEndpoints].map(([name, lowest]) => [
        `endpoints of ${name}`,
        endpoints(first, name),
        cell(lowest),
        endpoints(last, name),
      ]),
      ['restarts', cell(first.container?.restartCount), dash, cell(last.container?.restartCount)],
    ],
  };
}
