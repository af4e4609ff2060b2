import { arch, platform } from 'node:os';

/** Which build of this command it is. */
export interface Build {
  version: string;
  /** Of git, whole or abbreviated; absent: not known. */
  commit?: string;
}

/** Go's names for what Node calls otherwise, as far as Node runs there: https://go.dev/doc/install/source#environment */
const goNames: Readonly<Record<string, string>> = { win32: 'windows', x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };

/**
 * `kubectl-chaos/VERSION (OS/ARCHITECTURE) COMMIT`, in Go's words, as kubectl has it: client-go's rest.DefaultKubernetesUserAgent, which gives seven
 * digits of the commit. `os` and `architecture` are Node's.
 */
export function userAgent(build: Partial<Build> = {}, os: string = platform(), architecture: string = arch()): string {
  const { version = 'unknown', commit = 'unknown' } = build;
  return `kubectl-chaos/${version} (${goNames[os] ?? os}/${goNames[architecture] ?? architecture}) ${commit.slice(0, 7)}`;
}
