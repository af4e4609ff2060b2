import { quote } from '../../flags/values.ts';
import { formatCount, formatProcesses } from '../../text.ts';
import { conclude } from '../common/conclude.ts';
import type { Conclusion, Proof, Seen } from '../fault.ts';
import { measurePause } from './measure.ts';
import type { PauseFault, PauseMeasurement } from './types.ts';

/** More than this is no rounding: clock ticks are hundredths of a second. */
const idleCores = 0.01;

/** Whether what was asked for was measured. Pure. */
export function judgePause(fault: PauseFault, seen: Seen): Conclusion & { pause?: PauseMeasurement } {
  const measured = measurePause(seen);
  const asked =
    fault.match === undefined
      ? 'Asked for a pause of the whole container'
      : `Asked for a pause of the processes ${quote(fault.match)}`;
  if (!measured) {
    const proof: Proof = {
      what: 'pause',
      effective: false,
      unmeasured: true,
      sentence: `${asked}: no sample was taken while it was in force`,
    };
    return conclude([proof]);
  }
  const { samples, stillSamples, cpuCoresDuring = 0, oomKills = 0 } = measured;
  // The end of who is killed is counted as his CPU time.
  const isIdle = cpuCoresDuring <= idleCores || oomKills > 0;
  const effective = stillSamples === samples && isIdle && seen.ended?.reason !== 'overwritten';
  const sentence = [
    `${asked}: ${howStill(measured)}`,
    ...describeCpu(measured),
    ...describeOthers(measured),
    ...describeKills(measured),
    ...(seen.ended?.reason === 'overwritten' ? ['somebody else has thawed it'] : []),
    ...describeAfter(measured, seen),
  ].join('; ');
  return { ...conclude([{ what: 'pause', effective, sentence }]), pause: measured };
}

function howStill({ samples, stillSamples, processes }: PauseMeasurement): string {
  const who = processes ? formatProcesses(processes.stopped) : 'all of it';
  return `${who} stood still in ${stillSamples} of ${formatCount(samples, 'sample')}`;
}

function describeCpu({ cpuCoresBefore, cpuCoresDuring, processes }: PauseMeasurement): string[] {
  if (cpuCoresDuring === undefined) return ['its CPU time was not counted'];
  const before = cpuCoresBefore === undefined ? '' : `${cpuCoresBefore.toFixed(2)} → `;
  return [`${processes ? 'their' : 'its'} CPU ${before}${cpuCoresDuring.toFixed(2)} cores`];
}

function describeOthers({ processes }: PauseMeasurement): string[] {
  if (!processes) return [];
  const { before, ended, running, missed } = processes;
  const words: ReadonlyArray<[number, string]> = [
    [running, 'continued by somebody else'],
    [missed, 'not reached: there were too many'],
    [ended, 'ended meanwhile'],
    [before, 'stopped before, and left alone'],
  ];
  return words.flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}`]));
}

function describeKills({ oomKills = 0 }: PauseMeasurement): string[] {
  return oomKills === 0 ? [] : [`the OOM killer ended ${formatProcesses(oomKills)} of it meanwhile`];
}

function describeAfter({ goesOn }: PauseMeasurement, { ended }: Seen): string[] {
  if (ended?.reason === 'target-gone') return ['its first process was ended meanwhile, so that it does not go on'];
  if (goesOn === undefined) return [];
  return [goesOn ? 'it goes on afterwards' : 'a part of it stands still afterwards, by somebody else'];
}
