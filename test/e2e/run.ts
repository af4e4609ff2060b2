/**
 * npm run test:e2e [-- host|vm …] [vitest arguments]: the end-to-end tests on real clusters, one after the other: an emulated machine takes a whole CPU even when nothing runs on it.
 * CHAOS_TEST_KUBECONFIG: on a cluster of the user's own instead. CHAOS_KEEP_CLUSTER: leave it up afterwards.
 */
import { bringUp, takeDown } from '../support/bring-up.ts';
import { type Count, close, runCounted, sum } from '../support/counts.ts';

const own = process.env.CHAOS_TEST_KUBECONFIG;
const words = process.argv.slice(2);
const isCluster = (word: string) => word === 'host' || word === 'vm';
const named = words.filter(isCluster);
const rest = words.filter((word) => !isCluster(word));
const kinds = own ? ['own'] : named.length > 0 ? named : ['vm', 'host'];
/** Under emulation a pod takes ten times as long: there, what cgroup v2 and netem make different. */
const filesOnVm = ['g1-effective', 'v2-', 'net-shaping'];
/** The host cluster has cgroup v1, and its kernel no netem. */
const notOnHost = ['--exclude', 'test/e2e/v2-*', '--exclude', 'test/e2e/net-shaping*'];

async function testOn(kind: string): Promise<Count> {
  const kubeconfig = await bringUp(kind === 'own' ? 'host' : kind);
  if (!kubeconfig) {
    process.stdout.write(`the ${kind} cluster did not come up\n`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const files = rest.length > 0 ? rest : kind === 'vm' ? filesOnVm : kind === 'host' ? notOnHost : [];
  const count = await runCounted(
    ['node', 'node_modules/vitest/vitest.mjs', 'run', '--config', 'test/e2e/vitest.config.ts', ...files],
    { CHAOS_E2E_KUBECONFIG: kubeconfig, CHAOS_E2E_CLUSTER: kind },
  );
  if (kind !== 'own') await takeDown(kind);
  return count;
}

const counts: Count[] = [];
for (const kind of kinds) {
  process.stdout.write(`\n-- e2e on ${kind}\n`);
  counts.push(await testOn(kind));
}
close(sum(counts));
