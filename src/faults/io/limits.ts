import type { IoLimits } from '../../shim/protocol.ts';
import { describeLimits } from './describe.ts';
import type { SeenIo } from './proof.ts';
import type { ThrottleLimits } from './types.ts';

const fields = {
  readBytesPerSecond: 'readBytesPerS',
  writeBytesPerSecond: 'writeBytesPerS',
  readOpsPerSecond: 'readOpsPerS',
  writeOpsPerSecond: 'writeOpsPerS',
} as const satisfies Record<keyof ThrottleLimits, keyof IoLimits>;

/** A container that does this share of a limit is held by it. */
export const nearShare = 0.75;

/** A limit that is there already, and as tight as the one that is asked for or tighter. */
export interface TighterLimit {
  own: boolean;
  /** `10Mi/s written`. */
  limit: string;
  /** `the pod's cgroup`. */
  cgroup: string;
}

/** For each limit that is asked for, the tightest that the target's cgroup, or one above it, has already, if it is as tight. */
export function tighterLimits(asked: ThrottleLimits, there: readonly IoLimits[]): TighterLimit[] {
  return (Object.keys(fields) as Array<keyof ThrottleLimits>).flatMap((name) => {
    const wanted = asked[name];
    const tightest = wanted === undefined ? undefined : tightestOf(name, there);
    if (wanted === undefined || !tightest || tightest.perSecond > wanted) return [];
    const { own, cgroup, perSecond } = tightest;
    return [{ own, limit: describeLimits({ [name]: perSecond }), cgroup: describeCgroup(cgroup) }];
  });
}

function tightestOf(name: keyof ThrottleLimits, there: readonly IoLimits[]) {
  const known = there.map(({ own, cgroup, ...limits }) => ({ own, cgroup, perSecond: limits[fields[name]] }));
  return known.filter(({ perSecond }) => perSecond >= 0).toSorted((a, b) => a.perSecond - b.perSecond)[0];
}

/** The limits of these that hold a container to what it does, or that it comes near to: `10Mi/s written by the pod's cgroup`. `done`: per second. */
export function limitsMet(done: ThrottleLimits, there: readonly IoLimits[]): string[] {
  const reached = Object.entries(done).map(([name, rate]) => [name, rate / nearShare]);
  return tighterLimits(Object.fromEntries(reached), there).map(({ limit, cgroup }) => `${limit} by ${cgroup}`);
}

/** As they were last seen. */
export function limitsSeen({ facts, pathsDuring }: Pick<SeenIo, 'facts' | 'pathsDuring'>): readonly IoLimits[] {
  return pathsDuring.findLast((path) => path.ioLimits !== undefined)?.ioLimits ?? facts?.ioLimits ?? [];
}

/** Those above the target's own cgroup, as they were last seen: its own has ours while it is throttled. */
export function limitsAbove(seen: Pick<SeenIo, 'facts' | 'pathsDuring'>): IoLimits[] {
  return limitsSeen(seen).filter(({ own }) => !own);
}

/** A static pod's uid has no dashes, and systemd's names have others. */
const podName = /(^|-)pod[0-9a-f]{8}([-_]?[0-9a-f]{4}){3}[-_]?[0-9a-f]{12}(\.slice)?$/;
const containerName = /[0-9a-f]{64}(\.scope)?$/;

function describeCgroup(path: string): string {
  const name = path.split('/').at(-1) ?? '';
  if (podName.test(name)) return "the pod's cgroup";
  return containerName.test(name) ? "the container's cgroup" : `cgroup ${path}`;
}
