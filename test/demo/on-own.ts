import type { LocalCluster } from './local-cluster.ts';
import { imagesOf, pauseImage, targetManifest } from './own-images.ts';
import { ask, runQuietly, say } from './programs.ts';
import { show, showStress, showWhatIsLeft } from './show.ts';

const namespace = 'kubectl-chaos-demo';

/** On a local cluster of the user's own, in a namespace that is made for it and deleted afterwards. */
export async function onOwn(cluster: LocalCluster, env: NodeJS.ProcessEnv): Promise<number> {
  const connection = { flags: ['--context', cluster.context, '-n', namespace], env };
  const kubectl = (...args: string[]) => ask(['kubectl', '--context', cluster.context, ...args], env);
  const images = imagesOf(JSON.parse(kubectl('get', 'nodes', '-o', 'json').stdout));
  if ((await runQuietly('building the plugin', ['npm', 'run', '--silent', 'build'], env)).status !== 0) return 1;
  const made = kubectl('create', 'namespace', namespace);
  if (made.status !== 0) {
    process.stderr.write(`${made.stderr}It is the demo's own: if an earlier one has left it, delete it.\n`);
    return 1;
  }
  try {
    say('a target: the pause program, no shell, limits of 500m CPU and 128Mi memory');
    const manifest = JSON.stringify(targetManifest(pauseImage(images)));
    const applied = ask(['kubectl', ...connection.flags, 'apply', '-f', '-'], env, manifest);
    process.stdout.write(`${applied.stdout}${applied.stderr}`);
    if (applied.status !== 0) return 1;
    const ready = await show(connection, 'kubectl', 'wait', '--for=condition=Ready', 'pod/web', '--timeout=120s');
    if (ready !== 0) return 1;
    const status = await showStress(connection, 'pod/web', say);
    say('what is left');
    await showWhatIsLeft(connection);
    return status;
  } finally {
    await runQuietly(
      `deleting namespace ${namespace}`,
      ['kubectl', '--context', cluster.context, 'delete', 'namespace', namespace],
      env,
    );
  }
}
