/** Words that several faults and the life cycle use. */

/** Where something of another experiment is met: whether it is in force yet. */
export function whoElse({ list, sweep }: { list: string; sweep: string }): string {
  return `To list experiments: ${list} -A\nTo remove leftovers of an earlier one: ${sweep}`;
}
