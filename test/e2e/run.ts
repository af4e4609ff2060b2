/**
 * npm run test:e2e [-- host|vm …] [vitest arguments]: the end-to-end tests on real clusters, one after the other: an emulated machine takes a whole CPU even when nothing runs on it.
 * CHAOS_TEST_KUBECONFIG: on a cluster of the user's own instead. CHAOS_KEEP_CLUSTER: leave it up afterwards.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bootAside, bringUp, isHealthy, takeDown } from '../support/bring-up.ts';
import { type Count, close, repository, runCounted, sum } from '../support/counts.ts';
import { toolsImage } from '../support/tools-image.ts';

const own = process.env.CHAOS_TEST_KUBECONFIG;
const args = process.argv.slice(2);
const isCluster = (word: string) => word === 'host' || word === 'vm';
const clusters = args.filter(isCluster);
const rest = args.filter((word) => !isCluster(word));
const kinds = own ? ['own'] : clusters.length > 0 ? clusters : ['host', 'vm'];

const all = globSync('test/e2e/*.test.ts', { cwd: repository }).sort();
const without = (files: readonly string[]) => files.flatMap((file) => ['--exclude', file]);
const named = (...names: string[]) => all.filter((file) => names.some((name) => file.startsWith(`test/e2e/${name}`)));
/** The files that say of themselves that they may run beside others (support/suite.ts). */
const beside = all.filter((file) => readFileSync(join(repository, file), 'utf8').includes('BesideOthers('));
interface Run {
  /** What vitest is told. */
  words: readonly string[];
  env?: NodeJS.ProcessEnv | undefined;
}

/**
 * Under emulation a pod takes ten times as long, and so does sending tools: there, what cgroup v2 and netem make different, on the image that has the
 * tools but for a test that says so.
 */
const onVm: readonly Run[] = [
  { words: ['g1-effective', 'v2-', 'net-shaping'], env: { KUBECTL_CHAOS_IMAGE: toolsImage } },
];
/**
 * The host cluster has cgroup v1, and its kernel no netem. The kill matrix is a run of its own at the end: it mostly waits and measures nothing, so that the emulated machine can boot beside it.
 */
const onHost: readonly Run[] = [
  { words: [...beside, '--fileParallelism', '--maxWorkers=3'] },
  { words: without([...beside, ...named('v2-', 'net-shaping', 'kill-matrix', 'many-nodes')]) },
  { words: ['kill-matrix'] },
  // It adds nodes to the cluster, which stay until that is taken down.
  { words: ['many-nodes'] },
];

function runsOn(kind: string): readonly Run[] {
  if (rest.length > 0) return [{ words: rest }];
  return kind === 'vm' ? onVm : kind === 'host' ? onHost : [{ words: [] }];
}

async function testOn(kind: string, next: string | undefined): Promise<Count> {
  const counts: Count[] = [];
  for (const { words, env } of runsOn(kind)) {
    if (next === 'vm' && words.includes('kill-matrix')) bootAside(next);
    counts.push(await runOn(kind, { words, env }));
  }
  if (kind !== 'own') await takeDown(kind);
  return sum(counts);
}

/** An emulated machine stands still for good now and then, whatever runs on it: what it has answered then says nothing of the tests, which run again on a new one, once. */
async function runOn(kind: string, tests: Run): Promise<Count> {
  const count = await tryOn(kind, tests);
  if (kind !== 'vm' || count.failed === 0) return count;
  // It answers within ten seconds, or is asked again: a busy one is no hung one.
  for (let asked = 0; asked < 3; asked++) if (await isHealthy(kind)) return count;
  process.stdout.write('the virtual machine stands still: its tests once more, on a new one\n');
  await takeDown(kind);
  return tryOn(kind, tests);
}

async function tryOn(kind: string, { words, env }: Run): Promise<Count> {
  const kubeconfig = await bringUp(kind === 'own' ? 'host' : kind);
  if (!kubeconfig) {
    process.stdout.write(`the ${kind} cluster did not come up\n`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  return runCounted(
    ['node', 'node_modules/vitest/vitest.mjs', 'run', '--config', 'test/e2e/vitest.config.ts', ...words],
    { ...env, CHAOS_E2E_KUBECONFIG: kubeconfig, CHAOS_E2E_CLUSTER: kind },
  );
}

const counts: Count[] = [];
for (const [index, kind] of kinds.entries()) {
  process.stdout.write(`\n-- e2e on ${kind}\n`);
  counts.push(await testOn(kind, kinds[index + 1]));
}
close(sum(counts));
