/** What the shim's `fill` says that it holds: its own blocks and files, whatever others do to the file system meanwhile. */
export interface Held {
  /** Bytes, to three digits; or inodes. */
  amount: number;
  /** It is all that was missing when the fill began. */
  isAll: boolean;
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
const size = `([\\d.]+) (${units.join('|')})`;
/** The lines of native/README.md, "fill". It says them once, when it is done, and gives nothing back afterwards. */
const spaceLine = new RegExp(`^filled ${size}( of ${size})? by `);
const inodeLine = /^made (\d+)( of \d+)? files: /;

/** Undefined: it has not said so, or nobody heard it, as of a fault that was found in force. */
export function heldSpace(output: readonly string[]): Held | undefined {
  const [, number, unit = 'B', rest] = matched(output, spaceLine);
  if (number === undefined) return undefined;
  return { amount: Number(number) * 1_024 ** units.indexOf(unit), isAll: rest === undefined };
}

/** As `heldSpace`. */
export function heldInodes(output: readonly string[]): Held | undefined {
  const [, number, rest] = matched(output, inodeLine);
  return number === undefined ? undefined : { amount: Number(number), isAll: rest === undefined };
}

function matched(output: readonly string[], pattern: RegExp): readonly (string | undefined)[] {
  return output.flatMap((line) => pattern.exec(line) ?? []);
}
