import type { Sample } from '../../shim/protocol.ts';
import { growth, withoutUndefined } from '../common/measure.ts';
import type { Seen } from '../fault.ts';
import type { PauseMeasurement } from './types.ts';

/** What was seen of a pause. Pure. */

/** CPU of all that is in the container, between two samples; undefined: not counted. */
export function containerCores(from: Sample | undefined, to: Sample | undefined): number | undefined {
  const us = growth(from, to, 'pauseUsageUs');
  const elapsedUs = growth(from, to, 'elapsedUs');
  return us === undefined || !elapsedUs ? undefined : us / elapsedUs;
}

/** CPU of those that were stopped. */
export function stoppedCores(from: Sample | undefined, to: Sample | undefined): number | undefined {
  const us = growth(from, to, 'pauseRanUs');
  const elapsedUs = growth(from, to, 'elapsedUs');
  return us === undefined || !elapsedUs ? undefined : us / elapsedUs;
}

/** Whether all that is meant stands still, which nobody does when all have ended; undefined: the sample does not tell. */
export function standsStill({
  pauseFrozen,
  pauseStopped = 0,
  pauseRunning,
  pauseMissed = 0,
}: Sample): boolean | undefined {
  if (pauseFrozen !== undefined) return pauseFrozen === 1;
  return pauseRunning === undefined ? undefined : pauseRunning === 0 && pauseMissed === 0 && pauseStopped > 0;
}

/** Undefined: no sample of it tells. */
export function measurePause({
  before,
  during,
  after,
  ended,
}: Pick<Seen, 'before' | 'during' | 'after' | 'ended'>): PauseMeasurement | undefined {
  const telling = during.filter((sample) => standsStill(sample) !== undefined);
  const [first, last] = [telling[0], telling.at(-1)];
  if (!first || !last) return undefined;
  const isWhole = first.pauseFrozen !== undefined;
  const cores = isWhole ? containerCores : stoppedCores;
  const least = (name: keyof Sample) => Math.max(...telling.map((sample) => Number(sample[name] ?? 0)));
  const oomKills = Math.max(growth(first, last, 'memoryOomKills') ?? 0, ended?.oomKills ?? 0);
  return withoutUndefined<PauseMeasurement>({
    samples: telling.length,
    stillSamples: telling.filter((sample) => standsStill(sample) === true).length,
    seconds: (last.elapsedUs - first.elapsedUs) / 1e6,
    cpuCoresBefore: isWhole ? containerCores(before[0], before.at(-1)) : undefined,
    cpuCoresDuring: cores(first, last),
    processes: isWhole
      ? undefined
      : {
          stopped: least('pauseStopped') + (last.pauseWaiting ?? 0),
          before: least('pauseBefore'),
          ended: least('pauseEnded'),
          running: least('pauseRunning'),
          missed: least('pauseMissed'),
        },
    oomKills: oomKills > 0 ? oomKills : undefined,
    // The switch of a cgroup that went with its container is off as well.
    goesOn: ended?.reason === 'target-gone' ? undefined : after && goesOn(after, isWhole),
  });
}

function goesOn({ pauseAsked, pauseStopped }: Sample, isWhole: boolean): boolean {
  return isWhole ? pauseAsked === 0 : pauseStopped === 0;
}
