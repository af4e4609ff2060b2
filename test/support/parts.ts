/** The parts of the tests, in the order in which they run. */
const parts = ['check', 'unit', 'native', 'e2e'] as const;
export type Part = (typeof parts)[number];

/** What needs neither root nor a cluster, and has an answer in minutes. */
const quick: readonly Part[] = ['check', 'unit'];

const isPart = (word: string): word is Part => parts.some((part) => part === word);

/**
 * The parts that are meant: those named, `all`, or without a word the quick ones; each once, in their own order.
 * @throws Error when a word names none
 */
export function partsOf(words: readonly string[]): Part[] {
  const unknown = words.filter((word) => word !== 'all' && !isPart(word));
  if (unknown.length > 0) {
    throw new Error(`unknown part ${unknown.join(', ')}: the parts are ${parts.join(', ')}, and all of them: all`);
  }
  if (words.includes('all')) return [...parts];
  return parts.filter((part) => (words.length > 0 ? words.includes(part) : quick.includes(part)));
}
