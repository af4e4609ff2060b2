import type { Fault, FaultKind } from './fault.ts';
import { io } from './io/kind.ts';
import { net } from './net/kind.ts';
import { stress } from './stress/kind.ts';

/** The only list of the kinds of fault, in the order of help. Each is seen by its interface from here on: what it is given of its own, it gets back as it gave it. */
export const faultKinds: readonly FaultKind[] = [stress, net, io];

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
