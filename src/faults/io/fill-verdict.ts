import type { PathEvent, Space } from '../../shim/protocol.ts';
import { formatCount, formatPercent } from '../../text.ts';
import { whySlow } from '../common/slow.ts';
import type { Proof } from '../fault.ts';
import { describeFill } from './describe.ts';
import { formatBytesApart } from './digits.ts';
import { type Held, heldInodes, heldSpace } from './held.ts';
import { placeOf, proof, type SeenIo } from './proof.ts';
import { fillBytes, fillInodes, leaveOf, type Room, roomOf } from './room.ts';
import type { FillRequest, IoFault } from './types.ts';

/** Percent of what was asked that may be missing. */
const tolerance = 1;
/** Others write meanwhile, and a file system takes blocks for its own records; of a small one that is less. */
const slackBytes = 4 * 2 ** 20;
const slackShare = 1 / 50;
const slackInodes = 64;
/** The share of what was taken that must be free again after the revert: the target goes on writing meanwhile. */
const backShare = 0.9;
/** Others may be this much faster between the last two looks than between any two before. */
const burst = 2;

/** How much of something was free at one look. */
interface Look {
  /** On the shim's clock. */
  seconds: number;
  free: number;
}

/** One of what there is in a file system, bytes or inodes, as it was and became. */
interface Stock {
  whole: number;
  before: number | undefined;
  during: readonly Look[];
  least: number;
  after: Look | undefined;
  /** Absent: only the file system as a whole tells what was taken. */
  held: Held | undefined;
  /** What is not counted as a difference. */
  slack: number;
  /** `apart`: a difference that is to be seen. */
  format(value: number, apart: number): string;
  /** What was measured that explains why it is less than asked, as the end of a sentence. */
  slow: string;
}

type Counted = { whole: number; free: number } | undefined;

export function judgeFill(fault: IoFault, fill: FillRequest, seen: SeenIo): Proof[] {
  const mayUseReserved = { mayUseReserved: seen.facts?.mayUseReserved ?? false };
  const room = (space: Space) => roomOf(space, mayUseReserved);
  const [first] = seen.pathsDuring;
  if (!first)
    return [
      proof(false, 'the run was too short to measure: the file system was not observed while the fault was active'),
    ];
  const start = seen.pathsBefore.at(-1) ?? seen.facts;
  const { pathAfter } = seen;
  const without = start ?? pathAfter;
  const slow = whySlow({ during: seen.samplesDuring }, 'to take more');
  const stock = (of: (room: Room) => Counted, rest: Pick<Stock, 'held' | 'slack' | 'format'>): Stock => {
    const look = (path: PathEvent) => ({ seconds: path.elapsedUs / 1e6, free: of(room(path))?.free ?? Infinity });
    const during = seen.pathsDuring.map(look);
    return {
      ...rest,
      slow,
      whole: of(room(first))?.whole ?? 0,
      before: start && of(room(start))?.free,
      during,
      least: Math.min(...during.map(({ free }) => free)),
      after: pathAfter && look(pathAfter),
    };
  };
  const space = {
    held: heldSpace(seen.output ?? []),
    slack: Math.min(slackBytes, room(first).wholeBytes * slackShare),
    format: formatBytesApart,
  };
  const inodes = {
    held: heldInodes(seen.output ?? []),
    slack: slackInodes,
    format: (value: number) => formatCount(value, 'inode'),
  };
  const at = { fill, without: without && room(without), place: placeOf(fault, seen) };
  return [
    ...(fill.space
      ? [
          judgeSpace(
            at,
            stock(({ wholeBytes: whole, freeBytes: free }) => ({ whole, free }), space),
            room(first),
          ),
        ]
      : []),
    ...(fill.inodes
      ? [
          judgeInodes(
            at,
            stock(({ inodes }) => inodes, inodes),
          ),
        ]
      : []),
  ];
}

interface Asked {
  fill: FillRequest;
  /** The room without the fault: before it or, of one that was found in force, after it. */
  without: Room | undefined;
  place: string;
}

