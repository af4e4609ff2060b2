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
    const of = (limits: IoLimits) => limits[fields[name]];
    const [tightest] = there.filter((limits) => of(limits) >= 0).toSorted((a, b) => of(a) - of(b));
    if (wanted === undefined || !tightest || of(tightest) > wanted) return [];
    const { own, cgroup } = tightest;
    return [{ own, limit: describeLimits({ [name]: of(tightest) }), cgroup: describeCgroup(cgroup) }];
  });
}

/** Those above the target's own cgroup, as they were last seen: its own has ours while it is throttled. */
export function limitsAbove({ facts, pathsDuring }: Pick<SeenIo, 'facts' | 'pathsDuring'>): IoLimits[] {
  const limits = pathsDuring.findLast((path) => path.ioLimits !== undefined)?.ioLimits ?? facts?.ioLimits ?? [];
  return limits.filter(({ own }) => !own);
}

/** A static pod's uid has no dashes, and systemd's names have others. */
const podName = /(^|-)pod[0-9a-f]{8}([-_]?[0-9a-f]{4}){3}[-_]?[0-9a-f]{12}(\.slice)?$/;
const containerName = /[0-9a-f]{64}(\.scope)?$/;

function describeCgroup(path: string): string {
  const name = path.split('/').at(-1) ?? '';
  if (podName.test(name)) return "the pod's cgroup";
  return containerName.test(name) ? "the container's cgroup" : `cgroup ${path}`;
}
