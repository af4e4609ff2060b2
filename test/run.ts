/**
 * npm test: everything, each part by its own runner, one after the other; the last line counts over all of them.
 */
import { type Count, close, run, runAside, runCounted, sum } from './support/counts.ts';

const script = (name: string) => ['npm', 'run', '--silent', name];

/** Types, lint and format: one test, since the tools do not count. */
async function check(): Promise<Count> {
  const { status } = await run(script('check'));
  return { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0 };
}

/**
 * The emulated machine takes minutes to boot, and with a cold cache Kubernetes takes some more to build: by what the native part, which mostly waits, leaves of the CPUs. Should it
 * fail, the e2e part brings the machine up itself, and says what is wrong. On a cluster of the user's own there is none.
 */
async function native(): Promise<Count> {
  const cluster = 'test/cluster/cluster';
  if (!process.env.CHAOS_TEST_KUBECONFIG) {
    // Its packages first: two installations at once would wait for each other.
    await run([cluster, 'install']);
    void runAside(['nice', '-n', '19', cluster, 'up', 'vm'], 'build/vm-boot.log');
  }
  return runCounted(script('test:native'));
}

const parts: readonly (readonly [string, () => Promise<Count>])[] = [
  ['check', check],
  ['unit', () => runCounted(script('test:unit'))],
  ['native', native],
  ['e2e', () => runCounted(script('test:e2e'))],
];

const counts: Count[] = [];
const table: string[] = [];
for (const [name, part] of parts) {
  process.stdout.write(`\n== ${name}\n`);
  const began = Date.now();
  const count = await part();
  counts.push(count);
  const seconds = Math.round((Date.now() - began) / 1_000);
  table.push(
    `== ${name.padEnd(7)} ${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped in ${seconds} s`,
  );
}
process.stdout.write(`\n${table.join('\n')}\n`);
close(sum(counts));
