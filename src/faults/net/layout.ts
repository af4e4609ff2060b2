import { filterLines } from './filters.ts';
import type { Rules } from './rules.ts';
import { type Leaf, redirectLines, shaperLines } from './shaper.ts';
import type { NetBasis, NetFault, ShapedPort } from './types.ts';

/** More are refused: they are tried one after the other for every packet. */
export const maxFilters = 4_096;

/** The device on which rules of this direction act: what comes in is shaped as it leaves its ifb link. */
function placesOf(port: ShapedPort, rules: readonly Rules[]): Array<{ device: string; rules: Rules }> {
  return rules.flatMap((each) => {
    const device = each.direction === 'egress' ? port.device : port.ifb;
    return device === undefined ? [] : [{ device, rules: each }];
  });
}

function portsOf({ by }: NetBasis): readonly ShapedPort[] {
  return by.tool === 'tc' ? by.ports : [];
}

/** All of the shaping, for one `tc -batch`: what comes in is sent to the ifb link last, when that has its queue. */
export function shapingLines(fault: NetFault, basis: NetBasis, rules: readonly Rules[]): string[] {
  const leaf: Leaf = fault.shaping ?? 'drop';
  return portsOf(basis).flatMap((port) => [
    ...placesOf(port, rules).flatMap((place) => shaperLines(place.device, leaf, place.rules, fault.protocol)),
    ...(port.ifb === undefined ? [] : redirectLines(port.device, port.ifb)),
  ]);
}

/** The filters alone. */
export function filtersOf(fault: NetFault, basis: NetBasis, rules: readonly Rules[]): string[] {
  return portsOf(basis).flatMap((port) =>
    placesOf(port, rules).flatMap((place) => filterLines(place.device, place.rules, fault.protocol)),
  );
}
