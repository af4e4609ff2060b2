import type { Space } from '../../shim/protocol.ts';
import { formatBytes, formatCount, formatPercent } from '../../text.ts';
import type { Proof } from '../fault.ts';
import { describeFill } from './describe.ts';
import { placeOf, proof, type SeenIo } from './proof.ts';
import { fillBytes, fillInodes, type Room, roomOf } from './room.ts';
import type { FillRequest, IoFault } from './types.ts';

/** Percent of what was asked that may be missing. */
const tolerance = 1;
/** Others write meanwhile, and a file system takes blocks for its own records. */
const slackBytes = 4 * 2 ** 20;
const slackInodes = 64;
/** The share of what was taken that must be free again after the revert: the target goes on writing meanwhile. */
const backShare = 0.9;

/** One of what there is in a file system, bytes or inodes, as it was and became. */
interface Stock {
  whole: number;
  before: number | undefined;
  least: number;
  after: number | undefined;
}

export function judgeFill(fault: IoFault, fill: FillRequest, seen: SeenIo): Proof[] {
  const mayUseReserved = { mayUseReserved: seen.facts?.mayUseReserved ?? false };
  const room = (space: Space) => roomOf(space, mayUseReserved);
  const during = seen.pathsDuring.map(room);
  const [first] = during;
  if (!first)
    return [
      proof(false, 'the run was too short to measure: the file system was not observed while the fault was active'),
    ];
  const start = seen.pathsBefore.at(-1) ?? seen.facts;
  const before = start ? room(start) : undefined;
  const after = seen.pathAfter ? room(seen.pathAfter) : undefined;
  const without = before ?? after;
  const stock = (of: (room: Room) => { whole: number; free: number } | undefined): Stock => ({
    whole: of(first)?.whole ?? 0,
    before: before && of(before)?.free,
    least: Math.min(...during.map((look) => of(look)?.free ?? Number.POSITIVE_INFINITY)),
    after: after && of(after)?.free,
  });
  const place = placeOf(fault, seen);
  return [
    ...(fill.space
      ? [
          judgeSpace(
            fill,
            stock(({ wholeBytes: whole, freeBytes: free }) => ({ whole, free })),
            without,
            place,
          ),
        ]
      : []),
    ...(fill.inodes
      ? [
          judgeInodes(
            fill,
            stock(({ inodes }) => inodes),
            without,
            place,
          ),
        ]
      : []),
  ];
}

/** `without`: the room without the fault, before it or, of one that was found in force, after it. */
function judgeSpace(fill: FillRequest, stock: Stock, without: Room | undefined, place: string): Proof {
  const { space, leaveBytes } = fill;
  const wanted = without ? fillBytes(fill, without) : undefined;
  const atFloor = stock.least <= leaveBytes * (1 + tolerance / 100) + slackBytes;
  const percent = space && 'percent' in space ? space.percent : undefined;
  const reached = isReached(percent, wanted, stock, slackBytes) || (percent !== undefined && atFloor);
  const floor = reached && atFloor && leaveBytes > 0 ? `, down to what --leave keeps free` : '';
  return fillProof(
    `Asked to fill ${place} ${describeFill({ ...(space ? { space } : {}) })}`,
    stock,
    reached,
    slackBytes,
    formatBytes,
    floor,
  );
}

function judgeInodes(fill: FillRequest, stock: Stock, without: Room | undefined, place: string): Proof {
  const { inodes } = fill;
  const wanted = without ? fillInodes(fill, without) : undefined;
  const reached = isReached(inodes && 'percent' in inodes ? inodes.percent : undefined, wanted, stock, slackInodes);
  const asked = `Asked to fill ${place} ${describeFill({ ...(inodes ? { inodes } : {}) })}`;
  return fillProof(asked, stock, reached, slackInodes, (value) => formatCount(value, 'inode'), '');
}

function isReached(
  percent: number | undefined,
  wanted: number | undefined,
  { whole, before, least, after }: Stock,
  slack: number,
): boolean {
  if (percent !== undefined)
    return (100 * (whole - least)) / whole >= percent - tolerance && (before === undefined || least < before);
  const without = before ?? after;
  if (wanted === undefined || without === undefined) return false;
  const taken = without - least;
  return taken > 0 && taken >= wanted * (1 - tolerance / 100) - Math.min(slack, wanted / 10);
}

function fillProof(
  asked: string,
  stock: Stock,
  reached: boolean,
  slack: number,
  format: (value: number) => string,
  floor: string,
): Proof {
  const { whole, before, least, after } = stock;
  const used = whole > 0 ? `${formatPercent((100 * (whole - least)) / whole)} in use, ` : '';
  const was = before === undefined ? '' : ` (${format(before)} before)`;
  const now = `${used}${format(least)} free${was}${floor}`;
  const isKnown = before !== undefined || after !== undefined;
  const short = reached ? '' : isKnown ? ': less than asked' : ': what was free without the fault is not known';
  if (before === undefined || after === undefined) return proof(reached, `${asked}: ${now}${short}`);
  const taken = before - least;
  const isBack = after - least >= taken * backShare - slack;
  const back = isBack
    ? `; ${format(after)} free afterwards`
    : `; afterwards only ${format(after)} free: the target uses the rest, or it is released later`;
  return proof(reached && isBack, `${asked}: ${now}${short}${back}`);
}
