import type { ExecProbe, NetworkProbe } from '../../ports.ts';
import type { ProbeAtRisk } from '../common/probes.ts';

/** What `pause` is asked to do. */
export interface PauseRequest {
  fault: 'pause';
  /** Which processes, as the shim's `--match`. Absent: the whole container. */
  match?: string;
  /** It may go on for so long that the kubelet restarts the container. */
  allowRestart?: true;
}

export type Probe = NetworkProbe | ExecProbe;

/** A pause as it is planned for one target. */
export interface PauseFault extends PauseRequest {
  /** Probes of the target's container that the pause keeps from succeeding for long enough. Empty too of a fault that was found in force. */
  atRisk: readonly ProbeAtRisk<Probe>[];
}

/** What `-o json` says of a pause's measure. */
export interface PauseMeasurement {
  /** Samples while it was in force, and those of them in which all that was meant stood still. */
  samples: number;
  stillSamples: number;
  seconds: number;
  /** CPU that was used: of the whole container, with a pattern of the processes that were stopped. Absent: not counted. */
  cpuCoresBefore?: number;
  cpuCoresDuring?: number;
  /** With a pattern: how many processes were stopped, had been stopped before by somebody else, ended meanwhile, went on at some time, were not reached. */
  processes?: { stopped: number; before: number; ended: number; running: number; missed: number };
  /** Processes of the container that the OOM killer has killed meanwhile, if any. */
  oomKills?: number;
  /** After the revert nothing of it stood still because of the fault. Absent: not seen, or the target's process has ended. */
  goesOn?: boolean;
}
