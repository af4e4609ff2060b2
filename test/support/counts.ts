import { spawn } from 'node:child_process';
import { mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a runner's closing lines say. */
export interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

export const repository = fileURLToPath(new URL('../..', import.meta.url));

/** Runs a program in the repository with its output passed on; stdout is also returned. */
export async function run(
  [program = '', ...args]: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ status: number; stdout: string }> {
  const child = spawn(program, args, {
    cwd: repository,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => {
    process.stdout.write(chunk);
    stdout += chunk.toString();
  });
  const status = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
  return { status, stdout };
}

/** Starts a program whose output goes into a file of the repository, and whose end nobody has to wait for; never rejects. */
export function runAside([program = '', ...args]: readonly string[], log: string): Promise<void> {
  const path = `${repository}${log}`;
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(path, 'w');
  const child = spawn(program, args, { cwd: repository, stdio: ['ignore', file, file] });
  return new Promise((resolve) => {
    child.on('error', () => resolve());
    child.on('close', () => resolve());
  });
}

/** Runs a test runner and counts: our own closing line, else vitest's. A runner that fails without a failed test, or runs none, counts as one failed. */
export async function runCounted(command: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Count> {
  const { status, stdout } = await run(command, env);
  const count = counted(stdout);
  if (status !== 0 && count.failed === 0) return { ...count, failed: 1 };
  if (status === 0 && count.passed === 0) {
    process.stdout.write(`${command.join(' ')}: ended without having run a test\n`);
    return { ...count, failed: count.failed + 1 };
  }
  return count;
}

function counted(output: string): Count {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: vitest colours its summary
  const text = output.replace(/\u001b\[[0-9;]*m/g, '');
  const own = [...text.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm)].at(-1);
  if (own) return { passed: Number(own[1]), failed: Number(own[2]), skipped: Number(own[3] ?? 0) };
  const summary = [...text.matchAll(/^\s*Tests\s+(.*)$/gm)].at(-1)?.[1] ?? '';
  const number = (word: string) => Number(new RegExp(`(\\d+) ${word}`).exec(summary)?.[1] ?? 0);
  return { passed: number('passed'), failed: number('failed'), skipped: number('skipped') };
}

export function sum(counts: readonly Count[]): Count {
  return counts.reduce(
    (total, count) => ({
      passed: total.passed + count.passed,
      failed: total.failed + count.failed,
      skipped: total.skipped + count.skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  );
}

/** The last line of a run, and its exit code. In CI a skip of what should run is a failure. */
export function close(total: Count): void {
  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
  process.stdout.write(`${total.passed} passed, ${total.failed} failed${skipped}\n`);
  process.exitCode = total.failed > 0 ? 1 : 0;
}
