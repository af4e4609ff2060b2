import { execFileSync } from 'node:child_process';

/** What the dynamic loader wants to know of a program or library. */
export interface Elf {
  readonly soname?: string;
  /** PT_INTERP: the loader, absolute. */
  readonly interpreter?: string;
  /** Sonames of the libraries that must be there. */
  readonly needed: readonly string[];
  /** What others must define, and what it defines for others. */
  readonly imports: readonly DynamicSymbol[];
  readonly exports: readonly DynamicSymbol[];
}

export interface DynamicSymbol {
  readonly name: string;
  /** Absent: it has none. */
  readonly version?: string;
  /** As readelf names it: FUNC, OBJECT, …; of an import it may be NOTYPE. */
  readonly type: string;
  /** Of an import: the program runs without it, too. */
  readonly weak: boolean;
}

/** Of a file for any architecture. */
export function readElf(file: string): Elf {
  const words = ['--wide', '--dynamic', '--program-headers', '--dyn-syms', file];
  return parseElf(
    execFileSync('readelf', words, {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
      maxBuffer: 2 ** 26,
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  );
}

/** What `readelf --wide --dynamic --program-headers --dyn-syms` prints. */
export function parseElf(text: string): Elf {
  const soname = /\(SONAME\)\s+Library soname: \[(.*)\]/.exec(text)?.[1];
  const interpreter = /\[Requesting program interpreter: (.*)\]/.exec(text)?.[1];
  const imports: DynamicSymbol[] = [];
  const exports: DynamicSymbol[] = [];
  // Num: Value Size Type Bind Vis Ndx Name[@VERSION [(N)]]; a default version has two @, and of visibility more may stand in brackets.
  for (const [, type = '', binding, index, name = '', version] of text.matchAll(
    /^\s*\d+: [0-9a-f]+\s+\S+\s+(\S+)\s+(GLOBAL|WEAK|UNIQUE)\s+\S+\s+(?:\[.*?\]\s+)?(\S+)\s+([^@\s]+)(?:@@?([^\s(]+))?/gm,
  )) {
    (index === 'UND' ? imports : exports).push({
      name,
      type,
      weak: binding === 'WEAK',
      ...(version === undefined ? {} : { version }),
    });
  }
  return {
    ...(soname === undefined ? {} : { soname }),
    ...(interpreter === undefined ? {} : { interpreter }),
    needed: [...text.matchAll(/\(NEEDED\)\s+Shared library: \[(.*)\]/g)].map((match) => match[1] ?? ''),
    imports,
    exports,
  };
}
