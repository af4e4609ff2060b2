/** The lines of SHA256SUMS, as sha256sum writes and reads them: each file's name with its checksum. */
export function readSums(text: string): Map<string, string> {
  const lines = [...text.matchAll(/^([\da-f]{64}) {2}(.+)$/gm)];
  return new Map(lines.map(([, sum = '', name = '']) => [name, sum]));
}

/** What of one build another has not, or has otherwise; a sentence each. */
export function differences(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): string[] {
  const names = [...new Set([...one.keys(), ...other.keys()])].sort();
  return names.flatMap((name) => {
    const [a, b] = [one.get(name), other.get(name)];
    if (a === b) return [];
    return [a && b ? `${name} differs: ${a}, ${b}` : `${name} was made only ${a ? 'the first' : 'the second'} time`];
  });
}
