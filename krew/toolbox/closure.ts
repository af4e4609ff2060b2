import type { Elf } from './elf.ts';

/** A file that the part holds, and what is in it. */
export interface Member {
  /** In the archive: `bin/NAME`, `lib/SONAME`, or the loader's own path. */
  readonly name: string;
  /** Where it was unpacked to, absolute. */
  readonly from: string;
  readonly elf: Elf;
}

export interface Tree {
  /** The file of this name among the unpacked packages' libraries, links followed; undefined: there is none. */
  library(soname: string): string | undefined;
  read(file: string): Elf;
}

/**
 * The programs and all libraries that they need, and those that these need. `leftOut` are sonames that are not followed. The loader is
 * among the needed libraries, and lies where the kernel looks for it.
 */
export function closure(programs: ReadonlyMap<string, string>, leftOut: ReadonlySet<string>, tree: Tree): Member[] {
  const members = [...programs].map(([name, from]) => ({ name: `bin/${name}`, from, elf: tree.read(from) }));
  const interpreters = new Set(members.flatMap(({ elf }) => elf.interpreter ?? []));
  const seen = new Set(leftOut);
  const follow = (elf: Elf, by: string) => {
    for (const soname of elf.needed) if (!seen.has(soname)) add(soname, by);
  };
  const add = (soname: string, by: string) => {
    seen.add(soname);
    const from = tree.library(soname);
    if (from === undefined) throw new Error(`no package has ${soname}, which ${by} needs`);
    const loader = [...interpreters].find((path) => path.endsWith(`/${soname}`));
    const member = { name: loader?.slice(1) ?? `lib/${soname}`, from, elf: tree.read(from) };
    members.push(member);
    follow(member.elf, soname);
  };
  for (const { name, elf } of [...members]) follow(elf, name);
  return members;
}

/**
 * What the members import from a library that is left out, `NAME` or `NAME@VERSION`, sorted. Only functions can be stood in for: of data
 * the program has a copy of its own, whose size the library says.
 */
export function importsFrom(library: Elf, soname: string, members: readonly Member[]): string[] {
  const kinds = new Map(library.exports.map(({ name, type }) => [name, type]));
  const names = new Set<string>();
  for (const { name: symbol, version } of members.flatMap(({ elf }) => elf.imports)) {
    const type = kinds.get(symbol);
    if (
      type === undefined ||
      !library.exports.some((own) => own.name === symbol && (version === undefined || own.version === version))
    )
      continue;
    if (type !== 'FUNC' && type !== 'IFUNC') throw new Error(`${soname} cannot be left out: ${symbol} is no function`);
    names.add(version === undefined ? symbol : `${symbol}@${version}`);
  }
  return [...names].sort();
}

/** Why the dynamic loader would refuse one of these files where there are no others; empty: it takes all of them. */
export function problemsOf(members: readonly Member[]): string[] {
  const files = new Set(members.map(({ name }) => name.slice(name.lastIndexOf('/') + 1)));
  const exported = new Set(
    members.flatMap(({ elf }) => elf.exports.flatMap(({ name, version }) => [name, `${name}@${version}`])),
  );
  return members.flatMap(({ name, elf }) => {
    const libraries = elf.needed.filter((soname) => !files.has(soname));
    const symbols = elf.imports.filter(
      (symbol) =>
        !symbol.weak && !exported.has(symbol.version === undefined ? symbol.name : `${symbol.name}@${symbol.version}`),
    );
    return [...libraries, ...symbols.map((symbol) => symbol.name)].map(
      (what) => `${name} needs ${what}, which is not there`,
    );
  });
}
