import { expect, it } from 'vitest';
import { parseElf } from '../../../krew/toolbox/elf.ts';

const program = `
Program Headers:
  INTERP         0x000318 0x0000000000000318 0x0000000000000318 0x00001c 0x00001c R   0x1
      [Requesting program interpreter: /lib64/ld-linux-x86-64.so.2]

Dynamic section at offset 0xcf7cd8 contains 46 entries:
  Tag        Type                         Name/Value
 0x0000000000000001 (NEEDED)             Shared library: [libEGL.so.1]
 0x0000000000000001 (NEEDED)             Shared library: [libc.so.6]

Symbol table '.dynsym' contains 875 entries:
   Num:    Value          Size Type    Bind   Vis      Ndx Name
     0: 0000000000000000     0 NOTYPE  LOCAL  DEFAULT  UND 
     1: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND eglBindAPI
     2: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND kmod_list_next@LIBKMOD_5 (7)
     3: 0000000000000000     0 NOTYPE  WEAK   DEFAULT  UND __gmon_start__
    90: 0000000000d52ad0     8 OBJECT  WEAK   DEFAULT   28 environ@GLIBC_2.2.5 (2)
    91: 0000000000001000     0 FUNC    GLOBAL DEFAULT  [VARIANT_PCS]   13 vector@@VECTORS_1
    92: 0000000000001000  1024 FUNC    LOCAL  DEFAULT   13 own
`;

it('reads what the loader wants to know of a program', () => {
  expect(parseElf(program)).toEqual({
    interpreter: '/lib64/ld-linux-x86-64.so.2',
    needed: ['libEGL.so.1', 'libc.so.6'],
    imports: [
      { name: 'eglBindAPI', type: 'FUNC', weak: false },
      { name: 'kmod_list_next', version: 'LIBKMOD_5', type: 'FUNC', weak: false },
      { name: '__gmon_start__', type: 'NOTYPE', weak: true },
    ],
    exports: [
      { name: 'environ', version: 'GLIBC_2.2.5', type: 'OBJECT', weak: true },
      { name: 'vector', version: 'VECTORS_1', type: 'FUNC', weak: false },
    ],
  });
});

it('reads the soname of a library', () => {
  const text = ' 0x000000000000000e (SONAME)             Library soname: [libkmod.so.2]\n';
  expect(parseElf(text)).toEqual({ soname: 'libkmod.so.2', needed: [], imports: [], exports: [] });
});
