/**
 * npm run demo [-- --yes] [host|vm]: runs the main job on a cluster and shows what it did. The cluster is a sandbox that is brought up and taken down again or, with --yes, a running
 * kind, k3d or minikube cluster of the user's own. The kubeconfig is read to find one; it is never written, and no other context is ever used.
 */
import { choose, parseArguments, type Sandbox } from './choice.ts';
import { type LocalCluster, localClusters } from './local-cluster.ts';
import { onOwn } from './on-own.ts';
import { onSandbox } from './on-sandbox.ts';
import { ask, root, say } from './programs.ts';

const env: NodeJS.ProcessEnv = { ...process.env, PATH: `${root}dist:${process.env.PATH}` };

/** Those that answer, and have a node that is ready. */
function runningClusters(): LocalCluster[] {
  const { status, stdout } = ask(['kubectl', 'config', 'view', '-o', 'json'], env);
  if (status !== 0) return [];
  const ready = 'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}';
  return localClusters(JSON.parse(stdout)).filter(({ context }) =>
    ask(['kubectl', '--context', context, '--request-timeout=3s', 'get', 'nodes', '-o', ready], env).stdout.includes(
      'True',
    ),
  );
}

function can(kind: Sandbox) {
  const { status, stdout, stderr } = ask([`${root}test/cluster/cluster`, 'can', kind], {
    ...env,
    KUBECONFIG: undefined,
  });
  return { possible: status === 0, why: `${stdout}${stderr}`.trim() };
}

async function demo(words: readonly string[]): Promise<number> {
  const asked = parseArguments(words);
  if (process.env.CHAOS_TEST_KUBECONFIG) {
    // Neither brought up nor taken down by the script that does so else.
    say(`on the cluster of ${process.env.CHAOS_TEST_KUBECONFIG}`);
    return onSandbox('host', { ...env, KUBECONFIG: undefined });
  }
  const running = asked.sandbox ? [] : runningClusters();
  const choice = choose(asked, running, can);
  if (choice.on === 'nothing') {
    process.stderr.write(`The demo is not possible here.\n${choice.why}\n`);
    return 1;
  }
  say(`on ${choice.why}`);
  if (choice.on === 'own') return onOwn(choice.cluster, env);
  if (choice.hint) say(choice.hint);
  return onSandbox(choice.on, { ...env, KUBECONFIG: undefined });
}

try {
  process.exitCode = await demo(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 2;
}
