/** Words that several faults and the life cycle use. */

/** Where something of another experiment is met: whether it is in force yet. */
export function whoElse({ list, sweep }: { list: string; sweep: string }): string {
  return `Which experiments there are: ${list} -A\nWhat one has left that is not there any more: ${sweep}`;
}
