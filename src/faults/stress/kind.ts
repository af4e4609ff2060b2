import { howEnded } from '../common/observation.ts';
import { cgroupPlace } from '../common/place.ts';
import type { Actor, FaultKind, ShimCommand, ShimOptions } from '../fault.ts';
import { command } from './command.ts';
import { StressDriver } from './driver.ts';
import type { StressRun } from './observations.ts';
import {
  decideStress,
  describeStress,
  estimateStress,
  type MemoryShare,
  neededControllers,
  resolveStress,
  type StressFault,
  stressNgCommand,
} from './plan.ts';
import { record } from './record.ts';
import { StressSetup } from './setup.ts';
import type { StressRequest } from './types.ts';
import { judgeStress } from './verdict.ts';
import { proofRows } from './view.ts';

/** CPU, memory and processes that a stressor takes in the target's own cgroup. */
export const stress: FaultKind<StressRequest, StressFault, undefined, StressRun> = {
  verb: 'stress',
  command,
  tools: { needed: () => true, names: () => 'stress-ng', toolbox: 'stress', neededFor: 'start' },

  survey: async () => undefined,
  plan(request, target) {
    const fault = resolveStress(request, target);
    return { fault, summary: describeStress(fault) };
  },
  place: (_fault, { container }) => `in container ${container}`,
  shimCommand,
  record,

  observations: () => ({}),
  setup: (run, go) => new StressSetup(run, go),
  attach: (run) => new StressDriver(run),

  // A stressor cannot: its pid namespace dies with the shim, by the kernel's hand.
  outlivesShim: () => false,
  unconfirmed: () => 'the stressor is gone',
  actor: ({ stressNgArgs }): Actor => ({
    name: 'the stressor',
    program: 'stress-ng',
    complaint: () => 'see its output above',
    // stress-ng's own limits (`--cpu-ops`, …) may end it early: asked for, not a failure.
    ...(stressNgArgs.length > 0 ? { mayEnd: true } : {}),
  }),

  isMeasured: ({ before, during, after }) => during.length > 1 && (before.length > 0 || after !== undefined),
  judge(planned, target, seen, { decided }) {
    // Of one that was found in force, by what binds the target now.
    const [now] = seen.during;
    const fault = decided ?? (now && decideStress(planned, now, seen.resolved)) ?? estimateStress(planned);
    const { before, during, after, ...conclusion } = judgeStress(fault, {
      // Of one that was found in force, what the target was before has not been seen: what it is afterwards stands for it.
      before: seen.before.length === 0 && seen.after ? [seen.after] : seen.before,
      during: seen.during,
      ...(seen.after ? { after: seen.after } : {}),
      isFound: seen.isFound,
      nodeCores: target.nodeCores,
      ...(seen.resolved ? { place: seen.resolved } : {}),
      ...howEnded(seen),
    });
    const measured = { ...(before ? { before } : {}), ...(during ? { during } : {}), ...(after ? { after } : {}) };
    const asked = fault.memory ? { memory: fault.memory } : {};
    return { ...conclusion, table: proofRows(measured), document: { ...asked, ...measured } };
  },

  where: (_fault, _target, resolved, { entered, of }) => [cgroupPlace(resolved), `${entered} of ${of} namespaces`],
  dryRun: ({ memory }) => (memory ? { memory: 'bytes' in memory ? memory : dryShare(memory) } : {}),
};

/** An estimate, and said to be one. */
function dryShare({ percent, estimate }: MemoryShare): Readonly<Record<string, unknown>> {
  const note = estimate
    ? 'an estimate from the API objects: the percentage is taken of what binds the container when the fault starts'
    : 'not known from the API objects: the percentage is taken of what binds the container when the fault starts';
  return { ...estimate, percent, note };
}

function shimCommand(fault: StressFault, run: ShimOptions): ShimCommand {
  const options: Array<[string, string]> = [
    ['--grace-ms', String(run.graceMs)],
    ['--as', run.runAs],
    ['--need', neededControllers(fault).join(',')],
    // 1000 makes it the OOM killer's first choice; -1000 exempts it, so that the application is taken.
    ['--oom-score-adj', fault.oomVictim === 'stressor' ? '1000' : '-1000'],
  ];
  return {
    command: 'run',
    options: [...options.flat(), ...(run.strict ? ['--strict'] : [])],
    workload: stressNgCommand(estimateStress(fault), run.durationMs),
  };
}