function judgeSpace({ fill, without, place }: Asked, stock: Stock, room: Room): Proof {
  const { space } = fill;
  const leaveBytes = leaveOf(fill, room);
  const wanted = without ? fillBytes(fill, without) : undefined;
  const atFloor = stock.least <= leaveBytes * (1 + tolerance / 100) + stock.slack;
  const percent = space && 'percent' in space ? space.percent : undefined;
  const reached = isReached(percent, wanted, stock) || (percent !== undefined && atFloor && stock.held?.amount !== 0);
  const floor = reached && atFloor && leaveBytes > 0 ? `, down to what --leave keeps free` : '';
  // Its own line is rounded; what was asked in bytes and taken is known to the byte.
  const exact = space && 'bytes' in space && stock.held?.isAll ? { ...stock.held, amount: space.bytes } : stock.held;
  const asked = `Asked to fill ${place} ${describeFill({ ...(space ? { space } : {}) })}`;
  return fillProof(asked, { ...stock, held: exact }, reached, floor);
}

function judgeInodes({ fill: { inodes, ...fill }, without, place }: Asked, stock: Stock): Proof {
  const wanted = without && inodes ? fillInodes({ ...fill, inodes }, without) : undefined;
  const reached = isReached(inodes && 'percent' in inodes ? inodes.percent : undefined, wanted, stock);
  return fillProof(`Asked to fill ${place} ${describeFill({ ...(inodes ? { inodes } : {}) })}`, stock, reached, '');
}

/** By what the fill holds, where it has said so: what else is taken or given back on that file system is others'. */
function isReached(percent: number | undefined, wanted: number | undefined, stock: Stock): boolean {
  const { whole, before, least, after, held, slack } = stock;
  if (held?.isAll) return held.amount > 0;
  if (percent !== undefined) {
    const hasTaken = held ? held.amount > 0 : before === undefined || least < before;
    return (100 * (whole - least)) / whole >= percent - tolerance && hasTaken;
  }
  const without = before ?? after?.free;
  const taken = held?.amount ?? (without === undefined ? undefined : without - least);
  if (wanted === undefined || taken === undefined) return false;
  return taken > 0 && taken >= wanted * (1 - tolerance / 100) - Math.min(slack, wanted / 10);
}

function fillProof(asked: string, stock: Stock, reached: boolean, floor: string): Proof {
  const { whole, before, least, after, held, slack, slow } = stock;
  const apart = held?.amount ?? (before === undefined ? whole : before - least);
  const format = (value: number) => stock.format(value, apart);
  const took = held === undefined ? '' : `took ${stock.format(held.amount, whole)}, `;
  const used = whole > 0 ? `${formatPercent((100 * (whole - least)) / whole)} in use, ` : '';
  const was = before === undefined ? '' : ` (${format(before)} before)`;
  const now = `${took}${used}${format(least)} free${was}${floor}`;
  const isKnown = before !== undefined || after !== undefined || held !== undefined;
  const short = reached ? '' : isKnown ? `: less than asked${slow}` : ': what was free without the fault is not known';
  if (before === undefined || after === undefined) return proof(reached, `${asked}: ${now}${short}`);
  const isBack =
    after.free - least >= (before - least) * backShare - slack || (held !== undefined && isReleased(stock, held));
  const back = isBack
    ? `; ${format(after.free)} free afterwards${byOthers(before - after.free, stock)}`
    : `; afterwards only ${format(after.free)} free: the target uses the rest, or it is released later`;
  return proof(reached && isBack, `${asked}: ${now}${short}${back}`);
}

/** Whether what the fill held is free again, though others may have taken it since: they are known by what they took while the fill stood still. */
function isReleased({ during, before, after, slack }: Stock, { amount }: Held): boolean {
  const last = during.at(-1);
  if (!last || !after || before === undefined) return false;
  const full = during.filter(({ free }) => before - free >= amount - slack);
  const rates = full.slice(1).map((look, index) => {
    const previous = full[index] ?? look;
    return (previous.free - look.free) / Math.max(0.001, look.seconds - previous.seconds);
  });
  const others = burst * Math.max(0, ...rates) * Math.max(0, after.seconds - last.seconds);
  return after.free - last.free + others >= amount * backShare - slack;
}

function byOthers(taken: number, { held, slack, whole, format }: Stock): string {
  if (held === undefined || Math.abs(taken) <= slack) return '';
  return `, since others ${taken > 0 ? 'took' : 'released'} ${format(Math.abs(taken), whole)} meanwhile`;
}
