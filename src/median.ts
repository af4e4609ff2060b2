/**
 * The median; of an even number of values the lower of the two in the middle. A fault that slows something down is then judged by what more than half of the measurements reached, and a first one
 * that was slow for a reason of its own (a file that grows, a name that is looked up) does not count. Undefined: there are no values.
 */
export function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
}
