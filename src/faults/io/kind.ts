import type { Target } from '../../ports.ts';
import { howEnded } from '../common/observation.ts';
import { cgroupPlace } from '../common/place.ts';
import type { FaultKind } from '../fault.ts';
import { actor } from './actor.ts';
import { directoryOf, ioCommand } from './arguments.ts';
import { command } from './command.ts';
import { describeIo } from './describe.ts';
import { IoDriver } from './driver.ts';
import { IoRun } from './observations.ts';
import { record } from './record.ts';
import { IoSetup } from './setup.ts';
import { surveyIo } from './survey.ts';
import { throttler } from './throttle.ts';
import type { IoFault, IoRequest, IoSurroundings } from './types.ts';
import { judgeIo } from './verdict.ts';
import { proofRows } from './view.ts';

/** As long as the shim takes at most to remove what a workload has left on a disk, a million files perhaps (native/undo/revert.c). */
const removalMs = 60_000;

/** The disk behind a directory of the target's: busy, full, or slow. */
export const io: FaultKind<IoRequest, IoFault, IoSurroundings, IoRun> = {
  verb: 'io',
  command,
  tools: {
    needed: ({ action }) => action.kind === 'load',
    names: () => 'stress-ng',
    ...{ toolbox: 'stress', neededFor: 'start' },
  },

  survey: surveyIo,
  plan(request, target, surroundings, { id, run }) {
    const asRoot = run.runAs === 'root' ? ({ asRoot: true } as const) : {};
    const directory = directoryOf(id, target);
    return { fault: { ...request, surroundings, directory, ...asRoot }, summary: describeIo(request) };
  },
  place: (_fault, { container }) => `in container ${container}`,
  shimCommand: ioCommand,
  record,
  allowances: {
    endMs: ({ action }) => (action.kind === 'throttle' ? 0 : removalMs),
    // A stressor's files are few.
    undoMs: ({ action }) => (action.kind === 'fill' && action.inodes !== undefined ? removalMs : 0),
  },

  observations: (fault) => new IoRun(fault),
  setup: (run, go) => new IoSetup(run, go),
  attach: (run) => new IoDriver(run),

  // What is done to a directory or to a cgroup's settings stays there.
  outlivesShim: () => true,
  unconfirmed,
  actor,
  evictedWhy: (message) => (isAboutDisk(message) ? 'the fault may be the reason' : undefined),

  isMeasured: ({ during }, { pathsDuring }) => during.length > 1 && pathsDuring.length > 0,
  judge(_fault, _target, seen, own) {
    const { fault, facts, pathsBefore, pathsDuring, pathAfter } = own;
    const counter = seen.resolved && throttler(seen.resolved.cgroups);
    const { io: measured, ...conclusion } = judgeIo(fault, {
      ...(facts ? { facts } : {}),
      ...{ pathsBefore, pathsDuring },
      ...(pathAfter ? { pathAfter } : {}),
      ...{ samplesBefore: seen.before, samplesDuring: seen.during, isFound: seen.isFound, output: seen.output },
      ...(counter ? { counter } : {}),
      ...howEnded(seen),
    });
    return {
      ...conclusion,
      table: measured ? proofRows(measured) : { head: [], rows: [] },
      document: measured ? { io: measured } : {},
    };
  },

  where({ action }, _target, resolved, { entered, of }) {
    const disk = action.kind === 'throttle' ? resolved.path?.diskName : undefined;
    return [cgroupPlace(resolved), disk === undefined ? `${entered} of ${of} namespaces` : `disk ${disk}`];
  },
  // What file system that is, only the node can tell.
  dryRun: ({ path, surroundings: { volume } }) => ({ path, volume }),
};

/** What goes with its container's cgroup goes with the pod. */
function unconfirmed({ action, directory, path }: IoFault, { pod }: Target): string {
  return action.kind === 'throttle'
    ? `the limits of the container's cgroup were restored; to be certain, delete pod ${pod}`
    : `${directory} in ${path} of pod ${pod} is gone`;
}

/**
 * The kubelet's words: "The node was low on resource: ephemeral-storage", "Usage of EmptyDir volume "x" exceeds the
 * limit", "… low on resource: inodes".
 */
function isAboutDisk(message: string): boolean {
  return /storage|emptydir|inodes|disk/i.test(message);
}
