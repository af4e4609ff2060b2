import type { Target } from '../../ports.ts';
import type { Sample } from '../../shim/protocol.ts';
import { formatProcesses } from '../../text.ts';
import { dash, targetName } from '../common/cells.ts';
import type { LiveRow, Rows } from '../fault.ts';
import { containerCores, standsStill, stoppedCores } from './measure.ts';
import type { PauseMeasurement } from './types.ts';

const words = { true: 'stands still', false: 'goes on', undefined: dash } as const;

export function liveRow(target: Target, previous: Sample, sample: Sample): LiveRow {
  const { pauseStopped, pauseWaiting = 0, pauseRunning = 0 } = sample;
  const still = words[`${standsStill(sample)}`];
  const cores = pauseStopped === undefined ? containerCores(previous, sample) : stoppedCores(previous, sample);
  const stopped = (pauseStopped ?? 0) + pauseWaiting;
  return {
    head: ['TARGET', 'STATE', 'PROCESSES', 'CPU'],
    row: [
      targetName(target),
      still,
      pauseStopped === undefined ? 'all' : `${stopped} of ${stopped + pauseRunning}`,
      cores === undefined ? dash : `${cores.toFixed(2)} cores`,
    ],
  };
}

/** What was seen before, during and after. */
export function proofRows(measured: PauseMeasurement): Rows {
  const { samples, stillSamples, cpuCoresBefore, cpuCoresDuring, processes, goesOn } = measured;
  const cores = (value: number | undefined) => (value === undefined ? dash : `${value.toFixed(2)} cores`);
  return {
    head: ['', 'before', 'during', 'after'],
    rows: [
      [
        'stands still',
        processes && processes.before > 0 ? formatProcesses(processes.before) : 'no',
        processes
          ? `${processes.stopped} of ${formatProcesses(processes.stopped + processes.running)}`
          : `${stillSamples} of ${samples} samples`,
        goesOn === undefined ? dash : goesOn ? 'no' : 'yes',
      ],
      ['CPU', cores(cpuCoresBefore), cores(cpuCoresDuring), dash],
    ],
  };
}
