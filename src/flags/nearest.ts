/**
 * The candidate that is one edit (insert, delete, replace, swap) away from `word`, of longer words two, the nearest first; else the only one that begins with it, or that it begins with;
 * undefined if there is none.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  return misspelt(word, candidates) ?? shortened(word, candidates);
}

/** Two edits make half of a short word another: "node" is no slip for "pod". */
const lettersPerEdit = 3;
const fewestLetters = 3;

function shortened(word: string, candidates: readonly string[]): string | undefined {
  // A whole word of several is another name: `--all` is not short for `--all-namespaces`.
  const begins = (short: string, long: string) =>
    short.length >= fewestLetters && long.startsWith(short) && long[short.length] !== '-';
  const [found, another] = new Set(candidates.filter((other) => begins(word, other) || begins(other, word)));
  return another === undefined ? found : undefined;
}

function misspelt(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = word.length < 2 ? 0 : Math.min(2, Math.max(1, Math.floor(word.length / lettersPerEdit))) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Optimal string alignment distance. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cell = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, replace);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cell = Math.min(cell, (before[j - 2] ?? 0) + 1);
      }
      row.push(cell);
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
