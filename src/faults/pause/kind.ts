import type { PodNetwork } from '../../ports.ts';
import { noTools } from '../common/no-tools.ts';
import { cgroupPlace } from '../common/place.ts';
import type { FaultKind } from '../fault.ts';
import { command } from './command.ts';
import { PauseDriver } from './driver.ts';
import { cautions, describePause, planPause } from './plan.ts';
import { record } from './record.ts';
import { PauseSetup } from './setup.ts';
import type { PauseFault, PauseRequest } from './types.ts';
import { judgePause } from './verdict.ts';
import { proofRows } from './view.ts';

/** A container, or some of its processes, that stands still: its cgroup is frozen, or they are sent SIGSTOP. */
export const pause: FaultKind<PauseRequest, PauseFault, PodNetwork, object> = {
  verb: 'pause',
  command,
  tools: noTools,

  survey: (_request, target, { cluster }) => cluster.podNetwork(target),
  plan(request, target, network, { run }) {
    const fault = planPause(request, target, network, run.durationMs);
    return { fault, summary: describePause(request) };
  },
  cautions,
  place: (_fault, { container }) => `in container ${container}`,
  shimCommand: ({ match }) => ({
    command: 'hold',
    options: match === undefined ? ['--freeze'] : ['--stop', '--match', match],
    workload: [],
  }),
  record,

  observations: () => ({}),
  setup: (run, go) => new PauseSetup(run, go),
  attach: (run) => new PauseDriver(run),

  // What is frozen or stopped stays so.
  outlivesShim: () => true,
  unconfirmed: (_fault, { container, pod }) => `container ${container} goes on; to be certain, delete pod ${pod}`,
  actor: () => ({
    ...{ name: 'the process that holds the fault', program: 'the process that holds the fault' },
    complaint: () => undefined,
    overwritten: (after) =>
      `somebody else thawed the target's cgroup ${after}, so that the container goes on; \`runc resume\` and \`docker unpause\` do that: find out who it was before the next try`,
  }),

  isMeasured: ({ during }) => during.length > 0,
  judge(fault, _target, seen) {
    const { pause: measured, ...conclusion } = judgePause(fault, seen);
    return {
      ...conclusion,
      table: measured ? proofRows(measured) : { head: [], rows: [] },
      document: measured ? { pause: measured } : {},
    };
  },

  where: (_fault, _target, resolved) => [cgroupPlace(resolved)],
  dryRun: (fault) => ({ ...(fault.match === undefined ? {} : { match: fault.match }), probes: cautions(fault) }),
};
