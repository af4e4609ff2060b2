/** Words that several faults and the life cycle use. */

/** `a, b and c`. */
export function joined(parts: readonly string[]): string {
  return parts.length < 2 ? (parts[0] ?? '') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

/** Where something of another experiment is met: whether it is in force yet. */
export function whoElse({ list, sweep }: { list: string; sweep: string }): string {
  return `Which experiments there are: ${list} -A\nWhat one has left that is not there any more: ${sweep}`;
}
