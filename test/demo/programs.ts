import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { repository as root } from '../support/counts.ts';
import { Progress } from './progress.ts';

export { root };

/** Ctrl-C goes to the program in the foreground, and then to what takes everything down again. */
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interrupted = true;
  });
}

export const isInterrupted = () => interrupted;

export function say(text: string): void {
  if (!interrupted) process.stdout.write(`\n# ${text}\n`);
}

/** Runs a program with this terminal, unless the demo was interrupted; its exit code. */
export function run([program, ...args]: readonly [string, ...string[]], env: NodeJS.ProcessEnv): Promise<number> {
  if (interrupted) return Promise.resolve(130);
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, env, stdio: 'inherit' });
    child.on('error', () => resolve(127));
    child.on('close', (code) => resolve(code ?? 1));
  });
}

/** What a program prints, and its exit code; for those that answer at once. */
export function ask([program, ...args]: readonly [string, ...string[]], env: NodeJS.ProcessEnv, input = '') {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: root, env, encoding: 'utf8', input });
  return { status: status ?? 127, stdout: stdout ?? '', stderr: stderr ?? '' };
}

/**
 * Runs a program whose words nobody wants to read as long as it succeeds: they are one line of progress, and come to light when it fails. Runs even when the demo was interrupted, so
 * that what was brought up can be taken down.
 */
export async function runQuietly(
  what: string,
  [program, ...args]: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv,
): Promise<{ status: number; stdout: string }> {
  const progress = new Progress(what);
  const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const said: string[] = [];
  let stdout = '';
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      said.push(line);
      if (stream === child.stdout) stdout += `${line}\n`;
      if (stream === child.stderr) progress.line(line);
    });
  }
  const status = await new Promise<number>((resolve) => {
    child.on('error', () => resolve(127));
    child.on('close', (code) => resolve(code ?? 1));
  });
  progress.end(what, status === 0);
  if (status !== 0) process.stderr.write(`${said.slice(-30).join('\n')}\n`);
  return { status, stdout };
}
