import type { Fault, FaultKind } from './fault.ts';
import { io } from './io/kind.ts';
import { kill } from './kill/kind.ts';
import { net } from './net/kind.ts';
import { pause } from './pause/kind.ts';
import { stress } from './stress/kind.ts';

/**
 * The only list of the kinds of fault, in the order of help. From here on each is seen by its interface alone: its requests, plans and observations are handed back to it as it gave them, and nobody else looks into them.
 * This is the one seam where their types are forgotten, and why `FaultKind` has methods rather than fields of functions: TypeScript lets a method stand for one that takes less.
 */
export const faultKinds: readonly FaultKind[] = [stress, net, io, kill, pause];

/** The kind of a request, of a planned fault, or of what was recorded of one; undefined: there is none of that name. */
export function kindNamed(verb: string): FaultKind | undefined {
  return faultKinds.find((kind) => kind.verb === verb);
}

/** As `kindNamed`, of what we have made ourselves. */
export function kindOf({ fault }: Fault): FaultKind {
  const kind = kindNamed(fault);
  if (!kind) throw new Error(`there is no fault called ${fault}`);
  return kind;
}
