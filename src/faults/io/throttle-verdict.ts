import { formatBytes, formatCount, formatElapsed } from '../../text.ts';
import { formatQuantity } from '../../units.ts';
import type { Proof } from '../fault.ts';
import { describeLimits } from './describe.ts';
import { limitsAbove, nearShare, tighterLimits } from './limits.ts';
import { ownPart, type Traffic, trafficUnder } from './measure.ts';
import { proof, type SeenIo } from './proof.ts';
import { type Probe, probeOf } from './throttle.ts';
import type { IoMeasurement, ThrottleLimits } from './types.ts';

/** Of the time that a probe takes at the limit: the kernel lets a tenth of a second's worth through at once. */
const slowedShare = 0.5;
const slowedFactor = 2;
/** Measured rates may exceed the limit by this factor without meaning that it did not hold. */
const exceeding = 1.1;
/** A tenth of a second's worth at the start of each burst, and a probe's end on either side. */
const burstSeconds = 0.5;

/** A proof for each way that is limited. */
export function judgeThrottle(limits: ThrottleLimits, seen: SeenIo, io: IoMeasurement): Proof[] {
  const under = trafficUnder(seen);
  const own = ownPart(under.container, under.disk);
  return (['write', 'read'] as const).flatMap((way) => {
    const probe = probeOf(limits, way);
    return probe ? [judgeWay(way, limits, probe, { own, seconds: under.seconds }, seen, io)] : [];
  });
}

interface Done {
  own: Traffic;
  seconds: number;
}

function judgeWay(
  way: 'read' | 'write',
  limits: ThrottleLimits,
  probe: Probe,
  done: Done,
  seen: SeenIo,
  io: IoMeasurement,
): Proof {
  const ofWay = onlyOf(way, limits);
  const asked = `Asked for at most ${describeLimits(ofWay)}`;
  const before = way === 'write' ? io.writeUsBefore : io.readUsBefore;
  const during = way === 'write' ? io.writeUsDuring : io.readUsDuring;
  const slowed =
    during !== undefined &&
    during >= probe.us * slowedShare &&
    (before === undefined || during >= before * slowedFactor);
  const shares = sharesOf(way, limits, done);
  const exceeded = shares.some((share) => share > exceeding);
  const near = shares.some((share) => share >= nearShare);
  const lower = tighterLimits(ofWay, limitsAbove(seen)).map(
    ({ limit, cgroup }) => `already limited to ${limit} by ${cgroup}`,
  );
  const idle = !slowed && !near && !exceeded && lower.length === 0;
  // Where each of its limits is met by another first, what slows the target is not the fault.
  const binds = lower.length < Object.keys(ofWay).length;
  const sentence = [
    `${asked}: ${describeProbe(way, probe, before, during, seen)}`,
    ...describeRate(way, done),
    ...(exceeded ? ['more than the limit, since it also uses other disks'] : []),
    ...lower,
    ...(idle ? [whyIneffective(probe, before, during)] : []),
  ].join('; ');
  return proof(!exceeded && binds && (slowed || near), sentence);
}

function onlyOf(way: 'read' | 'write', limits: ThrottleLimits): ThrottleLimits {
  return Object.fromEntries(Object.entries(limits).filter(([name]) => name.startsWith(way)));
}

/** How much of each limit the container has used; none where it was not counted for long enough. */
function sharesOf(way: 'read' | 'write', limits: ThrottleLimits, { own, seconds }: Done): number[] {
  if (seconds <= 0) return [];
  const [bytes, ops] = way === 'write' ? [own.writtenBytes, own.writtenOps] : [own.readBytes, own.readOps];
  const share = (used: number | undefined, limit: number | undefined) =>
    used === undefined || limit === undefined ? [] : [Math.max(0, used / limit - burstSeconds) / seconds];
  return [...share(bytes, limits[`${way}BytesPerSecond`]), ...share(ops, limits[`${way}OpsPerSecond`])];
}

function describeProbe(
  way: 'read' | 'write',
  { bytes, blockBytes, us }: Probe,
  before: number | undefined,
  during: number | undefined,
  { pathsDuring }: SeenIo,
): string {
  const what =
    bytes === blockBytes
      ? `a ${way} of ${formatQuantity(bytes)}`
      : `${bytes / blockBytes} ${way}s of ${formatQuantity(blockBytes)}`;
  if (during === undefined) {
    const problem = pathsDuring.findLast((path) => path.problem !== undefined)?.problem;
    return `${what} could not be timed under it${problem === undefined ? '' : ` (${problem})`}`;
  }
  const then = before === undefined ? '' : `${formatElapsed(before / 1_000)} before and `;
  return `${what} took ${then}${formatElapsed(during / 1_000)} under it, at the limit ${formatElapsed(us / 1_000)}`;
}

function describeRate(way: 'read' | 'write', { own, seconds }: Done): string[] {
  const [bytes, ops] = way === 'write' ? [own.writtenBytes, own.writtenOps] : [own.readBytes, own.readOps];
  if (bytes === undefined || seconds <= 0) return [];
  const operations = ops === undefined ? '' : ` in ${formatCount(Math.round(ops / seconds), way)}/s`;
  return [`the container ${way === 'write' ? 'wrote' : 'read'} ${formatBytes(bytes / seconds)}/s${operations}`];
}

function whyIneffective({ us }: Probe, before: number | undefined, during: number | undefined): string {
  if (during === undefined) return 'and the target never came near the limit';
  if (before !== undefined && before >= us * slowedShare) return 'the disk itself is hardly faster than the limit';
  return us < 100_000 ? "the target's I/O stayed below the limit" : 'it was not slowed';
}
