/**
 * npm test [-- PART…], npm run test:all: the parts named, each by its own runner, one after the other; the last line counts over all of them. CONTRIBUTING.md says what each needs.
 */
import { dirname, join } from 'node:path';
import { nodeLock, unpackNextNode } from '../krew/node.ts';
import { makeClustersAside } from './support/bring-up.ts';
import { type Count, close, repository, run, runCounted, sum } from './support/counts.ts';
import { type Part, partsOf } from './support/parts.ts';

const script = (name: string) => ['npm', 'run', '--silent', name];

/** Types, lint, format and what is not used: one test, since the tools do not count. */
async function check(): Promise<Count> {
  const { status } = await run(script('check'));
  return { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0 };
}

/** In CI on the next Node as well: the one that is shipped ends in April 2027. */
async function unit(): Promise<Count> {
  const counts = [await runCounted(script('test:unit'))];
  if (process.env.CI === 'true' && process.platform === 'linux' && process.arch === 'x64') {
    const { node } = unpackNextNode(join(repository, 'build/next-node'));
    process.stdout.write(`\n-- unit on Node ${nodeLock.next.version}\n`);
    counts.push(
      await runCounted([node, 'node_modules/vitest/vitest.mjs', 'run', '--config', 'test/vitest.config.ts'], {
        PATH: `${dirname(node)}:${process.env.PATH}`,
      }),
    );
  }
  return sum(counts);
}

const runners: Record<Part, () => Promise<Count>> = {
  check,
  unit,
  native: () => runCounted(script('test:native')),
  e2e: () => runCounted(script('test:e2e')),
};

async function runParts(meant: readonly Part[]): Promise<void> {
  // Before the unit tests, which need kubectl in CI; not for a cluster of the user's own.
  if (meant.includes('e2e') && !process.env.CHAOS_TEST_KUBECONFIG) {
    await run(['test/cluster/cluster', 'install']);
    makeClustersAside();
  }
  const counts: Count[] = [];
  const table: string[] = [];
  for (const part of meant) {
    process.stdout.write(`\n== ${part}\n`);
    const began = Date.now();
    const count = await runners[part]();
    counts.push(count);
    const seconds = Math.round((Date.now() - began) / 1_000);
    table.push(
      `== ${part.padEnd(7)} ${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped in ${seconds} s`,
    );
  }
  process.stdout.write(`\n${table.join('\n')}\n`);
  close(sum(counts));
}

try {
  await runParts(partsOf(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 2;
}
