import { describe, expect, it } from 'vitest';
import { closure, importsFrom, problemsOf, type Tree } from '../../../krew/toolbox/closure.ts';
import type { DynamicSymbol, Elf } from '../../../krew/toolbox/elf.ts';

const symbol = (name: string, type = 'FUNC'): DynamicSymbol => {
  const [plain = '', version] = name.split('@');
  return { name: plain, type, weak: false, ...(version === undefined ? {} : { version }) };
};
const elf = (needed: string[], imports: string[] = [], exports: string[] = []): Elf => ({
  needed,
  imports: imports.map((name) => symbol(name)),
  exports: exports.map((name) => symbol(name)),
});

/** A program that needs the C library and the driver of a GPU, which needs a compiler. */
const files: Record<string, Elf> = {
  '/u/tool': {
    ...elf(['libgpu.so.1', 'libc.so.6'], ['draw@GPU_1', 'paint@GPU_1', 'puts']),
    interpreter: '/lib64/ld.so.2',
  },
  '/u/libgpu.so.1.0': elf(
    ['libllvm.so.19', 'libc.so.6'],
    [],
    ['draw@GPU_1', 'paint@GPU_1', 'erase@GPU_1', 'puts@GPU_1'],
  ),
  '/u/libllvm.so.19': elf(['libc.so.6']),
  '/u/libc.so.6': elf(['ld.so.2'], [], ['puts']),
  '/u/ld.so.2': elf([]),
};
const tree: Tree = {
  library: (soname) => Object.keys(files).find((file) => file.startsWith(`/u/${soname}`)),
  read: (file) => files[file] ?? elf([]),
};
const programs = new Map([['tool', '/u/tool']]);

describe('closure', () => {
  it('takes all that is needed, by its soname, and the loader where the kernel looks for it', () => {
    const members = closure(programs, new Set(), tree);
    expect(members.map(({ name, from }) => `${name} ${from}`)).toEqual([
      'bin/tool /u/tool',
      'lib/libgpu.so.1 /u/libgpu.so.1.0',
      'lib/libllvm.so.19 /u/libllvm.so.19',
      'lib/libc.so.6 /u/libc.so.6',
      'lib64/ld.so.2 /u/ld.so.2',
    ]);
    expect(problemsOf(members)).toEqual([]);
  });

  it('takes neither what is left out nor what only that needs', () => {
    const names = closure(programs, new Set(['libgpu.so.1']), tree).map(({ name }) => name);
    expect(names).toEqual(['bin/tool', 'lib/libc.so.6', 'lib64/ld.so.2']);
  });

  it('names a library that no package has, and what needs it', () => {
    const broken: Tree = {
      ...tree,
      library: (soname) => (soname.startsWith('libllvm') ? undefined : tree.library(soname)),
    };
    expect(() => closure(programs, new Set(), broken)).toThrow('no package has libllvm.so.19, which libgpu.so.1 needs');
  });
});

describe('importsFrom', () => {
  const members = closure(programs, new Set(['libgpu.so.1']), tree);

  it('names what the members import from the library, with its version, and nothing else', () => {
    expect(importsFrom(tree.read('/u/libgpu.so.1.0'), 'libgpu.so.1', members)).toEqual([
      'draw@GPU_1',
      'paint@GPU_1',
      'puts',
    ]);
  });

  it('refuses to leave out a library whose data a program uses', () => {
    const library = { ...elf([]), exports: [symbol('draw@GPU_1', 'OBJECT')] };
    expect(() => importsFrom(library, 'libgpu.so.1', members)).toThrow(
      'libgpu.so.1 cannot be left out: draw is no function',
    );
  });
});

describe('problemsOf', () => {
  it('names a library and a symbol that are not there', () => {
    const members = closure(programs, new Set(['libgpu.so.1']), tree);
    expect(problemsOf(members)).toEqual([
      'bin/tool needs libgpu.so.1, which is not there',
      'bin/tool needs draw, which is not there',
      'bin/tool needs paint, which is not there',
    ]);
  });

  it('is content with a symbol that is not there where the program runs without it', () => {
    const weak = { ...elf([]), imports: [{ ...symbol('__gmon_start__'), weak: true }] };
    expect(problemsOf([{ name: 'bin/tool', from: '/u/tool', elf: weak }])).toEqual([]);
  });
});
