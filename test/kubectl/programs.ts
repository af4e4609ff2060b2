import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleOptions } from '../../krew/bundle.ts';

/** A program as it is started: it and its first words. */
export type Program = readonly [string, ...string[]];

/** What became of one process. `code` is null when it had to be ended. */
export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** kubectl 1.36, or why it is not to be had; where it must be, in CI, that is an error. */
export function findKubectl(): { path: string } | { why: string } {
  const fetched = spawnSync(fileURLToPath(new URL('fetch-kubectl', import.meta.url)), { encoding: 'utf8' });
  if (fetched.status === 0) return { path: fetched.stdout.trim() };
  const why = fetched.stderr.trim().split('\n').at(-1) ?? '';
  if (process.env.CI === 'true' || fetched.status !== 3) throw new Error(`kubectl 1.36 is needed: ${fetched.stderr}`);
  return { why };
}

/** Bundles the plugin into the folder, without the shim, which no row here sends anywhere. */
export async function bundle(folder: string): Promise<Program> {
  const entry = fileURLToPath(new URL('../../src/bin.ts', import.meta.url));
  await build(bundleOptions(entry, folder, { version: '0.0.0', commit: 'test' }));
  return [process.execPath, `${folder}/chaos.cjs`];
}

/** Runs it with an empty standard input and nothing of our own environment but PATH; `signal` ends it. */
export function runProgram(
  [program, ...first]: Program,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd: string,
  signal: AbortSignal,
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(
      program,
      [...first, ...args],
      { cwd, env: { PATH: process.env.PATH, ...env }, signal, timeout: 150_000, killSignal: 'SIGKILL' },
      (error, stdout, stderr) => {
        const code = error ? (typeof error.code === 'number' ? error.code : null) : 0;
        resolve({ code, stdout, stderr });
      },
    );
    child.stdin?.end();
  });
}

/** The version that it says it is of, as `v1.36.4`. */
export function versionOf(kubectl: string, home: string): string {
  const text = execFileSync(kubectl, ['version', '--client', '-o', 'json'], {
    encoding: 'utf8',
    env: { HOME: home },
  });
  return (JSON.parse(text) as { clientVersion: { gitVersion: string } }).clientVersion.gitVersion;
}
