import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { Architecture } from './parts.ts';

export const compilers: Readonly<Record<Architecture, string>> = {
  amd64: process.arch === 'x64' ? 'gcc' : 'x86_64-linux-gnu-gcc',
  arm64: process.arch === 'arm64' ? 'gcc' : 'aarch64-linux-gnu-gcc',
};

const flags = [
  ...['-shared', '-nostdlib', '-s', '-Os', '-fPIC', '-std=c11', '-Wall', '-Wextra', '-Werror'],
  // The same bit by bit wherever it is built.
  ...['-fno-ident', '-fno-asynchronous-unwind-tables', '-fno-stack-protector', '-Wl,--build-id=none'],
  // As small as a file can be, that kernels with pages of 64 KiB take as well.
  ...[
    '-Wl,--hash-style=gnu',
    '-Wl,-z,noseparate-code',
    '-Wl,-z,norelro',
    '-Wl,-z,noexecstack',
    '-Wl,-z,max-page-size=65536',
  ],
];

/** Makes `file`, a library of this soname whose functions (`NAME` or `NAME@VERSION`) all say that it is left out, and end the process. */
export function makeStub(
  file: string,
  soname: string,
  symbols: readonly string[],
  purpose: string,
  architecture: Architecture,
): void {
  writeFileSync(`${file}.c`, sourceOf(soname, symbols, purpose));
  writeFileSync(`${file}.map`, versionsOf(symbols));
  const words = [...flags, `-Wl,-soname,${soname}`, `-Wl,--version-script=${file}.map`, '-o', file, `${file}.c`];
  execFileSync(compilers[architecture], words, { stdio: ['ignore', 'inherit', 'inherit'] });
}

/** The status is EXIT_NOT_IMPLEMENTED of stress-ng, which then says that it skips the stressor; of the other programs it is a failure. */
export function sourceOf(soname: string, symbols: readonly string[], purpose: string): string {
  const message = `${soname} is needed for ${purpose}, and is not in the toolbox of kubectl chaos: name an image that has it with --image\\n`;
  const names = [...new Set(symbols.map((symbol) => symbol.split('@')[0] ?? ''))];
  if (names.length !== symbols.length) throw new Error(`${soname} cannot be left out: it has a symbol in two versions`);
  return `#include <unistd.h>
static const char message[] = "${message}";
static __attribute__ ((used)) void missing (void)
{
  (void) !write (2, message, sizeof message - 1);
  _exit (4);
}
${names.map((name) => `void ${name} (void) __attribute__ ((alias ("missing")));`).join('\n')}
`;
}

/** A version script of the linker: https://sourceware.org/binutils/docs/ld/VERSION.html */
export function versionsOf(symbols: readonly string[]): string {
  const versions = new Map<string, string[]>();
  for (const symbol of symbols) {
    const [name = '', version = ''] = symbol.split('@');
    versions.set(version, [...(versions.get(version) ?? []), name]);
  }
  // A script cannot have symbols with a version and others without one.
  if (versions.has('') && versions.size > 1) throw new Error('symbols with and without a version in one library');
  if (versions.size === 0) return '{ local: *; };\n';
  const nodes = [...versions].map(
    ([version, names], i) => `${version} { global: ${names.join('; ')};${i === 0 ? ' local: *;' : ''} };\n`,
  );
  return nodes.join('');
}
