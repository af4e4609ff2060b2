/**
 * npm test: everything, each part by its own runner; the last line counts over all of them. An emulated machine takes its time: what runs on it runs beside
 * all the rest, by what that leaves of the CPUs, and is shown at the end.
 */
import { type Count, close, run, runAside, runCounted, sum } from './support/counts.ts';

type Part = readonly [name: string, count: () => Promise<Count>];

const isOwnCluster = Boolean(process.env.CHAOS_TEST_KUBECONFIG);
const script = (name: string) => ['npm', 'run', '--silent', name];
const table: string[] = [];
const counts: Count[] = [];

/** Types, lint and format: one test, since the tools do not count. */
async function check(): Promise<Count> {
  const { status } = await run(script('check'));
  return { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0 };
}

async function runPart([name, count]: Part): Promise<void> {
  process.stdout.write(`\n== ${name}\n`);
  const began = Date.now();
  const { passed, failed, skipped } = await count();
  counts.push({ passed, failed, skipped });
  const seconds = Math.round((Date.now() - began) / 1_000);
  table.push(`== ${name.padEnd(8)} ${passed} passed, ${failed} failed, ${skipped} skipped in ${seconds} s`);
}

const before: readonly Part[] = [
  ['check', check],
  ['unit', () => runCounted(script('test:unit'))],
  ['native', () => runCounted(script('test:native'))],
];

if (isOwnCluster) {
  for (const part of [...before, ['e2e', () => runCounted(script('test:e2e'))] as const]) await runPart(part);
} else {
  // What both sides need comes first: two installations, or two builds, would get into each other's way.
  await run(['test/cluster/cluster', 'install']);
  await run(script('build'));
  const onVm = runAside(['nice', '-n', '10', 'node', 'test/e2e/run.ts', 'vm'], 'build/e2e-vm.log');
  for (const part of before) await runPart(part);
  await runPart(['e2e host', () => runCounted(['node', 'test/e2e/run.ts', 'host'])]);
  await runPart(['e2e vm', onVm]);
}
process.stdout.write(`\n${table.join('\n')}\n`);
close(sum(counts));
